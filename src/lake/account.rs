//! An account of a stream's past: how much of it is known, what is missing and may yet come, and what is lost.
//! Pure arithmetic over [`StreamCoverage`]; what should exist is the caller's to say.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::AddAssign;

use chrono::TimeDelta;

use super::coverage::{Held, StreamCoverage};
use super::interval::Interval;
use super::slice::Version;
use crate::base::clock::midnight;
use crate::base::{Date, Time};

/// How much of what should be known is known: seconds of windows, or a number of versions or slots.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Share {
    /// What is known.
    pub known: u64,
    /// What should be.
    pub of: u64,
}

/// A piece of a stream's past. Pieces of one stream order as time does.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Piece {
    /// A stretch of time, of one window or of several that follow each other.
    Span(Interval),
    /// A version.
    Version(Version),
    /// The slot that starts then.
    Slot(Time),
}

/// What is known of a stream's past, and what is not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// How much is known. What is lost is not known.
    pub share: Share,
    /// What is missing and may yet be fetched, oldest first.
    pub gaps: Vec<Piece>,
    /// What is lost for good, oldest first.
    pub lost: Vec<Piece>,
}

impl Share {
    /// In hundredths of a percent, rounded down: all but everything is never shown as everything. `None` when
    /// there is nothing that should be known.
    pub fn basis_points(self) -> Option<u64> {
        let points = (u128::from(self.known) * 10_000).checked_div(u128::from(self.of))?;
        u64::try_from(points).ok()
    }
}

impl AddAssign for Share {
    fn add_assign(&mut self, other: Self) {
        self.known += other.known;
        self.of += other.of;
    }
}

/// `99.98 %`, or `unknown` where there is nothing that should be known.
impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.basis_points() {
            None => f.pad("unknown"),
            Some(points) if points % 100 == 0 => f.pad(&format!("{} %", points / 100)),
            Some(points) => f.pad(&format!("{}.{:02} %", points / 100, points % 100)),
        }
    }
}

impl Piece {
    /// When it starts, as far as it tells: a version only names a day.
    pub fn start(&self) -> Time {
        match self {
            Self::Span(span) => span.from(),
            Self::Version(version) => midnight(version.published()),
            Self::Slot(at) => *at,
        }
    }
}

impl fmt::Display for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Span(span) => span.fmt(f),
            Self::Version(version) => version.fmt(f),
            Self::Slot(at) => at.format("%Y-%m-%dT%H:%M:%SZ").fmt(f),
        }
    }
}

/// The account of a stream of windows over `range`.
pub fn of_windows(have: &StreamCoverage, range: Interval) -> Account {
    let holes = have.windows.missing(range);
    let unknown: u64 = holes.iter().map(|hole| hole.seconds()).sum();
    let spans = |spans: Vec<Interval>| spans.into_iter().map(Piece::Span);
    Account {
        share: Share { known: range.seconds() - unknown, of: range.seconds() },
        gaps: spans(have.windows.union(&have.lost).missing(range)).collect(),
        lost: holes.into_iter().flat_map(|hole| spans(have.lost.within(hole))).collect(),
    }
}

/// The account of a stream of versions: those published on or after `since` that the lake holds or has given up,
/// and those of `wanted` that it lacks. Keys alone cannot tell what an upstream published besides.
pub fn of_versions(have: &StreamCoverage, wanted: &BTreeSet<Version>, since: Date) -> Account {
    let recent = |version: &Version| version.published() >= since;
    let mut account = Account::default();
    for (version, held) in have.versions.iter().filter(|(version, _)| recent(version)) {
        account.share.of += 1;
        match held {
            Held::Lost => account.lost.push(Piece::Version(version.clone())),
            Held::Unchanged | Held::Stored => account.share.known += 1,
        }
    }
    let lacking = wanted.iter().filter(|version| recent(version) && !have.versions.contains_key(version));
    account.gaps.extend(lacking.cloned().map(Piece::Version));
    account.share.of += account.gaps.len() as u64;
    account
}

/// The account of a stream whose slots start every `interval`, over the slots that start within `range`. The
/// first one starts with the range.
pub fn of_slots(have: &StreamCoverage, interval: TimeDelta, range: Interval) -> Account {
    let mut account = Account::default();
    for at in slots(interval, range) {
        account.share.of += 1;
        match have.slots.get(&at) {
            Some((Held::Lost, _)) => account.lost.push(Piece::Slot(at)),
            Some((Held::Unchanged | Held::Stored, _)) => account.share.known += 1,
            None => account.gaps.push(Piece::Slot(at)),
        }
    }
    account
}

