//! What goes wrong between Azure and us, and what comes of it.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse as _, Response};
use contrail::base::error::Hinted as _;
use contrail::base::{Clock as _, SystemClock};
use contrail::net::HostLimits;
use contrail::sources::FetchErrorKind;
use contrail::sources::azure::pipeline::{AzurePipeline, RetryTimes};
use contrail::sources::azure::retail_prices::Options;

use super::{EAGER, fetch, fetch_at, fetch_within, items, link, listing, noon, options, page, skipped};
use crate::support::clock::TestClock;
use crate::support::http::{Served, client};

/// Does not retry at all.
const ONCE: RetryTimes = RetryTimes { total: Duration::ZERO, ..EAGER };

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Served::start(listing(vec![items(0..3)], 10)).await;
    let location = elsewhere.url.to_string();
    let server =
        Served::start(move |_| (StatusCode::FOUND, [("location", location.clone())]).into_response()).await;
    let error = fetch(options(&server)).await.unwrap_err();
    assert_eq!(error.kind, FetchErrorKind::Upstream);
    assert!(error.to_string().contains("redirect (302)"), "{error}");
    assert!(elsewhere.asked().is_empty());
}

#[tokio::test]
async fn a_throttled_request_is_repeated_when_azures_header_says() {
    let server = Served::start(|asked| match asked.number {
        0 => (StatusCode::TOO_MANY_REQUESTS, [("x-ms-ratelimit-retailPrices-retry-after", "2")])
            .into_response(),
        _ => page(&items(0..3), None),
    })
    .await;
    let began = SystemClock.now();
    let brought = fetch(options(&server)).await.unwrap();
    assert!(SystemClock.now() - began >= chrono::TimeDelta::seconds(2));
    assert_eq!(brought.rows, items(0..3));
    assert_eq!(brought.traffic, (5, 1, 4));
}

#[tokio::test]
async fn a_throttle_longer_than_all_retries_is_given_up_at_once() {
    let server =
        Served::start(|_| (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "3600")]).into_response()).await;
    let error = fetch(options(&server)).await.unwrap_err();
    assert_eq!(error.kind, FetchErrorKind::Retry { after: Some(Duration::from_hours(1)) });
    assert!(error.hint().is_some());
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn the_last_request_of_a_period_holds_back_the_next_one() {
    for (seconds, waited) in [("61", 61), ("86400", 600)] {
        let pages = listing(vec![items(0..15)], 10);
        let server = Served::start(move |asked| {
            let mut response = pages(asked);
            let left = if asked.number == 0 { "0" } else { "7" };
            for (name, value) in
                [("remaining-retailPrices-requests", left), ("retailPrices-retry-after", seconds)]
            {
                let name: HeaderName = format!("x-ms-ratelimit-{name}").parse().unwrap();
                response.headers_mut().insert(name, value.parse().unwrap());
            }
            response
        })
        .await;
        let clock = noon();
        fetch_at(clock.clone(), options(&server)).await.unwrap();
        assert_eq!(clock.slept(), [Duration::from_secs(waited)]);
    }
}

#[tokio::test]
async fn passing_failures_are_repeated_and_counted() {
    let server = Served::start(|asked| match asked.number {
        0 => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        1 => StatusCode::BAD_GATEWAY.into_response(),
        2 => cut_short("{\"Items\":[{\"a\""),
        3 => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        _ => page(&items(0..3), None),
    })
    .await;
    let brought = fetch(options(&server)).await.unwrap();
    assert_eq!(brought.rows, items(0..3));
    assert_eq!(brought.traffic, (8, 4, 4));
}

/// An answer whose connection breaks before its end.
fn cut_short(text: &'static str) -> Response {
    let broken = std::io::Error::other("broken on purpose");
    Response::new(Body::from_stream(futures::stream::iter([Ok(text), Err(broken)])))
}

#[tokio::test]
async fn lasting_failures_are_left_to_the_next_tick() {
    for status in
        [StatusCode::TOO_MANY_REQUESTS, StatusCode::INTERNAL_SERVER_ERROR, StatusCode::GATEWAY_TIMEOUT]
    {
        let server = Served::start(move |_| status.into_response()).await;
        let error = fetch(Options { retry: ONCE, ..options(&server) }).await.unwrap_err();
        assert_eq!(error.kind, FetchErrorKind::Retry { after: None });
        assert!(error.to_string().contains(status.as_str()), "{error}");
    }
    let server = Served::start(|_| cut_short("{")).await;
    let error = fetch(Options { retry: ONCE, ..options(&server) }).await.unwrap_err();
    assert_eq!(error.kind, FetchErrorKind::Retry { after: None });
    assert!(error.hint().is_some(), "{error}");
}

#[tokio::test]
async fn a_host_that_cannot_be_reached_is_left_to_the_next_tick() {
    let server = Served::start(|_| StatusCode::OK.into_response()).await;
    let mut options = Options { retry: ONCE, ..options(&server) };
    let port = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    options.base_url.set_port(Some(port)).unwrap();
    let error = fetch(options).await.unwrap_err();
    assert_eq!(error.kind, FetchErrorKind::Retry { after: None });
    assert!(error.to_string().starts_with(&format!("failed to connect to 127.0.0.1:{port}: ")), "{error}");
    assert!(error.hint().is_some());
}

