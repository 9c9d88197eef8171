//! Spot pools: when their prices change and to what.
//!
//! Time is cut, for each pool, into cells of the pool's own beat (2 hours to 3 days) and phase. Each cell holds
//! 1 to 8 changes at times that are drawn from (seed, pool, cell). So the changes of a window are found by
//! looking at the cells that it touches, and the last change before a moment at most two cells back.
//!
//! One change in 500 is *late*: EC2 shows it only 1 to 3 hours after its timestamp. It is the one thing
//! that depends on when one asks, and what an audit of an ended day finds.

use super::draw::Draw;
use super::instances::System;
use super::money::Money;

const HOUR: i64 = 3_600;
/// Beats, each as often as it is named: some pools change many times a day, some every few days.
const BEATS: [i64; 20] = {
    let (fast, slow, lazy) = (2 * HOUR, 32 * HOUR, 72 * HOUR);
    #[rustfmt::skip]
    let beats = [
        fast, 4 * HOUR, 4 * HOUR, 8 * HOUR, 8 * HOUR, 8 * HOUR, 8 * HOUR, 16 * HOUR, 16 * HOUR, 16 * HOUR,
        16 * HOUR, 16 * HOUR, slow, slow, slow, slow, slow, lazy, lazy, lazy,
    ];
    beats
};
/// Changes in a cell, each as often as it is named.
const BURSTS: [i64; 16] = [1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 3, 3, 5, 8];
/// The longest that a late change stays hidden, in seconds.
pub(crate) const MAX_LATENESS: i64 = 3 * HOUR;
/// One change in this many is late.
const LATE_ONE_IN: u64 = 500;

/// One instance type under one system in one zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pool {
    /// Position in the region's zones.
    pub(crate) zone: usize,
    /// Position in the market's instance types.
    pub(crate) instance: usize,
    /// The operating system.
    pub(crate) system: System,
    draw: Draw,
    beat: i64,
    phase: i64,
    base: Money,
}

/// Everything between these seconds of Unix time, both included.
pub(crate) type Span = std::ops::RangeInclusive<i64>;

impl Pool {
    /// The pool that `draw` stands for, at `base` on demand.
    pub(crate) fn new(draw: Draw, zone: usize, instance: usize, system: System, base: Money) -> Self {
        let beat = *draw.text("beat").pick(&BEATS);
        let phase = draw.text("phase").seconds_below(beat);
        Self { zone, instance, system, draw, beat, phase, base }
    }

    /// The times of the changes within `span` that can be seen at `now`, oldest first.
    pub(crate) fn changes(&self, span: Span, now: i64) -> impl Iterator<Item = i64> {
        let (first, last) = (self.cell_of(*span.start()), self.cell_of(*span.end()));
        (first..=last)
            .flat_map(|cell| self.changes_in(cell))
            .filter(move |at| span.contains(at) && self.visible_from(*at) <= now)
    }

    /// The time of the last change before `start` that can be seen at `now`.
    pub(crate) fn last_before(&self, start: i64, now: i64) -> Option<i64> {
        let cell = self.cell_of(start);
        // What is hidden at most three hours cannot hide a whole run of cells: the eighth is never needed.
        (0..8).find_map(|back| {
            self.changes_in(cell - back).filter(|at| *at < start && self.visible_from(*at) <= now).last()
        })
    }

    /// When EC2 shows the change that happened `at`: at once, but for the late ones.
    pub(crate) fn visible_from(&self, at: i64) -> i64 {
        let draw = self.draw.text("late").at_time(at);
        if draw.below(LATE_ONE_IN) == 0 {
            at + HOUR + draw.at(1).seconds_below(MAX_LATENESS - HOUR + 1)
        } else {
            at
        }
    }

    /// The price from the change `at` on: 20 to 70 % of on demand.
    pub(crate) fn price(&self, at: i64) -> Money {
        const WEEK: i64 = 7 * 24 * HOUR;
        let floor = 200_000 + self.draw.text("floor").below(200_000);
        let width = 100_000 + self.draw.text("width").below(200_000);
        let noise = self.noise("slow", at, WEEK) * 70
            + self.noise("fast", at, 18 * HOUR) * 25
            + self.draw.text("fine").at_time(at).below(1_000_000) * 5;
        self.base.times(floor + width * (noise / 100) / 1_000_000, 1_000_000)
    }

