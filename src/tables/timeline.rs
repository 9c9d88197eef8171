//! What was seen of a stream, one look after the other, and how far back one must look to tell what a look changed. Pure.
//!
//! A look is an object, or a mark that says that the list was the same as the one before. A look is *sound* when its list
//! is complete and above suspicion: only then does it say anything that a rate is not in it. A rate counts as withdrawn
//! when it is absent from `patience` sound looks in a row. Therefore
//!
//! - a rate that is there now is compared with its last occurrence in the *window*: the looks before, back to and with the
//!   `patience`th sound one. What was last seen before had been withdrawn since, and is new again.
//! - a look that is sound withdraws what was last seen in the window before the first of the `patience` sound looks that
//!   lack it, of which this one is the last.

use std::collections::BTreeMap;
use std::ops::Range;

use super::holdings::{Holdings, RawObject};
use crate::base::{Date, Time};
use crate::lake::key::{Key, Mark};
use crate::lake::slice::{Slice, Stream};

/// How many looks back the last sound ones are searched for. Longer than the crawler suspects what a list lost for good
/// (90 slots), so that what went with it is withdrawn in the end.
const MOST_LOOKS: usize = 100;

/// One look at what an upstream says: a price list, or other facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Look<'h> {
    /// What was looked at.
    pub(super) slice: &'h Slice,
    /// The object that has what was seen: that of the slice, or an earlier one, which was the same.
    pub(super) seen: &'h RawObject,
}

impl Look<'_> {
    /// Whether a mark says that nothing had changed.
    pub(super) fn is_mark(&self) -> bool {
        *self.slice != self.seen.slice
    }

    /// The key of the object or the mark.
    pub(super) fn key(&self) -> Key {
        if self.is_mark() { Key::mark(self.slice, Mark::Unchanged) } else { self.seen.key.clone() }
    }

    /// The day that it is filed under.
    pub(super) fn day(&self) -> Date {
        self.slice.day()
    }

    /// When it was due, which is the moment it tells of as far as its name says.
    pub(super) fn due(&self) -> Time {
        match self.slice {
            Slice::Slot { at, .. } => *at,
            Slice::Version { version, .. } => version.published_at(),
            Slice::Window { span, .. } => span.from(),
            Slice::Audit { day, .. } => crate::base::clock::midnight(*day),
        }
    }
}

/// The looks at one stream, in order.
#[derive(Debug, Default)]
pub(super) struct Timeline<'h> {
    /// The looks.
    pub(super) looks: Vec<Look<'h>>,
}

impl<'h> Timeline<'h> {
    /// Those of all streams of a dataset.
    pub(super) fn all(dataset: &str, holdings: &'h Holdings) -> BTreeMap<&'h Stream, Self> {
        let mut timelines = BTreeMap::<&Stream, BTreeMap<(Time, &Slice), Option<&RawObject>>>::new();
        for object in holdings.of(dataset) {
            let look = Look { slice: &object.slice, seen: object };
            let looks = timelines.entry(object.slice.stream()).or_default();
            looks.insert((look.due(), &object.slice), Some(object));
        }
        for (slice, mark) in &holdings.marks {
            if *mark == Mark::Unchanged
                && let Slice::Slot { stream, at, .. } = slice
                // A mark without any object before it says nothing.
                && let Some(looks) = timelines.get_mut(stream)
            {
                // An object beats a mark about it.
                looks.entry((*at, slice)).or_insert(None);
            }
        }
        timelines.into_iter().map(|(stream, looks)| (stream, Self::of(looks))).collect()
    }

    fn of(looks: BTreeMap<(Time, &'h Slice), Option<&'h RawObject>>) -> Self {
        let mut seen = None;
        let looks = looks.into_iter().filter_map(|((_, slice), object)| {
            seen = object.or(seen);
            seen.map(|seen| Look { slice, seen })
        });
        Self { looks: looks.collect() }
    }

    /// The looks of a day.
    pub(super) fn of_day(&self, day: Date) -> Range<usize> {
        let before = |limit: Date, also: bool| {
            self.looks.partition_point(|look| look.day() < limit || also && look.day() == limit)
        };
        before(day, false)..before(day, true)
    }

    /// The looks before `end` that tell what is known by then: what was last seen before them is withdrawn.
    pub(super) fn window(
        &self,
        end: usize,
        patience: usize,
        is_sound: impl Fn(&Look<'_>) -> bool,
    ) -> Range<usize> {
        let (mut start, mut sound) = (end.min(self.looks.len()), 0);
        while sound < patience
            && end - start < MOST_LOOKS
            && let Some(look) = start.checked_sub(1).and_then(|before| self.looks.get(before))
        {
            sound += usize::from(is_sound(look));
            start -= 1;
        }
        start..end
    }

    /// The first of the sound looks in a row of which the one at `at` is the `patience`th: what was last seen before it,
    /// in the window, is withdrawn by the look at `at`. `None` when that look withdraws nothing.
    pub(super) fn gone_since(
        &self,
        at: usize,
        patience: usize,
        is_sound: impl Fn(&Look<'_>) -> bool,
    ) -> Option<usize> {
        if !self.looks.get(at).is_some_and(&is_sound) {
            return None;
        }
        let first = self.window(at, patience.checked_sub(1)?, &is_sound).start;
        let looks = self.looks.get(first..=at)?;
        (looks.iter().filter(|look| is_sound(look)).count() == patience).then_some(first)
    }
}
