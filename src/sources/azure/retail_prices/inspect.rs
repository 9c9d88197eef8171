//! What stored retail prices must be: JSON objects, none twice in a slot. One set of fingerprints for each payload
//! tells them apart, 17 bytes for an item.

use std::io::{self, Write as _};
use std::sync::Arc;

use crate::lake::draft::fingerprint;
use crate::lake::read_back::{Lines, TakeRow};
use crate::lake::slice::{Slice, Stream};
use crate::sources::fingerprints::FingerprintSet;
use crate::sources::inspect::{Inspected, Inspection, Inspector, MOST_ROWS, Wrong, is_object};

/// How much of an item is told.
const SHOWN: usize = 200;

/// The inspection of the dataset.
pub(crate) fn inspection() -> Arc<dyn Inspection> {
    Arc::new(RetailPrices)
}

#[derive(Debug)]
struct RetailPrices;

impl Inspection for RetailPrices {
    fn of_day(&self, _: &Stream) -> Box<dyn Inspector> {
        Box::new(Listing { lines: Lines::new(Items::default()), broken: None })
    }
}

struct Listing {
    lines: Lines<Items>,
    broken: Option<String>,
}

#[derive(Default)]
struct Items {
    seen: FingerprintSet,
    unreadable: Wrong,
    twice: Wrong,
    too_many: bool,
}

impl Inspector for Listing {
    fn begin(&mut self, _: &Slice) {
        (self.lines, self.broken) = (Lines::new(Items::default()), None);
    }

    fn take(&mut self, piece: &[u8]) {
        if self.broken.is_none()
            && let Err(error) = self.lines.write_all(piece)
        {
            self.broken = Some(error.to_string());
        }
    }

    fn end(&mut self) -> Inspected {
        let mut faults: Vec<String> = self.broken.take().into_iter().collect();
        if faults.is_empty() && self.lines.is_within_a_line() {
            faults.push("its last line is cut".to_owned());
        }
        let items = std::mem::take(self.lines.rows_mut());
        faults.extend(items.unreadable.told("items that are no JSON objects"));
        faults.extend(items.twice.told("items that are there already"));
        if items.too_many {
            faults.push(format!("it has more than {MOST_ROWS} items: not all of them were told apart"));
        }
        Inspected { faults, ..Inspected::default() }
    }
}

impl TakeRow for Items {
    fn row(&mut self, line: &[u8]) -> io::Result<()> {
        let shown = || String::from_utf8_lossy(line).chars().take(SHOWN).collect();
        if !is_object(line) {
            self.unreadable.add(shown);
        } else if self.seen.len() >= MOST_ROWS {
            self.too_many = true;
        } else if !self.seen.insert(fingerprint(line).into()) {
            self.twice.add(shown);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lake::key::{Key, Parsed};

    #[test]
    fn an_item_that_is_there_twice_is_told() {
        let key = "raw/azure_retail_prices/dt=2026-11-21/currency=USD/price_type=Consumption/20261121T000000Z.ndjson.gz";
        let Parsed::Raw(slice) = Key::parse(key).unwrap().1 else { panic!("{key}") };
        let mut inspector = inspection().of_day(slice.stream());
        let mut faults = |text: &str| {
            inspector.begin(&slice);
            inspector.take(text.as_bytes());
            inspector.end().faults
        };
        assert!(faults("{\"a\":1}\n{\"a\":2}\n").is_empty());
        assert_eq!(
            faults("{\"a\":1}\n{\"a\":1}\n"),
            ["items that are there already: 1, the first {\"a\":1}"]
        );
        assert!(faults("{\"a\":1}\n").is_empty(), "what came before is forgotten");
        assert_eq!(faults("{\"a\":1}\n{\"a\""), ["its last line is cut"]);
        assert_eq!(faults("7\n"), ["items that are no JSON objects: 1, the first 7"]);
    }
}
