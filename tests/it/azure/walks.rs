//! Walking a listing: unions, ends, links and pages.

use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use contrail::base::error::Hinted as _;
use contrail::sources::azure::retail_prices::Options;
use contrail::sources::{FetchErrorKind, Warnings};

use super::{fetch, item, items, link, listing, options, page, skipped};
use crate::support::http::{Asked, Served};

#[tokio::test]
async fn a_stable_listing_is_walked_twice_and_each_item_is_kept_once_in_order() {
    let server = Served::start(listing(vec![items(0..25)], 10)).await;
    let brought = fetch(options(&server)).await.unwrap();
    assert_eq!(brought.rows, items(0..25));
    assert!(brought.complete);
    assert_eq!(brought.warnings, Warnings::default());
    assert_eq!(brought.traffic, (6, 0, 6));
    assert_eq!((brought.habits.page_rows, brought.habits.things), (Some(10), Some(25)));
    let fields = "currencyCode,effectiveStartDate,meterId,retailPrice,skuId,tierMinimumUnits,type,unitPrice";
    assert_eq!(brought.habits.fields.to_text().as_deref(), Some(fields));
    let asked = server.asked();
    assert_eq!(asked.len(), 6);
    assert!(asked.iter().all(|asked| asked.url.path() == "/api/retail/prices"));
    for asked in &asked {
        assert_eq!(asked.parameter("api-version").as_deref(), Some("2023-01-01-preview"));
        assert_eq!(asked.parameter("currencyCode").as_deref(), Some("'USD'"));
        assert_eq!(asked.parameter("$filter").as_deref(), Some("priceType eq 'Consumption'"));
        assert_eq!((asked.parameter("$top"), asked.parameter("meterRegion")), (None, None));
        assert_eq!(asked.user_agent.as_deref(), Some("contrail-test"));
    }
    assert!(brought.source_url.starts_with(&format!("{}api/retail/prices?api-version", server.url)));
}

#[tokio::test]
async fn walks_that_drop_and_repeat_items_are_united() {
    let one: Vec<_> = items((0..20).chain(10..15));
    let two: Vec<_> = items((5..30).rev());
    let server = Served::start(listing(vec![one, two, items(0..30)], 10)).await;
    let mut brought = fetch(options(&server)).await.unwrap();
    brought.rows.sort();
    assert_eq!(brought.rows, items(0..30));
    assert!(brought.complete, "the third walk added nothing");
    assert_eq!(brought.warnings.count, 1);
    assert_eq!(brought.warnings.samples, ["walk 2 of the listing added 10 items and lacked 5"]);
}

#[tokio::test]
async fn walking_ends_at_the_most_walks_and_says_that_it_is_not_complete() {
    let walks = (1..=9).map(|walk| items(0..walk)).collect();
    let server = Served::start(listing(walks, 10)).await;
    let brought = fetch(options(&server)).await.unwrap();
    assert_eq!(brought.rows, items(0..5));
    assert!(!brought.complete);
    assert_eq!(brought.warnings.count, 4);
}

#[tokio::test]
async fn more_walks_are_made_when_they_are_asked_for() {
    let server = Served::start(listing(vec![items(0..3)], 10)).await;
    let brought = fetch(Options { walks: 4, ..options(&server) }).await.unwrap();
    let first_pages = server.asked().iter().filter(|asked| skipped(asked) == 0).count();
    assert_eq!((first_pages, brought.complete), (4, true));
}

#[tokio::test]
async fn an_empty_catalogue_is_complete_without_rows() {
    let server = Served::start(listing(vec![vec![]], 10)).await;
    let brought = fetch(options(&server)).await.unwrap();
    assert!(brought.rows.is_empty() && brought.complete);
    assert_eq!(brought.traffic, (2, 0, 2));
}

#[tokio::test]
async fn pages_of_any_size_are_walked() {
    for size in [100, 1_000] {
        let server = Served::start(listing(vec![items(0..2_500)], size)).await;
        let brought = fetch(options(&server)).await.unwrap();
        assert_eq!(brought.rows, items(0..2_500), "pages of {size}");
    }
}

