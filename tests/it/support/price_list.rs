//! A site of price lists that grows as a test tells it, and a crawl of it.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::response::Response;
use contrail::base::{Chance, Clock, Name, Time};
use contrail::lake::coverage::Coverage;
use contrail::lake::draft::{Draft, FinishedDraft};
use contrail::lake::key::Parsed;
use contrail::lake::slice::{Slice, Stream, Version};
use contrail::net::{Client, HttpOptions};
use contrail::sources::aws::Regions;
use contrail::sources::aws::bulk::BulkLists;
use contrail::sources::aws::price_list::{self, Options, Partition};
use contrail::sources::{FetchError, Fetched, Plan, PlanContext, Source as _, Traffic};

use super::clock::TestClock;
use super::context::{fetch_context, grid};
use super::server::{Server, ok, status};

pub(crate) const NOW: &str = "2026-03-10T12:00:00Z";
pub(crate) const V1: &str = "20260301000000";
pub(crate) const V2: &str = "20260315000000";
pub(crate) const V3: &str = "20260320000000";

/// What a server has to give: bodies by path. Everything else is a 404.
#[derive(Clone, Default)]
pub(crate) struct Site(Arc<Mutex<BTreeMap<String, Bytes>>>);

impl Site {
    pub(crate) fn put(&self, path: &str, body: impl Into<Bytes>) {
        self.0.lock().unwrap().insert(path.to_owned(), body.into());
    }

    pub(crate) fn remove(&self, path: &str) {
        assert!(self.0.lock().unwrap().remove(path).is_some(), "{path}");
    }

    pub(crate) fn answer(&self, path: &str) -> Response {
        self.0.lock().unwrap().get(path).map_or_else(|| status(404), |body| ok(body.clone()))
    }

    pub(crate) async fn serve(&self) -> Server {
        let site = self.clone();
        Server::start(move |path, _| site.answer(path)).await
    }

    /// Publishes the region index of an offer: the current version of each region.
    pub(crate) fn regions(&self, offer: &str, regions: &[(&str, &str)]) {
        let entry = |(region, version): &(&str, &str)| {
            let segment = segment(region);
            let url = format!("/offers/v1.0/{segment}/{offer}/{version}/{region}/index.json");
            ((*region).to_owned(), serde_json::json!({"regionCode": region, "currentVersionUrl": url}))
        };
        let entries: serde_json::Map<_, _> = regions.iter().map(entry).collect();
        let index = serde_json::json!({"formatVersion": "v1.0", "regions": entries});
        let path = format!("/offers/v1.0/{}/{offer}/current/region_index.json", segment(regions[0].0));
        self.put(&path, index.to_string());
    }

    /// Publishes the version index of an offer.
    pub(crate) fn versions(&self, offer: &str, versions: &[&str]) {
        let entries: serde_json::Map<_, _> =
            versions.iter().map(|version| ((*version).to_owned(), serde_json::json!({}))).collect();
        let index = serde_json::json!({"offerCode": offer, "versions": entries});
        self.put(&format!("/offers/v1.0/aws/{offer}/index.json"), index.to_string());
    }

    /// Publishes a price list, and tells what it holds.
    pub(crate) fn list(&self, offer: &str, version: &str, region: &str) -> String {
        let body = offer_file(offer, version, 3);
        self.put(&path(offer, version, region), body.clone());
        body
    }
}

fn segment(region: &str) -> &'static str {
    if region.starts_with("cn-") { "cn" } else { "aws" }
}

pub(crate) fn path(offer: &str, version: &str, region: &str) -> String {
    format!("/offers/v1.0/{}/{offer}/{version}/{region}/index.json", segment(region))
}

pub(crate) fn offer_file(offer: &str, version: &str, products: usize) -> String {
    let products: serde_json::Map<_, _> =
        (0..products).map(|n| (format!("SKU{n}"), serde_json::json!({"attributes": {"n": n}}))).collect();
    let file = serde_json::json!({"formatVersion": "v1.0", "offerCode": offer, "version": version, "products": products});
    serde_json::to_string_pretty(&file).unwrap() + "\n"
}

