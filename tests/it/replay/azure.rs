//! Azure's retail prices: each day's items are in the lake once, as they came, or the lake says that they were those
//! of the day before.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use axum::response::{IntoResponse as _, Response};
use contrail::base::{Date, Name};
use contrail::crawler::Tally;
use contrail::lake::key::{Key, Mark};
use contrail::lake::run_log::Outcome;
use contrail::lake::slice::{Format, Slice, Stream};
use contrail::sources::azure::retail_prices::{AzureRetailPrices, Options};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::fixture;
use crate::azure::options;
use crate::support::crawl::Crawl;
use crate::support::http::{Asked, Served};
use crate::support::payloads;
use crate::support::place::Place;

const FIRST_DAY: &str = "2025-03-18";
const PRICE_TYPES: [&str; 3] = ["Consumption", "DevTestConsumption", "Reservation"];

/// An item as it must come out: to the letter, but on one line. What is broken into lines loses the whitespace
/// between its tokens.
fn on_one_line(item: &str) -> String {
    if !item.contains('\n') {
        return item.to_owned();
    }
    let (mut in_text, mut escaped) = (false, false);
    let stays = |letter: &char| {
        if in_text {
            (in_text, escaped) = (escaped || *letter != '"', !escaped && *letter == '\\');
            return true;
        }
        in_text = *letter == '"';
        !letter.is_ascii_whitespace()
    };
    item.chars().filter(stays).collect()
}

/// What the upstream lists on one day: the items of each price type, in its order.
#[derive(Debug, Default)]
struct Listing(BTreeMap<String, Vec<String>>);

