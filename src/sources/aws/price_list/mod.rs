//! `aws_price_list`: every published version of the price lists that AWS offers in bulk, byte for byte.
//! Needs no credentials. The indexes name the versions, so nothing is downloaded to find out that it is known.

mod body;
mod examine;
mod fetch;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod index;
mod inspect;
mod json;
mod plan;
mod site;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use url::Url;

use crate::base::Name;
use crate::base::check::Check;
use crate::base::name::NameError;
use crate::lake::draft::Draft;
use crate::lake::slice::{Slice, Stream, Version};
use crate::net::{Client, RetryTimes};
use crate::sources::aws::Regions;
use crate::sources::{Dataset, FetchContext, FetchError, Fetched, Plan, PlanContext, Source};

pub(crate) use inspect::inspection;
pub use site::Partition;
use site::Site;

/// What is always true of the dataset.
pub static DATASET: Dataset = Dataset {
    id: "aws_price_list",
    description: "price lists of AWS services by region, every published version as it was published",
    needs: "",
    permissions: &[],
    windows: false,
    publishes: true,
};

/// Which price lists to keep.
#[derive(Debug, Clone)]
pub struct Options {
    /// Offer codes, as `AmazonEC2`.
    pub offers: Vec<Name>,
    /// Which regions of the offers.
    pub regions: Regions,
    /// Where to look for them.
    pub partitions: Vec<Partition>,
    /// The host of all partitions, instead of their own. The path segment of the partition stays.
    pub base_url: Option<Url>,
}

/// The source.
#[derive(Debug)]
pub struct PriceList {
    offers: Vec<Name>,
    regions: Regions,
    partitions: Vec<Partition>,
    base: Option<Url>,
    client: Client,
    /// The version of each stream that the region index named when it was last read: the newest one that must be
    /// there soon, if it is not there yet.
    current: Mutex<BTreeMap<Stream, Version>>,
}

impl PriceList {
    /// How many answers of 403 in a row are believed: the bulk API says so under load as well.
    const REFUSALS: u32 = 3;

    /// The source that keeps what `options` name.
    pub fn new(options: Options, client: &Client) -> Self {
        let Options { mut offers, regions, mut partitions, base_url } = options;
        // Naming something twice is no reason to fetch it twice.
        offers.sort();
        offers.dedup();
        partitions.sort();
        partitions.dedup();
        let times = RetryTimes { refusals: Self::REFUSALS, ..client.retry_times() };
        let client = client.clone().with_retry_times(times);
        Self { offers, regions, partitions, base: base_url, client, current: Mutex::default() }
    }

    fn site(&self, partition: Partition) -> Result<Site, FetchError> {
        Site::new(partition, self.base.as_ref()).map_err(|error| FetchError::bug(error.to_string()))
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

/// The series of `offer` in `region`. Regions of all partitions have different codes, so the partition is not
/// part of the name.
fn stream(offer: &Name, region: &Name) -> Result<Stream, NameError> {
    Stream::new(DATASET.id, &[("offer", offer.as_str()), ("region", region.as_str())])
}

#[async_trait]
impl Source for PriceList {
    fn dataset(&self) -> &'static Dataset {
        &DATASET
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
