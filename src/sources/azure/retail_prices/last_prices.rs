//! What the items cost when the stream was listed last, so that a leap of a price is noticed. It warns and decides
//! nothing: where it cannot be told, the listing is kept all the same and nothing is compared.
//!
//! For each item of the newest earlier slot in the lake 16 bytes are held while the next one is walked: who it is, as a
//! hash (a watch may err), and what it cost, exactly.

use std::io;

use super::decimal::Decimal;
use super::item::Item;
use super::union::MAX_ITEMS;
use crate::base::Time;
use crate::lake::read_back::{AtMost, Lines, TakeRow};
use crate::lake::slice::Stream;
use crate::sources::FetchContext;
use crate::sources::slots::newest_before;

/// So many times its last, or such a part of it, is too much for a price.
const LEAP: u8 = 100;

/// Far beyond the longest listing, before gzip.
const MAX_BYTES: u64 = 4 << 30;

/// Who each item is, and a price that it had. Sorted; an item with several prices has several entries.
#[derive(Debug, Default)]
pub(super) struct LastPrices(Vec<(u64, Decimal)>);

impl LastPrices {
    /// Those of the newest slot of `stream` before `at` that is in the lake; none when there is no such slot, or when
    /// it cannot be read.
    pub(super) async fn before(at: Time, stream: &Stream, context: &FetchContext) -> Self {
        let sink = || AtMost::new(MAX_BYTES, Lines::new(Rows::default()));
        let Some(read) = newest_before(at, stream, context, sink).await else { return Self::default() };
        let sorted = tokio::task::spawn_blocking(|| Ok::<_, io::Error>(Self::of(read.into_inner().end()?)));
        sorted.await.map_err(io::Error::other).flatten().unwrap_or_else(|error| {
            tracing::warn!(%error, %stream, "failed to read what items cost last: no price is compared");
            Self::default()
        })
    }

    /// Those of the payload `lines`.
    #[cfg(any(test, fuzzing))]
    pub(super) fn of_lines(lines: &str) -> io::Result<Self> {
        let mut taken = Lines::new(Rows::default());
        io::Write::write_all(&mut taken, format!("{lines}\n").as_bytes())?;
        Ok(Self::of(taken.end()?))
    }

    fn of(Rows(mut prices): Rows) -> Self {
        prices.sort_unstable_by_key(|(identity, _)| *identity);
        prices.shrink_to_fit();
        Self(prices)
    }

    /// What `item` cost last, when that is a hundredth of what it costs now, or a hundred times as much, or more.
    ///
    /// A listing has several prices of an item while one follows another: a leap is one from each of them. What was
    /// free may cost anything, as trials end; what becomes free has leapt.
    pub(super) fn leap_of(&self, item: &Item<'_>) -> Option<Decimal> {
        if self.0.is_empty() {
            return None;
        }
        let (identity, price) = (item.identity()?, item.price()?);
        let first = self.0.partition_point(|(known, _)| *known < identity);
        let same = self.0.get(first..)?.iter().take_while(|(known, _)| *known == identity);
        let mut lasts = same.map(|(_, last)| *last).peekable();
        let last = *lasts.peek()?;
        lasts.all(|last| is_leap(last, price)).then_some(last)
    }
}

fn is_leap(last: Decimal, now: Decimal) -> bool {
    !last.is_zero() && (now.is_times(LEAP, last) || last.is_times(LEAP, now))
}

/// Takes in the rows of a slot. What is no item, or has no price, is not compared.
#[derive(Debug, Default)]
struct Rows(Vec<(u64, Decimal)>);

