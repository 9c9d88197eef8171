//! Amounts as the tables have them: decimals with ten digits behind the point, exact. Never here: floats, currencies.

use std::fmt;

/// How many digits stand behind the point.
pub const SCALE: u32 = 10;
/// One, in units of the last digit.
const ONE: i128 = 10_i128.pow(SCALE);

/// A decimal number of at most `PRECISION` digits, of which ten stand behind the point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Decimal<const PRECISION: u32>(i128);

/// What one unit of something costs: `DECIMAL(20, 10)`. A price that is not known is no `Price`; [`Price::ZERO`] is free.
pub type Price = Decimal<20>;
/// How much of something, where a tier of prices begins or ends: `DECIMAL(38, 10)`. Tiers reach beyond the ten digits that
/// a price has before its point (15,000,000,000 requests).
pub type Quantity = Decimal<38>;

impl<const PRECISION: u32> Decimal<PRECISION> {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// So many units of the last digit; `None` when that has too many digits.
    pub fn from_units(units: i128) -> Option<Self> {
        (units.unsigned_abs() < 10_u128.pow(PRECISION)).then_some(Self(units))
    }

    /// The number in units of the last digit, as Parquet stores it.
    pub fn units(self) -> i128 {
        self.0
    }

    /// Reads a decimal number as prices are written: `0.0840000000`, `1234`, `1.0E-4`. `None` for what is no number
    /// and for what does not fit exactly: nothing is rounded.
    pub fn read(text: &str) -> Option<Self> {
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (number, exponent) = match text.split_once(['e', 'E']) {
            Some((number, exponent)) => (number, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
        if whole.is_empty() || fraction.is_empty() {
            return None;
        }
        // Zeros at the end say nothing, and would make a number that fits look too long.
        let fraction = fraction.trim_end_matches('0');
        let digits = whole.bytes().chain(fraction.bytes()).try_fold(0_i128, |all, byte| {
            let digit = byte.is_ascii_digit().then(|| i128::from(byte - b'0'))?;
            all.checked_mul(10)?.checked_add(digit)
        })?;
        let places = i32::try_from(SCALE).ok()?.checked_add(exponent)?;
        let units = scaled(digits, places.checked_sub(i32::try_from(fraction.len()).ok()?)?)?;
        Self::from_units(if negative { -units } else { units })
    }

    /// The sum; `None` when it has too many digits.
    pub fn plus(self, other: Self) -> Option<Self> {
        Self::from_units(self.0.checked_add(other.0)?)
    }

    /// So many times the number; `None` when that has too many digits.
    pub fn times(self, factor: i64) -> Option<Self> {
        Self::from_units(self.0.checked_mul(i128::from(factor))?)
    }

    /// The number divided by a whole one, to the nearest unit of the last digit, halves away from zero: for means and
    /// for shares of a total, which seldom come out even. `None` for a divisor that is not above zero.
    pub fn shared_among(self, parts: i64) -> Option<Self> {
        let parts = Some(i128::from(parts)).filter(|parts| *parts > 0)?;
        let nearest = (self.0.abs() + parts / 2) / parts;
        Self::from_units(nearest * self.0.signum())
    }
}

/// `digits × 10^places`, exactly.
fn scaled(digits: i128, places: i32) -> Option<i128> {
    if digits == 0 {
        return Some(0);
    }
    let power = 10_i128.checked_pow(places.unsigned_abs())?;
    if places >= 0 {
        return digits.checked_mul(power);
    }
    (digits % power == 0).then_some(digits / power)
}

/// Plainly, without zeros at the end: `0.084`, `1234`.
impl<const PRECISION: u32> fmt::Display for Decimal<PRECISION> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, fraction) = (self.0.abs() / ONE, self.0.abs() % ONE);
        let sign = if self.0 < 0 { "-" } else { "" };
        if fraction == 0 {
            return f.pad(&format!("{sign}{whole}"));
        }
        let fraction = format!("{fraction:010}");
        f.pad(&format!("{sign}{whole}.{}", fraction.trim_end_matches('0')))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_price_is_read_exactly_and_shown_plainly() {
        for (text, shown) in [
            ("0", "0"),
            ("0.0000000000", "0"),
            ("0.0840000000", "0.084"),
            ("0.035000", "0.035"),
            ("1234", "1234"),
            ("007.50", "7.5"),
            ("1.0E-4", "0.0001"),
            ("1.6e-05", "0.000016"),
            ("25007.0", "25007"),
            ("2.5E+4", "25000"),
            ("0.0000000001", "0.0000000001"),
            ("9999999999.9999999999", "9999999999.9999999999"),
            ("0.10000000000000000000", "0.1"),
            ("0e99", "0"),
            ("-0.5", "-0.5"),
        ] {
            assert_eq!(Price::read(text).map(|price| price.to_string()).as_deref(), Some(shown), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_or_does_not_fit_is_none() {
        for odd in [
            "",
            " ",
            ".5",
            "5.",
            "1,5",
            "+1",
            "1e",
            "1e1e1",
            "1.2.3",
            "0x1",
            "NaN",
            "N/A*",
            "٣",
            "--1",
            "1 ",
            "0.00000000001",
            "0.12345678901",
            "10000000000",
            "1e10",
            "1e-11",
            "1e2147483647",
            "1e-2147483648",
            "99999999999999999999999999999999999999999999",
        ] {
            assert_eq!(Price::read(odd), None, "{odd}");
        }
    }

    #[test]
    fn a_share_is_the_nearest_amount() {
        let price = |text| Price::read(text).unwrap();
        assert_eq!(price("1").shared_among(3), Price::read("0.3333333333"));
        assert_eq!(price("2").shared_among(3), Price::read("0.6666666667"));
        assert_eq!(price("-2").shared_among(3), Price::read("-0.6666666667"));
        assert_eq!(price("1").shared_among(0), None);
        assert_eq!(price("0.084").times(730), Price::read("61.32"));
        assert_eq!(price("9999999999").times(2), None);
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_back(units in -99_999_999_999_999_999_999_i128..=99_999_999_999_999_999_999) {
            let price = Price::from_units(units).unwrap();
            prop_assert_eq!(Price::read(&price.to_string()), Some(price));
        }

        #[test]
        fn zeros_at_either_end_and_exponents_change_nothing(whole in 0_u32..1_000_000, fraction in 0_u32..1_000_000, zeros in 0_usize..20) {
            let plain = Price::read(&format!("{whole}.{fraction:06}")).unwrap();
            let padded = format!("{}{whole}.{fraction:06}{}", "0".repeat(zeros), "0".repeat(zeros));
            prop_assert_eq!(Price::read(&padded), Some(plain));
            prop_assert_eq!(Price::read(&format!("{whole}{fraction:06}e-6")), Some(plain));
        }

        #[test]
        fn no_text_is_a_panic(text in "[-0-9.eE+]{0,40}") {
            let _ = Price::read(&text);
        }
    }
}
