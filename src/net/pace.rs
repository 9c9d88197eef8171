//! How hard one host may be asked: additive increase, multiplicative decrease (AIMD), as TCP shares a line. Pure.
//!
//! One number says it all, the *pace*: how many requests may be under way at once. Below one it says how much of
//! the time a single request may be under way, which is a wait between two of them.

use std::time::Duration;

/// The pace is counted in parts of a request, so that it can grow by less than one, and stay exact.
const PARTS: u64 = 64;

/// What a success adds to a pace below one, in parts: sixteen successes bring it from nothing to one.
const STEP_BELOW_ONE: u64 = 4;

/// The wait between two requests at half a request at once. At the slowest pace it is 63 times as long.
const UNIT: Duration = Duration::from_secs(1);

/// How hard a host may be asked now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pace {
    parts: u64,
    full: u64,
}

impl Pace {
    /// Full speed: `most` requests at once, at least one.
    pub(super) fn full(most: usize) -> Self {
        let full = (most.max(1) as u64).saturating_mul(PARTS);
        Self { parts: full, full }
    }

    /// Half as much as before.
    pub(super) fn halved(self) -> Self {
        Self { parts: (self.parts / 2).max(1), ..self }
    }

    /// A little more than before: one request at once for as many successes as there are requests at once.
    pub(super) fn grown(self) -> Self {
        let step = if self.parts < PARTS { STEP_BELOW_ONE } else { (PARTS * PARTS / self.parts).max(1) };
        Self { parts: self.parts.saturating_add(step).min(self.full), ..self }
    }

    /// Whether nothing holds it back.
    pub(super) fn is_full(self) -> bool {
        self.parts == self.full
    }

    /// How many requests may be under way at once; never less than one.
    pub(super) fn at_once(self) -> usize {
        usize::try_from((self.parts / PARTS).max(1)).unwrap_or(usize::MAX)
    }

    /// How long after one request the next may start; nothing where one at a time is slow enough.
    pub(super) fn gap(self) -> Duration {
        let missing = PARTS.saturating_sub(self.parts);
        UNIT.saturating_mul(u32::try_from(missing).unwrap_or(u32::MAX))
            / u32::try_from(self.parts).unwrap_or(u32::MAX).max(1)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn paces(pace: Pace, step: impl Fn(Pace) -> Pace, steps: usize) -> Vec<(usize, u64)> {
        std::iter::successors(Some(pace), |pace| Some(step(*pace)))
            .take(steps)
            .map(|pace| (pace.at_once(), pace.gap().as_millis().try_into().unwrap()))
            .collect()
    }

    #[test]
    fn a_host_that_throttles_on_is_asked_half_as_much_each_time_and_then_more_seldom() {
        assert_eq!(
            paces(Pace::full(8), Pace::halved, 11),
            [
                (8, 0),
                (4, 0),
                (2, 0),
                (1, 0),
                (1, 1_000),
                (1, 3_000),
                (1, 7_000),
                (1, 15_000),
                (1, 31_000),
                (1, 63_000),
                (1, 63_000)
            ]
        );
    }

    #[test]
    fn each_round_of_successes_adds_one_request_at_once() {
        let mut pace = Pace::full(8);
        while pace.halved() != pace {
            pace = pace.halved();
        }
        let successes_to = |at_once| {
            std::iter::successors(Some(pace), |pace| Some(pace.grown()))
                .position(|pace| pace.at_once() >= at_once && pace.gap().is_zero())
                .unwrap()
        };
        assert_eq!(successes_to(1), 16);
        assert_eq!(successes_to(2), 17);
        assert!((19..=20).contains(&successes_to(3)), "{}", successes_to(3));
        assert!((40..=50).contains(&successes_to(8)), "{}", successes_to(8));
    }

    proptest! {
        #[test]
        fn a_pace_is_never_below_one_request_never_above_its_most_and_never_stuck(
            most in 0_usize..2_000,
            answers in prop::collection::vec(any::<bool>(), 0..400),
        ) {
            let mut pace = Pace::full(most);
            for success in answers {
                let before = pace;
                pace = if success { pace.grown() } else { pace.halved() };
                prop_assert!((1..=most.max(1)).contains(&pace.at_once()));
                prop_assert!(pace.gap() <= UNIT * 63);
                if success {
                    prop_assert!(pace.parts > before.parts || before.is_full());
                } else {
                    prop_assert!(pace.parts < before.parts || before.parts == 1);
                }
            }
            let mut successes = 0_u64;
            while !pace.is_full() {
                pace = pace.grown();
                successes += 1;
                prop_assert!(successes <= pace.full, "stuck at {pace:?}");
            }
        }
    }
}
