//! Amounts of money as whole numbers: no price of the market ever passes through a float.

/// An amount in 10⁻¹⁰ of its currency, the finest step that the AWS price list prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Money(u64);

const SCALE: u64 = 10_000_000_000;
const PER_MICRO: u64 = 10_000;

impl Money {
    /// Nothing: what a reserved instance's hours cost once it is paid for.
    pub(crate) const ZERO: Self = Self(0);

    /// An amount in millionths.
    pub(crate) const fn micros(micros: u64) -> Self {
        Self(micros * PER_MICRO)
    }

    /// An amount in 10⁻¹⁰.
    pub(crate) const fn tenths_of_nano(units: u64) -> Self {
        Self(units)
    }

    /// `self × numerator / denominator`, rounded to the nearest millionth.
    pub(crate) fn times(self, numerator: u64, denominator: u64) -> Self {
        let exact = u128::from(self.0) * u128::from(numerator) / u128::from(denominator.max(1));
        let micros = (exact + u128::from(PER_MICRO / 2)) / u128::from(PER_MICRO);
        Self::micros(u64::try_from(micros).unwrap_or(u64::MAX / PER_MICRO))
    }

    /// `self × numerator / denominator`, in full precision.
    pub(crate) fn times_exactly(self, numerator: u64, denominator: u64) -> Self {
        let exact = u128::from(self.0) * u128::from(numerator) / u128::from(denominator.max(1));
        Self(u64::try_from(exact).unwrap_or(u64::MAX))
    }

    /// The sum.
    pub(crate) fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The amount rounded down to whole units: `1234` for an upfront fee.
    pub(crate) fn whole(self) -> u64 {
        self.0 / SCALE
    }

    /// Six decimals, as spot prices are written: `0.035000`.
    pub(crate) fn six_decimals(self) -> String {
        format!("{}.{:06}", self.0 / SCALE, self.0 % SCALE / PER_MICRO)
    }

    /// Ten decimals, as the AWS price list writes rates: `0.1480000000`.
    pub(crate) fn ten_decimals(self) -> String {
        format!("{}.{:010}", self.0 / SCALE, self.0 % SCALE)
    }

    /// As few decimals as it takes, one at least, as JSON numbers of the Azure listing: `0.1016`, `569.0`.
    pub(crate) fn shortest(self) -> String {
        let text = self.ten_decimals();
        let trimmed = text.trim_end_matches('0');
        if trimmed.ends_with('.') { format!("{trimmed}0") } else { trimmed.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_upstream_gets_its_own_notation() {
        let price = Money::micros(35_000);
        assert_eq!(price.six_decimals(), "0.035000");
        assert_eq!(price.ten_decimals(), "0.0350000000");
        assert_eq!(price.shortest(), "0.035");
        assert_eq!(Money::micros(569_000_000).shortest(), "569.0");
        assert_eq!(Money::tenths_of_nano(4_000).shortest(), "0.0000004");
        assert_eq!(Money::ZERO.shortest(), "0.0");
    }

    #[test]
    fn products_are_rounded_to_millionths() {
        assert_eq!(Money::micros(10).times(1, 3).six_decimals(), "0.000003");
        assert_eq!(Money::micros(96_000).times(1_070, 1_000).six_decimals(), "0.102720");
    }
}
