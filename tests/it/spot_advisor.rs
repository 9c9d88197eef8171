//! The source `aws_spot_advisor` against scripted servers: what is kept, what is refused, and what is told.

use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use contrail::base::check::Verdict;
use contrail::base::error::Hinted as _;
use contrail::base::{Chance, Clock as _};
use contrail::lake::draft::Draft;
use contrail::lake::slice::{Format, Slice, Stream};
use contrail::net::{Client, HttpOptions, Proxying};
use contrail::sources::aws::spot_advisor::SpotAdvisor;
use contrail::sources::{FetchError, FetchErrorKind, Habits, Source as _, Warnings};

use crate::support::clock::TestClock;
use crate::support::context::fetch_context;
use crate::support::http::{Asked, Served};
use crate::support::server::{broken_off, too_short};

const EDITION: &str = include_str!("../fixtures/aws_spot_advisor/edition_1.json");
const NOW: &str = "2026-11-21T07:10:00Z";

/// What a fetch brought home, unpacked.
#[derive(Debug)]
struct Brought {
    payload: String,
    rows: u64,
    etag: Option<String>,
    last_modified: Option<String>,
    warnings: Warnings,
    habits: Habits,
    source_url: String,
    /// Requests, retries, pages.
    traffic: (u64, u64, u64),
}

fn source(server: &Served, clock: &Arc<TestClock>) -> SpotAdvisor {
    let options = HttpOptions {
        timeout: Duration::from_secs(30),
        connect_timeout: Duration::from_secs(5),
        max_connections_per_host: 4,
        user_agent: "contrail/test".to_owned(),
        proxy: Proxying::Direct,
    };
    let client = Client::new(options, Arc::clone(clock) as _, Arc::new(Chance::seeded(1))).unwrap();
    SpotAdvisor::new(&server.url, &client)
}

/// The slot of six in the morning.
fn slot() -> Slice {
    Slice::Slot {
        stream: Stream::new("aws_spot_advisor", &[]).unwrap(),
        at: "2026-11-21T06:00:00Z".parse().unwrap(),
        format: Format::Json,
    }
}

async fn fetch_at(now: &str, server: &Served) -> Result<Brought, FetchError> {
    let clock = Arc::new(TestClock::at(now));
    let context = fetch_context(clock.clone(), clock.now());
    let directory = tempfile::tempdir().unwrap();
    let draft = Draft::temporary(directory.path(), 6).unwrap();
    let fetched = source(server, &clock).fetch(&slot(), &context, draft).await.inspect_err(|error| {
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0, "something was kept");
        assert!(error.hint().is_some() && !error.to_string().contains('\n'), "{error}");
    })?;
    assert_eq!(fetched.complete, Some(true));
    let finished = fetched.draft.finish().unwrap();
    let mut payload = String::new();
    let file = std::fs::File::open(finished.path()).unwrap();
    flate2::read::GzDecoder::new(file).read_to_string(&mut payload).unwrap();
    Ok(Brought {
        payload,
        rows: finished.rows,
        etag: fetched.etag,
        last_modified: fetched.last_modified,
        warnings: fetched.warnings,
        habits: fetched.habits,
        source_url: fetched.source_url,
        traffic: context.traffic.counted(),
    })
}

async fn fetch(answer: impl Fn(&Asked) -> Response + Send + Sync + 'static) -> Result<Brought, FetchError> {
    fetch_at(NOW, &Served::start(answer).await).await
}

async fn fault(answer: impl Fn(&Asked) -> Response + Send + Sync + 'static) -> FetchError {
    fetch(answer).await.unwrap_err()
}

#[tokio::test]
async fn an_edition_is_kept_byte_for_byte_with_what_the_upstream_says_of_it() {
    let server = Served::start(|_| {
        ([("etag", "\"e\""), ("last-modified", "Fri, 20 Nov 2026 02:17:00 GMT")], EDITION).into_response()
    })
    .await;
    let brought = fetch_at(NOW, &server).await.unwrap();
    assert_eq!(brought.payload, EDITION);
    assert_eq!(brought.rows, 8);
    assert_eq!(brought.etag.as_deref(), Some("\"e\""));
    assert_eq!(brought.last_modified.as_deref(), Some("Fri, 20 Nov 2026 02:17:00 GMT"));
    assert_eq!(brought.warnings, Warnings::default());
    assert_eq!(brought.habits.things, Some(8));
    assert_eq!(
        brought.habits.fields.to_text().unwrap(),
        "global_rate,instance_types,instance_types.cores,instance_types.emr,instance_types.ram_gb,ranges,ranges.dots,\
         ranges.index,ranges.label,ranges.max,spot_advisor,spot_advisor.r,spot_advisor.s"
    );
    assert_eq!(brought.source_url, server.url.join("spot-advisor-data.json").unwrap().as_str());
    assert_eq!(brought.traffic, (1, 0, 0));
}

#[tokio::test]
async fn what_is_odd_is_kept_and_told() {
    let odd = EDITION.replace("\"s\": 58", "\"s\": \"much\"").replace("\"r\": 4", "\"r\": 44");
    let told = odd.clone();
    let brought = fetch(move |_| odd.clone().into_response()).await.unwrap();
    assert_eq!((brought.payload, brought.rows), (told, 8));
    assert_eq!(
        brought.warnings.samples,
        [
            "eu-west-1 Linux m5.large: s is no whole number: \"much\"",
            "us-east-1 Windows c5.xlarge: ranges has no band 44"
        ]
    );
}

