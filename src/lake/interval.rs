//! Half-open intervals of time and sets of them: the arithmetic under coverage. Pure.

use std::fmt;

use crate::base::Time;
use crate::base::clock::whole_second;

/// A half-open stretch of time `[from, to)` on whole seconds, never empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Interval {
    from: Time,
    to: Time,
}

impl Interval {
    /// `[from, to)`; `None` when it would be empty or reversed, or when a bound is no whole second.
    pub fn new(from: Time, to: Time) -> Option<Self> {
        let whole = whole_second(from) == from && whole_second(to) == to;
        (from < to && whole).then_some(Self { from, to })
    }

    /// The first moment inside.
    pub fn from(self) -> Time {
        self.from
    }

    /// The first moment after.
    pub fn to(self) -> Time {
        self.to
    }

    /// How long it lasts, in seconds.
    pub fn seconds(self) -> u64 {
        (self.to - self.from).num_seconds().unsigned_abs()
    }

    /// The moments that lie in both.
    pub fn intersection(self, other: Self) -> Option<Self> {
        Self::new(self.from.max(other.from), self.to.min(other.to))
    }

    /// Whether `time` lies inside.
    pub fn contains(self, time: Time) -> bool {
        self.from <= time && time < self.to
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.from.format("%Y-%m-%dT%H:%M:%SZ"), self.to.format("%Y-%m-%dT%H:%M:%SZ"))
    }
}

/// A set of moments, held as disjoint intervals in order; neighbours that touch are one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IntervalSet {
    // Sorted by start; each ends strictly before the next one starts.
    parts: Vec<Interval>,
}

impl IntervalSet {
    /// Adds every moment of `interval`.
    pub fn insert(&mut self, interval: Interval) {
        // All parts that overlap or touch the new one melt into it.
        let start = self.parts.partition_point(|part| part.to < interval.from);
        let end = self.parts.partition_point(|part| part.from <= interval.to);
        let merged =
            self.parts.get(start..end).unwrap_or_default().iter().fold(interval, |all, part| Interval {
                from: all.from.min(part.from),
                to: all.to.max(part.to),
            });
        self.parts.splice(start..end, [merged]);
    }

    /// Whether every moment of `interval` is in the set.
    pub fn covers(&self, interval: Interval) -> bool {
        self.part_at(interval.from).is_some_and(|part| interval.to <= part.to)
    }

    /// The maximal interval of the set that holds `time`.
    pub fn part_at(&self, time: Time) -> Option<Interval> {
        let index = self.parts.partition_point(|part| part.to <= time);
        self.parts.get(index).copied().filter(|part| part.contains(time))
    }

    /// The disjoint intervals, in order of time.
    pub fn parts(&self) -> &[Interval] {
        &self.parts
    }

    /// The first moment of the set.
    pub fn first(&self) -> Option<Time> {
        self.parts.first().map(|part| part.from)
    }

    /// The end of the last interval of the set.
    pub fn end(&self) -> Option<Time> {
        self.parts.last().map(|part| part.to)
    }

    /// The end of the last interval that ends at or before `time`.
    pub fn end_before(&self, time: Time) -> Option<Time> {
        let index = self.parts.partition_point(|part| part.to <= time);
        index.checked_sub(1).and_then(|last| self.parts.get(last)).map(|part| part.to)
    }

    /// Every moment that is in one of the two sets.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        self.parts.iter().chain(&other.parts).copied().collect()
    }

    /// What of `interval` is in the set, in order of time.
    pub fn within(&self, interval: Interval) -> Vec<Interval> {
        let first = self.parts.partition_point(|part| part.to <= interval.from);
        let inside = self.parts.iter().skip(first).take_while(|part| part.from < interval.to);
        inside.filter_map(|part| part.intersection(interval)).collect()
    }

    /// What of `interval` is not in the set, in order of time.
    pub fn missing(&self, interval: Interval) -> Vec<Interval> {
        let mut gaps = Vec::new();
        let mut from = interval.from;
        for part in self.parts.iter().skip(self.parts.partition_point(|part| part.to <= interval.from)) {
            if part.from >= interval.to {
                break;
            }
            gaps.extend(Interval::new(from, part.from));
            from = part.to;
        }
        gaps.extend(Interval::new(from, interval.to));
        gaps
    }
}

