//! A decimal number in eight bytes, exactly as the listing has it: what is remembered of a price. Pure.

use std::fmt;

/// `digits × 10^exponent` with up to 17 significant digits, as many as a JSON number that once was a double can have.
/// The last digit is none of zero, so that equal numbers are equal bits. Never negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Decimal(u64);

/// The low bits hold the exponent, from -64 to 63.
const EXPONENT_BITS: u32 = 7;
const LEAST_EXPONENT: i32 = -64;

impl Decimal {
    /// Reads a JSON number. `None` for what is no number, is negative, or does not fit: nothing is rounded.
    pub(super) fn read(json: &str) -> Option<Self> {
        let (number, exponent) = json.split_once(['e', 'E']).unwrap_or((json, "0"));
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() {
            return None;
        }
        let fraction = fraction.trim_end_matches('0');
        let leading = if fraction.is_empty() { whole.trim_end_matches('0') } else { whole };
        let digits = leading.bytes().chain(fraction.bytes()).try_fold(0_u64, |all, byte| {
            let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
            all.checked_mul(10)?.checked_add(digit)
        })?;
        let count = |digits: &str| i32::try_from(digits.len()).ok();
        let shifted = count(whole)? - count(leading)? - count(fraction)?;
        let exponent = exponent.parse::<i32>().ok()?.checked_add(shifted)?;
        let exponent = if digits == 0 { 0 } else { exponent };
        let exponent = u64::try_from(exponent.checked_sub(LEAST_EXPONENT)?).ok()?;
        let fits = digits < 1 << (u64::BITS - EXPONENT_BITS) && exponent < 1 << EXPONENT_BITS;
        fits.then_some(Self(digits << EXPONENT_BITS | exponent))
    }

    /// Whether it is nothing.
    pub(super) fn is_zero(self) -> bool {
        self.digits() == 0
    }

    /// Whether it is `times` times `other`, or more.
    pub(super) fn is_times(self, times: u8, other: Self) -> bool {
        // Where a product leaves the 39 digits of its type, the other side is far from it.
        let product = |number: Self, times: u128, power: u32| {
            times.saturating_mul(number.digits()).saturating_mul(10_u128.saturating_pow(power))
        };
        let apart = self.exponent() - other.exponent();
        let (raised, other_raised) =
            if apart > 0 { (apart.unsigned_abs(), 0) } else { (0, apart.unsigned_abs()) };
        product(self, 1, raised) >= product(other, times.into(), other_raised)
    }

    fn digits(self) -> u128 {
        u128::from(self.0 >> EXPONENT_BITS)
    }

    fn exponent(self) -> i32 {
        let mask = (1 << EXPONENT_BITS) - 1;
        i32::try_from(self.0 & mask).unwrap_or_default() + LEAST_EXPONENT
    }
}

/// Plainly, without an exponent: `0.000016`.
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (digits, exponent) = (self.digits().to_string(), self.exponent());
        let places = usize::try_from(exponent.unsigned_abs()).unwrap_or_default();
        if exponent >= 0 {
            return write!(f, "{digits}{}", "0".repeat(places));
        }
        let digits = format!("{digits:0>width$}", width = places + 1);
        let (whole, fraction) = digits.split_at(digits.len() - places);
        write!(f, "{whole}.{fraction}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(json: &str) -> Decimal {
        Decimal::read(json).unwrap_or_else(|| panic!("{json} is no decimal"))
    }

    #[test]
    fn a_number_is_read_exactly_and_shown_plainly() {
        for (json, shown) in [
            ("0", "0"),
            ("0.0", "0"),
            ("0E+5", "0"),
            ("0.376740", "0.37674"),
            ("1E-7", "0.0000001"),
            ("1.6e-05", "0.000016"),
            ("25007.0", "25007"),
            ("25000", "25000"),
            ("2.5E4", "25000"),
            ("0.10000000000000001", "0.10000000000000001"),
            ("99999999999999999", "99999999999999999"),
            ("1e63", "1000000000000000000000000000000000000000000000000000000000000000"),
        ] {
            assert_eq!(read(json).to_string(), shown, "{json}");
        }
        assert_eq!(read("10.0"), read("1e1"));
    }

    #[test]
    fn what_is_no_number_or_does_not_fit_is_none() {
        for odd in [
            "",
            ".5",
            "-1",
            "-0.0",
            "\"1\"",
            "null",
            "1e",
            "1e1e1",
            "1.2.3",
            "+1",
            "٣",
            "0.223456789012345678",
            "12345678901234567890",
            "1e64",
            "1e-65",
            "1e99999999999",
            "1.5e-2147483648",
            "10e2147483647",
        ] {
            assert_eq!(Decimal::read(odd), None, "{odd}");
        }
    }

    #[test]
    fn a_hundred_times_is_exactly_that() {
        for (more, less) in [("3.5", "0.0350"), ("100", "1"), ("1e63", "1e-64"), ("1e30", "0.3"), ("0", "0")]
        {
            assert!(read(more).is_times(100, read(less)), "{more} and {less}");
        }
        for (more, less) in
            [("3.4999", "0.035"), ("99.999999999999999", "1"), ("1e-64", "1e63"), ("0", "1e-64")]
        {
            assert!(!read(more).is_times(100, read(less)), "{more} and {less}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_back(digits in 0_u64..100_000_000_000_000_000, exponent in -40_i32..40) {
            let number = read(&format!("{digits}E{exponent}"));
            prop_assert_eq!(read(&number.to_string()), number);
        }

        #[test]
        fn it_compares_as_whole_numbers_do(one in 0_u64..1_000_000_000, other in 0_u64..1_000_000_000, exponent in -40_i32..40) {
            let (a, b) = (read(&format!("{one}E{exponent}")), read(&format!("{other}E{exponent}")));
            prop_assert_eq!(a.is_times(100, b), one >= other * 100);
            let (a, b) = (read(&format!("{one}000E{exponent}")), read(&format!("{other}E{}", exponent + 3)));
            prop_assert_eq!(a.is_times(1, b), one >= other);
        }

        #[test]
        fn text_is_read_as_the_number_that_it_is_or_not_at_all(text in "[0-9.eE+-]{0,30}") {
            let bits = |text: &str| text.parse::<f64>().unwrap().to_bits();
            if let Some(number) = Decimal::read(&text) {
                prop_assert_eq!(bits(&text), bits(&number.to_string()), "{} became {}", text, number);
            }
        }
    }
}
