//! What coverage, run logs and expectations mean together. Pure.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, TimeDelta};

use super::expect::Expectation;
use super::runs::{LastAttempt, Runs, Told};
use super::survey::Holdings;
use super::{DatasetStatus, Newest, Proven, Range, State, StreamStatus, days_before};
use crate::base::clock::midnight;
use crate::base::{Date, Time};
use crate::lake::account::{self, Account, Piece, Share};
use crate::lake::coverage::{Held, StreamCoverage};
use crate::lake::grid::Grid;
use crate::lake::interval::Interval;
use crate::lake::slice::{Stream, Version};
use crate::sources::History;

/// How far back a status looks.
const LOOK_BACK: TimeDelta = TimeDelta::days(90);

/// What is known of a lake.
pub(super) struct Judge<'a> {
    pub(super) now: Time,
    pub(super) created_at: Time,
    pub(super) grid: Grid,
    pub(super) holdings: &'a Holdings,
    pub(super) runs: &'a Runs,
}

/// What a stream's slices tell, by their kind.
struct Reading {
    newest: Option<Newest>,
    range: Option<Range>,
    account: Account,
    expires: Option<Time>,
    proven: Option<Proven>,
}

impl Judge<'_> {
    /// Every dataset that is expected or there, by name.
    pub(super) fn datasets(&self, expectations: &[Expectation]) -> Vec<DatasetStatus> {
        let known = self.holdings.coverage.streams().map(|(stream, _)| stream);
        let mut streams: BTreeMap<&str, BTreeSet<&Stream>> =
            expectations.iter().map(|expected| (expected.dataset, BTreeSet::new())).collect();
        for stream in known.chain(self.runs.streams()) {
            streams.entry(stream.dataset().as_str()).or_default().insert(stream);
        }
        let judged = streams.into_iter().filter_map(|(dataset, streams)| {
            let expected = expectations.iter().find(|expected| expected.dataset == dataset);
            let streams: Vec<_> = streams.into_iter().map(|stream| self.stream(stream, expected)).collect();
            let nothing = self.nothing_yet(expected);
            // A source that is off and has left nothing is nobody's question.
            if streams.is_empty() && nothing == State::Off {
                return None;
            }
            let mut share = Share::default();
            for stream in &streams {
                share += stream.share;
            }
            let state = streams.iter().map(|stream| stream.state).max().unwrap_or(nothing);
            Some(DatasetStatus { dataset: dataset.to_owned(), state, share, streams })
        });
        judged.collect()
    }

    /// The state of a dataset of which nothing is there.
    fn nothing_yet(&self, expected: Option<&Expectation>) -> State {
        let Some(expected) = expected.filter(|expected| expected.is_crawled && expected.is_required) else {
            return State::Off;
        };
        let patience = expected.patience(self.grid.step()).unwrap_or(expected.every * 2);
        if self.now - self.created_at > patience { State::Stale } else { State::Unknown }
    }

    fn stream(&self, stream: &Stream, expected: Option<&Expectation>) -> StreamStatus {
        let nothing = StreamCoverage::default();
        let have = self.holdings.coverage.stream(stream).unwrap_or(&nothing);
        let told = self.runs.of(stream);
        let history =
            expected.map(|expected| expected.history).or_else(|| History::of(stream.dataset().as_str()));
        let settle = expected.map_or_else(TimeDelta::zero, |expected| expected.settle);
        let reading = match history {
            Some(History::Windows { memory }) => self.windows(have, memory, settle),
            Some(History::Versions) => self.versions(have, told),
            Some(History::Slots { interval }) => self.slots(have, interval),
            None => Reading {
                newest: None,
                range: None,
                account: Account::default(),
                expires: None,
                proven: None,
            },
        };
        let volume = self.holdings.volume(stream);
        let state = match expected {
            Some(expected) if expected.is_crawled => self.state(expected, &reading, told),
            Some(_) => State::Off,
            None => State::Unknown,
        };
        StreamStatus {
            stream: stream.clone(),
            state,
            newest: reading.newest,
            range: reading.range,
            share: reading.account.share,
            gaps: self.count(&reading.account.gaps),
            oldest_gap: reading.account.gaps.first().cloned(),
            expires: reading.expires,
            lost: self.count(&reading.account.lost),
            proven: reading.proven,
            last_attempt: told.and_then(|told| told.last.clone()),
            volume,
            raw: self.runs.raw_bytes(stream, volume.objects, volume.bytes),
        }
    }

    /// A stretch of time counts for as many windows as it has.
    fn count(&self, pieces: &[Piece]) -> u64 {
        let count = |piece: &Piece| match piece {
            Piece::Span(span) => self.grid.windows(span.from(), span.to()).count() as u64,
            Piece::Version(_) | Piece::Slot(_) => 1,
        };
        pieces.iter().map(count).sum()
    }

    fn state(&self, expected: &Expectation, reading: &Reading, told: Option<&Told>) -> State {
        let last = told.and_then(|told| told.last.as_ref());
        // Who is shut out is not late.
        if last.is_some_and(LastAttempt::is_refusal) {
            return State::Unknown;
        }
        if let Some(patience) = expected.patience(self.grid.step()) {
            let late = |newest: &Newest| self.now - newest.to > patience;
            return match &reading.newest {
                None if last.is_some_and(LastAttempt::is_failure)
                    && self.now - self.created_at > patience =>
                {
                    State::Stale
                }
                None => State::Unknown,
                Some(newest) if late(newest) => State::Stale,
                Some(_) => State::Current,
            };
        }
        // An upstream publishes when it likes, and a look that finds nothing new leaves no object in the lake. So
        // only the run log tells.
        let patience = expected.every * 2;
        match told.and_then(|told| told.last_success) {
            Some(good) if self.now - good <= patience => State::Current,
            Some(_) => State::Stale,
            None if last.is_some_and(LastAttempt::is_failure) => State::Stale,
            None => State::Unknown,
        }
    }

    fn windows(&self, have: &StreamCoverage, memory: TimeDelta, settle: TimeDelta) -> Reading {
        let newest = have.windows.end().map(|to| Newest { label: moment(to), to });
        let floor = |time: Time| self.grid.window_at(time).map_or(time, Interval::from);
        let ceiling = |time: Time| {
            self.grid
                .window_at(time)
                .map_or(time, |window| if window.from() == time { time } else { window.to() })
        };
        let due = have.windows.end().max(Some(floor(self.now - settle))).unwrap_or(self.now);
        let oldest = ceiling(self.now - LOOK_BACK);
        let range = have.begins().and_then(|begins| range(begins, oldest, due));
        let Some(range) = range else {
            return Reading { newest, range: None, account: Account::default(), expires: None, proven: None };
        };
        let account = Interval::new(range.from, range.to)
            .map_or_else(Account::default, |range| account::of_windows(have, range));
        let expires = account.gaps.first().map(|gap| gap.start() + memory);
        Reading { newest, range: Some(range), account, expires, proven: Some(self.proven(have, range)) }
    }

    fn proven(&self, have: &StreamCoverage, range: Range) -> Proven {
        let first = days_before(self.grid.created_day(), 1).max(first_whole_day(range.from));
        let days = first.iter_days().take_while(|day| {
            day.checked_add_days(Days::new(1)).is_some_and(|next| midnight(next) <= range.to)
        });
        let mut proven = Proven::default();
        for day in days {
            proven.of += 1;
            proven.days += u64::from(have.audits.contains(&day));
        }
        proven
    }

    fn versions(&self, have: &StreamCoverage, told: Option<&Told>) -> Reading {
        let newest = have
            .newest_version()
            .map(|version| Newest { label: version.to_string(), to: version.published_at() });
        let failed = told.map(|told| told.failed.clone()).unwrap_or_default();
        let oldest = self.now - LOOK_BACK;
        let first = have.versions.keys().next().map(Version::published_at);
        // What was published since somebody looked last is not known.
        let looked = told.and_then(|told| told.last_success).map(|looked| looked.min(self.now));
        let range = first.zip(looked).and_then(|(first, looked)| range(first, oldest, looked));
        let account = account::of_versions(have, &failed, oldest.date_naive());
        Reading { newest, range, account, expires: None, proven: None }
    }

    fn slots(&self, have: &StreamCoverage, interval: TimeDelta) -> Reading {
        let seen = have.slots.iter().rev().find(|(_, (held, _))| *held != Held::Lost).map(|(at, _)| *at);
        let newest = seen.map(|at| Newest { label: moment(at), to: at + interval });
        // The slot that is open counts once it was looked at: until then it may yet be.
        let end = seen.map_or(self.now, |at| (at + interval).max(self.now));
        let range = have.slots.keys().next().and_then(|first| {
            let oldest = self.now - LOOK_BACK;
            let from = *first + interval * whole_steps(oldest - *first + interval, interval).max(0);
            let to = *first + interval * whole_steps(end - *first, interval);
            (from < to).then_some(Range { from, to, is_whole: from > *first })
        });
        let account = range
            .and_then(|range| Interval::new(range.from, range.to))
            .map_or_else(Account::default, |range| account::of_slots(have, interval, range));
        Reading { newest, range, account, expires: None, proven: None }
    }
}

