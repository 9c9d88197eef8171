//! What stored spot prices must be: rows with a timestamp that belongs there, and no natural key twice in the whole
//! dataset.
//!
//! Rows with the same natural key have the same region and the same day, so nearly all of them are in objects of
//! that day: its windows and its audit. So a set for each region and day tells them apart, some 40 bytes for a row,
//! and is dropped after it. What is left are rows that a window after a gap carries over from it. No window covers
//! their time, or they are wrong where they are; among themselves they are told apart by one set for all, of one row
//! for each pool and gap.

use std::collections::hash_map::Entry;
use std::io::{self, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

use super::{REGION, identity};
use crate::base::Time;
use crate::base::clock::midnight;
use crate::lake::coverage::{Coverage, StreamCoverage};
use crate::lake::interval::Interval;
use crate::lake::key::Key;
use crate::lake::read_back::{Lines, TakeRow};
use crate::lake::slice::{Slice, Stream};
use crate::sources::fingerprints::{FingerprintSet, Fingerprints};
use crate::sources::inspect::{Inspected, Inspection, Inspector, MOST_ROWS, Wrong};

/// How much of a row is told.
const SHOWN: usize = 300;

/// The inspection of a lake that has what `coverage` says.
pub(crate) fn inspection(coverage: Arc<Coverage>) -> Arc<dyn Inspection> {
    Arc::new(SpotPrices { coverage, carried: Arc::default() })
}

#[derive(Debug)]
struct SpotPrices {
    coverage: Arc<Coverage>,
    carried: Arc<Mutex<FingerprintSet>>,
}

impl Inspection for SpotPrices {
    fn of_day(&self, stream: &Stream) -> Box<dyn Inspector> {
        let rows = Rows {
            region: stream.part(REGION).unwrap_or_default().to_owned(),
            coverage: self.coverage.stream(stream).cloned().unwrap_or_default(),
            carried: Arc::clone(&self.carried),
            seen: Fingerprints::default(),
            objects: Vec::new(),
            window: None,
            is_audit: false,
            found: Found::default(),
        };
        Box::new(Day { lines: Lines::new(rows), broken: None })
    }
}

/// The objects of a day of a region, one after the other.
struct Day {
    lines: Lines<Rows>,
    broken: Option<String>,
}

#[derive(Debug)]
struct Rows {
    region: String,
    coverage: StreamCoverage,
    carried: Arc<Mutex<FingerprintSet>>,
    /// The rows of the day, each with the object that it was met in.
    seen: Fingerprints<u16>,
    objects: Vec<Key>,
    window: Option<Interval>,
    is_audit: bool,
    found: Found,
}

/// What is wrong with the object at hand.
#[derive(Debug, Default)]
struct Found {
    unreadable: Wrong,
    elsewhere: Wrong,
    twice: Wrong,
    too_many: bool,
}

impl Inspector for Day {
    fn begin(&mut self, slice: &Slice) {
        self.broken = None;
        self.lines.clear();
        self.lines.rows_mut().begin(slice);
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
        let found = std::mem::take(&mut self.lines.rows_mut().found);
        faults.extend(found.unreadable.told("rows that are no JSON objects"));
        faults.extend(found.elsewhere.told("rows outside its time, and in no gap before it"));
        faults.extend(found.twice.told("rows that are in the lake already"));
        if found.too_many {
            faults.push(format!("the day has more than {MOST_ROWS} rows: not all of them were told apart"));
        }
        Inspected { faults, ..Inspected::default() }
    }
}

impl Rows {
    fn begin(&mut self, slice: &Slice) {
        self.found = Found::default();
        self.objects.push(Key::raw(slice));
        (self.window, self.is_audit) = match slice {
            Slice::Window { span, .. } => (Some(*span), false),
            Slice::Audit { day, .. } => {
                let next = day.succ_opt().unwrap_or(*day);
                (Interval::new(midnight(*day), midnight(next)), true)
            }
            Slice::Version { .. } | Slice::Slot { .. } => (None, false),
        };
    }

    /// Whether a row of that time may be in this object; a row of a gap before it is carried over.
    fn place(&self, at: Time) -> Place {
        match self.window {
            Some(window) if window.contains(at) => Place::Own,
            Some(window) if at < window.from() && !self.is_audit => {
                // The gap reaches from the row to the window, so that no other window can hold the row.
                let since = crate::base::clock::whole_second(at);
                let gap = Interval::new(since, window.from());
                let covered = |gap| self.coverage.windows.missing(gap) != [gap];
                if gap.is_some_and(covered) { Place::Elsewhere } else { Place::Carried }
            }
            _ => Place::Elsewhere,
        }
    }

    /// Tells the object that has the row already, if one has; else the row is in this one.
    fn met_before(&mut self, identity: identity::Identity) -> Option<u16> {
        let here = u16::try_from(self.objects.len() - 1).unwrap_or(u16::MAX);
        let mut known = None;
        // A row is the same under its zone's id and under its name.
        let names = [Some(identity.own), Some(identity.by_name).filter(|name| *name != identity.own)];
        for name in names.into_iter().flatten() {
            match self.seen.entry(name.into()) {
                Entry::Occupied(entry) => known = Some(*entry.get()),
                Entry::Vacant(entry) => {
                    entry.insert(here);
                }
            }
        }
        known
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Own,
    Carried,
    Elsewhere,
}

impl TakeRow for Rows {
    fn row(&mut self, line: &[u8]) -> io::Result<()> {
        let shown = || String::from_utf8_lossy(line).chars().take(SHOWN).collect::<String>();
        let Some(stored) = identity::of_stored(&self.region, line) else {
            self.found.unreadable.add(shown);
            return Ok(());
        };
        // A row that does not say when is kept in each window in which it was met, and has no natural key.
        let Some((at, identity)) = stored.at.zip(stored.natural) else { return Ok(()) };
        match self.place(at) {
            Place::Elsewhere => self.found.elsewhere.add(shown),
            Place::Carried => {
                let mut carried = self.carried.lock().unwrap_or_else(PoisonError::into_inner);
                if carried.len() >= MOST_ROWS {
                    self.found.too_many = true;
                } else if !carried.insert(identity.own.into()) {
                    self.found.twice.add(shown);
                }
            }
            Place::Own if self.seen.len() >= MOST_ROWS => self.found.too_many = true,
            Place::Own => {
                if let Some(object) = self.met_before(identity) {
                    let other = self.objects.get(usize::from(object)).map_or("", Key::as_str);
                    self.found.twice.add(|| format!("{} is in {other}", shown()));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lake::key::Parsed;

    const HOUR_18: &str =
        "raw/aws_spot_prices/dt=2026-11-22/region=r/20261122T180000Z-20261122T190000Z.ndjson.gz";
    const HOUR_19: &str =
        "raw/aws_spot_prices/dt=2026-11-22/region=r/20261122T190000Z-20261122T200000Z.ndjson.gz";
    const AUDIT: &str = "raw/aws_spot_prices/dt=2026-11-22/region=r/20261122-20261123.late.ndjson.gz";

    fn slice(key: &str) -> Slice {
        match Key::parse(key).unwrap().1 {
            Parsed::Raw(slice) => slice,
            other => panic!("{other:?} is no slice"),
        }
    }

    fn row(zone: &str, at: &str) -> String {
        format!(
            r#"{{"AvailabilityZone":"r{zone}","AvailabilityZoneId":"r-az-{zone}","InstanceType":"m5.large","ProductDescription":"Linux/UNIX","SpotPrice":"0.1","Timestamp":"2026-11-22T{at}.000Z"}}"#
        )
    }

    /// Inspects the objects in order, in a lake that has them all, and tells what is wrong with each.
    fn faults(objects: &[(&str, &[String])]) -> Vec<Vec<String>> {
        let mut coverage = Coverage::default();
        for (key, _) in objects {
            coverage.insert(&Key::parse(key).unwrap().1);
        }
        let inspection = inspection(Arc::new(coverage));
        let mut inspector = inspection.of_day(slice(HOUR_18).stream());
        let inspect = |(key, rows): &(&str, &[String])| {
            inspector.begin(&slice(key));
            for row in *rows {
                inspector.take(row.as_bytes());
                inspector.take(b"\n");
            }
            inspector.end().faults
        };
        objects.iter().map(inspect).collect()
    }

    #[test]
    fn rows_of_a_sound_day_are_each_there_once() {
        let objects: [(&str, &[String]); 3] = [
            (HOUR_18, &[row("a", "18:00:00"), row("b", "18:00:00")]),
            (HOUR_19, &[row("a", "19:00:00")]),
            (AUDIT, &[row("a", "18:30:00")]),
        ];
        assert!(faults(&objects).concat().is_empty());
    }

    #[test]
    fn a_row_that_is_in_two_objects_is_told_with_the_other_one() {
        let objects: [(&str, &[String]); 2] =
            [(HOUR_18, &[row("a", "18:00:00")]), (AUDIT, &[row("b", "18:00:00"), row("a", "18:00:00")])];
        let found = faults(&objects);
        assert!(found[0].is_empty());
        assert_eq!(found[1].len(), 1);
        assert!(found[1][0].starts_with("rows that are in the lake already: 1, the first {"), "{found:?}");
        assert!(found[1][0].ends_with(&format!("is in {HOUR_18}")), "{found:?}");
    }

    #[test]
    fn a_row_is_the_same_whether_its_zone_id_was_known_or_not() {
        let nameless = row("a", "18:00:00").replace(r#","AvailabilityZoneId":"r-az-a""#, "");
        for pair in [[row("a", "18:00:00"), nameless.clone()], [nameless.clone(), row("a", "18:00:00")]] {
            let objects: [(&str, &[String]); 1] = [(HOUR_18, &pair)];
            assert_eq!(faults(&objects)[0].len(), 1, "{pair:?}");
        }
    }

    #[test]
    fn a_row_of_another_time_is_only_carried_over_a_gap() {
        let of_gap = [row("a", "17:59:59")];
        let objects: [(&str, &[String]); 1] = [(HOUR_18, &of_gap)];
        assert!(faults(&objects)[0].is_empty());
        let objects: [(&str, &[String]); 2] = [(HOUR_18, &[]), (HOUR_19, &of_gap)];
        assert!(faults(&objects)[1][0].contains("in no gap before it"), "its hour is there, and lacks it");
        let objects: [(&str, &[String]); 1] = [(HOUR_18, &[row("a", "19:00:00")])];
        assert!(faults(&objects)[0][0].contains("rows outside its time"));
        let twice = [row("a", "17:59:59"), row("a", "17:59:59")];
        let objects: [(&str, &[String]); 1] = [(HOUR_18, &twice)];
        assert!(faults(&objects)[0][0].contains("in the lake already"));
    }

    #[test]
    fn what_is_no_row_is_told_and_what_says_no_time_is_not() {
        let rows = ["[1]".to_owned(), "{\"InstanceType\":\"m5.large\"}".to_owned(), "{".to_owned()];
        let objects: [(&str, &[String]); 1] = [(HOUR_18, &rows)];
        assert_eq!(faults(&objects)[0], ["rows that are no JSON objects: 2, the first [1]"]);
    }
}
