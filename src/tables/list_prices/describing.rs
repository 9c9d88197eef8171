//! Which lists describe what the rates of others are for. The answer is a function of what the lake holds, and the digest of
//! whatever is made of it names them. Pure.
//!
//! A list is described by lists of its own region, one of each service: the newest that was published by then. Where all
//! are younger, as in a lake that begins with the current version of everything, the oldest is the nearest to it.

use std::collections::BTreeMap;

use super::feeds::Feed;
use crate::base::Time;
use crate::lake::slice::Slice;
use crate::tables::holdings::{Holdings, RawObject};
use crate::tables::timeline::Look;

const REGION: &str = "region";
const SERVICE: &str = "offer";

/// The lists that describe those of a feed: by region, service and moment of publication.
#[derive(Debug, Default)]
pub(super) struct Describing<'h>(BTreeMap<&'h str, BTreeMap<&'h str, BTreeMap<Time, &'h RawObject>>>);

impl<'h> Describing<'h> {
    /// Those of the lists of `feed`: none, for a feed whose lists say everything themselves.
    pub(super) fn of(feed: &Feed, holdings: &'h Holdings) -> Self {
        let mut all = Self::default();
        for object in feed.described_by.map_or(&[][..], |dataset| holdings.of(dataset)) {
            let Slice::Version { stream, version } = &object.slice else { continue };
            if let (Some(region), Some(service)) = (stream.part(REGION), stream.part(SERVICE)) {
                let versions = all.0.entry(region).or_default().entry(service).or_default();
                versions.insert(version.published_at(), object);
            }
        }
        all
    }

    /// Those of the list that was seen in a look, by service.
    pub(super) fn lists(&self, look: &Look<'_>) -> Vec<(&'h str, &'h RawObject)> {
        let region = look.seen.slice.stream().part(REGION);
        let services = region.and_then(|region| self.0.get(region)).into_iter().flatten();
        let nearest = |versions: &BTreeMap<Time, &'h RawObject>| {
            let by_then = versions.range(..=look.due()).next_back();
            by_then.or_else(|| versions.first_key_value()).map(|(_, object)| *object)
        };
        services.filter_map(|(service, versions)| Some((*service, nearest(versions)?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::feeds::FEEDS;
    use super::*;
    use crate::lake::key::{Key, Parsed};
    use crate::lake::store::ETag;
    use crate::tables::timeline::Timeline;

    fn holdings(keys: &[&str]) -> Holdings {
        let mut holdings = Holdings::default();
        for key in keys {
            let Ok((key, Parsed::Raw(slice))) = Key::parse(key) else { panic!("{key}") };
            let dataset = slice.stream().dataset().clone();
            let object = RawObject { key, slice, etag: ETag::new("x"), bytes: 1 };
            holdings.raw.entry(dataset).or_default().push(object);
        }
        holdings
    }

    #[test]
    fn a_list_is_described_by_the_newest_of_its_region_or_else_the_oldest() {
        let list = |offer: &str, region: &str, day: &str| {
            let version = format!("{}120000", day.replace('-', ""));
            format!("raw/aws_price_list/dt={day}/offer={offer}/region={region}/{version}.json.gz")
        };
        let plan = "raw/aws_savings_plans/dt=2026-11-10/plan=P/region=r1/20261110130000.json.gz";
        let keys = [
            list("AmazonEC2", "r1", "2026-11-01"),
            list("AmazonEC2", "r1", "2026-11-10"),
            list("AmazonEC2", "r1", "2026-11-11"),
            list("AmazonRDS", "r1", "2026-11-12"),
            list("AmazonRDS", "r1", "2026-11-13"),
            list("AmazonS3", "r2", "2026-11-01"),
            plan.to_owned(),
        ];
        let holdings = holdings(&keys.each_ref().map(String::as_str));
        let plans = &FEEDS[2];
        let timelines = Timeline::all(plans.dataset, &holdings);
        let look = timelines.values().next().unwrap().looks[0];
        let lists = Describing::of(plans, &holdings).lists(&look);
        let found: Vec<(&str, &str)> =
            lists.iter().map(|(service, object)| (*service, object.key.as_str())).collect();
        assert_eq!(found, [("AmazonEC2", keys[1].as_str()), ("AmazonRDS", keys[3].as_str())]);
        assert!(Describing::of(&FEEDS[0], &holdings).lists(&look).is_empty());
    }
}
