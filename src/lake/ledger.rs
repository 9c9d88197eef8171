//! The ledger: coverage as the store's listings tell it. There is no cursor file and no database.

use futures::{StreamExt, TryStreamExt};

use super::coverage::Coverage;
use super::key::{Key, Prefix};
use super::store::{Store, StoreError};
use crate::base::{Date, Name};

/// How many listings are under way at once.
const CONCURRENT_LISTINGS: usize = 16;

/// Which part of a dataset to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// All of it, one listing after the other: for few objects on many days.
    All,
    /// All of it, the days that there are side by side: for many objects on each day.
    ByDay,
    /// The days from the first to the second one, both included, side by side.
    Days(Date, Date),
}

/// Reads what the lake has of `dataset`, its marks included.
pub async fn read(store: &dyn Store, dataset: &Name, extent: Extent) -> Result<Coverage, StoreError> {
    let mut prefixes = vec![Prefix::marks(dataset)];
    match extent {
        Extent::All => prefixes.push(Prefix::raw(dataset)),
        Extent::ByDay => prefixes.extend(store.folders(&Prefix::raw(dataset)).await?),
        Extent::Days(first, last) => {
            let days = first.iter_days().take_while(|day| *day <= last);
            prefixes.extend(days.map(|day| Prefix::raw_day(dataset, day)));
        }
    }
    futures::stream::iter(prefixes)
        .map(|prefix| read_prefix(store, prefix))
        .buffer_unordered(CONCURRENT_LISTINGS)
        .try_fold(Coverage::default(), |mut all, part| {
            all.merge(&part);
            std::future::ready(Ok(all))
        })
        .await
}

async fn read_prefix(store: &dyn Store, prefix: Prefix) -> Result<Coverage, StoreError> {
    let mut coverage = Coverage::default();
    let mut listing = store.list(&prefix);
    while let Some(listed) = listing.try_next().await? {
        match Key::parse(&listed.key) {
            Ok((_, parsed)) => coverage.insert(&parsed),
            // Whoever put it there, it says nothing about coverage; `verify` names such objects.
            Err(error) => tracing::debug!(%error, "skipped an object that is none of ours"),
        }
    }
    Ok(coverage)
}
