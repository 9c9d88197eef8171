//! The order in which missing slices are fetched. Pure.

use std::collections::BTreeMap;

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
    let mut seen = std::collections::BTreeSet::new();
    let mut kept = newest_then_oldest(slices);
    kept.retain(|slice| seen.insert(slice.stream().clone()));
    kept
}

/// Time first. An audit is due after the windows of its day, so it ranks at the day's end.
fn rank(slice: &Slice) -> (crate::base::Date, crate::base::Time, bool) {
    use crate::base::clock::midnight;
    let day = slice.day();
    match slice {
        Slice::Window { span, .. } => (day, span.from(), false),
        Slice::Slot { at, .. } => (day, *at, false),
        Slice::Audit { .. } => (day, midnight(day), true),
        Slice::Version { .. } => (day, midnight(day), false),
    }
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
    fn the_newest_of_each_stream_comes_first_and_then_the_oldest() {
        let slices = vec![window("a", 1), window("a", 2), window("a", 3), window("b", 1), window("b", 2)];
        let expected = [window("b", 2), window("a", 3), window("a", 1), window("b", 1), window("a", 2)];
        assert_eq!(newest_then_oldest(slices.clone()), expected);
        assert_eq!(newest_only(slices), [window("b", 2), window("a", 3)]);
    }
}