impl Listing {
    /// Captures, one after the other: arrays of items of any type.
    fn read(captures: &[Vec<u8>]) -> Self {
        #[derive(Deserialize)]
        struct Typed {
            r#type: String,
        }
        let mut types = BTreeMap::<_, Vec<_>>::new();
        let read = |capture: &Vec<u8>| serde_json::from_slice::<Vec<Box<RawValue>>>(capture).unwrap();
        for item in captures.iter().flat_map(read) {
            let Typed { r#type } = serde_json::from_str(item.get()).unwrap();
            assert!(PRICE_TYPES.contains(&r#type.as_str()), "{type}");
            types.entry(r#type).or_default().push(item.get().to_owned());
        }
        Self(types)
    }

    fn items(&self, price_type: &str) -> BTreeSet<String> {
        self.0.get(price_type).into_iter().flatten().map(|item| on_one_line(item)).collect()
    }

    /// A page of `size` items in the envelope of the upstream, whose links name its port and escape nothing.
    fn page(&self, asked: &Asked, size: usize) -> Response {
        let filter = asked.parameter("$filter").unwrap();
        let price_type =
            filter.strip_prefix("priceType eq '").and_then(|rest| rest.strip_suffix('\'')).unwrap();
        assert_eq!(asked.parameter("currencyCode").as_deref(), Some("'USD'"));
        let skip = asked.parameter("$skip").map_or(0, |skip| skip.parse().unwrap());
        let all = self.0.get(price_type).map(Vec::as_slice).unwrap_or_default();
        let end = (skip + size).min(all.len());
        let items = all.get(skip..end).unwrap_or_default();
        let (host, port) = (asked.url.host_str().unwrap(), asked.url.port().unwrap());
        let next = (end < all.len()).then(|| {
            format!(
                "http://{host}:{port}/api/retail/prices?api-version=2023-01-01-preview&currencyCode='USD'&$filter={filter}&$skip={end}"
            )
        });
        let body = format!(
            r#"{{"BillingCurrency":"USD","CustomerEntityId":"Default","CustomerEntityType":"Retail","Items":[{}],"NextPageLink":{},"Count":{}}}"#,
            items.join(","),
            serde_json::to_string(&next).unwrap(),
            items.len(),
        );
        ([("content-type", "application/json; odata.metadata=minimal")], body).into_response()
    }
}

async fn tick(crawl: &Crawl<'_>, server: &Served, price_types: &[&str]) -> Tally {
    let price_types = price_types.iter().map(|name| Name::new("price type", name).unwrap()).collect();
    let options = Options { price_types, ..options(server) };
    let client = crawl.client();
    let source = AzureRetailPrices::new(options, client.reqwest(), client.limits(), crawl.clock()).unwrap();
    crawl.once(Arc::new(source)).await
}

fn slot(price_type: &str, day: Date) -> Slice {
    let parts = [("currency", "USD"), ("price_type", price_type)];
    let stream = Stream::new("azure_retail_prices", &parts).unwrap();
    Slice::Slot { stream, at: contrail::base::clock::midnight(day), format: Format::Ndjson }
}

/// Crawls one listing a day. The recordings left days out; here each is of the day after the one before.
async fn replay(listings: Vec<Listing>, size: usize, place: &Place) {
    let today = Arc::new(Mutex::new(Listing::default()));
    let listed = Arc::clone(&today);
    let server = Served::start(move |asked| listed.lock().unwrap().page(asked, size)).await;
    let crawl = Crawl::new(place, &format!("{FIRST_DAY}T01:26:00Z"));
    let mut expected = BTreeMap::new();
    let mut marks = BTreeSet::new();
    let mut stored = BTreeMap::new();
    for (day, listing) in FIRST_DAY.parse::<Date>().unwrap().iter_days().zip(listings) {
        for price_type in PRICE_TYPES {
            let (slice, items) = (slot(price_type, day), listing.items(price_type));
            if stored.get(price_type) == Some(&items) {
                marks.insert(Key::mark(&slice, Mark::Unchanged).to_string());
            } else {
                stored.insert(price_type, items.clone());
                expected.insert(Key::raw(&slice).to_string(), items);
            }
        }
        let nothing = listing.0.is_empty();
        *today.lock().unwrap() = listing;
        crawl.set_time(&format!("{day}T01:26:00Z"));
        let tally = tick(&crawl, &server, &PRICE_TYPES).await;
        let outcomes: u64 = tally.outcomes.values().sum();
        assert_eq!(
            (outcomes, tally.count(Outcome::Failed), tally.count(Outcome::Lost)),
            (3, 0, 0),
            "{tally:?}"
        );
        if nothing {
            assert_eq!(tally.count(Outcome::Suspect), 3, "a day without prices is suspect: {tally:?}");
        }
    }
    let before = server.asked().len();
    assert!(tick(&crawl, &server, &PRICE_TYPES).await.outcomes.is_empty());
    assert_eq!(server.asked().len(), before, "a day that is known is not asked for");

    let lake = place.lake().await;
    let objects = lake.raw("azure_retail_prices");
    assert!(objects.keys().eq(expected.keys()), "{:?}", objects.keys());
    for (key, items) in expected {
        let object = objects[key.as_str()];
        let lines = object.lines();
        let out: BTreeSet<_> = lines.iter().cloned().collect();
        assert_eq!(out.len(), lines.len(), "{key} in {} holds an item twice", place.name);
        assert!(out == items, "{key} in {} holds {} items of {}", place.name, out.len(), items.len());
        assert_eq!(object.meta.as_ref().and_then(|meta| meta.complete), Some(true));
    }
    assert!(lake.marks().into_iter().eq(&marks), "{:?}", lake.marks());
    let leaps = lake
        .attempts()
        .into_iter()
        .filter(|attempt| attempt.sentinels.iter().any(|raised| raised == "price"));
    let leaps: Vec<_> = leaps.flat_map(|attempt| attempt.warning_samples).collect();
    assert!(leaps.is_empty(), "no price of these days leaps: {leaps:?}");
}

/// Crawls a page as it was recorded, envelope and all, but for the host in its link.
async fn replay_page(recorded: &[u8], place: &Place) {
    #[derive(Deserialize)]
    struct Page {
        #[serde(rename = "Items")]
        items: Vec<Box<RawValue>>,
    }
    let Page { items } = serde_json::from_slice(recorded).unwrap();
    let page = String::from_utf8(recorded.to_vec()).unwrap();
    let server = Served::start(move |asked| {
        if asked.parameter("$skip").is_some() {
            return r#"{"Items":[],"NextPageLink":null,"Count":0}"#.into_response();
        }
        let host = asked.url.origin().ascii_serialization();
        page.replace("https://prices.azure.com:443", &host).into_response()
    })
    .await;
    let crawl = Crawl::new(place, "2021-12-01T01:26:00Z");
    let tally = tick(&crawl, &server, &["Consumption"]).await;
    assert_eq!((tally.rows, tally.count(Outcome::Stored)), (items.len() as u64, 1), "{tally:?}");
    let lake = place.lake().await;
    let out: BTreeSet<_> = lake.all_raw().values().flat_map(|object| object.lines()).collect();
    let expected: BTreeSet<_> = items.iter().map(|item| on_one_line(item.get())).collect();
    assert!(out == expected, "{} items are in {}, of {}", out.len(), place.name, expected.len());
}

fn captures() -> Option<Vec<Vec<u8>>> {
    let mut files: Vec<_> = std::fs::read_dir(payloads::directory("azure-retail/daily")?)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    files.iter().map(|file| payloads::payload(&format!("azure-retail/daily/{file}"))).collect()
}

/// Crawls the recordings, a week on each day, into a new lake; `None` where there are none.
pub(super) async fn crawl_recorded(place: &Place) -> Option<()> {
    replay(captures()?.chunks(7).map(Listing::read).collect(), 250, place).await;
    Some(())
}

#[tokio::test]
async fn recorded_retail_prices_come_out_once_each_day_by_day() {
    let Some(captures) = captures() else { return };
    assert!(captures.len() > 100);
    for (number, place) in Place::everywhere("recorded-retail-prices").await.iter().enumerate() {
        // All of them once, a week on each day, so that pages repeat what others listed. The other stores see the
        // same crawler: the last days, one of which has no prices, are enough to tell.
        let listings = match number {
            0 => captures.chunks(7).map(Listing::read).collect(),
            _ => captures.iter().skip(100).map(std::slice::from_ref).map(Listing::read).collect(),
        };
        replay(listings, 250, place).await;
    }
}

#[tokio::test]
async fn invented_retail_prices_come_out_once_each_day_by_day() {
    for place in Place::everywhere("invented-retail-prices").await {
        let days = (1..=4).map(|day| [fixture(&format!("azure_retail_prices/day_{day}.json"))]);
        replay(days.map(|day| Listing::read(&day)).collect(), 3, &place).await;
    }
}

#[tokio::test]
async fn a_recorded_page_of_retail_prices_comes_out_as_it_is() {
    let Some(page) = payloads::payload("azure-retail/retail_prices_page0_100items_2021-12.json") else {
        return;
    };
    for place in Place::everywhere("recorded-retail-page").await {
        replay_page(&page, &place).await;
    }
}

#[tokio::test]
async fn an_invented_page_of_retail_prices_comes_out_as_it_is() {
    let page = fixture("azure_retail_prices/page.json");
    for place in Place::everywhere("invented-retail-page").await {
        replay_page(&page, &place).await;
    }
}
