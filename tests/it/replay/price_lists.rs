//! Price lists: what was published is in the lake, byte for byte, and nothing is downloaded twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::body::Bytes;
use contrail::crawler::Tally;
use contrail::lake::key::Key;
use contrail::lake::run_log::Outcome;
use contrail::sources::aws::Regions;
use contrail::sources::aws::price_list::{self, Options, Partition};
use serde::Deserialize;

use super::recordings::{Published, Recordings};
use crate::support::crawl::Crawl;
use crate::support::place::Place;
use crate::support::price_list::{Site, name, path, slice};
use crate::support::server::Server;

/// After all recordings of `AmazonEC2` but the last.
const CREATED: &str = "2019-02-16T00:00:00Z";

#[derive(Deserialize)]
struct RegionIndex {
    regions: BTreeMap<String, RegionEntry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RegionEntry {
    current_version_url: String,
}

/// A place, a site that publishes, and what the lake must hold of it.
struct Replay<'a> {
    place: &'a Place,
    crawl: Crawl<'a>,
    site: Site,
    server: Server,
    offers: BTreeSet<String>,
    expected: BTreeMap<String, Bytes>,
}

impl<'a> Replay<'a> {
    async fn new(place: &'a Place) -> Self {
        let site = Site::default();
        let server = site.serve().await;
        let crawl = Crawl::new(place, CREATED);
        Self { place, crawl, site, server, offers: BTreeSet::new(), expected: BTreeMap::new() }
    }

    /// Puts a price list on the site; the indexes are another matter.
    fn publish(&mut self, list: &Published) {
        self.site.put(&list.path(), list.body.clone());
        self.expected.insert(list.key(), list.body.clone());
        self.offers.insert(list.offer.clone());
    }

    /// Puts the recorded region index of an offer on the site, and a small price list for each of its regions.
    fn publish_index(&mut self, offer: &str, index: &Bytes) {
        self.site.put(&format!("/offers/v1.0/aws/{offer}/current/region_index.json"), index.clone());
        let RegionIndex { regions } = serde_json::from_slice(index).unwrap();
        assert!(regions.len() > 3);
        let mut versions = BTreeSet::new();
        for (region, entry) in regions {
            let version = entry.current_version_url.split('/').nth(5).unwrap().to_owned();
            let body = self.site.list(offer, &version, &region);
            assert_eq!(entry.current_version_url, path(offer, &version, &region));
            self.expected.insert(Key::raw(&slice(offer, &version, &region)).to_string(), body.into());
            versions.insert(version);
        }
        self.site.versions(offer, &versions.iter().map(String::as_str).collect::<Vec<_>>());
        self.offers.insert(offer.to_owned());
    }

    /// Lets the indexes name the last of these versions as Tokyo's current one, and London's own.
    fn index(&self, tokyo: &[&Published], london: &Published) {
        let current = tokyo.last().unwrap();
        let regions = [(current.region, current.version.as_str()), (london.region, &london.version)];
        self.site.regions(&current.offer, &regions);
        let versions: Vec<_> = tokyo.iter().map(|list| list.version.as_str()).collect();
        self.site.versions(&current.offer, &versions);
    }

    /// Crawls a partition; answers what came of it and which price lists were asked for.
    async fn tick(&self, partition: Partition) -> (Tally, Vec<String>) {
        self.server.asked();
        let offers: Vec<_> = match partition {
            Partition::Aws => self.offers.iter().map(|offer| name(offer)).collect(),
            Partition::AwsCn => vec![name("AmazonEC2")],
        };
        let indexes_asked = 2 * offers.len();
        let options = Options {
            offers,
            regions: Regions::All,
            partitions: vec![partition],
            base_url: Some(self.server.url()),
        };
        let tally = self.crawl.once(Arc::new(price_list::source(options, &self.crawl.client()))).await;
        let (indexes, lists): (Vec<_>, Vec<_>) =
            self.server.asked().into_iter().partition(|path| is_index(path));
        assert_eq!(indexes.len(), indexes_asked, "one of regions and one of versions for each offer");
        (tally, lists)
    }