impl FromIterator<Interval> for IntervalSet {
    fn from_iter<I: IntoIterator<Item = Interval>>(intervals: I) -> Self {
        let mut set = Self::default();
        for interval in intervals {
            set.insert(interval);
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> Time {
        Time::from_timestamp(second, 0).unwrap()
    }

    fn interval(from: i64, to: i64) -> Interval {
        Interval::new(at(from), at(to)).unwrap()
    }

    #[test]
    fn an_interval_is_neither_empty_nor_fractional() {
        assert!(Interval::new(at(5), at(5)).is_none());
        assert!(Interval::new(at(6), at(5)).is_none());
        assert!(Interval::new(Time::from_timestamp(5, 1).unwrap(), at(6)).is_none());
    }

    proptest! {
        /// The set against the plainest model there is: one flag for each second.
        #[test]
        fn a_set_is_its_moments(
            inserts in prop::collection::vec((0_i64..60, 1_i64..20), 0..12),
            asked in (0_i64..70, 1_i64..20),
        ) {
            let mut model = [false; 100];
            let mut set = IntervalSet::default();
            for (from, length) in inserts {
                set.insert(interval(from, from + length));
                for second in from..from + length {
                    model[usize::try_from(second).unwrap()] = true;
                }
            }
            let held = |second: i64| model[usize::try_from(second).unwrap()];

            for pair in set.parts().windows(2) {
                prop_assert!(pair[0].to() < pair[1].from(), "parts are disjoint, ordered and do not touch");
            }
            for second in 0..100 {
                prop_assert_eq!(set.part_at(at(second)).is_some(), held(second));
            }
            let (from, to) = (asked.0, asked.0 + asked.1);
            prop_assert_eq!(set.covers(interval(from, to)), (from..to).all(held));
            let gaps: IntervalSet = set.missing(interval(from, to)).into_iter().collect();
            let inside: IntervalSet = set.within(interval(from, to)).into_iter().collect();
            for second in 0..100 {
                let asked = from <= second && second < to;
                prop_assert_eq!(gaps.part_at(at(second)).is_some(), asked && !held(second));
                prop_assert_eq!(inside.part_at(at(second)).is_some(), asked && held(second));
            }
        }

        #[test]
        fn a_union_has_the_moments_of_both(
            ours in prop::collection::vec((0_i64..60, 1_i64..20), 0..8),
            theirs in prop::collection::vec((0_i64..60, 1_i64..20), 0..8),
        ) {
            let set = |spans: &[(i64, i64)]| -> IntervalSet {
                spans.iter().map(|(from, length)| interval(*from, from + length)).collect()
            };
            let (ours, theirs) = (set(&ours), set(&theirs));
            let both = ours.union(&theirs);
            prop_assert_eq!(&both, &theirs.union(&ours));
            for second in 0..100 {
                let held = |set: &IntervalSet| set.part_at(at(second)).is_some();
                prop_assert_eq!(held(&both), held(&ours) || held(&theirs));
            }
        }

        #[test]
        fn the_order_of_insertion_does_not_matter(
            mut inserts in prop::collection::vec((0_i64..60, 1_i64..20), 0..12),
        ) {
            let forwards: IntervalSet = inserts.iter().map(|(from, length)| interval(*from, from + length)).collect();
            inserts.reverse();
            let backwards: IntervalSet = inserts.iter().map(|(from, length)| interval(*from, from + length)).collect();
            prop_assert_eq!(forwards, backwards);
        }
    }
}
