//! The order in which missing slices are fetched. Pure.

use std::collections::{BTreeMap, BTreeSet};

use chrono::Days;

use crate::base::clock::midnight;
use crate::base::{Date, Time};
use crate::lake::slice::{Slice, Stream};

/// The newest slice of each stream first, so that the present is never held up by the past; then what is left,
/// oldest first over all streams, because the oldest is the next to be forgotten upstream.
pub(super) fn newest_then_oldest(mut slices: Vec<Slice>) -> Vec<Slice> {
    slices.sort_by(|one, two| rank(one).cmp(&rank(two)).then_with(|| one.cmp(two)));
    slices.dedup();
    let mut newest: BTreeMap<Stream, usize> = BTreeMap::new();
    for (index, slice) in slices.iter().enumerate() {
        newest.insert(slice.stream().clone(), index);
    }
    let is_newest = |index: usize, slice: &Slice| newest.get(slice.stream()) == Some(&index);
    let (first, rest): (Vec<_>, Vec<_>) =
        slices.into_iter().enumerate().partition(|(index, slice)| is_newest(*index, slice));
    first.into_iter().chain(rest).map(|(_, slice)| slice).collect()
}

/// Only the newest slice of each stream: what is fetched while nobody knows what the lake has.
pub(super) fn newest_only(slices: Vec<Slice>) -> Vec<Slice> {
    let mut seen = BTreeSet::new();
    let mut kept = newest_then_oldest(slices);
    kept.retain(|slice| seen.insert(slice.stream().clone()));
    kept
}

/// Parts slices that are in order: the newest of each stream, if it is well after all that is `lost`, and what can wait
/// until that is marked.
pub(super) fn present_and_past(slices: Vec<Slice>, lost: &[Slice]) -> (Vec<Slice>, Vec<Slice>) {
    const WELL_AFTER: Days = Days::new(7);
    let Some(newest) = lost.iter().map(Slice::day).max() else { return (slices, Vec::new()) };
    let present = newest.checked_add_days(WELL_AFTER).unwrap_or(newest);
    let mut seen = BTreeSet::new();
    slices.into_iter().partition(|slice| seen.insert(slice.stream().clone()) && slice.day() > present)
}

/// Time first. An audit comes after the windows of its day.
fn rank(slice: &Slice) -> (Date, bool, Time) {
    let day = slice.day();
    let start = match slice {
        Slice::Window { span, .. } => span.from(),
        Slice::Slot { at, .. } => *at,
        Slice::Audit { .. } | Slice::Version { .. } => midnight(day),
    };
    (day, matches!(slice, Slice::Audit { .. }), start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lake::interval::Interval;

    fn window(region: &str, hour: u32) -> Slice {
        let at = |hour: u32| format!("2026-11-21T{hour:02}:00:00Z").parse().unwrap();
        let stream = Stream::new("aws_spot_prices", &[("region", region)]).unwrap();
        Slice::Window { stream, span: Interval::new(at(hour), at(hour + 1)).unwrap() }
    }

    #[test]
    fn an_audit_comes_after_the_windows_of_its_day() {
        let audit =
            |day: &str| Slice::Audit { stream: window("a", 0).stream().clone(), day: day.parse().unwrap() };
        let (before, same) = (audit("2026-11-20"), audit("2026-11-21"));
        let mut slices = vec![same.clone(), window("a", 22), before.clone(), window("a", 1)];
        slices.sort_by_key(rank);
        assert_eq!(slices, [before, window("a", 1), window("a", 22), same]);
    }

    #[test]
    fn the_past_waits_until_what_is_lost_is_marked() {
        let audit = |region: &str, day: &str| Slice::Audit {
            stream: window(region, 0).stream().clone(),
            day: day.parse().unwrap(),
        };
        let slices = vec![window("a", 2), window("b", 2), window("a", 1)];
        assert_eq!(present_and_past(slices.clone(), &[]), (slices.clone(), Vec::new()));
        let (present, past) = present_and_past(slices.clone(), &[audit("a", "2026-08-01")]);
        assert_eq!((present.as_slice(), past.as_slice()), (&slices[..2], &slices[2..]));
        let (present, past) = present_and_past(slices.clone(), &[audit("a", "2026-11-14")]);
        assert_eq!((present, past), (Vec::new(), slices), "too near to be the present");
    }

    #[test]
    fn the_newest_of_each_stream_comes_first_and_then_the_oldest() {
        let slices = vec![window("a", 1), window("a", 2), window("a", 3), window("b", 1), window("b", 2)];
        let expected = [window("b", 2), window("a", 3), window("a", 1), window("b", 1), window("a", 2)];
        assert_eq!(newest_then_oldest(slices.clone()), expected);
        assert_eq!(newest_only(slices), [window("b", 2), window("a", 3)]);
    }
}
