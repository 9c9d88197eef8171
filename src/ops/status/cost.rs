//! What a lake costs a month, estimated from what is in it. Whole nano-dollars: no float comes near money.

use std::fmt;

use super::Volume;

/// An amount of US dollars, exact to a thousand-millionth.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Money {
    nano_dollars: u128,
}

/// What the unit prices are those of.
pub const PRICE_LIST: &str = "Amazon S3 in us-east-1, list prices of 2026 without a free tier";

const GIB: u128 = 1 << 30;
/// A month of a bill.
const DAYS: u64 = 30;

/// Where a lake is, as far as that has a price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A directory.
    Directory,
    /// A bucket of AWS, with the storage class of new objects.
    Aws {
        /// As S3 calls it: `STANDARD`.
        storage_class: String,
    },
    /// A bucket of somebody else's server.
    Elsewhere,
}

/// What a lake costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cost {
    /// Nothing: it is on this machine.
    Free,
    /// Nobody can tell.
    Unknown {
        /// Why.
        why: String,
    },
    /// As much as this.
    Estimate(Estimate),
}

/// What storage and puts cost a month, and by which unit prices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Estimate {
    /// The storage class whose prices these are.
    pub storage_class: String,
    /// What a GiB costs a month.
    pub gib_month: Money,
    /// What 1,000 PUT requests cost.
    pub thousand_puts: Money,
    /// Bytes that are paid for.
    pub billed_bytes: u64,
    /// What they cost a month.
    pub storage: Money,
    /// PUT requests in 30 days, as many as in the days before; `None` while the lake is younger than a day.
    pub puts: Option<u64>,
    /// What they cost.
    pub requests: Option<Money>,
}

/// Objects that were put in ended days.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Recent {
    pub(super) objects: u64,
    pub(super) days: u64,
}

struct UnitPrices {
    storage_class: &'static str,
    gib_month: Money,
    thousand_puts: Money,
    /// Whether an object is paid for as 128 KiB at least.
    has_least: bool,
}

const fn micro_dollars(micro_dollars: u128) -> Money {
    Money { nano_dollars: micro_dollars * 1_000 }
}

const fn unit(
    storage_class: &'static str,
    gib_month: u128,
    thousand_puts: u128,
    has_least: bool,
) -> UnitPrices {
    let (gib_month, thousand_puts) = (micro_dollars(gib_month), micro_dollars(thousand_puts));
    UnitPrices { storage_class, gib_month, thousand_puts, has_least }
}

const UNIT_PRICES: [UnitPrices; 4] = [
    unit("STANDARD", 23_000, 5_000, false),
    unit("STANDARD_IA", 12_500, 10_000, true),
    unit("ONEZONE_IA", 10_000, 10_000, true),
    unit("GLACIER_IR", 4_000, 20_000, true),
];

impl Cost {
    pub(super) fn of(place: &Place, volume: Volume, recent: Recent) -> Self {
        let unknown = |why: String| Self::Unknown { why };
        let class = match place {
            Place::Directory => return Self::Free,
            Place::Elsewhere => return unknown("the prices of this server are not known here".to_owned()),
            Place::Aws { storage_class } => storage_class,
        };
        let Some(prices) = UNIT_PRICES.iter().find(|prices| prices.storage_class == class) else {
            return unknown(format!("the prices of storage class {class} are not known here"));
        };
        let billed_bytes = if prices.has_least { volume.at_least_128_kib } else { volume.bytes };
        let puts = (recent.objects * DAYS).checked_div(recent.days);
        Self::Estimate(Estimate {
            storage_class: class.clone(),
            gib_month: prices.gib_month,
            thousand_puts: prices.thousand_puts,
            billed_bytes,
            storage: prices.gib_month.times(u128::from(billed_bytes), GIB),
            puts,
            requests: puts.map(|puts| prices.thousand_puts.times(u128::from(puts), 1_000)),
        })
    }
}

impl Estimate {
    /// All together, as far as it is known.
    pub fn total(&self) -> Money {
        let requests = self.requests.unwrap_or_default();
        Money { nano_dollars: self.storage.nano_dollars + requests.nano_dollars }
    }
}

impl Money {
    /// `self × count ÷ unit`, rounded up: an estimate should not flatter.
    fn times(self, count: u128, unit: u128) -> Self {
        Self { nano_dollars: self.nano_dollars.saturating_mul(count).div_ceil(unit) }
    }

    /// The amount as a decimal number, exactly.
    pub fn exact(self) -> String {
        let (dollars, nano) = (self.nano_dollars / 1_000_000_000, self.nano_dollars % 1_000_000_000);
        let decimals = format!("{nano:09}");
        let decimals = decimals.trim_end_matches('0');
        if decimals.is_empty() { dollars.to_string() } else { format!("{dollars}.{decimals}") }
    }
}

/// `USD 1.24`, in cents and rounded up.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cents = self.nano_dollars.div_ceil(10_000_000);
        write!(f, "USD {}.{:02}", cents / 100, cents % 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standard(bytes: u64, recent: Recent) -> Estimate {
        let place = Place::Aws { storage_class: "STANDARD".to_owned() };
        let volume = Volume { objects: 1, bytes, at_least_128_kib: bytes };
        match Cost::of(&place, volume, recent) {
            Cost::Estimate(estimate) => estimate,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn storage_and_puts_are_reckoned_exactly_and_shown_in_cents() {
        let estimate = standard(100 << 30, Recent { objects: 7_000, days: 7 });
        assert_eq!(
            (estimate.storage.exact().as_str(), estimate.storage.to_string()),
            ("2.3", "USD 2.30".to_owned())
        );
        assert_eq!(estimate.puts, Some(30_000));
        assert_eq!(estimate.requests.unwrap().exact(), "0.15");
        assert_eq!(estimate.total().to_string(), "USD 2.45");
        assert_eq!(estimate.thousand_puts.exact(), "0.005");
    }

    #[test]
    fn a_lake_younger_than_a_day_has_no_known_rate_of_puts() {
        let estimate = standard(1, Recent { objects: 90, days: 0 });
        assert_eq!((estimate.puts, estimate.requests), (None, None));
        assert_eq!(estimate.total().to_string(), "USD 0.01", "rounded up, never to nothing");
    }

    #[test]
    fn small_objects_count_for_more_where_they_do() {
        let mut volume = Volume::default();
        volume.add(1);
        volume.add(1 << 20);
        let place = Place::Aws { storage_class: "GLACIER_IR".to_owned() };
        let Cost::Estimate(estimate) = Cost::of(&place, volume, Recent::default()) else { panic!() };
        assert_eq!(estimate.billed_bytes, (128 << 10) + (1 << 20));
    }

    #[test]
    fn what_has_no_known_price_is_unknown_and_a_directory_is_free() {
        let cost = |place: &Place| Cost::of(place, Volume::default(), Recent::default());
        assert_eq!(cost(&Place::Directory), Cost::Free);
        assert!(matches!(cost(&Place::Elsewhere), Cost::Unknown { .. }));
        let odd = Place::Aws { storage_class: "OUTPOSTS".to_owned() };
        assert!(matches!(cost(&odd), Cost::Unknown { why } if why.contains("OUTPOSTS")));
    }

    #[test]
    fn money_does_not_overflow() {
        let estimate = standard(u64::MAX, Recent { objects: u64::MAX / 30, days: 1 });
        assert!(estimate.total().exact().len() < 40);
    }
}
