//! What is missing of spot history: pure arithmetic over coverage, grid and time.

use std::collections::BTreeSet;

use chrono::{Days, TimeDelta};

use super::{Options, REGION, RETENTION};
use crate::base::clock::{midnight, whole_second};
use crate::base::{Date, Name, Time};
use crate::lake::coverage::{Coverage, StreamCoverage};
use crate::lake::grid::Grid;
use crate::lake::interval::{Interval, IntervalSet};
use crate::lake::slice::{Slice, Stream};
use crate::sources::aws::Regions;
use crate::sources::clock::TOLERANCE;
use crate::sources::{FetchError, FetchErrorKind, Past, Plan, PlanContext, Sentinel};

/// `time - period`, as early as time goes at most.
pub(super) fn before(time: Time, period: TimeDelta) -> Time {
    time.checked_sub_signed(period).unwrap_or(Time::MIN_UTC)
}

/// The first boundary between windows at or after `time`.
pub(super) fn next_boundary(grid: Grid, time: Time) -> Time {
    match grid.window_at(time) {
        Some(window) if window.from() < time => window.to(),
        _ => time,
    }
}

/// The streams of the regions that are both enabled and configured. Those that are configured, or that the lake holds,
/// and are not enabled are named in `plan.closed`.
pub(super) fn streams(
    dataset: &str,
    enabled: &[String],
    configured: &Regions,
    have: &Coverage,
    plan: &mut Plan,
) -> Result<Vec<Stream>, FetchError> {
    let mut names = BTreeSet::new();
    for region in enabled {
        match Name::new(REGION, region) {
            Ok(name) => drop(names.insert(name)),
            // No key can carry such a region, so that it is filed under the dataset as a whole.
            Err(error) => {
                let error =
                    FetchError::upstream(format!("DescribeRegions named an impossible region: {error}"));
                plan.closed.push((Stream::new(dataset, &[])?, error.with_hint("check the EC2 endpoint")));
            }
        }
    }
    let stream = |name: &Name| Stream::new(dataset, &[(REGION, name.as_str())]);
    let held = have.streams().filter_map(|(stream, _)| Name::new(REGION, stream.part(REGION)?).ok());
    let held: BTreeSet<Name> = held.filter(|region| configured.hold(region)).collect();
    let expected: BTreeSet<Name> = configured.named().chain(&held).cloned().collect();
    for region in expected.difference(&names) {
        let mut error = FetchError::new(
            FetchErrorKind::Refused,
            format!("region {region} is not enabled for this account"),
        );
        if held.contains(region) {
            error = error.with_sentinel(Sentinel::StreamVanished);
        }
        let hint = format!("opt in to {region} in the account's settings, or take it out of [aws] regions");
        plan.closed.push((stream(region)?, error.with_hint(hint)));
    }
    names.retain(|name| configured.hold(name));
    Ok(names.iter().map(stream).collect::<Result<_, _>>()?)
}

/// Adds to `plan` what is wanted and what is lost of one stream.
pub fn slices(stream: &Stream, context: &PlanContext<'_>, options: &Options, plan: &mut Plan) {
    let (grid, now) = (context.grid, context.now);
    let nothing = StreamCoverage::default();
    let have = context.coverage.stream(stream).unwrap_or(&nothing);
    let known = have.windows.union(&have.lost);
    let window = |span| Slice::Window { stream: stream.clone(), span };

    let horizon = before(now, RETENTION);
    // Windows from here on are still remembered whole.
    let edge = next_boundary(grid, horizon);
    let due = whole_second(before(now, options.settle.delta()));
    let (start, end) = match context.past {
        None => {
            let fill = next_boundary(grid, before(now, options.backfill.delta()));
            // A first fill that is shorter than a window still has one, or the stream would never begin.
            let fill = newest(grid, due).map_or(fill, |newest| newest.from().min(fill));
            (have.begins().map_or(fill, |begins| begins.min(fill)), due)
        }
        // Windows that lie across an end of the past are part of it.
        Some(past) => {
            let since = past.since.and_then(|since| grid.window_at(since));
            (since.map_or(edge, Interval::from), due.min(next_boundary(grid, past.until)))
        }
    };
    // What waits in the spool may be the beginning.
    let first = match context.expected.stream(stream).and_then(StreamCoverage::begins) {
        Some(begins) if may_hold_what_was_before(grid, begins, horizon) => begins,
        _ => edge,
    };
    plan.wanted.extend(missing(grid, &known, start.max(first), end).map(window));

    // Before its beginning nothing of a stream was ever promised, so nothing there is lost; and who asks for a part
    // of the past does not judge the rest.
    if let (Some(begins), None) = (have.begins(), context.past) {
        plan.lost.extend(missing(grid, &known, begins, edge).map(window));
    }

    let asked = |day: &Interval| {
        context
            .past
            .is_none_or(|past| day.from() < past.until && past.since.is_none_or(|since| since < day.to()))
    };
    let audits = due_audits(have, grid, horizon, before(now, options.audit.delta())).filter(asked);
    plan.wanted
        .extend(audits.map(|day| Slice::Audit { stream: stream.clone(), day: day.from().date_naive() }));
}

