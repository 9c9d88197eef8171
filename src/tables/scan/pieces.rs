//! Pieces of one object of the lake: fetched with few requests, and none of them twice. Never here: what the bytes mean.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};

use super::Part;
use crate::lake::store::{Store, StoreError};

/// Pieces that lie no farther apart are fetched together: a request costs more than these bytes.
const NEAR_BYTES: u64 = 1 << 10;
/// How many requests are under way at once for one object.
const CONCURRENT_REQUESTS: usize = 8;
/// An object that is no larger is fetched whole.
const SMALL_BYTES: u64 = 48 << 10;
/// How much of the end of a larger one is fetched first: its footer, nearly always.
const TAIL_BYTES: u64 = 8 << 10;

/// What reading has cost.
#[derive(Debug, Default)]
pub struct Tally {
    bytes: AtomicU64,
    reads: AtomicU64,
    listings: AtomicU64,
}

impl Tally {
    /// How many bytes were read.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// How many pieces of objects were asked for.
    pub fn reads(&self) -> u64 {
        self.reads.load(Ordering::Relaxed)
    }

    /// How many listings were made.
    pub fn listings(&self) -> u64 {
        self.listings.load(Ordering::Relaxed)
    }

    pub(super) fn listed(&self) {
        self.listings.fetch_add(1, Ordering::Relaxed);
    }

    fn read(&self, bytes: usize) {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

/// One object, its end at hand.
#[derive(Debug)]
pub(super) struct Pieces<'a> {
    store: &'a dyn Store,
    part: &'a Part,
    tally: &'a Tally,
    tail: Bytes,
}

impl<'a> Pieces<'a> {
    /// Fetches the end of the object, or all of a small one.
    pub(super) async fn open(
        store: &'a dyn Store,
        part: &'a Part,
        tally: &'a Tally,
    ) -> Result<Self, StoreError> {
        let length = if part.bytes <= SMALL_BYTES { part.bytes } else { TAIL_BYTES };
        let mut pieces = Self { store, part, tally, tail: Bytes::new() };
        pieces.tail = pieces.request(part.bytes - length..part.bytes).await?;
        Ok(pieces)
    }

    /// How long the object is.
    pub(super) fn bytes(&self) -> u64 {
        self.part.bytes
    }

    /// The bytes in each of `ranges`, in their order. A range that the object does not have is an error of the store.
    pub(super) async fn fetch(&self, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, StoreError> {
        let missing = ranges.iter().filter(|range| self.at_hand(range).is_none()).cloned();
        let together: Vec<Range<u64>> = joined(missing.collect());
        let fetched: Vec<Bytes> =
            futures::stream::iter(together.clone().into_iter().map(|range| self.request(range)))
                .buffered(CONCURRENT_REQUESTS)
                .try_collect()
                .await?;
        let of_fetched = |range: &Range<u64>| {
            let index = together.partition_point(|joined| joined.end < range.end);
            Some(slice(fetched.get(index)?, together.get(index)?.start, range))
        };
        Ok(ranges.iter().filter_map(|range| self.at_hand(range).or_else(|| of_fetched(range))).collect())
    }

    fn at_hand(&self, range: &Range<u64>) -> Option<Bytes> {
        let start = self.part.bytes - self.tail.len() as u64;
        (start <= range.start && range.end <= self.part.bytes).then(|| slice(&self.tail, start, range))
    }

    async fn request(&self, range: Range<u64>) -> Result<Bytes, StoreError> {
        let bytes = self.store.read_range(&self.part.key, range, &self.part.etag).await?;
        self.tally.read(bytes.len());
        Ok(bytes)
    }
}

/// What `range` has of `bytes`, which begin at `start`.
fn slice(bytes: &Bytes, start: u64, range: &Range<u64>) -> Bytes {
    let place = |at: u64| usize::try_from(at.saturating_sub(start)).unwrap_or(usize::MAX).min(bytes.len());
    bytes.slice(place(range.start)..place(range.end).max(place(range.start)))
}

/// The fewest ranges that hold all of `ranges` and little else, in order.
fn joined(mut ranges: Vec<Range<u64>>) -> Vec<Range<u64>> {
    ranges.sort_unstable_by_key(|range| (range.start, range.end));
    let mut together: Vec<Range<u64>> = Vec::new();
    for range in ranges {
        match together.last_mut() {
            Some(last) if range.start <= last.end.saturating_add(NEAR_BYTES) => {
                last.end = last.end.max(range.end);
            }
            _ => together.push(range),
        }
    }
    together
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_are_near_are_one_request() {
        let far = 100_000;
        let ranges = vec![far..far + 10, 0..10, 5..50, 60..100, far + 10..far + 20];
        assert_eq!(joined(ranges), [0..100, far..far + 20]);
        assert_eq!(joined(vec![]), []);
    }
}
