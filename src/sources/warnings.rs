//! What is odd about a payload or an upstream. It is kept as it came all the same; this only tells people.

use std::collections::BTreeSet;

use crate::base::error::printable;

/// A change of an upstream's habits that a person should know of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sentinel {
    /// The pages of a listing have become longer or shorter.
    PageSize,
    /// A listing tells of more than 10 % fewer things than the one before.
    Fewer,
    /// Rows have a field that they had not before.
    FieldAppeared,
    /// Rows have lost a field.
    FieldVanished,
    /// A region or an offer that the lake holds is named no more.
    StreamVanished,
    /// Something is dated in the future.
    Future,
    /// A price is a hundred times what it was, or a hundredth.
    Price,
}

impl Sentinel {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::PageSize,
        Self::Fewer,
        Self::FieldAppeared,
        Self::FieldVanished,
        Self::StreamVanished,
        Self::Future,
        Self::Price,
    ];

    /// The word for it in the run log and in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PageSize => "page_size",
            Self::Fewer => "fewer",
            Self::FieldAppeared => "field_appeared",
            Self::FieldVanished => "field_vanished",
            Self::StreamVanished => "stream_vanished",
            Self::Future => "future",
            Self::Price => "price",
        }
    }
}

/// Oddities of a payload: all are counted, the first few are told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Warnings {
    /// How many there were.
    pub count: u64,
    /// The first few, one sentence each.
    pub samples: Vec<String>,
    /// The sentinels that were raised.
    pub sentinels: BTreeSet<Sentinel>,
}

impl Warnings {
    /// How many are told.
    const SAMPLES: usize = 5;

    /// Counts one; `text` is only made when it will be told.
    pub fn add(&mut self, text: impl FnOnce() -> String) {
        self.count += 1;
        if self.samples.len() < Self::SAMPLES {
            self.samples.push(printable(&text()));
        }
    }

    /// Counts one that is a change of habits. The first of each kind is told, whatever else there is to tell.
    pub fn raise(&mut self, sentinel: Sentinel, text: impl FnOnce() -> String) {
        self.count += 1;
        if self.sentinels.insert(sentinel) {
            self.samples.insert(0, printable(&text()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentinel_is_told_however_many_oddities_there_are() {
        let mut warnings = Warnings::default();
        for number in 0..10 {
            warnings.add(|| format!("oddity {number}"));
        }
        warnings.raise(Sentinel::Price, || "a price".to_owned());
        warnings.raise(Sentinel::Price, || "another price".to_owned());
        assert_eq!((warnings.count, warnings.samples.len()), (12, 6));
        assert_eq!(warnings.samples.first().map(String::as_str), Some("a price"));
    }
}