    /// A curve through random heights in `[0, 1 000 000)` at each multiple of `step`, straight in between.
    fn noise(&self, name: &str, at: i64, step: i64) -> u64 {
        let draw = self.draw.text(name);
        let (cell, into) = (at.div_euclid(step), at.rem_euclid(step).cast_unsigned());
        let height = |cell| draw.at_time(cell).below(1_000_000);
        let step = step.cast_unsigned();
        (height(cell) * (step - into) + height(cell + 1) * into) / step
    }

    fn cell_of(&self, at: i64) -> i64 {
        (at + self.phase).div_euclid(self.beat)
    }

    fn changes_in(&self, cell: i64) -> impl Iterator<Item = i64> + use<> {
        let draw = self.draw.at_time(cell);
        let start = cell * self.beat - self.phase;
        let count = *draw.pick(&BURSTS);
        let part = self.beat / count;
        (0..count).map(move |index| start + index * part + draw.at_time(index).seconds_below(part))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sandbox::market::Market;

    const NOON: i64 = 1_790_000_000;
    const DAY: i64 = 24 * HOUR;

    fn pools() -> Vec<Pool> {
        Market::new(1, 0.01).regions.into_iter().flat_map(|region| region.pools).collect()
    }

    proptest! {
        #[test]
        fn hours_tile_the_day_and_the_day_is_strictly_ascending(
            number in 0_usize..500, day in 0_i64..20_000,
        ) {
            let pool = &pools()[number];
            let start = day * DAY;
            let now = start + 2 * DAY;
            let whole: Vec<i64> = pool.changes(start..=start + DAY - 1, now).collect();
            let hours: Vec<i64> = (0..24)
                .flat_map(|hour| pool.changes(start + hour * HOUR..=start + (hour + 1) * HOUR - 1, now))
                .collect();
            prop_assert_eq!(&whole, &hours);
            prop_assert!(whole.is_sorted_by(|one, next| one < next));
        }

        #[test]
        fn the_last_change_before_a_moment_is_the_last_of_the_days_before(
            number in 0_usize..500, at in 0_i64..2_000_000_000,
        ) {
            let pool = &pools()[number];
            for now in [at, at + DAY] {
                let seen = pool.changes(at - 10 * DAY..=at - 1, now).last();
                prop_assert!(seen.is_some());
                prop_assert_eq!(pool.last_before(at, now), seen);
            }
        }

        #[test]
        fn prices_stay_between_a_fifth_and_seven_tenths_of_on_demand(
            number in 0_usize..500, at in 0_i64..2_000_000_000,
        ) {
            let pool = &pools()[number];
            let price = pool.price(at);
            prop_assert!(price >= pool.base.times(199, 1_000));
            prop_assert!(price <= pool.base.times(701, 1_000));
        }
    }

    #[test]
    fn some_pools_change_many_times_a_day_and_all_within_a_week() {
        let counts: Vec<usize> =
            pools().iter().map(|pool| pool.changes(NOON..=NOON + 7 * DAY, NOON + 30 * DAY).count()).collect();
        assert!(counts.iter().all(|count| *count > 0));
        assert!(counts.iter().any(|count| *count > 100));
        assert!(counts.iter().any(|count| *count < 5));
    }

    #[test]
    fn a_few_changes_come_late_and_all_have_come_after_three_hours() {
        let (mut all, mut late) = (0, 0);
        for pool in pools() {
            let span = NOON..=NOON + 30 * DAY;
            for at in pool.changes(span, NOON + 60 * DAY) {
                let delay = pool.visible_from(at) - at;
                assert!(delay == 0 || (HOUR..=MAX_LATENESS).contains(&delay), "{delay}");
                all += 1;
                late += i32::from(delay > 0);
            }
        }
        assert!((all / 1_000..all / 250).contains(&late), "{late} of {all}");
    }

    #[test]
    fn prices_move_smoothly() {
        let pools = pools();
        let jumps = pools.iter().flat_map(|pool| {
            let changes: Vec<i64> = pool.changes(NOON..=NOON + 7 * DAY, NOON + 30 * DAY).collect();
            changes.windows(2).map(|pair| (pool.price(pair[0]), pool.price(pair[1]))).collect::<Vec<_>>()
        });
        let (mut all, mut large) = (0, 0);
        for (from, to) in jumps {
            all += 1;
            large += i32::from(to > from.times(3, 2) || from > to.times(3, 2));
        }
        assert!(large * 50 < all, "{large} of {all}");
    }
}
