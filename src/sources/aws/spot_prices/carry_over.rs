//! Which of the listed rows a slice keeps: the changes within it and, at the edge of what can still be known,
//! the changes that it carries over.
//!
//! For each pool the upstream also lists the last change before the start of the listing. Nearly always an
//! earlier window holds that row, or will; kept here as well it would be in the lake twice. So it is kept only
//! where no earlier window can ever hold it: when the time before is lost, or is neither stored nor within the
//! upstream's memory. How far back a stream is to be filled does not enter into it: that can be changed later,
//! and then the earlier windows come after all. The price of a first fill that is shorter than the memory is
//! that the prices at its very start are unknown until they change.
//!
//! The judgement is made for the moment of the plan, whose coverage it goes by. A window that the upstream
//! forgets while the plan is carried out may be in the same plan, and stored meanwhile. What remains is two
//! crawlers of one lake, of which one still holds a window when it slips out of memory (it is fetching it, or it could
//! not put it up for months): the other gives it up and carries its last rows over, and then it is stored after all.
//! That window has both an object and a mark `lost`, and of each pool one row may be in the window after it, too.

use chrono::TimeDelta;

use super::{RETENTION, plan};
use crate::base::Time;
use crate::lake::coverage::StreamCoverage;
use crate::lake::grid::Grid;
use crate::lake::interval::Interval;

/// The time whose changes a slice keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    from: Time,
    to: Time,
}

impl Span {
    /// The slice's own time, and the gap directly before it if there is one.
    pub fn new(own: Interval, gap: Option<Gap>) -> Self {
        let from = match gap {
            None => own.from(),
            Some(Gap { since }) => since.unwrap_or(Time::MIN_UTC),
        };
        Self { from, to: own.to() }
    }

    /// Whether a change at this moment is kept.
    pub fn keeps(self, at: Time) -> bool {
        self.from <= at && at < self.to
    }
}

/// Time directly before a window of which no window can ever be fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// Where it starts; `None` when nothing is known of any earlier time.
    pub since: Option<Time>,
}

/// The gap that `window` directly follows, as things stood when the plan was made.
pub fn gap_before(
    have: Option<&StreamCoverage>,
    window: Interval,
    grid: Grid,
    planned_at: Time,
) -> Option<Gap> {
    let from = window.from();
    let just_before = from - TimeDelta::seconds(1);
    if have.is_some_and(|have| have.windows.part_at(just_before).is_some()) {
        return None;
    }
    // Windows that start before this moment are beyond the upstream's memory.
    let edge = plan::next_boundary(grid, plan::before(planned_at, RETENTION));
    let forgotten_since = if from <= edge {
        None
    } else {
        let lost = have?.lost.part_at(just_before)?;
        (lost.from() > edge).then(|| lost.from())
    };
    let stored_until = have.and_then(|have| have.windows.end_before(from));
    Some(Gap { since: forgotten_since.max(stored_until) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lake::interval::IntervalSet;

    const PLANNED: &str = "2026-11-21T20:10:00Z";

    fn time(text: &str) -> Time {
        text.parse().unwrap()
    }

    fn interval(from: &str, to: &str) -> Interval {
        Interval::new(time(from), time(to)).unwrap()
    }

    fn grid() -> Grid {
        Grid::new("2026-11-21".parse().unwrap(), TimeDelta::hours(1)).unwrap()
    }

    fn day(day: &str) -> Interval {
        grid().window_at(time(&format!("{day}T00:00:00Z"))).unwrap()
    }

    fn coverage(windows: &[Interval], lost: &[Interval]) -> StreamCoverage {
        let set = |intervals: &[Interval]| intervals.iter().copied().collect::<IntervalSet>();
        StreamCoverage { windows: set(windows), lost: set(lost), ..StreamCoverage::default() }
    }

    fn gap(have: Option<&StreamCoverage>, window: Interval) -> Option<Gap> {
        gap_before(have, window, grid(), time(PLANNED))
    }

    #[test]
    fn the_oldest_window_that_can_be_had_keeps_what_was_before() {
        // 90 days before the plan is the evening of 2026-08-23.
        assert_eq!(gap(None, day("2026-08-24")), Some(Gap { since: None }));
        assert_eq!(gap(None, day("2026-08-25")), None, "the window before will be fetched");
    }

    #[test]
    fn the_newest_window_of_a_first_fill_keeps_nothing() {
        assert_eq!(gap(None, interval("2026-11-21T19:00:00Z", "2026-11-21T20:00:00Z")), None);
    }

    #[test]
    fn a_window_after_a_stored_one_keeps_nothing() {
        let have = coverage(&[day("2026-08-23")], &[]);
        assert_eq!(gap(Some(&have), day("2026-08-24")), None);
    }

    #[test]
    fn a_window_after_lost_time_keeps_what_lies_in_it() {
        let have = coverage(&[day("2026-09-01")], &[day("2026-09-02"), day("2026-09-03")]);
        let since = time("2026-09-02T00:00:00Z");
        assert_eq!(gap(Some(&have), day("2026-09-04")), Some(Gap { since: Some(since) }));
        let span = Span::new(day("2026-09-04"), gap(Some(&have), day("2026-09-04")));
        for (at, kept) in [
            ("2026-09-01T23:59:59Z", false),
            ("2026-09-02T00:00:00Z", true),
            ("2026-09-04T23:59:59.999Z", true),
            ("2026-09-05T00:00:00Z", false),
        ] {
            assert_eq!(span.keeps(time(at)), kept, "{at}");
        }
    }

    #[test]
    fn time_that_can_be_healed_ends_the_gap() {
        // The second of September is missing, but within memory: its own window will hold its rows.
        let have = coverage(&[day("2026-08-30")], &[day("2026-09-03")]);
        let since = time("2026-09-03T00:00:00Z");
        assert_eq!(gap(Some(&have), day("2026-09-04")), Some(Gap { since: Some(since) }));
    }

    #[test]
    fn a_gap_beyond_memory_reaches_back_to_what_is_stored() {
        let have = coverage(&[day("2026-08-01")], &[day("2026-08-23")]);
        let since = time("2026-08-02T00:00:00Z");
        assert_eq!(gap(Some(&have), day("2026-08-24")), Some(Gap { since: Some(since) }));
    }
}
