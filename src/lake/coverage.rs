//! Coverage: what the lake has, as a value. Built from key names alone (raw keys and marks), merged as it
//! grows, so that a year of hourly windows of a region is one interval. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::interval::{Interval, IntervalSet};
use super::key::{Mark, Parsed};
use super::slice::{Format, Slice, Stream, Version};
use crate::base::{Date, Time};

/// What the lake knows of one dataset.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    streams: BTreeMap<Stream, StreamCoverage>,
}

/// What the lake knows of one stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StreamCoverage {
    /// Time that window objects cover.
    pub windows: IntervalSet,
    /// Time that is lost for good.
    pub lost: IntervalSet,
    /// Days that are proven.
    pub audits: BTreeSet<Date>,
    /// Versions that are stored, or lost.
    pub versions: BTreeMap<Version, Held>,
    /// Slots that were looked at, or lost.
    pub slots: BTreeMap<Time, (Held, Format)>,
}

/// How the lake holds a version or a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Held {
    /// Lost for good.
    Lost,
    /// Looked: the same as before.
    Unchanged,
    /// Its object is there.
    Stored,
}

impl Coverage {
    /// What is known when it is of one stream.
    pub fn of_stream(stream: Stream, known: StreamCoverage) -> Self {
        Self { streams: BTreeMap::from([(stream, known)]) }
    }

    /// Takes in what one key says. Keys that say nothing about slices change nothing.
    pub fn insert(&mut self, parsed: &Parsed) {
        match parsed {
            Parsed::Raw(slice) => self.hold(slice, Held::Stored),
            Parsed::Mark(slice, Mark::Lost) => self.hold(slice, Held::Lost),
            Parsed::Mark(slice, Mark::Unchanged) => self.hold(slice, Held::Unchanged),
            Parsed::Table(_) | Parsed::RunLog(..) | Parsed::Identity | Parsed::Probe => {}
        }
    }

    fn hold(&mut self, slice: &Slice, held: Held) {
        let stream = self.streams.entry(slice.stream().clone()).or_default();
        match slice {
            Slice::Window { span, .. } if held == Held::Lost => stream.lost.insert(*span),
            Slice::Window { span, .. } => stream.windows.insert(*span),
            Slice::Audit { day, .. } => {
                stream.audits.insert(*day);
            }
            // An object beats a mark about it: somebody may have healed what another had given up.
            Slice::Version { version, .. } => {
                let entry = stream.versions.entry(version.clone()).or_insert(held);
                *entry = held.max(*entry);
            }
            Slice::Slot { at, format, .. } => {
                let entry = stream.slots.entry(*at).or_insert((held, *format));
                entry.0 = held.max(entry.0);
            }
        }
    }

    /// Whether the slice needs no fetching any more: its object or a mark about it is there.
    pub fn has(&self, slice: &Slice) -> bool {
        let Some(stream) = self.streams.get(slice.stream()) else { return false };
        match slice {
            Slice::Window { span, .. } => stream.windows.covers(*span) || stream.lost.covers(*span),
            Slice::Audit { day, .. } => stream.audits.contains(day),
            Slice::Version { version, .. } => stream.versions.contains_key(version),
            Slice::Slot { at, .. } => stream.slots.contains_key(at),
        }
    }

    /// What is known of one stream; nothing at all for a new one.
    pub fn stream(&self, stream: &Stream) -> Option<&StreamCoverage> {
        self.streams.get(stream)
    }

    /// Every stream of which something is known, in order.
    pub fn streams(&self) -> impl Iterator<Item = (&Stream, &StreamCoverage)> {
        self.streams.iter()
    }

    /// Takes in everything that `other` knows.
    pub fn merge(&mut self, other: &Self) {
        for (stream, theirs) in &other.streams {
            let ours = self.streams.entry(stream.clone()).or_default();
            theirs.windows.parts().iter().for_each(|part| ours.windows.insert(*part));
            theirs.lost.parts().iter().for_each(|part| ours.lost.insert(*part));
            ours.audits.extend(theirs.audits.iter().copied());
            for (version, held) in &theirs.versions {
                let entry = ours.versions.entry(version.clone()).or_insert(*held);
                *entry = (*held).max(*entry);
            }
            for (at, (held, format)) in &theirs.slots {
                let entry = ours.slots.entry(*at).or_insert((*held, *format));
                entry.0 = (*held).max(entry.0);
            }
        }
    }
}

impl StreamCoverage {
    /// The first moment of which the lake can say anything: where the history of a stream of windows begins.
    pub fn begins(&self) -> Option<Time> {
        [self.windows.first(), self.lost.first()].into_iter().flatten().min()
    }

    /// Whether every moment of the interval is stored or lost.
    pub fn accounts_for(&self, interval: Interval) -> bool {
        self.windows.missing(interval).into_iter().all(|gap| self.lost.covers(gap))
    }

    /// The newest version that is stored.
    pub fn newest_version(&self) -> Option<&Version> {
        self.versions.iter().rev().find(|(_, held)| **held == Held::Stored).map(|(version, _)| version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lake::key::Key;

    fn coverage(keys: &[&str]) -> Coverage {
        let mut coverage = Coverage::default();
        for key in keys {
            coverage.insert(&Key::parse(key).unwrap().1);
        }
        coverage
    }

    fn slice(key: &str) -> Slice {
        match Key::parse(key).unwrap().1 {
            Parsed::Raw(slice) => slice,
            other => panic!("{other:?} is no slice"),
        }
    }

    const HOUR_20: &str = "raw/s/dt=2026-11-21/region=r/20261121T200000Z-20261121T210000Z.ndjson.gz";
    const HOUR_21: &str = "raw/s/dt=2026-11-21/region=r/20261121T210000Z-20261121T220000Z.ndjson.gz";
    const HOUR_22: &str = "raw/s/dt=2026-11-21/region=r/20261121T220000Z-20261121T230000Z.ndjson.gz";

    #[test]
    fn keys_and_marks_are_all_there_is_to_know() {
        let lost = format!("_contrail/marks/{HOUR_21}.lost.json");
        let coverage = coverage(&[HOUR_20, &lost]);
        assert!(coverage.has(&slice(HOUR_20)));
        assert!(coverage.has(&slice(HOUR_21)), "lost needs no fetching");
        assert!(!coverage.has(&slice(HOUR_22)));
        let stream = coverage.stream(slice(HOUR_20).stream()).unwrap();
        let both =
            Interval::new("2026-11-21T20:00:00Z".parse().unwrap(), "2026-11-21T22:00:00Z".parse().unwrap());
        assert!(stream.accounts_for(both.unwrap()));
        assert!(!stream.windows.covers(both.unwrap()));
    }

    #[test]
    fn an_object_beats_a_mark() {
        let version = "raw/p/dt=2025-05-23/offer=A/region=r/20250523232744.json.gz";
        let lost = format!("_contrail/marks/{version}.lost.json");
        for keys in [[version, lost.as_str()], [lost.as_str(), version]] {
            let coverage = coverage(&keys);
            let stream = coverage.stream(slice(version).stream()).unwrap();
            assert_eq!(stream.newest_version().map(Version::as_str), Some("20250523232744"));
        }
    }

    #[test]
    fn merging_is_inserting_both() {
        let (mut one, two) = (coverage(&[HOUR_20, HOUR_22]), coverage(&[HOUR_21]));
        one.merge(&two);
        assert_eq!(one, coverage(&[HOUR_20, HOUR_21, HOUR_22]));
    }
}
