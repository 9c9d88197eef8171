//! The indexes of the bulk API, read with suspicion: what they name becomes names, versions and streams here or
//! not at all. Fields that nobody knows yet are passed over. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::kind::{Kind, RegionEntry};
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

/// Reads the region index of a list. One bad entry does not spoil the others.
pub(super) fn region_index(
    kind: &Kind,
    json: &[u8],
    site: &Site,
    name: &Name,
) -> Result<RegionIndex, FetchError> {
    let what = format!("region index of {name}");
    let entries = read(json, &what, kind.regions)?;
    if entries.is_empty() {
        return Err(FetchError::upstream(format!("{what} names no region")));
    }
    let mut index = RegionIndex::default();
    for RegionEntry { key, found } in entries {
        match Name::new("region", &key) {
            Ok(region) => {
                let version = found
                    .and_then(|(code, link)| current_version(&code, &link, site, name, &region))
                    .map_err(|why| FetchError::upstream(format!("{what}: {region}: {why}")));
                index.regions.insert(region, version);
            }
            Err(error) => {
                let error = FetchError::upstream(format!("{what}: {error}"));
                index.nameless.push(error.with_hint("the entry is left out, and the other regions go on"));
            }
        }
    }
    Ok(index)
}

fn current_version(
    code: &str,
    link: &str,
    site: &Site,
    name: &Name,
    region: &Name,
) -> Result<Version, String> {
    if code != region.as_str() {
        let code: String = code.chars().take(80).collect();
        return Err(format!("its regionCode is {code:?}"));
    }
    // A stream's key does not tell the partition: the region must.
    if Partition::of_region(region) != site.partition {
        return Err(format!("no region of partition {}", site.partition.as_str()));
    }
    site.version_in(link, name, region)
}

/// Reads the version index of a list.
pub(super) fn version_index(
    kind: &Kind,
    json: &[u8],
    site: &Site,
    name: &Name,
) -> Result<VersionIndex, FetchError> {
    let what = format!("version index of {name}");
    let versions = read(json, &what, |json| (kind.versions)(json, site, name))?
        .map_err(|why| FetchError::upstream(format!("{what} {why}")))?;
    let mut index = VersionIndex::default();
    for version in versions {
        match version {
            Ok(version) => {
                index.versions.insert(version);
            }
            Err(error) => index.warnings.push(format!("{what}: {error}; entry left out")),
        }
    }
    Ok(index)
}

/// Reads the offer index: the names of all lists of a kind.
pub(super) fn offer_index(kind: &Kind, json: &[u8], site: &Site) -> Result<BTreeSet<String>, FetchError> {
    read(json, "offer index", |json| (kind.names)(json, site))
}

