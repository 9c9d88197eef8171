//! Which time of a day a region's windows cover, and what is known across the gaps between. Pure.
//!
//! A window holds every change within it. A window that directly follows a gap which can be fetched no more also holds,
//! of each pool that changed in the gap, the last of these changes: it carries them over. Whether a window did so is told
//! by its rows alone, because a window that was fetched while the gap could still be healed carried nothing over and
//! looks no different. So:
//!
//! - In a gap no price is known.
//! - A gap is *bridged* where the window directly after it holds any row that is older than the window. After such a gap
//!   a pool costs what its row from the gap says, or, if there is none, what it cost before: it did not change.
//! - After any other gap nothing is known of a pool until its next row.
//!
//! That a window which carries over anything carries over all that it must is what the source promises: see its
//! `carry_over.rs`.
//!
//! The time between two days is like any other. But nothing is known across a day without a window: such a gap is as if
//! there were nothing before it.

use crate::base::Time;
use crate::lake::interval::IntervalSet;

/// A stretch of time of which every change is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    /// The first moment.
    pub(super) from: Time,
    /// The first moment after.
    pub(super) to: Time,
    /// What is before.
    pub(super) before: Before,
}

/// What is before a stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    /// Time that is covered as well.
    Covered,
    /// A gap.
    Gap {
        /// Where it starts; `None` when nothing is known of any earlier time.
        since: Option<Time>,
        /// Whether what did not change in it is known.
        is_bridged: bool,
    },
}

/// The covered stretches of a day, in order. `windows` is what windows of the day cover, `ended` where those of the day
/// before end, and `carries` whether the window that starts then holds rows that are older.
pub(super) fn spans(windows: &IntervalSet, ended: Option<Time>, carries: impl Fn(Time) -> bool) -> Vec<Span> {
    let mut since = ended;
    let mut spans = Vec::new();
    for part in windows.parts() {
        let (from, to) = (part.from(), part.to());
        let before = match since {
            Some(end) if end >= from => Before::Covered,
            since => Before::Gap { since, is_bridged: carries(from) },
        };
        spans.push(Span { from, to, before });
        since = Some(to);
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lake::interval::Interval;

    fn at(hour: i64) -> Time {
        Time::from_timestamp(hour * 3_600, 0).unwrap()
    }

    fn shown(windows: &[(i64, i64)], ended: Option<i64>, carries: i64) -> Vec<String> {
        let windows = windows.iter().map(|(from, to)| Interval::new(at(*from), at(*to)).unwrap()).collect();
        let hour = |time: Time| time.timestamp() / 3_600;
        let show = |span: &Span| {
            let before = match span.before {
                Before::Covered => "covered".to_owned(),
                Before::Gap { since: None, .. } => "nothing".to_owned(),
                Before::Gap { since: Some(since), is_bridged: true } => {
                    format!("bridged from {}", hour(since))
                }
                Before::Gap { since: Some(since), is_bridged: false } => format!("gap from {}", hour(since)),
            };
            format!("{before}, {} to {}", hour(span.from), hour(span.to))
        };
        spans(&windows, ended.map(at), |from| from == at(carries)).iter().map(show).collect()
    }

    #[test]
    fn neighbouring_windows_are_one_stretch_and_gaps_are_what_lies_between() {
        let windows = [(24, 25), (25, 27), (30, 31), (33, 48)];
        assert_eq!(
            shown(&windows, Some(24), 30),
            ["covered, 24 to 27", "bridged from 27, 30 to 31", "gap from 31, 33 to 48"]
        );
        assert_eq!(shown(&windows[..1], Some(20), 24), ["bridged from 20, 24 to 25"]);
        assert_eq!(shown(&windows[..1], None, 0), ["nothing, 24 to 25"]);
        assert_eq!(shown(&[], Some(24), 0), [""; 0]);
    }
}
