//! Which objects a scan reads: no more is listed than what the conditions on partition columns leave, and no object is
//! opened to find out.

use futures::{StreamExt as _, TryStreamExt as _};

use super::error::QueryError;
use super::pruning::Pruning;
use super::source::{Cut, Source};
use crate::base::Date;
use crate::lake::key::{Key, Prefix};
use crate::lake::store::{ETag, Listed, Store, StoreError};
use datafusion::scalar::ScalarValue;

/// Up to so many days are listed one by one; more are found faster among all there are.
const FEW_DAYS: usize = 32;
/// How many listings are under way at once.
const CONCURRENT_LISTINGS: usize = 16;

/// An object that a scan reads.
#[derive(Debug, Clone)]
pub(super) struct Part {
    /// Its key.
    pub(super) key: Key,
    /// Length in bytes.
    pub(super) bytes: u64,
    /// Which bytes it holds.
    pub(super) etag: ETag,
    /// What its key says, in the order of [`Source::keyed`].
    pub(super) values: Vec<ScalarValue>,
}

/// The objects of `source` that `pruning` leaves, in the order of their keys. One that has no object at all is an error:
/// it was never made.
pub(super) async fn parts(
    store: &dyn Store,
    source: Source,
    pruning: &Pruning,
) -> Result<Vec<Part>, QueryError> {
    let root = source.root()?;
    let prefixes = prefixes(store, source, &root, pruning.days(FEW_DAYS)?).await?;
    let listed: Vec<Vec<Listed>> = futures::stream::iter(prefixes)
        .map(|prefix| store.list(&prefix).try_collect())
        .buffered(CONCURRENT_LISTINGS)
        .try_collect()
        .await?;
    let mut parts: Vec<Part> = listed.into_iter().flatten().filter_map(|it| source.part(it)).collect();
    if parts.is_empty() && !is_there(store, source, &root).await? {
        return Err(QueryError::NeverMade { name: source.name(), is_raw: matches!(source, Source::Raw(_)) });
    }
    let mut keep = pruning.keep(&parts)?.into_iter();
    parts.retain(|_| keep.next().unwrap_or(false));
    Ok(parts)
}

/// What is listed. With `days`, nothing but these is asked for.
async fn prefixes(
    store: &dyn Store,
    source: Source,
    root: &Prefix,
    days: Option<Vec<Date>>,
) -> Result<Vec<Prefix>, QueryError> {
    let each = |above: &Prefix, days: &[Date]| {
        let prefixes = days.iter().map(|day| source.day(above, *day));
        prefixes.filter_map(Result::transpose).collect::<Result<Vec<_>, _>>()
    };
    match (source.cut(), days) {
        (Cut::Days { .. }, Some(days)) => each(root, &days),
        (Cut::ProviderDays, Some(days)) => {
            let providers = store.folders(root).await?;
            let nested = providers.iter().map(|provider| each(provider, &days));
            Ok(nested.collect::<Result<Vec<_>, _>>()?.concat())
        }
        // Many objects a day: days are listed side by side, instead of all of them one after the other.
        (Cut::Days { one_each: false }, None) => Ok(store.folders(root).await?),
        (Cut::Days { one_each: true } | Cut::ProviderDays | Cut::Few, _) => Ok(vec![root.clone()]),
    }
}

async fn is_there(store: &dyn Store, source: Source, root: &Prefix) -> Result<bool, StoreError> {
    let mut listing = store.list(root);
    while let Some(listed) = listing.try_next().await? {
        if source.part(listed).is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}
