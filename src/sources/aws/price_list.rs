//! `aws_price_list`: every published version of the price lists that AWS offers in bulk, byte for byte.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;
use url::Url;

use super::bulk::{self, BulkLists, Kind, Promised, RegionEntry, Site};
use super::{Names, Regions};
use crate::base::Name;
use crate::lake::slice::Version;
use crate::net::Client;
use crate::sources::Dataset;
use crate::sources::inspect::Inspection;

pub use super::bulk::Partition;

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

/// The lists of offers.
pub(super) static KIND: Kind = Kind {
    dataset: &DATASET,
    part: "offer",
    directory: "offers",
    version_index: &["index.json"],
    names,
    regions,
    versions,
    promises,
};

/// The source that keeps what `options` name.
pub fn source(options: Options, client: &Client) -> BulkLists {
    let Options { offers, regions, partitions, base_url } = options;
    let names = Names::These(offers.into_iter().collect());
    BulkLists::new(&KIND, bulk::Options { names, regions, partitions, base_url }, client)
}

/// The inspection of the dataset.
pub(crate) fn inspection() -> Arc<dyn Inspection> {
    bulk::inspection(&KIND)
}

#[derive(Deserialize)]
struct OfferIndex {
    offers: BTreeMap<String, Box<RawValue>>,
}

#[derive(Deserialize)]
struct RegionIndex {
    regions: BTreeMap<String, Box<RawValue>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    region_code: String,
    current_version_url: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct VersionIndex {
    offer_code: String,
    versions: BTreeMap<String, Box<RawValue>>,
}

fn names(json: &[u8], _: &Site) -> serde_json::Result<BTreeSet<String>> {
    Ok(serde_json::from_slice::<OfferIndex>(json)?.offers.into_keys().collect())
}

fn regions(json: &[u8]) -> serde_json::Result<Vec<RegionEntry>> {
    let index: RegionIndex = serde_json::from_slice(json)?;
    let entry = |(key, entry): (String, Box<RawValue>)| RegionEntry {
        key,
        found: serde_json::from_str::<Region>(entry.get())
            .map(|region| (region.region_code, region.current_version_url))
            .map_err(|error| error.to_string()),
    };
    Ok(index.regions.into_iter().map(entry).collect())
}

fn versions(
    json: &[u8],
    _: &Site,
    offer: &Name,
) -> serde_json::Result<Result<Vec<Result<Version, String>>, String>> {
    let index: VersionIndex = serde_json::from_slice(json)?;
    if index.offer_code != offer.as_str() {
        let code: String = index.offer_code.chars().take(80).collect();
        return Ok(Err(format!("is that of offer {code:?}")));
    }
    let version = |key: String| Version::new(&key).map_err(|error| error.to_string());
    Ok(Ok(index.versions.into_keys().map(version).collect()))
}

fn promises(offer: &Name, version: &Version, _: &Name) -> Vec<Promised> {
    let promised = |member, value: &str| Promised { member, value: value.to_owned(), is_required: true };
    vec![promised("offerCode", offer.as_str()), promised("version", version.as_str())]
}
