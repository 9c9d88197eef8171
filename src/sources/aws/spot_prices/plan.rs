//! What is missing of spot history: pure arithmetic over coverage, grid and time.

use std::collections::BTreeSet;

use chrono::{Days, TimeDelta};

use super::{Options, REGION, RETENTION, Regions};
use crate::base::clock::{midnight, whole_second};
use crate::base::{Date, Name, Time};
use crate::lake::coverage::StreamCoverage;
use crate::lake::grid::Grid;
use crate::lake::interval::{Interval, IntervalSet};
use crate::lake::slice::{Slice, Stream};
use crate::sources::{FetchError, FetchErrorKind, Plan};

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

/// The streams of the regions that are both enabled and configured. The others are named in `plan.closed`.
pub(super) fn streams(
    dataset: &str,
    enabled: &[String],
    configured: &Regions,
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
    if let Regions::These(wanted) = configured {
        for region in wanted.difference(&names) {
            let error = FetchError::new(
                FetchErrorKind::Refused,
                format!("region {region} is not enabled for this account"),
            );
            let hint =
                format!("opt in to {region} in the account's settings, or take it out of [aws] regions");
            plan.closed.push((stream(region)?, error.with_hint(hint)));
        }
        names.retain(|name| wanted.contains(name));
    }
    Ok(names.iter().map(stream).collect::<Result<_, _>>()?)
}

/// Adds to `plan` what is wanted and what is lost of one stream.
pub(super) fn slices(
    stream: &Stream,
    have: Option<&StreamCoverage>,
    grid: Grid,
    now: Time,
    options: &Options,
    plan: &mut Plan,
) {
    let nothing = StreamCoverage::default();
    let have = have.unwrap_or(&nothing);
    let known: IntervalSet = have.windows.parts().iter().chain(have.lost.parts()).copied().collect();
    let window = |span| Slice::Window { stream: stream.clone(), span };

    let horizon = before(now, RETENTION);
    // Windows from here on are still remembered whole.
    let edge = next_boundary(grid, horizon);
    let fill = next_boundary(grid, before(now, options.backfill.delta()));
    let start = have.begins().map_or(fill, |begins| begins.min(fill)).max(edge);
    let due = whole_second(before(now, options.settle.delta()));
    plan.wanted.extend(missing(grid, &known, start, due).map(window));

    // Before its beginning nothing of a stream was ever promised, so nothing there is lost.
    if let Some(begins) = have.begins() {
        plan.lost.extend(missing(grid, &known, begins, edge).map(window));
    }

    let audited = |day: Date| Slice::Audit { stream: stream.clone(), day };
    plan.wanted.extend(due_audits(have, grid, horizon, before(now, options.audit.delta())).map(audited));
}

/// The windows between two moments of which nothing is known.
fn missing(grid: Grid, known: &IntervalSet, from: Time, to: Time) -> impl Iterator<Item = Interval> {
    let gaps = Interval::new(from, to).map_or_else(Vec::new, |all| known.missing(all));
    gaps.into_iter().flat_map(move |gap| grid.windows(gap.from(), gap.to()))
}

/// The days that ended by `due`, are stored whole and were not audited yet, as far as the upstream remembers
/// them. Days of a first fill are not among them, but for the last: they were fetched long after their end.
fn due_audits(have: &StreamCoverage, grid: Grid, horizon: Time, due: Time) -> impl Iterator<Item = Date> {
    let next = |day: Date| day.checked_add_days(Days::new(1));
    let first = grid.created_day().checked_sub_days(Days::new(1)).unwrap_or(Date::MIN);
    let first = first.max(next_boundary_day(horizon));
    std::iter::successors(Some(first), move |day| next(*day))
        .map_while(move |day| Interval::new(midnight(day), midnight(next(day)?)))
        .take_while(move |whole| whole.to() <= due)
        .filter(|whole| have.windows.covers(*whole))
        .map(|whole| whole.from().date_naive())
        .filter(|day| !have.audits.contains(day))
}

/// The first day that starts at or after `time`.
fn next_boundary_day(time: Time) -> Date {
    let day = time.date_naive();
    if midnight(day) == time { day } else { day.checked_add_days(Days::new(1)).unwrap_or(day) }
}