    /// Holds that the tick brought exactly `lists`, each asked for once.
    async fn brings(&self, lists: &[&Published]) {
        let (tally, asked) = self.tick(Partition::Aws).await;
        assert_eq!(asked, lists.iter().map(|list| list.path()).collect::<Vec<_>>(), "{}", self.place.name);
        assert_only_stored(&tally, lists.len());
        let bytes: usize = lists.iter().map(|list| list.body.len()).sum();
        assert_eq!(tally.raw_bytes, bytes as u64);
    }
}

/// `…/<offer>/current/region_index.json` and `…/<offer>/index.json`; a price list lies deeper.
fn is_index(path: &str) -> bool {
    path.ends_with("/region_index.json") || path.split('/').count() == 6
}

fn assert_only_stored(tally: &Tally, objects: usize) {
    let stored = BTreeMap::from([(Outcome::Stored, objects as u64)]);
    assert_eq!(tally.outcomes, if objects == 0 { BTreeMap::new() } else { stored }, "{:?}", tally.errors);
}

async fn replay(recordings: &Recordings, place: &Place) {
    let Recordings { tokyo: [first, second, third], london, china, others, comprehend } = recordings;
    let mut replay = Replay::new(place).await;

    // A new lake: the current version of every price list that the indexes name.
    for list in [first, london].into_iter().chain(others) {
        replay.publish(list);
    }
    replay.publish_index("comprehend", comprehend);
    replay.index(&[first], london);
    for other in others {
        replay.site.regions(&other.offer, &[(other.region, &other.version)]);
        replay.site.versions(&other.offer, &[&other.version]);
    }
    let (tally, _) = replay.tick(Partition::Aws).await;
    assert_only_stored(&tally, replay.expected.len());

    // China has a path of its own.
    replay.publish(china);
    replay.site.regions(&china.offer, &[(china.region, &china.version)]);
    let versions = serde_json::json!({"offerCode": china.offer, "versions": {&china.version: {}}});
    replay.site.put(&format!("/offers/v1.0/cn/{}/index.json", china.offer), versions.to_string());
    let (tally, asked) = replay.tick(Partition::AwsCn).await;
    assert_eq!(asked, [china.path()]);
    assert!(asked[0].starts_with("/offers/v1.0/cn/"), "{asked:?}");
    assert_only_stored(&tally, 1);

    // A second tick reads the indexes and fetches nothing.
    replay.brings(&[]).await;

    // Each new version is one object more, and only its bytes are downloaded.
    replay.publish(second);
    replay.index(&[first, second], london);
    replay.brings(&[second]).await;
    replay.brings(&[]).await;
    replay.crawl.set_time("2019-03-30T00:00:00Z");
    replay.publish(third);
    replay.index(&[first, second, third], london);
    replay.brings(&[third]).await;
    replay.brings(&[]).await;

    let lake = place.lake().await;
    let objects = lake.raw("aws_price_list");
    assert!(objects.keys().eq(replay.expected.keys()), "{:?}", objects.keys());
    for (key, body) in &replay.expected {
        let object = objects[key.as_str()];
        assert!(object.payload() == *body, "{key} in {} is not what was published", place.name);
        let url = object.meta.as_ref().and_then(|meta| meta.source_url.as_deref());
        assert!(url.is_some_and(|url| url.starts_with(replay.server.url().as_str())), "{url:?}");
    }
    assert_eq!(lake.marks(), Vec::<&str>::new());
}

/// Crawls the recordings into a new lake; `None` where there are none.
pub(super) async fn crawl_recorded(place: &Place) -> Option<()> {
    replay(&Recordings::recorded()?, place).await;
    Some(())
}

#[tokio::test]
async fn recorded_price_lists_come_out_byte_for_byte_and_are_fetched_once() {
    let Some(recordings) = Recordings::recorded() else { return };
    for place in Place::everywhere("recorded-price-lists").await {
        replay(&recordings, &place).await;
    }
}

#[tokio::test]
async fn invented_price_lists_come_out_byte_for_byte_and_are_fetched_once() {
    let recordings = Recordings::invented();
    for place in Place::everywhere("invented-price-lists").await {
        replay(&recordings, &place).await;
    }
}