/// Whether the window in which a stream begins may carry over what was before it although, by this clock, the window
/// before it can still be had, for minutes: by a clock that was ahead of this one it could not. Then it must not come
/// after all, or a row would be in both.
fn may_hold_what_was_before(grid: Grid, begins: Time, horizon: Time) -> bool {
    let ahead = horizon + TOLERANCE + TOLERANCE;
    begins > horizon && begins <= next_boundary(grid, ahead)
}

/// What to say when a past reaches further back than the upstream remembers.
pub(super) fn forgotten(past: Past, now: Time) -> Option<String> {
    let horizon = before(now, RETENTION);
    past.since.filter(|since| *since < horizon).map(|_| {
        let (days, edge) = (RETENTION.num_days(), horizon.format("%Y-%m-%dT%H:%M:%SZ"));
        format!("AWS remembers spot prices for {days} days: nothing before {edge} can be fetched any more")
    })
}

/// The last window that ends by `due`.
fn newest(grid: Grid, due: Time) -> Option<Interval> {
    let within = grid.window_at(due)?;
    grid.window_at(before(within.from(), TimeDelta::seconds(1)))
}

/// The windows between two moments of which nothing is known.
fn missing(grid: Grid, known: &IntervalSet, from: Time, to: Time) -> impl Iterator<Item = Interval> {
    let gaps = Interval::new(from, to).map_or_else(Vec::new, |all| known.missing(all));
    gaps.into_iter().flat_map(move |gap| grid.windows(gap.from(), gap.to()))
}

/// The days that ended by `due`, are stored whole and were not audited yet, as far as the upstream remembers
/// them. Days of a first fill are not among them, but for the last: they were fetched long after their end.
fn due_audits(have: &StreamCoverage, grid: Grid, horizon: Time, due: Time) -> impl Iterator<Item = Interval> {
    let next = |day: Date| day.checked_add_days(Days::new(1));
    let first = grid.created_day().checked_sub_days(Days::new(1)).unwrap_or(Date::MIN);
    let first = first.max(next_boundary_day(horizon));
    std::iter::successors(Some(first), move |day| next(*day))
        .map_while(move |day| Interval::new(midnight(day), midnight(next(day)?)))
        .take_while(move |whole| whole.to() <= due)
        .filter(|whole| have.windows.covers(*whole))
        .filter(|whole| !have.audits.contains(&whole.from().date_naive()))
}

