//! Inspection: what a stored payload must be, beyond what its metadata say. Each dataset knows that for itself; who
//! reads the objects (`verify`) does not. Nothing here reads a store.

use std::fmt;
use std::sync::Arc;

use serde::de::IgnoredAny;

use super::Dataset;
use super::aws::{price_list, savings_plans, spot_advisor, spot_prices};
use super::azure::retail_prices;
use crate::base::Name;
use crate::lake::coverage::Coverage;
use crate::lake::slice::{Slice, Stream};

/// Every dataset that this release knows.
pub static DATASETS: [&Dataset; 5] = [
    &spot_prices::DATASET,
    &price_list::DATASET,
    &savings_plans::DATASET,
    &spot_advisor::DATASET,
    &retail_prices::DATASET,
];

/// How many payloads may be inspected at once, so that what inspectors remember has a bound.
pub const MOST_INSPECTORS: usize = 4;

/// How many rows one inspector can tell apart. Four of them take 480 MB at their worst, while their tables grow; the
/// largest payload so far, 600,000 prices of Azure, takes 20 MB.
pub(crate) const MOST_ROWS: usize = 3_000_000;

/// What is found out about the payloads of one dataset together.
pub trait Inspection: Send + Sync + fmt::Debug {
    /// Inspects the objects of one day of a stream, which come one after the other, audits last.
    fn of_day(&self, stream: &Stream) -> Box<dyn Inspector>;
}

/// Inspects one payload after the other.
pub trait Inspector: Send {
    /// The payload of `slice` begins. What came before is not told any more.
    fn begin(&mut self, slice: &Slice);
    /// Its next piece.
    fn take(&mut self, piece: &[u8]);
    /// It is over, and whole.
    fn end(&mut self) -> Inspected;
}

/// What an inspector has found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inspected {
    /// What is wrong, one sentence each; a few at most.
    pub faults: Vec<String>,
    /// How many rows there are, where that is not the number of lines.
    pub rows: Option<u64>,
    /// The fingerprint of what it says, where that is not the one of its lines.
    pub rows_hash: Option<String>,
}

/// How payloads of `dataset` are inspected, in a lake that has what `coverage` says. `None` for a dataset that this
/// release does not know.
pub fn inspection(dataset: &Name, coverage: &Arc<Coverage>) -> Option<Arc<dyn Inspection>> {
    match dataset.as_str() {
        id if id == spot_prices::DATASET.id => Some(spot_prices::inspection(Arc::clone(coverage))),
        id if id == price_list::DATASET.id => Some(price_list::inspection()),
        id if id == savings_plans::DATASET.id => Some(savings_plans::inspection()),
        id if id == spot_advisor::DATASET.id => Some(spot_advisor::inspection()),
        id if id == retail_prices::DATASET.id => Some(retail_prices::inspection()),
        _ => None,
    }
}

/// Whether the line is one JSON object.
pub(crate) fn is_object(line: &[u8]) -> bool {
    line.trim_ascii_start().starts_with(b"{") && serde_json::from_slice::<IgnoredAny>(line).is_ok()
}

/// Counts rows that have something wrong with them, and remembers the first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wrong {
    count: u64,
    first: String,
}

impl Wrong {
    /// Counts one; `first` is made of the first only.
    pub(crate) fn add(&mut self, first: impl FnOnce() -> String) {
        if self.count == 0 {
            self.first = first();
        }
        self.count += 1;
    }

    /// One sentence that counts `what` and shows the first; nothing where all is well.
    pub(crate) fn told(&self, what: &str) -> Option<String> {
        let count = crate::base::units::grouped(self.count);
        (self.count > 0).then(|| format!("{what}: {count}, the first {}", self.first))
    }
}
