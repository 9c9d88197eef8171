//! A stream's past as stretches of time, each in one state. Pure arithmetic over what `lake::account` says, so that the
//! table tells of the same windows, versions and slots as `contrail status`. Never here: where facts come from.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;

use crate::base::{Date, Time};
use crate::lake::account::{self, Piece};
use crate::lake::coverage::{Held, StreamCoverage};
use crate::lake::interval::{Interval, IntervalSet};
use crate::lake::slice::Version;

/// What the lake knows of a stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// What the upstream said is there.
    Known,
    /// Somebody looked, and it was the same as before.
    Unchanged,
    /// The upstream no longer has it.
    Lost,
    /// Nobody looked, or nothing came of it. It may yet be fetched.
    Missing,
    /// The same, and the upstream refused us then.
    Refused,
}

impl State {
    /// The word in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Known => "known",
            Self::Unchanged => "unchanged",
            Self::Lost => "lost",
            Self::Missing => "missing",
            Self::Refused => "refused",
        }
    }

    /// Whether no later look can change it.
    fn is_told(self) -> bool {
        matches!(self, Self::Known | Self::Unchanged | Self::Lost)
    }
}

/// A stretch of time in one state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stretch {
    /// From when to when.
    pub span: Interval,
    /// What is known of it.
    pub state: State,
}

/// The past of a stream of windows from its beginning to `until`.
pub fn of_windows(have: &StreamCoverage, until: Time) -> Vec<Stretch> {
    let range = have.begins().and_then(|begins| Interval::new(begins, until));
    let Some(range) = range else { return Vec::new() };
    let account = account::of_windows(have, range);
    let known = have.windows.within(range).into_iter().map(|span| Stretch { span, state: State::Known });
    let others = [(account.gaps, State::Missing), (account.lost, State::Lost)];
    let others = others.into_iter().flat_map(|(pieces, state)| {
        pieces.into_iter().filter_map(move |piece| match piece {
            Piece::Span(span) => Some(Stretch { span, state }),
            Piece::Version(_) | Piece::Slot(_) => None,
        })
    });
    in_order(known.chain(others).collect())
}

/// The past of a stream of versions. A version applies from its publication until that of the next one, the newest until
/// somebody `looked` last and found no newer one. `failed` are versions that are known to be published and could not be
/// fetched. What follows the last look is missing until `until`.
pub fn of_versions(
    have: &StreamCoverage,
    failed: &BTreeSet<Version>,
    looked: Option<Time>,
    until: Time,
) -> Vec<Stretch> {
    let account = account::of_versions(have, failed, Date::MIN);
    let state = |held: &Held| match held {
        Held::Lost => State::Lost,
        Held::Unchanged | Held::Stored => State::Known,
    };
    let mut turns: BTreeMap<Time, State> =
        have.versions.iter().map(|(version, held)| (version.published_at(), state(held))).collect();
    turns.extend(account.gaps.iter().filter_map(|piece| match piece {
        Piece::Version(version) => Some((version.published_at(), State::Missing)),
        Piece::Span(_) | Piece::Slot(_) => None,
    }));
    let Some(newest) = turns.keys().next_back().copied() else { return Vec::new() };
    // Where nobody is known to have looked since it was published, nothing is known since.
    turns.insert(looked.map_or(newest, |looked| looked.max(newest)), State::Missing);
    let ends = turns.keys().skip(1).copied().chain([until]);
    let stretches = turns.iter().zip(ends).filter_map(|((from, state), to)| {
        Some(Stretch { span: Interval::new(*from, to.min(until))?, state: *state })
    });
    in_order(stretches.collect())
}

/// The past of a stream whose slots start every `interval`, from its first slot to the last one that starts before
/// `due`, and nothing after `until`. A slot stands for the time until the next one starts: when exactly its state was
/// seen is told by its object, and not by its key.
pub fn of_slots(have: &StreamCoverage, interval: TimeDelta, due: Time, until: Time) -> Vec<Stretch> {
    let range = have.slots.keys().next().and_then(|first| Interval::new(*first, due));
    let Some(range) = range else { return Vec::new() };
    let stretches = account::slots(interval, range).filter_map(|at| {
        let state = match have.slots.get(&at) {
            Some((Held::Lost, _)) => State::Lost,
            Some((Held::Unchanged, _)) => State::Unchanged,
            Some((Held::Stored, _)) => State::Known,
            None => State::Missing,
        };
        Some(Stretch { span: Interval::new(at, at.checked_add_signed(interval)?.min(until))?, state })
    });
    in_order(stretches.collect())
}

/// What of `stretches` lies within `span`.
pub fn within(stretches: &[Stretch], span: Interval) -> Vec<Stretch> {
    let first = stretches.partition_point(|stretch| stretch.span.to() <= span.from());
    let inside = stretches.iter().skip(first).take_while(|stretch| stretch.span.from() < span.to());
    inside
        .filter_map(|stretch| Some(Stretch { span: stretch.span.intersection(span)?, ..*stretch }))
        .collect()
}

/// The same past, where the upstream is known to have `refused` us whenever it was asked: what would be missing, and what
/// nothing is said of.
pub fn refused(stretches: Vec<Stretch>, refused: &IntervalSet) -> Vec<Stretch> {
    let told: IntervalSet =
        stretches.iter().filter(|stretch| stretch.state.is_told()).map(|stretch| stretch.span).collect();
    let closed = refused.parts().iter().flat_map(|span| told.missing(*span));
    let mut all: Vec<Stretch> = closed.map(|span| Stretch { span, state: State::Refused }).collect();
    for stretch in stretches {
        if stretch.state.is_told() {
            all.push(stretch);
        } else {
            all.extend(refused.missing(stretch.span).into_iter().map(|span| Stretch { span, ..stretch }));
        }
    }
    in_order(all)
}