#[tokio::test]
async fn a_host_that_never_answered_is_given_up_sooner_than_one_that_did() {
    let patience = RetryTimes { total: Duration::from_secs(3), ..EAGER };
    let pipeline = || AzurePipeline::new(client(), HostLimits::new(4, noon()), noon(), patience);
    let server = Served::start(|_| StatusCode::OK.into_response()).await;
    let url = server.url.clone();

    let (known, traffic) = (pipeline(), Arc::default());
    assert_eq!(known.get(&url, &traffic).await.unwrap().status, 200);
    drop(server);
    let unknown = pipeline();
    let mut tries = Vec::new();
    for pipeline in [known, unknown] {
        let traffic = Arc::default();
        let error = pipeline.get(&url, &traffic).await.unwrap_err();
        assert_eq!(error.kind, FetchErrorKind::Retry { after: None });
        assert!(error.to_string().starts_with("failed to connect to 127.0.0.1:"), "{error}");
        tries.push(traffic.counted().0);
    }
    assert!(tries[0] > 4 && tries[1] == 4, "{tries:?}");
}

#[tokio::test]
async fn what_is_no_listing_is_not_kept_and_not_asked_for_again() {
    let page_and_broken = r#"{"Items":[{"a":1},2]}"#;
    for body in
        ["<!DOCTYPE html><html>", r#"{"Count":0}"#, r#"{"Items":{}}"#, r#"{"Items":[{"#, "", page_and_broken]
    {
        let server = Served::start(move |_| body.into_response()).await;
        let error = fetch(options(&server)).await.unwrap_err();
        assert_eq!(error.kind, FetchErrorKind::Upstream, "{body}");
        assert_eq!(server.asked().len(), 1, "{body}");
    }
}

#[tokio::test]
async fn nothing_is_kept_when_a_later_page_is_broken() {
    let server = Served::start(|asked| match skipped(asked) {
        0 => page(&items(0..10), Some(&link(asked, 10))),
        _ => "<html>".into_response(),
    })
    .await;
    assert_eq!(fetch(options(&server)).await.unwrap_err().kind, FetchErrorKind::Upstream);
}

#[tokio::test]
async fn a_body_without_end_is_given_up() {
    let chunk = bytes::Bytes::from(vec![b' '; 1 << 20]);
    let server = Served::start(move |_| {
        let chunks = futures::stream::repeat_with({
            let chunk = chunk.clone();
            move || Ok::<_, std::io::Error>(chunk.clone())
        });
        Response::new(Body::from_stream(chunks))
    })
    .await;
    let error = fetch(options(&server)).await.unwrap_err();
    assert_eq!(error.kind, FetchErrorKind::Upstream);
    assert!(error.to_string().contains("more than 16 MiB"), "{error}");
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn refusals_are_told_in_azures_words() {
    let refusal = r#"{"Error":{"Code":"BadRequest","Message":"Invalid currency code"}}"#;
    for (status, kind) in [
        (StatusCode::BAD_REQUEST, FetchErrorKind::Upstream),
        (StatusCode::FORBIDDEN, FetchErrorKind::Refused),
        (StatusCode::UNAUTHORIZED, FetchErrorKind::Refused),
    ] {
        let server = Served::start(move |_| (status, refusal).into_response()).await;
        let error = fetch(options(&server)).await.unwrap_err();
        assert_eq!(error.kind, kind);
        assert!(error.to_string().ends_with(": Invalid currency code"), "{error}");
        assert_eq!(server.asked().len(), 1);
    }
    let server = Served::start(|_| StatusCode::NOT_FOUND.into_response()).await;
    assert_eq!(fetch(options(&server)).await.unwrap_err().kind, FetchErrorKind::Upstream);
}

#[tokio::test]
async fn with_a_wrong_clock_nothing_is_kept() {
    let answer = listing(vec![items(0..3)], 10);
    let server = Served::start(move |asked| {
        let mut response = answer(asked);
        response.headers_mut().insert("date", "Wed, 11 Nov 2026 12:00:00 GMT".parse().unwrap());
        response
    })
    .await;
    let error = fetch(options(&server)).await.unwrap_err();
    assert_eq!(error.kind, FetchErrorKind::Config, "{error}");
    assert!(error.to_string().contains("ahead of 127.0.0.1"), "{error}");
}

#[tokio::test]
async fn a_day_that_is_over_is_left_to_the_next_plan() {
    let server = Served::start(listing(vec![items(0..3)], 10)).await;
    let error = fetch_at(std::sync::Arc::new(TestClock::at("2026-11-22T00:00:00Z")), options(&server))
        .await
        .unwrap_err();
    assert_eq!(error.kind, FetchErrorKind::Retry { after: None });
    assert!(server.asked().is_empty());
    fetch_at(std::sync::Arc::new(TestClock::at("2026-11-21T23:59:59Z")), options(&server)).await.unwrap();
}

#[tokio::test]
async fn no_request_goes_out_without_the_hosts_permit() {
    let server = Served::start(listing(vec![items(0..3)], 10)).await;
    let limits = HostLimits::new(1, noon());
    let permit = limits.acquire(&format!("127.0.0.1:{}", server.url.port().unwrap())).await;
    let mut fetching = Box::pin(fetch_within(limits, noon(), options(&server)));
    for _ in 0..100 {
        assert!(futures::poll!(&mut fetching).is_pending());
        tokio::task::yield_now().await;
    }
    assert!(server.asked().is_empty());
    drop(permit);
    assert_eq!(fetching.await.unwrap().rows, items(0..3));
}
