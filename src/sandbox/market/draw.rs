//! Chance without state: a hash of where one stands (seed, pool, cell of time, …) decides what is there.
//! Two questions about the same place always get the same answer, in any order and in any process.

use crate::base::chance::mix;

/// A place in the tree of all decisions. Walking down (`text`, `at`) never disturbs a sibling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Draw(u64);

impl Draw {
    /// The root of the tree that `seed` grows.
    pub(crate) fn seeded(seed: u64) -> Self {
        Self(mix(seed.wrapping_add(0x9E37_79B9_7F4A_7C15)))
    }

    /// The branch numbered `index`.
    pub(crate) fn at(self, index: u64) -> Self {
        Self(mix(self.0.rotate_left(23) ^ mix(index.wrapping_add(0xD1B5_4A32_D192_ED03))))
    }

    /// The branch of a moment or of any other signed number.
    pub(crate) fn at_time(self, seconds: i64) -> Self {
        self.at(seconds.cast_unsigned())
    }

    /// The branch called `name`.
    pub(crate) fn text(self, name: &str) -> Self {
        // FNV-1a: names are short, and `at` spreads the bits.
        let hash = name.bytes().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
        });
        self.at(hash)
    }

    /// All 64 bits that were drawn here.
    pub(crate) fn bits(self) -> u64 {
        self.0
    }

    /// A number in `[0, limit)`; 0 when `limit` is.
    pub(crate) fn below(self, limit: u64) -> u64 {
        self.0.checked_rem(limit).unwrap_or(0)
    }

    /// A number of seconds in `[0, limit)`.
    pub(crate) fn seconds_below(self, limit: i64) -> i64 {
        self.below(limit.max(0).cast_unsigned()).cast_signed()
    }

    /// True for `share` of all places, in parts per thousand.
    pub(crate) fn permille(self, share: u64) -> bool {
        self.below(1_000) < share
    }

    /// One of `items`, which must not be empty.
    pub(crate) fn pick<T>(self, items: &[T]) -> &T {
        let count = u64::try_from(items.len()).unwrap_or(u64::MAX);
        &items[usize::try_from(self.below(count)).unwrap_or(0)]
    }

    /// `length` characters of `alphabet` (ASCII), for ids that look like the upstream's.
    pub(crate) fn code(self, alphabet: &[u8], length: u64) -> String {
        (0..length).map(|index| char::from(*self.at(index).pick(alphabet))).collect()
    }

    /// An id in the form of a version 5 UUID.
    pub(crate) fn uuid(self) -> String {
        let (high, low) = (self.at(0).0, self.at(1).0);
        format!(
            "{:08x}-{:04x}-5{:03x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xFFFF,
            high & 0xFFF,
            0x8000 | ((low >> 48) & 0x3FFF),
            low & 0xFFFF_FFFF_FFFF
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_place_always_draws_the_same() {
        let place = |seed| Draw::seeded(seed).text("us-east-1").at(7).at_time(-3).bits();
        assert_eq!(place(1), place(1));
        assert_ne!(place(1), place(2));
        assert_ne!(Draw::seeded(1).at(1).at(2), Draw::seeded(1).at(2).at(1));
    }

    #[test]
    fn shares_are_about_what_was_asked() {
        let hits = (0..10_000).filter(|index| Draw::seeded(3).at(*index).permille(250)).count();
        assert!((2_300..2_700).contains(&hits), "{hits}");
    }

    #[test]
    fn ids_have_the_form_of_a_uuid() {
        let id = Draw::seeded(1).uuid();
        let lengths: Vec<usize> = id.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12], "{id}");
    }
}
