//! `contrail status` and the table `coverage` are two readings of one lake, and must tell the same of it.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use proptest::prelude::*;

use super::StreamStatus;
use super::expect::Expectation;
use super::judge::Judge;
use super::runs::Runs;
use super::survey::Holdings;
use crate::base::{Name, Time};
use crate::lake::account::Share;
use crate::lake::grid::Grid;
use crate::lake::interval::Interval;
use crate::lake::key::{Key, Mark};
use crate::lake::run_log::{Attempt, Outcome};
use crate::lake::slice::{Format, Slice, Stream, Version};
use crate::lake::store::{ETag, Listed};
use crate::sources::History;
use crate::tables::coverage::looks::{Looks, Told};
use crate::tables::coverage::pasts::{newest_moment, pasts};
use crate::tables::coverage::stretch::{State, Stretch};

const START: &str = "2026-11-01T00:00:00Z";

/// So many hours after the lake was made.
fn hour(number: i64) -> Time {
    START.parse::<Time>().unwrap() + TimeDelta::hours(number)
}

/// A slice, and whether it is stored or lost, or what else is marked of it.
type Held = (Slice, Option<Mark>);

/// Both readings of the streams of a dataset at `now`.
fn read(held: &[Held], log: &[Attempt], now: Time) -> BTreeMap<Stream, (StreamStatus, Vec<Stretch>)> {
    let (mut holdings, mut runs, mut looks) = (Holdings::default(), Runs::default(), Looks::default());
    for (slice, mark) in held {
        let key = mark.map_or_else(|| Key::raw(slice), |mark| Key::mark(slice, mark));
        holdings.add(&Listed { key: key.to_string(), bytes: 1, etag: ETag::new("e") }, None);
    }
    for attempt in log {
        runs.take(attempt.clone());
        let mut told = Told::by(attempt.started);
        told.take(attempt);
        looks.take(&told);
    }
    let dataset = held.first().map(|(slice, _)| slice.stream().dataset().to_string()).unwrap_or_default();
    let expectation = Expectation {
        dataset: crate::config::SOURCES.into_iter().find(|known| *known == dataset).unwrap_or("none"),
        history: History::of(&dataset).unwrap_or(History::Versions),
        is_crawled: true,
        is_required: true,
        every: TimeDelta::hours(1),
        settle: TimeDelta::zero(),
    };
    let grid = Grid::new(hour(0).date_naive(), TimeDelta::hours(1)).unwrap();
    let judge = Judge { now, created_at: hour(0), grid, holdings: &holdings, runs: &runs };
    let statuses = judge.datasets(&[expectation]).into_iter().flat_map(|dataset| dataset.streams);
    let mut pasts = pasts(&holdings.coverage, &looks, now);
    statuses
        .map(|status| {
            let past = pasts.remove(&status.stream).unwrap_or_default();
            (status.stream.clone(), (status, past))
        })
        .collect()
}

/// How many seconds of a past are in such a state.
fn seconds(past: &[Stretch], is_in: impl Fn(State) -> bool) -> u64 {
    past.iter().filter(|stretch| is_in(stretch.state)).map(|stretch| stretch.span.seconds()).sum()
}

fn region(number: i64) -> Stream {
    Stream::new("aws_spot_prices", &[("region", &format!("r{number}"))]).unwrap()
}

fn mark(kind: u8) -> Option<Mark> {
    [None, Some(Mark::Unchanged), Some(Mark::Lost)][usize::from(kind)]
}

