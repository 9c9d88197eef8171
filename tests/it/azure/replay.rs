//! Recorded payloads through real HTTP: what went in comes out.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;

use axum::response::IntoResponse as _;
use serde_json::value::RawValue;

use super::{fetch, listing, options, page, skipped};
use crate::support::http::Served;
use crate::support::payloads;

/// An item as its fields' raw texts, so that nothing but the whitespace between them can differ.
fn fields(item: &str) -> BTreeMap<String, String> {
    let fields: BTreeMap<String, Box<RawValue>> = serde_json::from_str(item).unwrap();
    fields.into_iter().map(|(name, value)| (name, value.get().to_owned())).collect()
}

/// Serves `recorded` in pages of `size` and holds what was kept against it.
async fn replay(recorded: Vec<String>, size: usize) {
    let expected: BTreeSet<_> = recorded.iter().map(|item| fields(item)).collect();
    let server = Served::start(listing(vec![recorded], size)).await;
    let brought = fetch(options(&server)).await.unwrap();
    let kept: BTreeSet<_> = brought.rows.iter().map(|row| fields(row)).collect();
    assert_eq!(brought.rows.len(), kept.len(), "an item was kept twice");
    assert!(kept == expected, "{} items were kept of {}", kept.len(), expected.len());
    assert!(brought.complete);
}

#[tokio::test]
async fn the_daily_captures_come_out_as_they_went_in() {
    let Some(directory) = payloads::directory("azure-retail/daily") else { return };
    let mut paths: Vec<_> =
        std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let capture = |path| {
        let mut text = String::new();
        flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
        let items: Vec<Box<RawValue>> = serde_json::from_str(&text).unwrap();
        items.into_iter().map(|item| item.get().to_owned()).collect::<Vec<_>>()
    };
    let recorded: Vec<String> = paths.into_iter().flat_map(capture).collect();
    assert!(recorded.len() > 100_000);
    replay(recorded.iter().take(10_000).cloned().collect(), 100).await;
    replay(recorded, 1_000).await;
}

#[tokio::test]
async fn the_recorded_page_comes_out_as_it_went_in() {
    let Some(directory) = payloads::directory("azure-retail") else { return };
    let recorded =
        std::fs::read_to_string(directory.join("retail_prices_page0_100items_2021-12.json")).unwrap();
    let envelope: BTreeMap<String, Box<RawValue>> = serde_json::from_str(&recorded).unwrap();
    let items: Vec<Box<RawValue>> = serde_json::from_str(envelope["Items"].get()).unwrap();
    let expected: BTreeSet<_> = items.iter().map(|item| fields(item.get())).collect();
    // The page names its next one on Azure's own host: here it must be on ours.
    let server = Served::start(move |asked| match skipped(asked) {
        0 => recorded
            .replace("https://prices.azure.com:443", asked.url.origin().ascii_serialization().as_str())
            .into_response(),
        _ => page(&[], None),
    })
    .await;
    let brought = fetch(options(&server)).await.unwrap();
    let kept: BTreeSet<_> = brought.rows.iter().map(|row| fields(row)).collect();
    assert_eq!((brought.rows.len(), kept == expected), (100, true));
    assert_eq!(brought.traffic, (4, 0, 4));
}