/// From the beginning or from `oldest`, whatever is later, to `to`.
fn range(begins: Time, oldest: Time, to: Time) -> Option<Range> {
    let from = begins.max(oldest);
    (from < to).then_some(Range { from, to, is_whole: begins <= oldest })
}

/// How many times `step` fits into `length`, below zero for a length that is.
fn whole_steps(length: TimeDelta, step: TimeDelta) -> i32 {
    let steps = length.num_seconds().div_euclid(step.num_seconds().max(1));
    i32::try_from(steps).unwrap_or(if steps < 0 { i32::MIN } else { i32::MAX })
}

/// The first day that starts at or after `time`.
fn first_whole_day(time: Time) -> Date {
    let day = time.date_naive();
    if midnight(day) == time { day } else { day.checked_add_days(Days::new(1)).unwrap_or(day) }
}

fn moment(time: Time) -> String {
    time.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Name;
    use crate::lake::key::{Key, Mark};
    use crate::lake::run_log::{Attempt, Outcome};
    use crate::lake::slice::{Format, Slice};
    use crate::lake::store::{ETag, Listed};

    const NOW: &str = "2026-11-22T05:30:00Z";

    fn time(text: &str) -> Time {
        text.parse().unwrap()
    }

    fn region() -> Stream {
        Stream::new("aws_spot_prices", &[("region", "us-east-1")]).unwrap()
    }

    fn prices() -> Stream {
        Stream::new("azure_retail_prices", &[("currency", "USD")]).unwrap()
    }

    fn offer() -> Stream {
        Stream::new("aws_price_list", &[("offer", "AmazonEC2"), ("region", "us-east-1")]).unwrap()
    }

    fn expectation(dataset: &'static str, every: i64) -> Expectation {
        Expectation {
            dataset,
            history: History::of(dataset).unwrap(),
            is_crawled: true,
            is_required: true,
            every: TimeDelta::hours(every),
            settle: TimeDelta::minutes(10),
        }
    }

    fn window(from: &str, to: &str) -> Slice {
        Slice::Window { stream: region(), span: Interval::new(time(from), time(to)).unwrap() }
    }

    fn slot(day: &str) -> Slice {
        Slice::Slot { stream: prices(), at: time(&format!("{day}T00:00:00Z")), format: Format::Ndjson }
    }

    fn version(text: &str) -> Slice {
        Slice::Version { stream: offer(), version: Version::new(text).unwrap() }
    }

    /// A lake that was made at noon of the 20th, with these objects and these that are lost.
    fn status(stored: &[Slice], lost: &[Slice], runs: &Runs, expected: &Expectation) -> DatasetStatus {
        let mut holdings = Holdings::default();
        for slice in stored {
            holdings
                .add(&Listed { key: Key::raw(slice).to_string(), bytes: 100, etag: ETag::new("e") }, None);
        }
        for slice in lost {
            holdings.add(
                &Listed { key: Key::mark(slice, Mark::Lost).to_string(), bytes: 10, etag: ETag::new("e") },
                None,
            );
        }
        let judge = Judge {
            now: time(NOW),
            created_at: time("2026-11-20T12:00:00Z"),
            grid: Grid::new("2026-11-20".parse().unwrap(), TimeDelta::hours(1)).unwrap(),
            holdings: &holdings,
            runs,
        };
        judge.datasets(std::slice::from_ref(expected)).remove(0)
    }

    fn told(slice: &Slice, outcome: Outcome, finished: &str) -> Runs {
        let mut runs = Runs::default();
        runs.take(Attempt { outcome, ..Attempt::at_slice(&Name::hex(1), slice, time(finished)) });
        runs
    }

    fn spot() -> Expectation {
        expectation("aws_spot_prices", 1)
    }

    #[test]
    fn windows_are_counted_from_the_beginning_to_what_is_due() {
        let stored = [
            window("2026-11-19T00:00:00Z", "2026-11-20T00:00:00Z"),
            window("2026-11-20T02:00:00Z", "2026-11-20T03:00:00Z"),
            window("2026-11-22T04:00:00Z", "2026-11-22T05:00:00Z"),
            Slice::Audit { stream: region(), day: "2026-11-19".parse().unwrap() },
        ];
        let lost = [window("2026-11-20T00:00:00Z", "2026-11-20T01:00:00Z")];
        let dataset = status(&stored, &lost, &Runs::default(), &spot());
        let [stream] = &dataset.streams[..] else { panic!() };
        assert_eq!(stream.newest.as_ref().unwrap().label, "2026-11-22T05:00:00Z");
        let range = stream.range.unwrap();
        assert_eq!((range.from, range.to), (time("2026-11-19T00:00:00Z"), time("2026-11-22T05:00:00Z")));
        assert!(!range.is_whole);
        assert_eq!(stream.share, Share { known: 26 * 3_600, of: 77 * 3_600 });
        assert_eq!((stream.gaps, stream.lost), (50, 1));
        assert_eq!(stream.oldest_gap.as_ref().unwrap().start(), time("2026-11-20T01:00:00Z"));
        assert_eq!(stream.expires, Some(time("2027-02-18T01:00:00Z")));
        assert_eq!(stream.proven, Some(Proven { days: 1, of: 3 }), "of the 19th, 20th and 21st");
        assert_eq!((stream.volume.objects, stream.volume.bytes), (4, 400));
        assert_eq!((dataset.state, stream.state), (State::Current, State::Current));
    }

    #[test]
    fn a_long_history_is_looked_at_for_90_days() {
        let days = "2026-01-01".parse::<Date>().unwrap().iter_days().take(323);
        let stored: Vec<Slice> = days
            .map(|day| Slice::Window {
                stream: region(),
                span: Interval::new(midnight(day), midnight(day.succ_opt().unwrap())).unwrap(),
            })
            .collect();
        let dataset = status(&stored, &[], &Runs::default(), &spot());
        let range = dataset.streams[0].range.unwrap();
        assert!(range.is_whole);
        assert_eq!(range.from, time("2026-08-25T00:00:00Z"), "the first window that is remembered whole");
    }

    #[test]
    fn a_stream_is_stale_when_two_looks_came_to_nothing() {
        // 2 × 1 h + 10 m + 1 h before half past five.
        for (to, state) in [("02:00:00Z", State::Stale), ("03:00:00Z", State::Current)] {
            let stored = [window("2026-11-22T00:00:00Z", "2026-11-22T01:00:00Z"), {
                let to = time(&format!("2026-11-22T{to}"));
                let span = Interval::new(to - TimeDelta::hours(1), to).unwrap();
                Slice::Window { stream: region(), span }
            }];
            assert_eq!(status(&stored, &[], &Runs::default(), &spot()).state, state, "{to}");
        }
    }

    #[test]
    fn what_is_not_crawled_is_not_late_and_what_is_refused_neither() {
        let old = window("2026-11-20T12:00:00Z", "2026-11-20T13:00:00Z");
        let off = Expectation { is_crawled: false, ..spot() };
        assert_eq!(status(std::slice::from_ref(&old), &[], &Runs::default(), &off).state, State::Off);
        let refused = told(&old, Outcome::Refused, "2026-11-22T05:00:00Z");
        let dataset = status(std::slice::from_ref(&old), &[], &refused, &spot());
        assert_eq!(dataset.state, State::Unknown);
        assert!(dataset.streams[0].is_refused());
        let alone = status(&[], &[], &refused, &spot());
        assert!(alone.streams[0].is_refused(), "it has nothing, and is told all the same");
    }

    #[test]
    fn a_dataset_that_never_came_is_stale_after_a_while() {
        assert_eq!(status(&[], &[], &Runs::default(), &spot()).state, State::Stale);
        assert_eq!(
            status(&[], &[], &Runs::default(), &expectation("aws_price_list", 48)).state,
            State::Unknown,
            "the lake is not that old yet"
        );
    }

    #[test]
    fn slots_are_counted_once_they_are_over_or_seen() {
        let azure = expectation("azure_retail_prices", 24);
        let stored = [slot("2026-11-17"), slot("2026-11-19"), slot("2026-11-20")];
        let dataset = status(&stored, &[slot("2026-11-18")], &Runs::default(), &azure);
        let stream = &dataset.streams[0];
        assert_eq!(stream.share, Share { known: 3, of: 5 }, "the 22nd is open");
        assert_eq!((stream.gaps, stream.lost), (1, 1));
        assert_eq!(stream.oldest_gap, Some(Piece::Slot(time("2026-11-21T00:00:00Z"))));
        assert_eq!(dataset.state, State::Stale, "the 21st went by unseen");
        let seen = status(&[slot("2026-11-21"), slot("2026-11-22")], &[], &Runs::default(), &azure);
        assert_eq!((seen.streams[0].share, seen.state), (Share { known: 2, of: 2 }, State::Current));
        let yesterday = status(&[slot("2026-11-21")], &[], &Runs::default(), &azure);
        assert_eq!(yesterday.state, State::Current, "today may yet be seen");
    }

    #[test]
    fn old_slots_are_left_out_in_whole() {
        let stored: Vec<Slice> = ["2026-08-01", "2026-08-24", "2026-08-25", "2026-11-22"].map(slot).into();
        let azure = expectation("azure_retail_prices", 24);
        let dataset = status(&stored, &[], &Runs::default(), &azure);
        let range = dataset.streams[0].range.unwrap();
        assert_eq!((range.from, range.is_whole), (time("2026-08-25T00:00:00Z"), true));
        assert_eq!(dataset.streams[0].share, Share { known: 2, of: 90 });
    }

    #[test]
    fn of_versions_only_attempts_tell_who_is_late() {
        let list = expectation("aws_price_list", 12);
        let held = [version("20261120000000")];
        let state = |runs: &Runs| status(&held, &[], runs, &list).state;
        assert_eq!(state(&Runs::default()), State::Unknown, "nobody published, or nobody looked");
        let new = version("20261121000000");
        assert_eq!(state(&told(&held[0], Outcome::Stored, "2026-11-22T00:00:00Z")), State::Current);
        let long_ago = status(&held, &[], &told(&held[0], Outcome::Unchanged, "2026-11-20T06:00:00Z"), &list);
        assert_eq!(long_ago.state, State::Stale);
        let range = long_ago.streams[0].range.unwrap();
        assert_eq!(range.to, time("2026-11-20T06:00:00Z"), "what was published since is not known");
        let failed = told(&new, Outcome::Failed, "2026-11-22T00:00:00Z");
        let dataset = status(&held, &[], &failed, &list);
        assert_eq!(dataset.state, State::Stale);
        assert_eq!((dataset.streams[0].gaps, dataset.streams[0].share), (1, Share { known: 1, of: 2 }));
    }

    #[test]
    fn a_dataset_of_another_release_is_shown_and_not_judged() {
        let stream = Stream::new("gcp_skus", &[]).unwrap();
        let unknown = Slice::Slot { stream, at: time("2026-11-20T00:00:00Z"), format: Format::Ndjson };
        let mut holdings = Holdings::default();
        holdings.add(&Listed { key: Key::raw(&unknown).to_string(), bytes: 7, etag: ETag::new("e") }, None);
        let judge = Judge {
            now: time(NOW),
            created_at: time(NOW),
            grid: Grid::new("2026-11-20".parse().unwrap(), TimeDelta::hours(1)).unwrap(),
            holdings: &holdings,
            runs: &Runs::default(),
        };
        let [dataset] = &judge.datasets(&[])[..] else { panic!() };
        assert_eq!((dataset.dataset.as_str(), dataset.state), ("gcp_skus", State::Unknown));
        assert_eq!(dataset.streams[0].volume.bytes, 7);
    }
}
