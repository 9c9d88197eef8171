//! The indexes of the bulk API, read with suspicion: what they name becomes names, versions and streams here or
//! not at all. Fields that nobody knows yet are passed over. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::site::{Partition, Site};
use crate::base::Name;
use crate::lake::slice::Version;
use crate::sources::FetchError;

/// What a region index says.
#[derive(Debug, Default)]
pub(super) struct RegionIndex {
    /// The current version of each region, or why the entry cannot be used.
    pub(super) regions: BTreeMap<Name, Result<Version, FetchError>>,
    /// Entries that do not even name a region.
    pub(super) nameless: Vec<FetchError>,
}

/// What a version index says.
#[derive(Debug, Default)]
pub(super) struct VersionIndex {
    /// Every version that is still to be had.
    pub(super) versions: BTreeSet<Version>,
    /// Entries that name no version, one sentence each.
    pub(super) warnings: Vec<String>,
}

#[derive(Deserialize)]
struct RegionFile {
    regions: BTreeMap<String, Box<RawValue>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RegionEntry {
    region_code: String,
    current_version_url: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct VersionFile {
    offer_code: String,
    versions: BTreeMap<String, Box<RawValue>>,
}

#[derive(Deserialize)]
struct OfferFile {
    offers: BTreeMap<String, Box<RawValue>>,
}

/// Reads `…/current/region_index.json`. One bad entry does not spoil the others.
pub(super) fn region_index(json: &[u8], site: &Site, offer: &Name) -> Result<RegionIndex, FetchError> {
    let file: RegionFile = read(json, &format!("region index of {offer}"))?;
    let mut index = RegionIndex::default();
    for (key, entry) in file.regions {
        match Name::new("region", &key) {
            Ok(region) => {
                let version = current_version(&entry, site, offer, &region)
                    .map_err(|why| FetchError::upstream(format!("region index of {offer}: {region}: {why}")));
                index.regions.insert(region, version);
            }
            Err(error) => {
                let error = FetchError::upstream(format!("region index of {offer}: {error}"));
                index.nameless.push(error.with_hint("the entry is left out, and the other regions go on"));
            }
        }
    }
    Ok(index)
}

fn current_version(entry: &RawValue, site: &Site, offer: &Name, region: &Name) -> Result<Version, String> {
    let entry: RegionEntry = serde_json::from_str(entry.get()).map_err(|error| error.to_string())?;
    if entry.region_code != region.as_str() {
        let code: String = entry.region_code.chars().take(80).collect();
        return Err(format!("its regionCode is {code:?}"));
    }
    // A stream's key does not tell the partition: the region must.
    if Partition::of_region(region) != site.partition {
        return Err(format!("no region of partition {}", site.partition.as_str()));
    }
    site.version_in(&entry.current_version_url, offer, region)
}

/// Reads `…/<offer>/index.json`.
pub(super) fn version_index(json: &[u8], offer: &Name) -> Result<VersionIndex, FetchError> {
    let file: VersionFile = read(json, &format!("version index of {offer}"))?;
    if file.offer_code != offer.as_str() {
        let code: String = file.offer_code.chars().take(80).collect();
        return Err(FetchError::upstream(format!("version index of {offer} is that of offer {code:?}")));
    }
    let mut index = VersionIndex::default();
    for key in file.versions.into_keys() {
        match Version::new(&key) {
            Ok(version) => {
                index.versions.insert(version);
            }
            Err(error) => index.warnings.push(format!("version index of {offer}: {error}; entry left out")),
        }
    }
    Ok(index)
}

/// Reads the offer index: the codes of all offers.
pub(super) fn offer_index(json: &[u8]) -> Result<BTreeSet<String>, FetchError> {
    let file: OfferFile = read(json, "offer index")?;
    Ok(file.offers.into_keys().collect())
}

fn read<'a, T: Deserialize<'a>>(json: &'a [u8], what: &str) -> Result<T, FetchError> {
    serde_json::from_slice(json).map_err(|error| {
        let html = json.trim_ascii_start().starts_with(b"<");
        let problem =
            if html { "is HTML or XML, not JSON".to_owned() } else { format!("cannot be read: {error}") };
        FetchError::upstream(format!("{what} {problem}"))
            .with_hint("check that no proxy or login page answers in the place of the price list")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::new("name", text).unwrap()
    }

    fn regions(json: &str) -> Result<RegionIndex, FetchError> {
        region_index(json.as_bytes(), &Site::new(Partition::Aws, None).unwrap(), &name("AmazonEC2"))
    }

    #[test]
    fn one_bad_region_does_not_spoil_the_others() {
        let index = regions(
            r#"{"formatVersion": "v9", "new": [1], "regions": {
                "us-east-1": {"regionCode": "us-east-1", "tier": 1,
                    "currentVersionUrl": "/offers/v1.0/aws/AmazonEC2/20250523232744/us-east-1/index.json"},
                "../../x": {"regionCode": "../../x",
                    "currentVersionUrl": "/offers/v1.0/aws/AmazonEC2/20250523232744/../../x/index.json"},
                "us-west-1": {"regionCode": "us-west-2",
                    "currentVersionUrl": "/offers/v1.0/aws/AmazonEC2/20250523232744/us-west-1/index.json"},
                "us-west-2": {"regionCode": "us-west-2",
                    "currentVersionUrl": "https://evil.test/offers/v1.0/aws/AmazonEC2/20250523232744/us-west-2/index.json"},
                "cn-north-1": {"regionCode": "cn-north-1",
                    "currentVersionUrl": "/offers/v1.0/aws/AmazonEC2/20250523232744/cn-north-1/index.json"},
                "eu-west-1": "soon"
            }}"#,
        )
        .unwrap();
        let good: Vec<&str> = index
            .regions
            .iter()
            .filter(|(_, version)| version.is_ok())
            .map(|(region, _)| region.as_str())
            .collect();
        assert_eq!(good, ["us-east-1"]);
        assert_eq!(index.regions.len(), 5);
        assert_eq!(index.nameless.len(), 1);
        assert!(index.nameless[0].to_string().contains("../../x"), "{:?}", index.nameless);
        let why = |region: &str| index.regions[&name(region)].as_ref().unwrap_err().to_string();
        assert!(why("us-west-1").contains("regionCode is \"us-west-2\""), "{}", why("us-west-1"));
        assert!(why("us-west-2").contains("another host"), "{}", why("us-west-2"));
        assert!(why("cn-north-1").contains("no region of partition aws"), "{}", why("cn-north-1"));
    }

    #[test]
    fn what_is_no_index_is_an_error_of_the_upstream() {
        for (json, says) in [
            ("<html><body>Bad gateway</body></html>", "is HTML or XML, not JSON"),
            ("{\"regions\": {\"us-east-1\": {", "cannot be read"),
            ("{\"message\": \"slow down\"}", "missing field `regions`"),
            ("", "cannot be read"),
        ] {
            let error = regions(json).unwrap_err();
            assert_eq!(error.kind, crate::sources::FetchErrorKind::Upstream);
            assert!(error.to_string().contains(says), "{error}");
        }
    }

    #[test]
    fn versions_come_in_order_and_odd_ones_are_told() {
        let json = r#"{"offerCode": "AmazonEC2", "currentVersion": "20170803003029", "versions": {
            "20170803003029": {}, "20151209144527": {"versionEffectiveEndDate": ""}, "latest": {}}}"#;
        let index = version_index(json.as_bytes(), &name("AmazonEC2")).unwrap();
        let versions: Vec<&str> = index.versions.iter().map(Version::as_str).collect();
        assert_eq!(versions, ["20151209144527", "20170803003029"]);
        assert_eq!(index.warnings.len(), 1);
        let error = version_index(json.as_bytes(), &name("AmazonS3")).unwrap_err();
        assert!(error.to_string().contains("that of offer \"AmazonEC2\""), "{error}");
    }
}
