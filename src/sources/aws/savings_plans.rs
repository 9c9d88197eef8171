//! `aws_savings_plans`: every published version of the price lists of savings plans, byte for byte. Which plans there are
//! is told by the offer index: each offer that a plan is for has a link to it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;
use url::Url;

use super::bulk::{self, BulkLists, Kind, Partition, Promised, RegionEntry, Site};
use super::{Names, Regions};
use crate::base::Name;
use crate::lake::slice::Version;
use crate::net::Client;
use crate::sources::Dataset;
use crate::sources::inspect::Inspection;

/// What is always true of the dataset.
pub static DATASET: Dataset = Dataset {
    id: "aws_savings_plans",
    description: "price lists of AWS savings plans by region, every published version as it was published",
    needs: "",
    permissions: &[],
    windows: false,
    publishes: true,
};

/// Which price lists to keep.
#[derive(Debug, Clone)]
pub struct Options {
    /// Plans, as `AWSComputeSavingsPlan`; `All` are those that the offer index leads to.
    pub plans: Names,
    /// Which regions of the plans.
    pub regions: Regions,
    /// Where to look for them.
    pub partitions: Vec<Partition>,
    /// The host of all partitions, instead of their own. The path segment of the partition stays.
    pub base_url: Option<Url>,
}

/// The lists of plans.
pub(super) static KIND: Kind = Kind {
    dataset: &DATASET,
    part: "plan",
    directory: "savingsPlan",
    version_index: &["current", "index.json"],
    names,
    regions,
    versions,
    promises,
};

/// The source that keeps what `options` name.
pub fn source(options: Options, client: &Client) -> BulkLists {
    let Options { plans, regions, partitions, base_url } = options;
    BulkLists::new(&KIND, bulk::Options { names: plans, regions, partitions, base_url }, client)
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
struct Offer {
    #[serde(rename = "currentSavingsPlanIndexUrl")]
    plan: Option<String>,
}

#[derive(Deserialize)]
struct RegionIndex {
    regions: Vec<Box<RawValue>>,
}

#[derive(Deserialize)]
struct RegionCode {
    #[serde(rename = "regionCode")]
    code: String,
}

#[derive(Deserialize)]
struct RegionLink {
    #[serde(rename = "versionUrl")]
    link: String,
}

#[derive(Deserialize)]
struct VersionIndex {
    versions: Vec<Box<RawValue>>,
}

#[derive(Deserialize)]
struct VersionLink {
    #[serde(rename = "offerVersionUrl")]
    link: String,
}

/// Most offers have no plan, and an offer that cannot be read does not spoil the others.
fn names(json: &[u8], site: &Site) -> serde_json::Result<BTreeSet<String>> {
    let index: OfferIndex = serde_json::from_slice(json)?;
    let plan = |offer: Box<RawValue>| serde_json::from_str::<Offer>(offer.get()).ok()?.plan;
    let links = index.offers.into_values().filter_map(plan);
    Ok(links.filter_map(|link| site.named_by(&link)).collect())
}

/// A list, where the region indexes of offers are objects.
fn regions(json: &[u8]) -> serde_json::Result<Vec<RegionEntry>> {
    let index: RegionIndex = serde_json::from_slice(json)?;
    let entry = |entry: Box<RawValue>| match serde_json::from_str::<RegionCode>(entry.get()) {
        Ok(RegionCode { code }) => RegionEntry {
            found: serde_json::from_str::<RegionLink>(entry.get())
                .map(|region| (code.clone(), region.link))
                .map_err(|error| error.to_string()),
            key: code,
        },
        Err(error) => {
            RegionEntry { key: entry.get().chars().take(80).collect(), found: Err(error.to_string()) }
        }
    };
    Ok(index.regions.into_iter().map(entry).collect())
}

/// A list, of which only the links name versions.
fn versions(
    json: &[u8],
    site: &Site,
    plan: &Name,
) -> serde_json::Result<Result<Vec<Result<Version, String>>, String>> {
    let index: VersionIndex = serde_json::from_slice(json)?;
    let version = |entry: Box<RawValue>| {
        let VersionLink { link } = serde_json::from_str(entry.get()).map_err(|error| error.to_string())?;
        site.version_below(&link, plan)
    };
    Ok(Ok(index.versions.into_iter().map(version).collect()))
}

/// The region is told by recent lists only.
fn promises(_: &Name, version: &Version, region: &Name) -> Vec<Promised> {
    let promised =
        |member, value: &str, is_required| Promised { member, value: value.to_owned(), is_required };
    vec![promised("version", version.as_str(), true), promised("regionCode", region.as_str(), false)]
}
