//! Sets of fingerprints as small as they can be: what tells the rows of a large payload apart.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hash, Hasher};

/// What is known under each fingerprint.
pub(crate) type Fingerprints<T> = HashMap<Fingerprint, T, BuildHasherDefault<FirstBytes>>;

/// A set of fingerprints.
pub(crate) type FingerprintSet = HashSet<Fingerprint, BuildHasherDefault<FirstBytes>>;

/// 128 bits, as bytes rather than a `u128`, whose alignment would nearly double a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fingerprint([u8; 16]);

impl From<u128> for Fingerprint {
    fn from(fingerprint: u128) -> Self {
        Self(fingerprint.to_be_bytes())
    }
}

impl Hash for Fingerprint {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(&self.0);
    }
}

/// A hasher for what is a hash already: its first eight bytes.
#[derive(Debug, Default)]
pub(crate) struct FirstBytes(u64);

impl Hasher for FirstBytes {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().take(8).fold(self.0, |all, byte| (all << 8) | u64::from(*byte));
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_of_a_table_has_no_padding() {
        assert_eq!(size_of::<(Fingerprint, u8)>(), 17);
    }
}