#[tokio::test]
async fn a_missing_link_after_a_full_page_is_probed_once() {
    let server = Served::start(listing(vec![items(0..20)], 10)).await;
    let brought = fetch(options(&server)).await.unwrap();
    assert_eq!((brought.rows, brought.warnings.count), (items(0..20), 0));
    let skips: Vec<_> = server.asked().iter().map(skipped).collect();
    assert_eq!(skips, [0, 10, 20, 0, 10, 20]);
}

#[tokio::test]
async fn a_listing_without_any_links_is_walked_to_its_end_with_a_warning() {
    let all = items(0..25);
    let server = Served::start(move |asked| {
        let skip = skipped(asked);
        page(&all[skip.min(25)..(skip + 10).min(25)], None)
    })
    .await;
    let brought = fetch(options(&server)).await.unwrap();
    assert_eq!(brought.rows, items(0..25));
    assert!(brought.complete);
    assert_eq!(brought.warnings.count, 2, "one for each walk");
    assert!(brought.warnings.samples[0].contains("names no next page after 10 items"));
    assert_eq!(server.asked().len(), 6);
}

#[tokio::test]
async fn a_host_that_ignores_or_refuses_the_probe_does_not_trap_us() {
    let ignoring = Served::start(|_| page(&items(0..10), None)).await;
    let brought = fetch(options(&ignoring)).await.unwrap();
    assert_eq!((brought.rows, brought.complete), (items(0..10), true));
    assert_eq!(ignoring.asked().len(), 4);
    let refusing = Served::start(|asked| match skipped(asked) {
        0 => page(&items(0..10), None),
        _ => StatusCode::BAD_REQUEST.into_response(),
    })
    .await;
    let brought = fetch(options(&refusing)).await.unwrap();
    assert_eq!((brought.rows, brought.complete), (items(0..10), true));
}

#[tokio::test]
async fn a_repeated_link_fails_the_slice() {
    // From 0 to 1, to 2, and back to 1.
    let round = |asked: &Asked| link(asked, 1 + skipped(asked) % 2);
    let server = Served::start(move |asked| page(&items([skipped(asked)]), Some(&round(asked)))).await;
    let error = fetch(options(&server)).await.unwrap_err();
    assert_eq!(error.kind, FetchErrorKind::Upstream);
    assert!(error.to_string().contains("had shown before"), "{error}");
    assert_eq!(server.asked().len(), 3);
}

#[tokio::test]
async fn a_link_to_another_host_is_not_followed() {
    let elsewhere = Served::start(listing(vec![items(0..3)], 10)).await;
    let (foreign, named) = (format!("{}api", elsewhere.url), elsewhere.url.origin().ascii_serialization());
    let server = Served::start(move |_| page(&items(0..10), Some(&foreign))).await;
    let error = fetch(options(&server)).await.unwrap_err();
    assert_eq!(error.kind, FetchErrorKind::Upstream);
    assert!(error.to_string().contains(&named), "{error}");
    assert!(error.hint().is_some());
    assert!(elsewhere.asked().is_empty());
}

#[tokio::test]
async fn odd_items_are_kept_as_they_came_with_a_warning_each() {
    let odd = [
        item(0).replace("0.000010", "\"free\""),
        item(1).replace("\"meterId\":\"m-1\",", ""),
        item(2).replace("USD", "EUR"),
        item(3).replace("1E-7", "[]"),
        "{}".to_owned(),
        r#"{"name":"Größe 😀 \u00e9 \"","retailPrice":12345678901234567890.123456789012345678900}"#
            .to_owned(),
    ];
    let all: Vec<String> = odd.iter().cloned().chain(items(4..6)).collect();
    let server = Served::start(listing(vec![all.clone()], 10)).await;
    let brought = fetch(options(&server)).await.unwrap();
    assert_eq!(brought.rows, all);
    assert_eq!((brought.warnings.count, brought.warnings.samples.len()), (6, 5));
    assert!(brought.warnings.samples[0].contains("m-0: retailPrice"), "{:?}", brought.warnings);
}