impl TakeRow for Rows {
    fn row(&mut self, line: &[u8]) -> io::Result<()> {
        if self.0.len() >= MAX_ITEMS {
            return Err(io::Error::other(format!("it has more than {MAX_ITEMS} items")));
        }
        let item = std::str::from_utf8(line).ok().and_then(|line| Item::read(line).ok());
        self.0.extend(item.and_then(|item| Some((item.identity()?, item.price()?))));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ITEM: &str = r#"{"currencyCode":"USD","tierMinimumUnits":0.0,"retailPrice":0.0960,"unitPrice":0.096,"armRegionName":"eastus","location":"US East","effectiveStartDate":"2024-11-01T00:00:00Z","meterId":"m-1","meterName":"D2 v3","productId":"DZH3","skuId":"DZH3/1","productName":"Virtual Machines Dv3 Series","serviceName":"Virtual Machines","unitOfMeasure":"1 Hour","type":"Reservation","isPrimaryMeterRegion":true,"armSkuName":"Standard_D2_v3","reservationTerm":"1 Year"}"#;

    fn costing(price: &str) -> String {
        ITEM.replace("0.0960", price)
    }

    /// What is told of `now` after a slot with the items `last`.
    fn told(last: &[&str], now: &str) -> Option<String> {
        let item = Item::read(now).unwrap();
        let last = LastPrices::of_lines(&last.join("\n")).unwrap();
        last.leap_of(&item).map(|last| item.told_leap(last))
    }

    #[test]
    fn a_leap_of_a_hundred_times_either_way_is_told_exactly() {
        assert_eq!(
            told(&[ITEM], &costing("9.60")).unwrap(),
            r#"the price of "D2 v3" ("Virtual Machines Dv3 Series") in "eastus" leaps from 0.096 to 9.6: meter "m-1", SKU "DZH3/1""#
        );
        for price in ["9.6", "9.6e0", "1E+9", "0.00096", "9.6E-4", "1e-7", "0", "0.0"] {
            assert!(told(&[ITEM], &costing(price)).is_some(), "{price}");
        }
        for price in ["9.5999", "0.00096001", "0.096", "\"free\"", "null", "-9.6", "1e99"] {
            assert_eq!(told(&[ITEM], &costing(price)), None, "{price}");
        }
    }

    #[test]
    fn what_was_free_may_cost_anything() {
        assert_eq!(told(&[&costing("0.0")], ITEM), None);
        assert_eq!(told(&[&costing("0.0")], &costing("0")), None);
    }

    #[test]
    fn a_price_that_follows_another_is_compared_with_it() {
        let later = costing("9.6").replace("2024-11-01", "2024-12-01");
        assert!(told(&[ITEM], &later).is_some());
        assert_eq!(told(&[ITEM, &later], &later), None, "what was announced yesterday has leapt yesterday");
        assert_eq!(told(&[&later, ITEM], &costing("0.1")), None);
    }

    #[test]
    fn names_may_change_meanwhile() {
        for (from, to) in [
            ("\"D2 v3\"", "\"D2 v3/D2s v3\""),
            ("Virtual Machines Dv3 Series", "Dv3"),
            ("Standard_D2_v3", ""),
            ("US East", "East US"),
            ("tierMinimumUnits\":0.0", "tierMinimumUnits\":0"),
            ("true", "false"),
        ] {
            assert!(ITEM.contains(from));
            assert!(told(&[ITEM], &costing("9.6").replace(from, to)).is_some(), "{from}");
        }
    }

    #[test]
    fn another_item_is_not_compared() {
        for (from, to) in [
            ("m-1", "m-2"),
            ("DZH3/1", "DZH3/2"),
            ("Reservation\"", "Consumption\""),
            ("1 Year", "3 Years"),
            (",\"reservationTerm\":\"1 Year\"", ""),
            ("tierMinimumUnits\":0.0", "tierMinimumUnits\":100.0"),
            ("tierMinimumUnits", "tierMaximumUnits"),
            ("eastus", "westus"),
            ("1 Hour", "100 Hours"),
            ("USD", "JPY"),
        ] {
            assert!(ITEM.contains(from));
            assert_eq!(told(&[ITEM], &costing("9.6").replace(from, to)), None, "{from}");
        }
    }

    #[test]
    fn what_is_no_item_is_passed_over() {
        let twice = ITEM.replace("\"USD\"", "\"USD\",\"meterId\":\"m-1\"");
        assert!(told(&["{}", "no JSON", "7", &twice, "\u{1}", ITEM], &costing("9.6")).is_some());
        assert_eq!(told(&["{}", &twice], &costing("9.6")), None);
        assert_eq!(told(&[ITEM], "{}"), None);
    }

    #[test]
    fn a_price_takes_16_bytes() {
        let lines: Vec<String> = (0..1_000).map(|number| ITEM.replace("m-1", &number.to_string())).collect();
        let LastPrices(prices) = LastPrices::of_lines(&lines.join("\n")).unwrap();
        assert_eq!((prices.len(), size_of_val(prices.as_slice())), (1_000, 16_000));
        assert!(prices.capacity() < 1_024, "and no more");
    }
}
