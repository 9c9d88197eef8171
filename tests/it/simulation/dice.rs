//! Chance as a course of events needs it.

use std::time::Duration;

use contrail::base::Chance;

/// What a seeded sequence decides.
pub(super) trait Dice {
    /// A number below `limit`, which is not 0.
    fn below(&self, limit: u64) -> u64;

    /// Happens once in `times`, on average.
    fn one_in(&self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// Happens in so many of a hundred cases.
    fn percent(&self, share: u64) -> bool {
        self.below(100) < share
    }

    /// One of these.
    fn pick<T: Copy>(&self, of: &[T]) -> T {
        of[usize::try_from(self.below(of.len() as u64)).unwrap()]
    }

    /// A length of time between two, to the second.
    fn between(&self, shortest: Duration, longest: Duration) -> Duration {
        shortest + Duration::from_secs(self.below(longest.saturating_sub(shortest).as_secs() + 1))
    }
}

impl Dice for Chance {
    fn below(&self, limit: u64) -> u64 {
        self.next_u64() % limit
    }
}
