//! Watches the rows of a listing for what a person should look at. Every row is kept all the same.
//!
//! For each pool the upstream also lists the last change before the start, so one listing tells what a price was
//! before it changed.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use chrono::TimeDelta;

use super::rows::Row;
use crate::base::Time;
use crate::sources::{Fields, Habits, Sentinel, Warnings};

/// So many times its last is too much for a price.
const LEAP: u64 = 100;

/// How far the clocks of the upstream and of this machine may be apart.
const SLACK: TimeDelta = TimeDelta::minutes(5);

/// Three times the pools of the largest region. What is beyond is not watched: a bound for the memory, 4 MB.
const MOST_POOLS: usize = 100_000;

/// What one listing shows.
#[derive(Debug)]
pub(super) struct Watch {
    now: Time,
    fields: Fields,
    /// The price of each pool that was listed last, in billionths. Pools are told apart by 64 bits: a watch may err.
    pools: HashMap<u64, u64>,
}

impl Watch {
    /// Nothing was listed yet; it is `now`.
    pub(super) fn new(now: Time) -> Self {
        Self { now, fields: Fields::default(), pools: HashMap::new() }
    }

    /// Looks at a row as it came.
    pub(super) fn see(&mut self, row: &Row, warnings: &mut Warnings) {
        row.0.iter().for_each(|(name, _)| self.fields.note(name));
        if let Some(at) = row.timestamp().filter(|at| *at > self.now + SLACK) {
            warnings
                .raise(Sentinel::Future, || format!("a price changes in the future, at {}", at.to_rfc3339()));
        }
        let zone = row.text("AvailabilityZoneId").or_else(|| row.text("AvailabilityZone"));
        let (Some(zone), Some(kind), Some(product), Some(price)) =
            (zone, row.text("InstanceType"), row.text("ProductDescription"), row.text("SpotPrice"))
        else {
            return;
        };
        let Some(billionths) = billionths(price) else { return };
        let mut pool = DefaultHasher::new();
        (zone, kind, product).hash(&mut pool);
        let pool = pool.finish();
        if self.pools.len() >= MOST_POOLS && !self.pools.contains_key(&pool) {
            return;
        }
        // Pages may run forwards or backwards in time: a leap is one either way.
        if let Some(other) = self.pools.insert(pool, billionths)
            && billionths.max(other) / LEAP >= billionths.min(other).max(1)
        {
            warnings.raise(Sentinel::Price, || {
                format!("the price of {kind:?} ({product:?}) in {zone:?} leaps by {LEAP} times or more, to or from {price}")
            });
        }
    }

    /// What the listing shows of the upstream's habits, with the rows of a full page.
    pub(super) fn habits(self, page_rows: Option<u64>) -> Habits {
        Habits { page_rows, things: u64::try_from(self.pools.len()).ok(), fields: self.fields }
    }
}

/// A price in billionths, what is smaller cut off; `None` when it is no price, or none of this world.
fn billionths(price: &str) -> Option<u64> {
    let (whole, fraction) = price.split_once('.').unwrap_or((price, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    let fraction: String = fraction.chars().chain(std::iter::repeat('0')).take(9).collect();
    whole.parse::<u64>().ok()?.checked_mul(1_000_000_000)?.checked_add(fraction.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::super::rows::Node;
    use super::*;

    const NOW: &str = "2026-11-21T20:10:00Z";

    fn row(zone: &str, price: &str, at: &str) -> Row {
        let fields = [
            ("AvailabilityZoneId", zone),
            ("InstanceType", "m5.large"),
            ("ProductDescription", "Linux/UNIX"),
            ("SpotPrice", price),
            ("Timestamp", at),
        ];
        Row(fields.map(|(name, text)| (Cow::Borrowed(name), Node::Text(text.to_owned()))).into())
    }

    fn seen(rows: &[(&str, &str)]) -> (Warnings, Habits) {
        let (mut watch, mut warnings) = (Watch::new(NOW.parse().unwrap()), Warnings::default());
        for (zone, price) in rows {
            watch.see(&row(zone, price, "2026-11-21T20:00:00.000Z"), &mut warnings);
        }
        (warnings, watch.habits(None))
    }

    #[test]
    fn a_price_a_hundred_times_its_last_is_told_whichever_way_the_pages_run() {
        for prices in [["0.0350", "3.5"], ["3.5", "0.0350"], ["0.035", "0"], ["120", "0.000001"]] {
            let (warnings, _) = seen(&prices.map(|price| ("a", price)));
            assert!(warnings.sentinels.contains(&Sentinel::Price), "{prices:?}");
            assert!(warnings.samples[0].contains("m5.large"), "{:?}", warnings.samples);
        }
        for prices in [["0.035", "3.4999"], ["0.035", "0.035"], ["0", "0"], ["soon", "3"], ["0.1", "1e9"]] {
            assert_eq!(seen(&prices.map(|price| ("a", price))).0, Warnings::default(), "{prices:?}");
        }
        assert_eq!(seen(&[("a", "0.01"), ("b", "10")]).0, Warnings::default(), "two pools");
    }

    #[test]
    fn pools_are_counted_once_and_fields_noted() {
        let (_, habits) = seen(&[("a", "1"), ("b", "1"), ("a", "2")]);
        assert_eq!(habits.things, Some(2));
        let fields = "AvailabilityZoneId,InstanceType,ProductDescription,SpotPrice,Timestamp";
        assert_eq!(habits.fields.to_text().as_deref(), Some(fields));
    }

    #[test]
    fn a_change_in_the_future_is_told() {
        let (mut watch, mut warnings) = (Watch::new(NOW.parse().unwrap()), Warnings::default());
        watch.see(&row("a", "1", "2026-11-21T20:15:00.000Z"), &mut warnings);
        assert_eq!(warnings, Warnings::default(), "clocks may differ by so much");
        watch.see(&row("a", "1", "2026-11-21T20:15:01.000Z"), &mut warnings);
        assert_eq!(warnings.samples, ["a price changes in the future, at 2026-11-21T20:15:01+00:00"]);
    }

    #[test]
    fn a_price_is_read_without_a_float() {
        assert_eq!(billionths("0.035000"), Some(35_000_000));
        assert_eq!(billionths("12"), Some(12_000_000_000));
        assert_eq!(billionths("0.0000000019"), Some(1));
        for odd in ["", ".", ".5", "-1", "1e3", "99999999999999999999", "1.2.3", "é"] {
            assert_eq!(billionths(odd), None, "{odd}");
        }
    }
}
