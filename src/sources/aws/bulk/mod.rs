//! The lists that AWS publishes in bulk, of prices and of savings plans: indexes name the versions of each list by region,
//! so nothing is downloaded to find out that it is known, and every version is kept byte for byte. Needs no credentials.
//! What differs between the datasets is a `Kind`. Never here: the name of a dataset.

mod body;
mod examine;
mod fetch;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod index;
mod inspect;
mod json;
mod kind;
mod missing;
mod plan;
mod site;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use url::Url;

use crate::base::check::Check;
use crate::lake::draft::Draft;
use crate::lake::slice::{Slice, Stream, Version};
use crate::net::{Client, RetryTimes};
use crate::sources::aws::Names;
use crate::sources::{Dataset, FetchContext, FetchError, Fetched, Plan, PlanContext, Source};

pub(super) use inspect::inspection;
pub(super) use kind::{Kind, Promised, RegionEntry};
pub use site::Partition;
pub(super) use site::Site;

/// Which lists to keep.
#[derive(Debug)]
pub(super) struct Options {
    /// Which lists, by name; `All` are those that the offer index leads to.
    pub(super) names: Names,
    /// Which regions of them.
    pub(super) regions: Names,
    /// Where to look for them.
    pub(super) partitions: Vec<Partition>,
    /// The host of all partitions, instead of their own. The path segment of the partition stays.
    pub(super) base_url: Option<Url>,
}

/// A source of lists of one kind.
#[derive(Debug)]
pub struct BulkLists {
    kind: &'static Kind,
    names: Names,
    regions: Names,
    partitions: Vec<Partition>,
    base: Option<Url>,
    client: Client,
    /// The version of each stream that the region index named when it was last read: the newest one that must be
    /// there soon, if it is not there yet.
    current: Mutex<BTreeMap<Stream, Version>>,
}

impl BulkLists {
    /// How many answers of 403 in a row are believed: the bulk API says so under load as well.
    const REFUSALS: u32 = 3;

    /// The source that keeps what `options` name.
    pub(super) fn new(kind: &'static Kind, options: Options, client: &Client) -> Self {
        let Options { names, regions, mut partitions, base_url } = options;
        // Naming something twice is no reason to fetch it twice.
        partitions.sort();
        partitions.dedup();
        let times = RetryTimes { refusals: Self::REFUSALS, ..client.retry_times() };
        let client = client.clone().with_retry_times(times);
        Self { kind, names, regions, partitions, base: base_url, client, current: Mutex::default() }
    }

    fn site(&self, partition: Partition) -> Result<Site, FetchError> {
        Site::new(self.kind.directory, partition, self.base.as_ref())
            .map_err(|error| FetchError::bug(error.to_string()))
    }

    /// Remembers which version the region index names.
    fn saw_current(&self, stream: &Stream, version: &Version) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        current.insert(stream.clone(), version.clone());
    }

    /// Whether a version that is not there may yet come: nothing newer is known of its stream.
    fn may_come(&self, stream: &Stream, version: &Version) -> bool {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        current.get(stream).is_none_or(|current| current <= version)
    }
}

#[async_trait]
impl Source for BulkLists {
    fn dataset(&self) -> &'static Dataset {
        self.kind.dataset
    }

    async fn plan(&self, context: &PlanContext<'_>) -> Result<Plan, FetchError> {
        self.make_plan(context).await
    }

    async fn fetch(
        &self,
        slice: &Slice,
        context: &FetchContext,
        draft: Draft,
    ) -> Result<Fetched, FetchError> {
        self.fetch_version(slice, context, draft).await
    }

    async fn check(&self) -> Vec<Check> {
        self.examine().await
    }
}
