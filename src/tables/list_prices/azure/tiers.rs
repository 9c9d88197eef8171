//! Where tiers end. An item says only where its own begins: it ends where the next one of the same meter does, which stands
//! anywhere in the listing. So the listing is read once before for the few meters that have tiers. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead};
use std::ops::Bound::{Excluded, Unbounded};

use memchr::memmem::Finder;

use super::item::Item;
use crate::base::Quantity;
use crate::tables::lines::Lines;

/// The beginnings of the tiers beyond the first one, by what has them.
#[derive(Debug, Default)]
pub(super) struct Tiers(BTreeMap<String, BTreeSet<Quantity>>);

impl Tiers {
    /// Those of a listing.
    pub(super) fn read(listing: impl BufRead) -> io::Result<Self> {
        let (mut lines, mut tiers) = (Lines::of(listing), Self::default());
        let field = Finder::new("\"tierMinimumUnits\":");
        while let Some(line) = lines.next()? {
            // Of a hundred items two or three have a tier of their own: the others need no reading.
            let Some(text) = line.text.ok().filter(|text| !begins_at_zero(text, &field)) else { continue };
            // What is odd is noted when the item is read for what it costs.
            if let Some(item) = Item::read(text, &mut |_| {})
                && let Some(start) = item.tier_start.filter(|start| *start > Quantity::ZERO)
            {
                tiers.0.entry(meter(&item)).or_default().insert(start);
            }
        }
        Ok(tiers)
    }

    /// Where the tier of `item` ends; `None` without an end.
    pub(super) fn end_of(&self, item: &Item<'_>) -> Option<Quantity> {
        if self.0.is_empty() {
            return None;
        }
        let starts = self.0.get(&meter(item))?;
        starts.range((Excluded(item.tier_start?), Unbounded)).next().copied()
    }
}

/// What the tiers of a price have in common.
fn meter(item: &Item<'_>) -> String {
    let others = [&item.meter_name, &item.price_type, &item.reservation_term, &item.currency, &item.region];
    let mut meter = format!("{}\n{}", item.meter_id, item.sku_id);
    for text in others {
        meter.push('\n');
        meter.push_str(text.as_deref().unwrap_or_default());
    }
    meter
}

/// Whether the item plainly says that its tier is the first one.
fn begins_at_zero(json: &str, field: &Finder<'_>) -> bool {
    let Some(at) = field.find(json.as_bytes()) else { return false };
    let value = json.as_bytes().get(at + field.needle().len()..).unwrap_or_default();
    let digits = value.iter().take_while(|byte| !matches!(byte, b',' | b'}'));
    digits.clone().next() == Some(&b'0') && digits.clone().all(|byte| matches!(byte, b'0' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(meter: &str, tier: &str) -> String {
        format!(r#"{{"tierMinimumUnits":{tier},"meterId":"{meter}","skuId":"s","type":"Consumption"}}"#)
    }

    fn end(listing: &[String], item: &str) -> Option<String> {
        let tiers = Tiers::read(listing.join("\n").as_bytes()).unwrap();
        let item = Item::read(item, &mut |_| {}).unwrap();
        tiers.end_of(&item).map(|end| end.to_string())
    }

    #[test]
    fn a_tier_ends_where_the_next_one_of_its_meter_begins() {
        let tiers = ["512000.0", "0.0", "51200"].map(|tier| line("m", tier));
        let listing = [&tiers[..], &[line("n", "100"), line("o", "0")]].concat();
        assert_eq!(end(&listing, &line("m", "0")).as_deref(), Some("51200"));
        assert_eq!(end(&listing, &line("m", "5.12E4")).as_deref(), Some("512000"));
        assert_eq!(end(&listing, &line("m", "512000")), None);
        assert_eq!(end(&listing, &line("o", "0")), None);
        assert_eq!(end(&listing, &line("n", "0.0")).as_deref(), Some("100"));
        assert_eq!(end(&listing, &line("m", "null")), None, "a tier that is not known ends nowhere");
    }

    #[test]
    fn items_of_the_first_tier_are_not_read() {
        let field = Finder::new("\"tierMinimumUnits\":");
        for first in ["0", "0.0", "0.000"] {
            assert!(begins_at_zero(&line("m", first), &field), "{first}");
        }
        for other in ["0.5", "10", "0e0", "null", "\"0\"", ""] {
            assert!(!begins_at_zero(&line("m", other), &field), "{other}");
        }
        assert!(!begins_at_zero("{}", &field));
    }
}
