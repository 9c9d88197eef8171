//! The grid of windows: which stretches of time a stream of windows is cut into. A pure function of the lake
//! and of time, never of configuration or of the clock, so that no two windows of a stream ever overlap.

use chrono::{Days, TimeDelta};

use super::interval::Interval;
use crate::base::clock::midnight;
use crate::base::{Date, Time};

/// How one lake cuts time: whole days before the day on which it was made, `step` from that day on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    created_day: Date,
    step: TimeDelta,
}

impl Grid {
    /// The grid of a lake made on `created_day` whose windows last `step`; `None` unless `step` is a whole
    /// number of minutes and divides a day.
    pub fn new(created_day: Date, step: TimeDelta) -> Option<Self> {
        let seconds = step.num_seconds();
        let fits = seconds > 0 && step.subsec_nanos() == 0 && seconds % 60 == 0 && 86_400 % seconds == 0;
        fits.then_some(Self { created_day, step })
    }

    /// The first day that is cut into windows shorter than a day (unless a window lasts a day).
    pub fn created_day(self) -> Date {
        self.created_day
    }

    /// The length of the windows since then.
    pub fn step(self) -> TimeDelta {
        self.step
    }

    /// The window that `time` lies in.
    pub fn window_at(self, time: Time) -> Option<Interval> {
        let day = time.date_naive();
        let start = midnight(day);
        if day < self.created_day {
            return Interval::new(start, midnight(day.checked_add_days(Days::new(1))?));
        }
        let steps = (time - start).num_seconds().div_euclid(self.step.num_seconds());
        let from = start + self.step * i32::try_from(steps).ok()?;
        Interval::new(from, from + self.step)
    }

    /// The windows that lie wholly within `[from, to)`, in order of time.
    pub fn windows(self, from: Time, to: Time) -> impl Iterator<Item = Interval> {
        let first = self.window_at(from).and_then(|window| {
            if window.from() == from { Some(window) } else { self.window_at(window.to()) }
        });
        std::iter::successors(first, move |window| self.window_at(window.to()))
            .take_while(move |window| window.to() <= to)
    }

    /// Whether `interval` is one of the grid's windows.
    pub fn holds(self, interval: Interval) -> bool {
        self.window_at(interval.from()) == Some(interval)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn time(text: &str) -> Time {
        text.parse().unwrap()
    }

    fn grid(step_minutes: i64) -> Grid {
        Grid::new("2026-11-21".parse().unwrap(), TimeDelta::minutes(step_minutes)).unwrap()
    }

    #[test]
    fn days_before_the_lake_and_hours_since() {
        let grid = grid(60);
        let windows: Vec<_> =
            grid.windows(time("2026-11-19T05:00:00Z"), time("2026-11-21T02:30:00Z")).collect();
        let shown: Vec<_> = windows.iter().map(ToString::to_string).collect();
        assert_eq!(
            shown,
            [
                "2026-11-20T00:00:00Z..2026-11-21T00:00:00Z",
                "2026-11-21T00:00:00Z..2026-11-21T01:00:00Z",
                "2026-11-21T01:00:00Z..2026-11-21T02:00:00Z",
            ]
        );
    }

    #[test]
    fn a_step_divides_a_day() {
        let day = "2026-11-21".parse().unwrap();
        for minutes in [0, -60, 7, 7 * 60, 48 * 60] {
            assert!(Grid::new(day, TimeDelta::minutes(minutes)).is_none(), "{minutes}");
        }
        assert!(Grid::new(day, TimeDelta::seconds(90)).is_none());
        assert!(Grid::new(day, TimeDelta::days(1)).is_some());
    }

    proptest! {
        #[test]
        fn windows_tile_time(
            start in -200_000_i64..200_000,
            length in 0_i64..400_000,
            step in prop::sample::select(vec![15_i64, 60, 240, 1440]),
        ) {
            let grid = grid(step);
            let from = time("2026-11-21T00:00:00Z") + TimeDelta::seconds(start);
            let to = from + TimeDelta::seconds(length);
            let windows: Vec<_> = grid.windows(from, to).collect();
            for pair in windows.windows(2) {
                prop_assert_eq!(pair[0].to(), pair[1].from());
            }
            for window in &windows {
                prop_assert!(from <= window.from() && window.to() <= to && grid.holds(*window));
            }
            // Nothing that would have fitted was left out at either end.
            if let Some(window) = grid.window_at(from).filter(|window| window.from() == from && window.to() <= to) {
                prop_assert_eq!(windows.first(), Some(&window));
            }
            let end = windows.last().map_or(from, |window| window.to());
            prop_assert!(to - end < TimeDelta::days(2));
        }
    }
}