/// The first day that starts at or after `time`.
fn next_boundary_day(time: Time) -> Date {
    let day = time.date_naive();
    if midnight(day) == time { day } else { day.checked_add_days(Days::new(1)).unwrap_or(day) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::super::Retry;
    use super::*;
    use crate::base::units::Period;
    use crate::lake::coverage::Coverage;
    use crate::lake::key::Parsed;
    use crate::sources::Traffic;

    const CREATED: &str = "2026-11-21";

    fn time(text: &str) -> Time {
        text.parse().unwrap()
    }

    fn interval(from: &str, to: &str) -> Interval {
        Interval::new(time(from), time(to)).unwrap()
    }

    fn options(backfill: &str) -> Options {
        Options {
            regions: Regions::All,
            endpoint_url: None,
            settle: "10m".parse().unwrap(),
            backfill: backfill.parse().unwrap(),
            audit: "6h".parse().unwrap(),
            retry: Retry { attempts: 1, initial_backoff: Duration::ZERO, max_backoff: Duration::ZERO },
        }
    }

    fn stream() -> Stream {
        Stream::new("aws_spot_prices", &[(REGION, "us-east-1")]).unwrap()
    }

    fn planned_with(have: Option<&StreamCoverage>, now: &str, options: &Options, past: Option<Past>) -> Plan {
        planned_beside(have, have, now, options, past)
    }

    /// A plan by what is stored, and what will be once the spool is empty.
    fn planned_beside(
        have: Option<&StreamCoverage>,
        expected: Option<&StreamCoverage>,
        now: &str,
        options: &Options,
        past: Option<Past>,
    ) -> Plan {
        let grid = Grid::new(CREATED.parse().unwrap(), TimeDelta::hours(1)).unwrap();
        let coverage = |have: Option<&StreamCoverage>| {
            have.map(|have| Coverage::of_stream(stream(), have.clone())).unwrap_or_default()
        };
        let (coverage, expected) = (coverage(have), coverage(expected));
        let traffic = Traffic::default();
        let created_at = midnight(grid.created_day());
        let context = PlanContext {
            coverage: &coverage,
            expected: &expected,
            now: time(now),
            created_at,
            grid,
            past,
            traffic: &traffic,
        };
        let mut plan = Plan::default();
        slices(&stream(), &context, options, &mut plan);
        plan
    }

    fn planned(have: Option<&StreamCoverage>, now: &str, backfill: &str) -> Plan {
        planned_with(have, now, &options(backfill), None)
    }

    fn past(since: Option<&str>, until: &str) -> Past {
        Past { since: since.map(time), until: time(until) }
    }

    fn labels(slices: &[Slice]) -> Vec<String> {
        slices.iter().map(Slice::label).collect()
    }

    fn stored(windows: &[Interval]) -> StreamCoverage {
        StreamCoverage { windows: windows.iter().copied().collect(), ..StreamCoverage::default() }
    }

    #[test]
    fn a_first_fill_is_days_before_the_lake_and_hours_since() {
        let plan = planned(None, "2026-11-21T02:10:00Z", "90d");
        let labels = labels(&plan.wanted);
        assert_eq!(labels.len(), 89 + 2);
        assert_eq!(labels[0], "2026-08-24T00:00:00Z..2026-08-25T00:00:00Z");
        assert_eq!(labels[88], "2026-11-20T00:00:00Z..2026-11-21T00:00:00Z");
        assert_eq!(labels[90], "2026-11-21T01:00:00Z..2026-11-21T02:00:00Z");
        assert!(plan.lost.is_empty(), "what was before the stream was never promised");
    }

    /// A row was in both: the first plan had carried it over, by a clock that was minutes ahead.
    #[test]
    fn a_clock_that_is_put_back_over_the_edge_of_memory_begins_no_window_before_the_first() {
        let first = |have: Option<&StreamCoverage>, now| labels(&planned(have, now, "90d").wanted).remove(0);
        let ahead = "2026-11-21T00:04:00Z";
        assert_eq!(first(None, ahead), "2026-08-24T00:00:00Z..2026-08-25T00:00:00Z");
        let have = stored(&[interval("2026-08-24T00:00:00Z", "2026-08-25T00:00:00Z")]);
        for (now, expected) in [
            ("2026-11-20T23:56:00Z", "2026-08-25T00:00:00Z..2026-08-26T00:00:00Z"),
            ("2026-11-20T23:40:00Z", "2026-08-23T00:00:00Z..2026-08-24T00:00:00Z"),
        ] {
            assert_eq!(first(Some(&have), now), expected, "{now}");
        }
    }

    /// A row was in both, as above: the first plan's oldest window waited in the spool of a process that was killed.
    #[test]
    fn a_first_window_that_waits_in_the_spool_is_the_beginning_too() {
        let waiting = stored(&[interval("2026-08-24T00:00:00Z", "2026-08-25T00:00:00Z")]);
        let later = interval("2026-08-25T00:00:00Z", "2026-08-26T00:00:00Z");
        let mut expected = waiting.clone();
        expected.windows.insert(later);
        for have in [None, Some(&stored(&[later]))] {
            let plan = planned_beside(have, Some(&expected), "2026-11-20T23:56:00Z", &options("90d"), None);
            // What waits is left out once it is planned.
            assert_eq!(labels(&plan.wanted)[0], "2026-08-24T00:00:00Z..2026-08-25T00:00:00Z");
        }
    }

    #[test]
    fn a_window_settles_before_it_is_wanted() {
        let last = |now| labels(&planned(None, now, "1d").wanted).pop().unwrap();
        assert_eq!(last("2026-11-21T02:09:59.999Z"), "2026-11-21T00:00:00Z..2026-11-21T01:00:00Z");
        assert_eq!(last("2026-11-21T02:10:00Z"), "2026-11-21T01:00:00Z..2026-11-21T02:00:00Z");
    }

    #[test]
    fn a_short_first_fill_starts_at_a_boundary() {
        let labels = labels(&planned(None, "2026-11-22T05:30:00Z", "3h").wanted);
        assert_eq!(
            labels,
            ["2026-11-22T03:00:00Z..2026-11-22T04:00:00Z", "2026-11-22T04:00:00Z..2026-11-22T05:00:00Z",]
        );
    }

    #[test]
    fn a_first_fill_that_is_shorter_than_a_window_begins_with_the_newest_one() {
        for backfill in ["0s", "40m"] {
            let wanted = labels(&planned(None, "2026-11-22T05:30:00Z", backfill).wanted);
            assert_eq!(wanted, ["2026-11-22T04:00:00Z..2026-11-22T05:00:00Z"], "{backfill}");
        }
        assert_eq!(
            labels(&planned(None, "2026-11-21T00:05:00Z", "0s").wanted),
            ["2026-11-19T00:00:00Z..2026-11-20T00:00:00Z"],
            "the day before has not settled yet"
        );
    }

    #[test]
    fn what_is_missing_since_the_beginning_is_healed_whatever_the_backfill() {
        let mut have = stored(&[
            interval("2026-11-10T00:00:00Z", "2026-11-11T00:00:00Z"),
            interval("2026-11-12T00:00:00Z", "2026-11-22T00:00:00Z"),
        ]);
        have.audits.insert("2026-11-20".parse().unwrap());
        let labels = labels(&planned(Some(&have), "2026-11-22T01:15:00Z", "1d").wanted);
        assert_eq!(
            labels,
            ["2026-11-11T00:00:00Z..2026-11-12T00:00:00Z", "2026-11-22T00:00:00Z..2026-11-22T01:00:00Z",]
        );
    }

    #[test]
    fn what_is_beyond_memory_is_lost_once() {
        let mut have = stored(&[interval("2026-11-21T00:00:00Z", "2026-11-21T03:00:00Z")]);
        // Ninety days ago it was half past four.
        let now = "2027-02-19T04:30:00Z";
        let plan = planned(Some(&have), now, "1d");
        assert_eq!(
            labels(&plan.lost),
            ["2026-11-21T03:00:00Z..2026-11-21T04:00:00Z", "2026-11-21T04:00:00Z..2026-11-21T05:00:00Z",]
        );
        assert_eq!(labels(&plan.wanted)[0], "2026-11-21T05:00:00Z..2026-11-21T06:00:00Z");
        have.lost.insert(interval("2026-11-21T03:00:00Z", "2026-11-21T05:00:00Z"));
        assert!(planned(Some(&have), now, "1d").lost.is_empty());
    }

    #[test]
    fn a_day_is_audited_once_when_it_is_whole_and_over() {
        let audits = |have: &StreamCoverage, now| {
            let wanted = labels(&planned(Some(have), now, "0s").wanted);
            wanted.into_iter().filter(|label| label.starts_with("audit")).collect::<Vec<_>>()
        };
        let mut have = stored(&[interval("2026-11-01T00:00:00Z", "2026-11-22T00:00:00Z")]);
        assert!(audits(&have, "2026-11-21T05:59:00Z").is_empty());
        let eve = "audit of 2026-11-20";
        assert_eq!(
            audits(&have, "2026-11-21T06:00:00Z"),
            [eve],
            "first fill days are not audited, but the last"
        );
        assert_eq!(audits(&have, "2026-11-22T06:00:00Z"), [eve, "audit of 2026-11-21"]);
        assert_eq!(
            audits(&have, "2026-11-23T06:00:00Z"),
            [eve, "audit of 2026-11-21"],
            "the 22nd is not whole"
        );
        have.audits.insert("2026-11-20".parse().unwrap());
        assert_eq!(audits(&have, "2027-02-19T00:00:00Z"), ["audit of 2026-11-21"]);
        assert!(audits(&have, "2027-02-19T00:00:01Z").is_empty(), "the upstream has begun to forget it");
    }

    #[test]
    fn streams_are_the_regions_that_are_enabled_and_configured() {
        let enabled = ["us-east-1", "eu-west-1", "../../x"].map(ToOwned::to_owned);
        let names = |configured: &Regions| {
            let mut plan = Plan::default();
            let have = Coverage::default();
            let streams = streams("aws_spot_prices", &enabled, configured, &have, &mut plan).unwrap();
            let closed: Vec<_> =
                plan.closed.iter().map(|(stream, error)| (stream.to_string(), error.kind)).collect();
            (streams.iter().map(ToString::to_string).collect::<Vec<_>>(), closed)
        };
        let impossible = ("aws_spot_prices".to_owned(), FetchErrorKind::Upstream);
        let (streams, closed) = names(&Regions::All);
        assert_eq!(streams, ["aws_spot_prices region=eu-west-1", "aws_spot_prices region=us-east-1"]);
        assert_eq!(closed, std::slice::from_ref(&impossible));

        let wanted = ["us-east-1", "me-south-1"].map(|name| Name::new(REGION, name).unwrap());
        let (streams, closed) = names(&Regions::These(wanted.into()));
        assert_eq!(streams, ["aws_spot_prices region=us-east-1"]);
        let refused = ("aws_spot_prices region=me-south-1".to_owned(), FetchErrorKind::Refused);
        assert_eq!(closed, [impossible, refused]);
    }

    #[test]
    fn a_region_that_the_lake_holds_and_nobody_names_has_vanished() {
        let mut have = Coverage::default();
        for region in ["us-east-1", "eu-west-1", "me-south-1"] {
            let stream = Stream::new("aws_spot_prices", &[(REGION, region)]).unwrap();
            let span = interval("2026-11-21T00:00:00Z", "2026-11-21T01:00:00Z");
            have.insert(&Parsed::Raw(Slice::Window { stream, span }));
        }
        let vanished = |configured: &Regions| {
            let mut plan = Plan::default();
            let enabled = ["us-east-1".to_owned()];
            streams("aws_spot_prices", &enabled, configured, &have, &mut plan).unwrap();
            let closed = plan.closed.iter();
            closed.map(|(stream, error)| (stream.part(REGION).unwrap().to_owned(), error.sentinel)).collect()
        };
        let all: Vec<_> = vanished(&Regions::All);
        let gone = |region: &str| (region.to_owned(), Some(Sentinel::StreamVanished));
        assert_eq!(all, [gone("eu-west-1"), gone("me-south-1")]);
        let wanted = ["us-east-1", "eu-west-1", "ap-east-1"].map(|name| Name::new(REGION, name).unwrap());
        let named: Vec<_> = vanished(&Regions::These(wanted.into()));
        assert_eq!(
            named,
            [("ap-east-1".to_owned(), None), gone("eu-west-1")],
            "what is not wanted is not missed"
        );
    }

    #[test]
    fn absurd_periods_are_no_panic() {
        let mut absurd = options("90d");
        absurd.backfill = Period(Duration::MAX);
        absurd.audit = Period(Duration::MAX);
        let plan = planned_with(None, "2026-11-22T00:10:00Z", &absurd, None);
        assert_eq!(plan.wanted.len(), 88 + 24);
    }

    #[test]
    fn a_past_reaches_beyond_the_configured_backfill_and_marks_nothing() {
        let now = "2026-11-22T01:15:00Z";
        let asked = past(Some("2026-11-10T05:00:00Z"), "2026-11-12T00:00:01Z");
        let have = stored(&[
            interval("2026-11-11T00:00:00Z", "2026-11-12T00:00:00Z"),
            interval("2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z"),
        ]);
        let plan = planned_with(Some(&have), now, &options("1d"), Some(asked));
        assert_eq!(
            labels(&plan.wanted),
            ["2026-11-10T00:00:00Z..2026-11-11T00:00:00Z", "2026-11-12T00:00:00Z..2026-11-13T00:00:00Z"],
            "whole windows, and only those that are not there"
        );
        assert!(plan.lost.is_empty());
    }

    #[test]
    fn a_past_without_a_beginning_is_all_that_the_upstream_remembers() {
        let now = "2026-11-22T01:15:00Z";
        let all = labels(&planned_with(None, now, &options("0s"), Some(past(None, now))).wanted);
        assert_eq!(all.first().unwrap(), "2026-08-25T00:00:00Z..2026-08-26T00:00:00Z");
        assert_eq!(all.last().unwrap(), "2026-11-22T00:00:00Z..2026-11-22T01:00:00Z");
        let since = past(Some("2020-01-01T00:00:00Z"), now);
        assert_eq!(labels(&planned_with(None, now, &options("0s"), Some(since)).wanted), all);
        let said = forgotten(since, time(now)).unwrap();
        assert!(said.contains("90 days") && said.contains("2026-08-24T01:15:00Z"), "{said}");
        assert_eq!(forgotten(past(Some("2026-09-01T00:00:00Z"), now), time(now)), None);
        assert_eq!(forgotten(past(None, now), time(now)), None);
    }

    #[test]
    fn a_past_that_has_not_come_yet_wants_nothing_that_is_not_due() {
        let future = past(Some("2026-11-22T00:00:00Z"), "2030-01-01T00:00:00Z");
        let plan = planned_with(None, "2026-11-22T01:09:00Z", &options("90d"), Some(future));
        assert!(plan.wanted.is_empty(), "the first hour settles still: {:?}", plan.wanted);
    }

    #[test]
    fn a_past_is_audited_where_its_days_are_whole() {
        let have = stored(&[interval("2026-11-20T00:00:00Z", "2026-11-24T00:00:00Z")]);
        let asked = past(Some("2026-11-21T23:00:00Z"), "2026-11-22T01:00:00Z");
        let plan = planned_with(Some(&have), "2026-11-24T12:00:00Z", &options("1d"), Some(asked));
        assert_eq!(labels(&plan.wanted), ["audit of 2026-11-21", "audit of 2026-11-22"]);
    }

    #[test]
    fn what_lies_between_a_backfill_and_the_beginning_is_healed() {
        let mut have = stored(&[interval("2026-11-21T00:00:00Z", "2026-11-21T03:00:00Z")]);
        let now = "2026-11-21T03:10:00Z";
        assert!(
            labels(&planned(Some(&have), now, "3h").wanted).iter().all(|label| label.starts_with("audit"))
        );
        have.windows.insert(interval("2026-11-18T00:00:00Z", "2026-11-19T00:00:00Z"));
        assert_eq!(
            labels(&planned(Some(&have), now, "3h").wanted),
            ["2026-11-19T00:00:00Z..2026-11-20T00:00:00Z", "2026-11-20T00:00:00Z..2026-11-21T00:00:00Z"]
        );
    }

    proptest! {
        /// Whatever the lake has, one plan names every hole of its history once: what the upstream remembers is
        /// wanted, the rest is lost; and when that is done nothing is left to do.
        #[test]
        fn every_hole_is_healed_or_lost_once(
            held in prop::collection::vec((0_u32..140, prop::bool::ANY), 1..80),
            minutes in 0_i64..(20 * 24 * 60),
        ) {
            let now = time("2026-11-22T00:00:00Z") + TimeDelta::minutes(minutes);
            let grid = Grid::new(CREATED.parse().unwrap(), TimeDelta::hours(1)).unwrap();
            let oldest = time("2026-08-01T00:00:00Z");
            let windows: Vec<Interval> = grid.windows(oldest, now).collect();
            let mut have = StreamCoverage::default();
            for (place, is_lost) in held {
                // The last of them, so that hours are among them and not days only.
                let index = windows.len().saturating_sub(1 + usize::try_from(place).unwrap());
                let set = if is_lost { &mut have.lost } else { &mut have.windows };
                set.insert(windows[index]);
            }
            let shown = now.to_rfc3339();
            let plan = planned(Some(&have), &shown, "90d");
            let spans = |slices: &[Slice]| -> Vec<Interval> {
                slices.iter().filter_map(|slice| match slice {
                    Slice::Window { span, .. } => Some(*span),
                    _ => None,
                }).collect()
            };
            let (wanted, lost) = (spans(&plan.wanted), spans(&plan.lost));
            let horizon = now - RETENTION;
            prop_assert!(wanted.iter().all(|span| horizon <= span.from()), "remembered whole");
            prop_assert!(lost.iter().all(|span| span.from() < horizon), "begun to be forgotten");
            let known = have.windows.union(&have.lost);
            for span in wanted.iter().chain(&lost) {
                prop_assert!(grid.holds(*span) && known.within(*span).is_empty(), "{} is no hole", span);
            }
            for span in lost {
                have.lost.insert(span);
            }
            for span in wanted {
                have.windows.insert(span);
            }
            let begins = have.begins().unwrap();
            if let Some(last) = grid.windows(begins, now - TimeDelta::minutes(10)).last() {
                let all = Interval::new(begins, last.to()).unwrap();
                prop_assert!(have.accounts_for(all), "a hole is left in {}", all);
            }
            let again = planned(Some(&have), &shown, "90d");
            prop_assert!(spans(&again.wanted).is_empty() && again.lost.is_empty());
        }
    }
}