proptest! {
    #[test]
    fn windows_are_the_same_in_both(
        held in prop::collection::vec((0_i64..3, 0_i64..60, any::<bool>()), 1..40),
    ) {
        let held: Vec<Held> = held
            .into_iter()
            .map(|(stream, at, is_lost)| {
                let span = Interval::new(hour(at), hour(at + 1)).unwrap();
                (Slice::Window { stream: region(stream), span }, is_lost.then_some(Mark::Lost))
            })
            .collect();
        // The crawler is at work: the newest window that anybody has is the last one that is due.
        let stored = held.iter().filter(|(_, mark)| mark.is_none());
        let newest = stored.filter_map(|(slice, _)| match slice {
            Slice::Window { span, .. } => Some(span.to()),
            _ => None,
        });
        let now = newest.max();
        prop_assume!(now.is_some());
        for (stream, (status, past)) in read(&held, &[], now.unwrap()) {
            let of = seconds(&past, |_| true);
            let known = seconds(&past, |state| state == State::Known);
            prop_assert_eq!(status.share, Share { known, of }, "{}", &stream);
            prop_assert_eq!(status.gaps, seconds(&past, |state| state == State::Missing) / 3_600, "{}", &stream);
            prop_assert_eq!(status.lost, seconds(&past, |state| state == State::Lost) / 3_600, "{}", &stream);
            let oldest = past.iter().find(|stretch| stretch.state == State::Missing);
            prop_assert_eq!(status.oldest_gap.map(|gap| gap.start()), oldest.map(|gap| gap.span.from()));
        }
    }

    #[test]
    fn slots_are_the_same_in_both(
        held in prop::collection::vec((0_i64..3, 0_i64..12, 0_u8..3), 1..30),
        later in 1_i64..24,
    ) {
        let held: Vec<Held> = held
            .into_iter()
            .map(|(stream, day, kind)| {
                let parts = [("currency", format!("C{stream}"))];
                let parts: Vec<_> = parts.iter().map(|(part, value)| (*part, value.as_str())).collect();
                let stream = Stream::new("azure_retail_prices", &parts).unwrap();
                (Slice::Slot { stream, at: hour(day * 24), format: Format::Ndjson }, mark(kind))
            })
            .collect();
        let seen = held.iter().filter(|(_, mark)| *mark != Some(Mark::Lost));
        let newest = seen.filter_map(|(slice, _)| match slice {
            Slice::Slot { at, .. } => Some(*at),
            _ => None,
        });
        let newest = newest.max();
        prop_assume!(newest.is_some());
        let now = newest.unwrap() + TimeDelta::hours(later);
        for (stream, (status, past)) in read(&held, &[], now) {
            // The slot that is open has begun, and counts as one.
            let slots = |is_in: &dyn Fn(State) -> bool| {
                let whole = past.iter().filter(|stretch| is_in(stretch.state));
                whole.map(|stretch| stretch.span.seconds().div_ceil(86_400)).sum::<u64>()
            };
            prop_assert_eq!(status.gaps, slots(&|state| state == State::Missing), "{}", &stream);
            prop_assert_eq!(status.lost, slots(&|state| state == State::Lost), "{}", &stream);
            let known = slots(&|state| matches!(state, State::Known | State::Unchanged));
            prop_assert_eq!(status.share.known, known, "{}", &stream);
        }
    }

    #[test]
    fn versions_are_the_same_in_both(
        held in prop::collection::btree_map((0_i64..3, 0_i64..60), any::<bool>(), 1..20),
        failed in prop::collection::btree_set((0_i64..3, 0_i64..60), 0..6),
    ) {
        let version = |(stream, at): (i64, i64)| {
            let stream = Stream::new("aws_price_list", &[("offer", "A"), ("region", &format!("r{stream}"))]);
            let version = Version::new(&hour(at).format("%Y%m%d%H%M%S").to_string()).unwrap();
            Slice::Version { stream: stream.unwrap(), version }
        };
        let run = Name::hex(1);
        let looked = hour(61);
        let mut log: Vec<Attempt> = failed.into_iter().map(|at| Attempt::at_slice(&run, &version(at), hour(60))).collect();
        // Whoever has a past was looked at since.
        log.extend(held.keys().map(|(stream, _)| Attempt {
            outcome: Outcome::Unchanged,
            ..Attempt::at_stream(&run, version((*stream, 0)).stream(), looked)
        }));
        let held: Vec<Held> =
            held.into_iter().map(|(at, is_lost)| (version(at), is_lost.then_some(Mark::Lost))).collect();
        for (stream, (status, past)) in read(&held, &log, looked) {
            prop_assert_eq!(status.gaps > 0, seconds(&past, |state| state == State::Missing) > 0, "{}", &stream);
            prop_assert_eq!(status.lost > 0, seconds(&past, |state| state == State::Lost) > 0, "{}", &stream);
            prop_assert_eq!(status.share.known > 0, seconds(&past, |state| state == State::Known) > 0, "{}", &stream);
            if let Some(range) = status.range {
                prop_assert!(past.iter().all(|stretch| stretch.span.to() <= range.to), "{}", &stream);
            }
        }
    }
}

#[test]
fn the_newest_moment_of_a_lake_is_one_that_somebody_looked_at() {
    let span = Interval::new(hour(5), hour(6)).unwrap();
    let held = [
        (Slice::Window { stream: region(0), span }, None),
        (
            Slice::Window { stream: region(0), span: Interval::new(hour(8), hour(9)).unwrap() },
            Some(Mark::Lost),
        ),
    ];
    let mut holdings = Holdings::default();
    for (slice, mark) in &held {
        let key = mark.map_or_else(|| Key::raw(slice), |mark| Key::mark(slice, mark));
        holdings.add(&Listed { key: key.to_string(), bytes: 1, etag: ETag::new("e") }, None);
    }
    assert_eq!(newest_moment(&holdings.coverage), Some(hour(6)));
}
