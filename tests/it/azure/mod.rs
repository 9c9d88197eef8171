//! The source `azure_retail_prices` against scripted servers and against recorded payloads.

mod faults;
mod leaps;
mod walks;

use std::io::Read as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::response::{IntoResponse as _, Response};
use contrail::base::{Clock as _, Name};
use contrail::lake::draft::Draft;
use contrail::lake::slice::{Format, Slice, Stream};
use contrail::net::HostLimits;
use contrail::sources::azure::pipeline::RetryTimes;
use contrail::sources::azure::retail_prices::{AzureRetailPrices, Options};
use contrail::sources::{FetchContext, FetchError, Habits, Source as _, Warnings};

use crate::support::clock::TestClock;
use crate::support::context::fetch_context;
use crate::support::http::{Asked, Served, client};

/// Retries soon, and for long enough.
const EAGER: RetryTimes = RetryTimes {
    initial: Duration::from_millis(1),
    max: Duration::from_secs(1),
    total: Duration::from_secs(30),
};

/// What a fetch brought home, unpacked.
#[derive(Debug)]
struct Brought {
    rows: Vec<String>,
    complete: bool,
    warnings: Warnings,
    habits: Habits,
    source_url: String,
    /// Requests, retries, pages.
    traffic: (u64, u64, u64),
}

pub(crate) fn options(server: &Served) -> Options {
    Options {
        currencies: vec![Name::new("currency", "USD").unwrap()],
        price_types: vec![Name::new("price type", "Consumption").unwrap()],
        base_url: server.url.clone(),
        walks: 2,
        max_walks: 5,
        retry: EAGER,
    }
}

fn noon() -> Arc<TestClock> {
    Arc::new(TestClock::at("2026-11-21T12:00:00Z"))
}

async fn fetch_at(clock: Arc<TestClock>, options: Options) -> Result<Brought, FetchError> {
    fetch_within(HostLimits::new(4, clock.clone()), clock, options).await
}

async fn fetch(options: Options) -> Result<Brought, FetchError> {
    fetch_at(noon(), options).await
}

async fn fetch_within(
    limits: HostLimits,
    clock: Arc<TestClock>,
    options: Options,
) -> Result<Brought, FetchError> {
    let context = fetch_context(clock.clone(), clock.now());
    fetch_in(&context, limits, options).await
}

/// The slot of a day in November 2026.
fn slot(day: u8) -> Slice {
    let parts = [("currency", "USD"), ("price_type", "Consumption")];
    Slice::Slot {
        stream: Stream::new("azure_retail_prices", &parts).unwrap(),
        at: format!("2026-11-{day}T00:00:00Z").parse().unwrap(),
        format: Format::Ndjson,
    }
}

/// Fetches the slot of the 21st.
async fn fetch_in(
    context: &FetchContext,
    limits: HostLimits,
    options: Options,
) -> Result<Brought, FetchError> {
    let slice = slot(21);
    let source = AzureRetailPrices::new(options, client(), limits, Arc::clone(&context.clock)).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let fetched = source
        .fetch(&slice, context, Draft::temporary(directory.path(), 6).unwrap())
        .await
        .inspect_err(|_| {
            assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0, "something was kept");
        })?;
    let finished = fetched.draft.finish().unwrap();
    let mut text = String::new();
    let file = std::fs::File::open(finished.path()).unwrap();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).unwrap();
    let rows: Vec<String> = text.lines().map(str::to_owned).collect();
    assert_eq!(rows.len() as u64, finished.rows);
    Ok(Brought {
        rows,
        complete: fetched.complete.unwrap(),
        warnings: fetched.warnings,
        habits: fetched.habits,
        source_url: fetched.source_url,
        traffic: context.traffic.counted(),
    })
}

fn item(number: usize) -> String {
    format!(
        r#"{{"currencyCode":"USD","tierMinimumUnits":0.0,"retailPrice":0.{number:04}10,"unitPrice":1E-7,"meterId":"m-{number}","skuId":"s/{number}","effectiveStartDate":"2024-11-01T00:00:00Z","type":"Consumption"}}"#
    )
}

fn items(numbers: impl IntoIterator<Item = usize>) -> Vec<String> {
    numbers.into_iter().map(item).collect()
}

fn page(items: &[String], next: Option<&str>) -> Response {
    let next = serde_json::to_string(&next).unwrap();
    let items = items.join(",\n    ");
    let body = format!(
        r#"{{"BillingCurrency":"USD","CustomerEntityId":"Default","Items":[{items}],"NextPageLink":{next},"Count":7}}"#
    );
    ([("content-type", "application/json; odata.metadata=minimal")], body).into_response()
}

fn skipped(asked: &Asked) -> usize {
    asked.parameter("$skip").map_or(0, |skip| skip.parse().unwrap())
}

/// The link that Azure writes: the host with its port, and the query as it was, unencoded.
fn link(asked: &Asked, skip: usize) -> String {
    let (host, port) = (asked.url.host_str().unwrap(), asked.url.port().unwrap());
    format!(
        "http://{host}:{port}/api/retail/prices?api-version=2023-01-01-preview&currencyCode='USD'&$filter=priceType eq 'Consumption'&$skip={skip}"
    )
}

/// Serves a listing in pages of `size`; each walk along it sees the next of `walks`, and then the last one.
fn listing(walks: Vec<Vec<String>>, size: usize) -> impl Fn(&Asked) -> Response {
    let begun = AtomicUsize::new(0);
    move |asked| {
        let skip = skipped(asked);
        let walk = begun.fetch_add(usize::from(skip == 0), Ordering::Relaxed) - usize::from(skip > 0);
        let all = &walks[walk.min(walks.len() - 1)];
        let end = (skip + size).min(all.len());
        page(all.get(skip..end).unwrap_or_default(), (end < all.len()).then(|| link(asked, end)).as_deref())
    }
}