pub(crate) fn name(text: &str) -> Name {
    Name::new("name", text).unwrap()
}

pub(crate) fn slice(offer: &str, version: &str, region: &str) -> Slice {
    let stream = Stream::new("aws_price_list", &[("offer", offer), ("region", region)]).unwrap();
    Slice::Version { stream, version: Version::new(version).unwrap() }
}

/// A source of `AmazonEC2` in all regions of `aws`, and what a lake holds of it.
pub(crate) struct Crawl<'a> {
    // A server ends with its owner.
    _server: &'a Server,
    pub(crate) source: BulkLists,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) coverage: Coverage,
    pub(crate) directory: tempfile::TempDir,
}

impl<'a> Crawl<'a> {
    pub(crate) fn new(server: &'a Server) -> Self {
        Self::with(server, |_| ())
    }

    pub(crate) fn with(server: &'a Server, change: impl FnOnce(&mut Options)) -> Self {
        let mut options = Options {
            offers: vec![name("AmazonEC2")],
            regions: Regions::All,
            partitions: vec![Partition::Aws],
            base_url: Some(server.url()),
        };
        change(&mut options);
        Self::of(server, |client| price_list::source(options, client))
    }

    /// A crawl of another source.
    pub(crate) fn of(server: &'a Server, source: impl FnOnce(&Client) -> BulkLists) -> Self {
        let clock = Arc::new(TestClock::at(NOW));
        let http = HttpOptions {
            timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(5),
            max_connections_per_host: 4,
            user_agent: "contrail/test".to_owned(),
            proxy: contrail::net::Proxying::Direct,
        };
        let client =
            Client::new(http, Arc::clone(&clock) as Arc<dyn Clock>, Arc::new(Chance::seeded(1))).unwrap();
        let source = source(&client);
        Self {
            _server: server,
            source,
            clock,
            coverage: Coverage::default(),
            directory: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) async fn plan(&self) -> Plan {
        let created_at: Time = NOW.parse().unwrap();
        let context = PlanContext {
            coverage: &self.coverage,
            expected: &self.coverage,
            now: self.clock.now(),
            created_at,
            grid: grid(created_at),
            past: None,
            traffic: &Traffic::default(),
        };
        self.source.plan(&context).await.unwrap()
    }

    /// Fetches one slice; what it cost is requests and retries.
    pub(crate) async fn try_fetch(&self, slice: &Slice) -> (Result<Fetched, FetchError>, (u64, u64)) {
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let context = fetch_context(clock, NOW.parse().unwrap());
        let draft = Draft::temporary(self.directory.path(), 6).unwrap();
        let fetched = self.source.fetch(slice, &context, draft).await;
        let (requests, retries, _) = context.traffic.counted();
        (fetched, (requests, retries))
    }

    /// Fetches one slice that is there, and holds it from then on.
    pub(crate) async fn fetch(&mut self, slice: &Slice) -> FinishedDraft {
        let fetched = self.try_fetch(slice).await.0.unwrap();
        self.coverage.insert(&Parsed::Raw(slice.clone()));
        fetched.draft.finish().unwrap()
    }

    /// The error that a fetch ends in, with nothing kept.
    pub(crate) async fn fail(&self, slice: &Slice) -> (FetchError, (u64, u64)) {
        let (fetched, cost) = self.try_fetch(slice).await;
        let error = fetched.unwrap_err();
        let left = std::fs::read_dir(self.directory.path()).unwrap().count();
        assert_eq!(left, 0, "a draft stayed behind");
        (error, cost)
    }

    pub(crate) fn hold(&mut self, slice: &Slice) {
        self.coverage.insert(&Parsed::Raw(slice.clone()));
    }
}

pub(crate) fn unpacked(draft: &FinishedDraft) -> Vec<u8> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(draft.path()).unwrap();
    flate2::read::GzDecoder::new(file).read_to_end(&mut bytes).unwrap();
    bytes
}