/// The slots that start every `interval` within `range`, the first one with it, in order of time.
pub fn slots(interval: TimeDelta, range: Interval) -> impl Iterator<Item = Time> {
    let next = move |at: &Time| at.checked_add_signed(interval).filter(|next| next > at);
    std::iter::successors(Some(range.from()), next).take_while(move |at| *at < range.to())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::lake::slice::Format;

    const HOUR: i64 = 3_600;

    fn hour(number: i64) -> Time {
        Time::from_timestamp(number * HOUR, 0).unwrap()
    }

    fn hours(from: i64, to: i64) -> Interval {
        Interval::new(hour(from), hour(to)).unwrap()
    }

    fn version(text: &str) -> Version {
        Version::new(text).unwrap()
    }

    fn labels(pieces: &[Piece]) -> Vec<String> {
        pieces.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_share_is_rounded_down_and_says_when_there_is_nothing_to_know() {
        let shown = |known, of| Share { known, of }.to_string();
        assert_eq!(shown(9_999_999, 10_000_000), "99.99 %");
        assert_eq!(shown(10_000_000, 10_000_000), "100 %");
        assert_eq!(shown(1, 3), "33.33 %");
        assert_eq!(shown(0, 3), "0 %");
        assert_eq!(shown(0, 0), "unknown");
        assert_eq!(shown(u64::MAX, u64::MAX), "100 %");
    }

    #[test]
    fn what_is_lost_is_neither_known_nor_a_gap_unless_somebody_healed_it() {
        let mut have = StreamCoverage::default();
        have.windows.insert(hours(0, 2));
        have.windows.insert(hours(5, 6));
        have.lost.insert(hours(1, 4));
        let account = of_windows(&have, hours(0, 8));
        assert_eq!(account.share, Share { known: 3 * 3_600, of: 8 * 3_600 });
        assert_eq!(account.gaps, [Piece::Span(hours(4, 5)), Piece::Span(hours(6, 8))]);
        assert_eq!(account.lost, [Piece::Span(hours(2, 4))], "the hour from 1 was healed after all");
    }

    #[test]
    fn versions_are_held_or_lost_or_wanted_and_not_there() {
        let mut have = StreamCoverage::default();
        for (text, held) in [
            ("20260101000000", Held::Stored),
            ("20260301000000", Held::Stored),
            ("20260302000000", Held::Lost),
        ] {
            have.versions.insert(version(text), held);
        }
        let wanted = ["20260102000000", "20260301000000", "20260303000000"].map(version).into();
        let account = of_versions(&have, &wanted, "2026-02-01".parse().unwrap());
        assert_eq!(account.share, Share { known: 1, of: 3 });
        assert_eq!(labels(&account.gaps), ["20260303000000"]);
        assert_eq!(labels(&account.lost), ["20260302000000"]);
    }

    #[test]
    fn a_slot_that_was_looked_at_is_known_whether_it_changed_or_not() {
        let mut have = StreamCoverage::default();
        for (number, held) in [(0, Held::Stored), (24, Held::Unchanged), (48, Held::Lost), (96, Held::Stored)]
        {
            have.slots.insert(hour(number), (held, Format::Ndjson));
        }
        let account = of_slots(&have, TimeDelta::hours(24), hours(0, 120));
        assert_eq!(account.share, Share { known: 3, of: 5 });
        assert_eq!(labels(&account.gaps), ["1970-01-04T00:00:00Z"]);
        assert_eq!(labels(&account.lost), ["1970-01-03T00:00:00Z"]);
    }

    #[test]
    fn an_interval_that_leads_nowhere_ends() {
        let account = of_slots(&StreamCoverage::default(), TimeDelta::zero(), hours(0, 2));
        assert_eq!(account.share.of, 1);
    }

    proptest! {
        /// Every moment of the range is known, missing or lost, and only one of them.
        #[test]
        fn an_account_of_windows_parts_the_range(
            stored in prop::collection::vec((0_i64..60, 1_i64..9), 0..12),
            lost in prop::collection::vec((0_i64..60, 1_i64..9), 0..12),
            range in (0_i64..50, 1_i64..30),
        ) {
            let mut have = StreamCoverage::default();
            for (from, length) in stored {
                have.windows.insert(hours(from, from + length));
            }
            for (from, length) in lost {
                have.lost.insert(hours(from, from + length));
            }
            let range = hours(range.0, range.0 + range.1);
            let account = of_windows(&have, range);
            let inside = |pieces: &[Piece], at: Time| {
                pieces.iter().any(|piece| matches!(piece, Piece::Span(span) if span.contains(at)))
            };
            let mut known = 0;
            for number in 0..100 {
                let at = hour(number);
                let is_known = have.windows.part_at(at).is_some();
                let is_lost = !is_known && have.lost.part_at(at).is_some();
                let asked = range.contains(at);
                known += u64::from(asked && is_known);
                prop_assert_eq!(inside(&account.lost, at), asked && is_lost);
                prop_assert_eq!(inside(&account.gaps, at), asked && !is_known && !is_lost);
            }
            prop_assert_eq!(account.share, Share { known: known * 3_600, of: range.seconds() });
        }

        #[test]
        fn an_account_of_slots_counts_each_slot_once(
            held in prop::collection::btree_map(0_i64..40, 0_u8..3, 0..40),
            range in (0_i64..30, 1_i64..30),
        ) {
            let mut have = StreamCoverage::default();
            for (number, kind) in &held {
                let held = [Held::Lost, Held::Unchanged, Held::Stored][usize::from(*kind)];
                have.slots.insert(hour(*number), (held, Format::Ndjson));
            }
            let account = of_slots(&have, TimeDelta::hours(1), hours(range.0, range.0 + range.1));
            let length = u64::try_from(range.1).unwrap();
            prop_assert_eq!(account.share.of, length);
            prop_assert_eq!(account.share.known + (account.gaps.len() + account.lost.len()) as u64, length);
            for piece in account.gaps.iter().chain(&account.lost) {
                let Piece::Slot(at) = piece else { panic!("{piece} is no slot") };
                let number = at.timestamp() / HOUR;
                prop_assert_eq!(account.lost.contains(piece), held.get(&number) == Some(&0));
            }
        }
    }
}