#[tokio::test]
async fn what_is_no_feed_is_not_kept() {
    for (body, says) in [
        ("<html><body>Sign in</body></html>", "it is no JSON object"),
        ("[]", "it is no JSON object"),
        ("{}", "it has no spot_advisor"),
        ("{\"message\": \"Forbidden\"}", "it has no spot_advisor"),
        (
            "{\"spot_advisor\": {}, \"instance_types\": {}, \"ranges\": []}",
            "its spot_advisor names no region",
        ),
        ("{\"spot_advisor\": {\"a\": {}}, \"instance_types\": {}}", "it has no ranges"),
    ] {
        let server = Served::start(move |_| body.into_response()).await;
        let error = fetch_at(NOW, &server).await.unwrap_err();
        assert_eq!(error.kind, FetchErrorKind::Upstream, "{error}");
        assert!(error.to_string().contains(says), "{error}");
        assert!(error.hint().unwrap().contains("proxy, login page or mirror"), "{error}");
        assert_eq!(server.asked().len(), 1, "another try would bring the same");
    }
}

#[tokio::test]
async fn a_document_that_is_cut_is_fetched_again_and_given_up_when_it_stays_so() {
    for cut in [0, 1, 300, EDITION.trim_end().len() - 1] {
        let half = EDITION.get(..cut).unwrap();
        let brought = fetch(move |asked| match asked.number {
            0 => half.into_response(),
            1 => broken_off(half),
            2 => too_short(half, EDITION.len()),
            _ => EDITION.into_response(),
        })
        .await
        .unwrap();
        assert_eq!(brought.payload, EDITION, "cut after {cut}");
        assert_eq!(brought.traffic, (4, 3, 0));
        let error = fault(move |_| half.into_response()).await;
        assert_eq!(error.kind, FetchErrorKind::Retry { after: None });
        assert!(error.to_string().contains("was cut off"), "{error}");
    }
}

#[tokio::test]
async fn a_document_of_any_length_takes_no_more_memory_than_the_feed_may() {
    let endless = |_: &Asked| {
        let piece = || Ok::<_, std::io::Error>(axum::body::Bytes::from(vec![b' '; 1 << 20]));
        Body::from_stream(futures::stream::iter((0..64).map(move |_| piece()))).into_response()
    };
    let error = fault(endless).await;
    assert_eq!(error.kind, FetchErrorKind::Upstream);
    assert!(error.to_string().contains("is larger than 8388608 bytes"), "{error}");
}

#[tokio::test]
async fn a_feed_that_is_not_there_or_not_for_us_says_where_it_was_sought() {
    for (status, kind) in [
        (StatusCode::NOT_FOUND, FetchErrorKind::Upstream),
        (StatusCode::GONE, FetchErrorKind::Upstream),
        // S3 says so of what is not there, too.
        (StatusCode::FORBIDDEN, FetchErrorKind::Refused),
    ] {
        let error =
            fault(move |_| (status, "<Error><Code>AccessDenied</Code></Error>").into_response()).await;
        assert_eq!(error.kind, kind, "{status}");
        assert!(error.hint().unwrap().contains("base_url in [sources.aws_spot_advisor]"), "{error}");
    }
}

#[tokio::test]
async fn a_throttled_request_is_repeated_as_long_as_patience_lasts() {
    for status in [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE] {
        let brought = fetch(move |asked| match asked.number {
            0 | 1 => (status, [("retry-after", "7")]).into_response(),
            _ => EDITION.into_response(),
        })
        .await
        .unwrap();
        assert_eq!((brought.rows, brought.traffic), (8, (3, 2, 0)));
        let error = fault(move |_| (status, [("retry-after", "3600")]).into_response()).await;
        assert_eq!(error.kind, FetchErrorKind::Retry { after: Some(Duration::from_hours(1)) });
    }
}

#[tokio::test]
async fn a_redirect_to_another_host_is_not_followed() {
    let elsewhere = Served::start(|_| EDITION.into_response()).await;
    let location = elsewhere.url.to_string();
    let error = fault(move |_| (StatusCode::FOUND, [("location", location.clone())]).into_response()).await;
    assert_eq!(error.kind, FetchErrorKind::Upstream);
    assert!(elsewhere.asked().is_empty());
}

#[tokio::test]
async fn a_slot_is_fetched_while_it_lasts_and_by_a_clock_that_is_right() {
    let server = Served::start(|_| EDITION.into_response()).await;
    for (now, says) in [("2026-11-21T05:59:59Z", "yet to come"), ("2026-11-21T12:00:00Z", "is over")] {
        let error = fetch_at(now, &server).await.unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
    }
    assert!(server.asked().is_empty());
    let error = fault(|_| ([("date", "Sat, 21 Nov 2026 12:10:00 GMT")], EDITION).into_response()).await;
    assert_eq!(error.kind, FetchErrorKind::Config);
    assert!(error.to_string().contains("clock is 5h behind 127.0.0.1"), "{error}");
    let right = fetch(|_| ([("date", "Sat, 21 Nov 2026 07:12:00 GMT")], EDITION).into_response()).await;
    assert_eq!(right.unwrap().rows, 8);
}

#[tokio::test]
async fn doctor_reads_the_feed() {
    let clock = Arc::new(TestClock::at(NOW));
    let server = Served::start(|_| EDITION.into_response()).await;
    let found = source(&server, &clock).check().await;
    let [check] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((check.verdict, check.found.as_str()), (Verdict::Ok, "8 pieces of advice for 2 regions"));
    let server = Served::start(|_| "<html>Sign in</html>".into_response()).await;
    let found = source(&server, &clock).check().await;
    assert_eq!(found[0].verdict, Verdict::Failed);
    assert!(found[0].hint.as_deref().unwrap().contains("login page"), "{found:?}");
}
