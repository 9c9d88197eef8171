//! What an object of a table is made of. Two equal lists make equal bytes, so there is nothing to do where the object
//! that is there says that it was made of the same. Pure.

use std::fmt;

use sha2::{Digest as _, Sha256};

use super::schema::Table;
use crate::lake::draft::hex;

/// Raised by whoever changes what decoders make of the same payload, so that every lake is built anew.
const DECODERS: u32 = 1;

/// A list of inputs, in no order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inputs(Vec<(String, String)>);

impl Inputs {
    /// Adds one: what it is, and which version of it.
    pub fn add(&mut self, name: impl fmt::Display, version: impl fmt::Display) {
        self.0.push((name.to_string(), version.to_string()));
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The fingerprint of the list for an object of `table`, in lower-case hex: `contrail-inputs`.
    pub fn digest(&self, table: &Table) -> String {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        sorted.dedup();
        let mut sha256 = Sha256::new();
        sha256.update(format!("{DECODERS} {}", table.name));
        for column in table.columns {
            sha256.update(format!(" {}:{:?}:{}", column.name, column.kind, column.nullable));
        }
        for (name, version) in sorted {
            sha256.update(format!("\n{name}\t{version}"));
        }
        hex(&sha256.finalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::definitions::{COVERAGE, SPOT_PRICES};

    fn digest(inputs: &[(&str, &str)], table: &Table) -> String {
        let mut list = Inputs::default();
        for (name, version) in inputs {
            list.add(name, version);
        }
        list.digest(table)
    }

    #[test]
    fn only_what_it_is_made_of_counts_and_not_in_which_order() {
        let one = digest(&[("raw/a", "1"), ("raw/b", "2")], &SPOT_PRICES);
        assert_eq!(one, digest(&[("raw/b", "2"), ("raw/a", "1")], &SPOT_PRICES));
        assert_eq!(one, digest(&[("raw/b", "2"), ("raw/a", "1"), ("raw/a", "1")], &SPOT_PRICES));
        assert_eq!(one.len(), 64);
        for other in [&[("raw/a", "1")][..], &[("raw/a", "1"), ("raw/b", "3")], &[]] {
            assert_ne!(one, digest(other, &SPOT_PRICES));
        }
        assert_ne!(one, digest(&[("raw/a", "1"), ("raw/b", "2")], &COVERAGE));
    }
}