fn read<T>(
    json: &[u8],
    what: &str,
    read: impl FnOnce(&[u8]) -> serde_json::Result<T>,
) -> Result<T, FetchError> {
    read(json).map_err(|error| {
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
    use crate::sources::aws::price_list::KIND as OFFERS;
    use crate::sources::aws::savings_plans::KIND as PLANS;

    fn name(text: &str) -> Name {
        Name::new("name", text).unwrap()
    }

    fn site(kind: &Kind) -> Site {
        Site::new(kind.directory, Partition::Aws, None).unwrap()
    }

    fn regions(json: &str) -> Result<RegionIndex, FetchError> {
        region_index(&OFFERS, json.as_bytes(), &site(&OFFERS), &name("AmazonEC2"))
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
            ("{\"regions\": {}}", "names no region"),
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
        let index = version_index(&OFFERS, json.as_bytes(), &site(&OFFERS), &name("AmazonEC2")).unwrap();
        let versions: Vec<&str> = index.versions.iter().map(Version::as_str).collect();
        assert_eq!(versions, ["20151209144527", "20170803003029"]);
        assert_eq!(index.warnings.len(), 1);
        let error = version_index(&OFFERS, json.as_bytes(), &site(&OFFERS), &name("AmazonS3")).unwrap_err();
        assert!(error.to_string().contains("that of offer \"AmazonEC2\""), "{error}");
    }

    #[test]
    fn plans_are_found_from_the_offer_index() {
        let json = r#"{"offers": {
            "AmazonEC2": {"currentSavingsPlanIndexUrl": "/savingsPlan/v1.0/aws/AWSComputeSavingsPlan/current/region_index.json"},
            "AWSLambda": {"currentSavingsPlanIndexUrl": "/savingsPlan/v1.0/aws/AWSComputeSavingsPlan/current/region_index.json"},
            "AmazonNew": {"currentSavingsPlanIndexUrl": "/savingsPlan/v1.0/aws/AWSNewPlans/current/region_index.json"},
            "AmazonOdd": {"currentSavingsPlanIndexUrl": "https://evil.test/savingsPlan/v1.0/aws/Evil/current/region_index.json"},
            "AmazonBroken": {"currentSavingsPlanIndexUrl": 7}, "AmazonS3": {}, "AmazonNone": null}}"#;
        let found = offer_index(&PLANS, json.as_bytes(), &site(&PLANS)).unwrap();
        assert_eq!(found, ["AWSComputeSavingsPlan", "AWSNewPlans"].map(str::to_owned).into());
        assert_eq!(offer_index(&OFFERS, json.as_bytes(), &site(&OFFERS)).unwrap().len(), 7);
    }

    #[test]
    fn the_indexes_of_plans_are_lists() {
        let plan = name("AWSComputeSavingsPlan");
        let json = r#"{"publicationDate": "2026-04-22T19:42:03Z", "regions": [
            {"regionCode": "us-east-1", "versionUrl": "/savingsPlan/v1.0/aws/AWSComputeSavingsPlan/20260422194203/us-east-1/index.json"},
            {"regionCode": "us-west-1", "versionUrl": "/savingsPlan/v1.0/aws/AWSComputeSavingsPlan/20260422194203/us-west-2/index.json"},
            {"regionCode": "eu-west-3", "versionUrl": "/savingsPlan/v1.0/aws/AWSComputeSavingsPlan/current/default/empty.json"},
            {"regionCode": "eu-west-1"}, {"regionCode": "../x", "versionUrl": ""}, "soon"]}"#;
        let index = region_index(&PLANS, json.as_bytes(), &site(&PLANS), &plan).unwrap();
        let good: Vec<&Name> =
            index.regions.iter().filter(|(_, it)| it.is_ok()).map(|(name, _)| name).collect();
        assert_eq!(good, [&name("us-east-1")]);
        assert_eq!((index.regions.len(), index.nameless.len()), (4, 2));
        assert!(index.nameless[1].to_string().contains("soon"), "{:?}", index.nameless);
        let error = region_index(&PLANS, br#"{"regions": []}"#, &site(&PLANS), &plan).unwrap_err();
        assert_eq!(error.to_string(), "region index of AWSComputeSavingsPlan names no region");

        let json = r#"{"currentOfferVersionUrl": "…", "versions": [
            {"publicationDate": "2026-04-22T19:42:03Z", "offerVersionUrl": "/savingsPlan/v1.0/aws/AWSComputeSavingsPlan/20260422194203/index.json"},
            {"publicationDate": "2020-02-20T22:03:00Z", "offerVersionUrl": "/savingsPlan/v1.0/aws/AWSComputeSavingsPlan/20200220220300/index.json"},
            {"publicationDate": "2020-02-20T22:03:00Z"}, {"offerVersionUrl": "/savingsPlan/v1.0/aws/Other/20200220220300/index.json"}]}"#;
        let index = version_index(&PLANS, json.as_bytes(), &site(&PLANS), &plan).unwrap();
        let versions: Vec<&str> = index.versions.iter().map(Version::as_str).collect();
        assert_eq!(versions, ["20200220220300", "20260422194203"]);
        assert_eq!(index.warnings.len(), 2, "{:?}", index.warnings);
    }
}
