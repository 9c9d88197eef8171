//! Chance, injected: jitter and run ids come from here, so that a test can seed them.
//! Never for secrets: the sequence is predictable by design.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A seeded sequence of numbers (SplitMix64), shared freely between tasks.
#[derive(Debug)]
pub struct Chance {
    state: AtomicU64,
}

impl Chance {
    /// The sequence that `seed` starts. The same seed gives the same numbers.
    pub fn seeded(seed: u64) -> Self {
        Self { state: AtomicU64::new(seed) }
    }

    /// A sequence that differs from process to process.
    pub fn from_entropy() -> Self {
        use std::hash::{BuildHasher, Hasher};
        // The standard library keys each `RandomState` from the operating system.
        Self::seeded(std::collections::hash_map::RandomState::new().build_hasher().finish())
    }

    /// The next 64 bits.
    pub fn next_u64(&self) -> u64 {
        const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
        mix(self.state.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP))
    }

    /// The next 32 bits.
    pub fn next_u32(&self) -> u32 {
        let [_, _, _, _, bytes @ ..] = self.next_u64().to_be_bytes();
        u32::from_be_bytes(bytes)
    }

    /// A duration in `[0, limit)`, to the millisecond; zero when `limit` is.
    pub fn up_to(&self, limit: Duration) -> Duration {
        match u64::try_from(limit.as_millis()).unwrap_or(u64::MAX) {
            0 => Duration::ZERO,
            millis => Duration::from_millis(self.next_u64() % millis),
        }
    }
}

/// Spreads the bits of `value` over the whole word: the finalizer of SplitMix64, a bijection.
pub fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_sequence() {
        let (one, two) = (Chance::seeded(7), Chance::seeded(7));
        assert_eq!(one.next_u64(), two.next_u64());
        assert_ne!(one.next_u64(), Chance::seeded(8).next_u64());
    }

    #[test]
    fn jitter_stays_below_its_limit() {
        let chance = Chance::seeded(1);
        assert_eq!(chance.up_to(Duration::ZERO), Duration::ZERO);
        for _ in 0..1_000 {
            assert!(chance.up_to(Duration::from_secs(3)) < Duration::from_secs(3));
        }
    }
}