/// In order of time, neighbours of one state as one.
fn in_order(mut stretches: Vec<Stretch>) -> Vec<Stretch> {
    stretches.sort_unstable();
    let mut all: Vec<Stretch> = Vec::with_capacity(stretches.len());
    for stretch in stretches {
        if let Some(last) = all.last_mut()
            && last.state == stretch.state
            && last.span.to() == stretch.span.from()
            && let Some(span) = Interval::new(last.span.from(), stretch.span.to())
        {
            last.span = span;
        } else {
            all.push(stretch);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::lake::slice::Format;

    fn hour(number: i64) -> Time {
        Time::from_timestamp(number * 3_600, 0).unwrap()
    }

    fn hours(from: i64, to: i64) -> Interval {
        Interval::new(hour(from), hour(to)).unwrap()
    }

    fn state_at(stretches: &[Stretch], at: Time) -> Option<State> {
        stretches.iter().find(|stretch| stretch.span.contains(at)).map(|stretch| stretch.state)
    }

    fn spans() -> impl Strategy<Value = IntervalSet> {
        prop::collection::vec((0_i64..200, 1_i64..30), 0..10)
            .prop_map(|spans| spans.into_iter().map(|(from, length)| hours(from, from + length)).collect())
    }

    fn version(number: i64) -> Version {
        Version::new(&hour(number).format("%Y%m%d%H%M%S").to_string()).unwrap()
    }

    fn held(kind: u8) -> Held {
        [Held::Lost, Held::Unchanged, Held::Stored][usize::from(kind)]
    }

    /// The past of a stream of any kind.
    fn arbitrary_past() -> impl Strategy<Value = Vec<Stretch>> {
        let windows = (spans(), spans(), 0_i64..260).prop_map(|(windows, lost, until)| {
            of_windows(&StreamCoverage { windows, lost, ..StreamCoverage::default() }, hour(until))
        });
        let kinds = || prop::collection::btree_map(0_i64..200, 0_u8..3, 0..12);
        let failed = prop::collection::btree_set(0_i64..200, 0..4);
        let versions = (kinds(), failed, prop::option::of(0_i64..220), 0_i64..260).prop_map(
            |(kinds, failed, looked, until)| {
                let versions = kinds.into_iter().map(|(at, kind)| (version(at), held(kind))).collect();
                let have = StreamCoverage { versions, ..StreamCoverage::default() };
                let failed = failed.into_iter().map(version).collect();
                of_versions(&have, &failed, looked.map(hour), hour(until))
            },
        );
        let slots = (kinds(), 0_i64..220, 0_i64..260).prop_map(|(kinds, due, until)| {
            let slots = kinds
                .into_iter()
                .map(|(at, kind)| (hour(at / 6 * 6), (held(kind), Format::Ndjson)))
                .collect();
            let have = StreamCoverage { slots, ..StreamCoverage::default() };
            of_slots(&have, TimeDelta::hours(6), hour(due), hour(until))
        });
        prop_oneof![windows, versions, slots]
    }

    /// They are in order, do not overlap, and neighbours differ.
    fn assert_sound(stretches: &[Stretch]) {
        for pair in stretches.windows(2) {
            assert!(pair[0].span.to() <= pair[1].span.from(), "{pair:?}");
            assert!(pair[0].span.to() < pair[1].span.from() || pair[0].state != pair[1].state, "{pair:?}");
        }
    }

    #[test]
    fn what_was_published_after_the_last_look_is_not_known() {
        let versions = [(version(10), Held::Stored)].into();
        let have = StreamCoverage { versions, ..StreamCoverage::default() };
        let past = |looked: Option<i64>| {
            let past = of_versions(&have, &BTreeSet::new(), looked.map(hour), hour(40));
            past.iter().map(|it| (it.span, it.state)).collect::<Vec<_>>()
        };
        assert_eq!(past(None), [(hours(10, 40), State::Missing)]);
        assert_eq!(past(Some(9)), [(hours(10, 40), State::Missing)]);
        assert_eq!(past(Some(30)), [(hours(10, 30), State::Known), (hours(30, 40), State::Missing)]);
        assert_eq!(past(Some(40)), [(hours(10, 40), State::Known)]);
    }

    proptest! {
        #[test]
        fn a_past_that_is_cut_at_midnight_is_the_same_past(past in arbitrary_past()) {
            assert_sound(&past);
            let mut pieces = Vec::new();
            for day in 0..14 {
                let clipped = within(&past, hours(day * 24, day * 24 + 24));
                assert_sound(&clipped);
                for stretch in &clipped {
                    prop_assert!(hour(day * 24) <= stretch.span.from() && stretch.span.to() <= hour(day * 24 + 24));
                }
                pieces.extend(clipped);
            }
            prop_assert_eq!(in_order(pieces), past);
        }

        #[test]
        fn a_refusal_explains_what_is_not_told_and_nothing_else(past in arbitrary_past(), shut in spans()) {
            let explained = refused(past.clone(), &shut);
            assert_sound(&explained);
            for number in 0..260 {
                let at = hour(number);
                let before = state_at(&past, at);
                let expected = if before.is_some_and(State::is_told) || shut.part_at(at).is_none() {
                    before
                } else {
                    Some(State::Refused)
                };
                prop_assert_eq!(state_at(&explained, at), expected, "hour {}", number);
            }
        }
    }
}
