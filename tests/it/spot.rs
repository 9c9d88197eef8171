//! AWS spot prices, through the real SDK, against a server that answers what each test tells it to.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_ec2::config::{Credentials, SharedCredentialsProvider};
use chrono::TimeDelta;
use contrail::base::error::Hinted as _;
use contrail::base::{Clock as _, Name, SystemClock, Time};
use contrail::lake::interval::Interval;
use contrail::lake::slice::{Slice, Stream};
use contrail::net::HostLimits;
use contrail::sources::aws::spot_prices::{AwsSpotPrices, Options, Regions, Retry};
use contrail::sources::{FetchError, FetchErrorKind, Fetched, Source as _};
use futures::stream::{StreamExt as _, TryStreamExt as _};

use crate::support::ec2::{Answer, Asked, Ec2, item, page, regions, zones};
use crate::support::lake::{Lake, lines, time};
use crate::support::payloads::payload;

const CREATED: &str = "2026-11-21T10:05:00Z";
const NOW: &str = "2026-11-22T20:15:00Z";

fn sdk(credentials: bool) -> SdkConfig {
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"));
    if !credentials {
        return config.build();
    }
    let credentials = Credentials::new("AKIDEXAMPLE", "secret", None, None, "test");
    config.credentials_provider(SharedCredentialsProvider::new(credentials)).build()
}

fn options(endpoint_url: &str) -> Options {
    Options {
        regions: Regions::All,
        endpoint_url: Some(endpoint_url.to_owned()),
        settle: "10m".parse().unwrap(),
        backfill: "90d".parse().unwrap(),
        audit: "6h".parse().unwrap(),
        retry: Retry {
            attempts: 4,
            initial_backoff: Duration::from_millis(1),
            max_backoff: Duration::from_millis(4),
        },
    }
}

fn source(endpoint_url: &str, lake: &Lake) -> AwsSpotPrices {
    AwsSpotPrices::new(options(endpoint_url), sdk(true), HostLimits::new(4), lake.clock())
}

fn lake() -> Lake {
    Lake::new(CREATED, NOW)
}

fn stream(region: &str) -> Stream {
    Stream::new("aws_spot_prices", &[("region", region)]).unwrap()
}

fn window(from: &str, to: &str) -> Slice {
    let span = Interval::new(time(from), time(to)).unwrap();
    Slice::Window { stream: stream("us-east-1"), span }
}

/// An hour of the lake's second day.
fn hour() -> Slice {
    window("2026-11-22T18:00:00Z", "2026-11-22T19:00:00Z")
}

/// An item of m5.large in a zone, as the upstream writes it today.
fn change(zone: &str, timestamp: &str, price: &str) -> String {
    item(&[
        ("availabilityZone", &format!("us-east-1{zone}")),
        ("availabilityZoneId", &format!("use1-az-{zone}")),
        ("instanceType", "m5.large"),
        ("productDescription", "Linux/UNIX"),
        ("spotPrice", price),
        ("timestamp", timestamp),
    ])
}

/// The row that is made of [`change`].
fn row(zone: &str, timestamp: &str, price: &str) -> String {
    format!(
        r#"{{"AvailabilityZone":"us-east-1{zone}","AvailabilityZoneId":"use1-az-{zone}","InstanceType":"m5.large","ProductDescription":"Linux/UNIX","SpotPrice":"{price}","Timestamp":"{timestamp}"}}"#
    )
}

async fn fetch(ec2: &Ec2, lake: &Lake, slice: &Slice) -> Result<Fetched, FetchError> {
    source(&ec2.url, lake).fetch(slice, &lake.fetch_context(), lake.draft()).await
}

async fn failure(ec2: &Ec2, lake: &Lake, slice: &Slice) -> FetchError {
    let error = fetch(ec2, lake, slice).await.map(|fetched| lines(fetched.draft)).unwrap_err();
    assert_eq!(lake.leftovers(), 0, "a draft was left behind by {error}");
    assert!(!error.to_string().contains('\n'), "{error}");
    error
}

#[tokio::test]
async fn pages_are_walked_to_the_empty_token_however_short_they_are() {
    let ec2 = Ec2::start(|asked| match asked.token() {
        None => page(&[change("a", "2026-11-22T18:59:59.000Z", "0.1")], Some("one")),
        Some("one") => page(&[], Some("two/+=")),
        Some("two/+=") => page(&[change("b", "2026-11-22T18:00:00.000Z", "0.2")], None),
        other => panic!("nobody gave the token {other:?}"),
    })
    .await;
    let lake = lake();
    let fetched = fetch(&ec2, &lake, &hour()).await.unwrap();
    assert_eq!(lake.traffic.counted(), (3, 0, 3));
    assert_eq!(
        fetched.source_url,
        format!(
            "{}/?Action=DescribeSpotPriceHistory&StartTime=2026-11-22T18%3A00%3A00Z&EndTime=2026-11-22T19%3A00%3A00Z",
            ec2.url
        )
    );
    assert_eq!(fetched.warnings.count, 0);
    assert_eq!(
        lines(fetched.draft),
        [row("a", "2026-11-22T18:59:59.000Z", "0.1"), row("b", "2026-11-22T18:00:00.000Z", "0.2")]
    );
    let mut asked = ec2.asked();
    for request in &mut asked {
        request.parameters.remove("NextToken");
    }
    let parameters = &asked[0].parameters;
    assert_eq!(parameters["StartTime"], "2026-11-22T18:00:00Z");
    assert_eq!(parameters["EndTime"], "2026-11-22T19:00:00Z");
    assert_eq!(parameters["MaxResults"], "1000");
    assert_eq!(parameters.len(), 5, "a stream is fetched whole, without filters: {parameters:?}");
    assert!(asked.iter().all(|request| *request == asked[0]), "every page is asked for alike");
}

#[tokio::test]
async fn a_window_without_changes_is_a_draft_without_rows() {
    let ec2 = Ec2::start(|_| page(&[], None)).await;
    let lake = lake();
    let fetched = fetch(&ec2, &lake, &hour()).await.unwrap();
    assert!(lines(fetched.draft).is_empty());
}

#[tokio::test]
async fn a_token_that_repeats_is_an_error() {
    let ec2 = Ec2::start(|asked| page(&[], Some(if asked.token() == Some("a") { "b" } else { "a" }))).await;
    let lake = lake();
    let error = failure(&ec2, &lake, &hour()).await;
    assert_eq!(error.kind, FetchErrorKind::Upstream);
    assert!(error.to_string().contains("token repeats"), "{error}");
    assert_eq!(ec2.asked().len(), 3);
}

#[tokio::test]
async fn a_page_that_is_no_page_keeps_nothing() {
    let whole =
        "<DescribeSpotPriceHistoryResponse><spotPriceHistorySet><item><spotPrice>0.1</spotPrice></item>";
    for (body, said) in [
        (whole, "ends in the middle"),
        ("", "it is empty"),
        ("<!DOCTYPE html><html><body>Sign in</body></html>", "the answer is <html>"),
        (
            "<Response><Errors><Error><Code>Oops</Code></Error></Errors></Response>",
            "the answer is <Response>",
        ),
        (
            "<DescribeSpotPriceHistoryResponse><nextToken/></DescribeSpotPriceHistoryResponse>",
            "holds no <spotPriceHistorySet>",
        ),
        ("\u{1f}\u{8b}\u{8}garbage", "does not start with an element"),
    ] {
        let ec2 = Ec2::start(move |asked| match asked.token() {
            None => page(&[change("a", "2026-11-22T18:30:00.000Z", "0.1")], Some("next")),
            Some(_) => Answer::new(200, body),
        })
        .await;
        let lake = lake();
        let error = failure(&ec2, &lake, &hour()).await;
        assert_eq!(error.kind, FetchErrorKind::Upstream, "{error}");
        assert!(error.to_string().contains(said), "{error} does not say {said:?}");
        assert!(error.to_string().contains("us-east-1"), "{error}");
        assert_eq!(ec2.asked().len(), 2, "what came whole is not asked for again");
    }
}

#[tokio::test]
async fn a_connection_that_breaks_off_is_tried_again() {
    let attempts = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&attempts);
    let ec2 = Ec2::start(move |_| {
        let whole = page(&[change("a", "2026-11-22T18:30:00.000Z", "0.1")], None);
        if counter.fetch_add(1, Ordering::Relaxed) < 2 { whole.breaking_off() } else { whole }
    })
    .await;
    let lake = lake();
    let fetched = fetch(&ec2, &lake, &hour()).await.unwrap();
    assert_eq!(lines(fetched.draft).len(), 1);
    assert_eq!(lake.traffic.counted(), (3, 2, 1));

    let ec2 = Ec2::start(|_| page(&[], None).breaking_off()).await;
    let error = failure(&ec2, &lake, &hour()).await;
    assert_eq!(error.kind, FetchErrorKind::Retry { after: None }, "{error}");
    assert_eq!(ec2.asked().len(), 4);
}

#[tokio::test]
async fn throttling_is_waited_out_by_the_sdk_alone() {
    let attempts = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&attempts);
    let busy = || Answer::error(503, "RequestLimitExceeded", "Request limit exceeded.");
    let ec2 = Ec2::start(
        move |_| {
            if counter.fetch_add(1, Ordering::Relaxed) < 3 { busy() } else { page(&[], None) }
        },
    )
    .await;
    let lake = lake();
    fetch(&ec2, &lake, &hour()).await.unwrap();
    assert_eq!(lake.traffic.counted(), (4, 3, 1));

    let ec2 = Ec2::start(move |_| busy()).await;
    let error = failure(&ec2, &lake, &hour()).await;
    assert_eq!(error.kind, FetchErrorKind::Retry { after: None });
    assert_eq!(
        error.to_string(),
        "DescribeSpotPriceHistory in us-east-1 failed: RequestLimitExceeded: Request limit exceeded."
    );
    assert_eq!(ec2.asked().len(), 4, "no other layer tries again");
}

#[tokio::test]
async fn odd_rows_are_kept_as_they_came() {
    let good = change("a", "2026-11-22T18:30:00.000Z", "0.1");
    let unknown = item(&[
        ("availabilityZoneId", "use1-az1"),
        ("instanceType", "m5.large"),
        ("productDescription", "Linux/UNIX & <more>"),
        ("spotPrice", "0.1000"),
        ("timestamp", "2026-11-22T18:31:00+00:00"),
        ("availabilityZone", "us-east-1a"),
        ("currencyCode", "USD"),
    ]);
    let odd = [
        good.clone(),
        unknown,
        change("b", "2026-11-22T18:30:00.000Z", "free"),
        change("c", "last Tuesday", "0.3"),
        item(&[("availabilityZoneId", "use1-az1"), ("timestamp", "2026-11-22T18:32:00.000Z")]),
    ];
    let ec2 = Ec2::start(move |_| page(&odd, None)).await;
    let lake = lake();
    let fetched = fetch(&ec2, &lake, &hour()).await.unwrap();
    assert_eq!(
        fetched.warnings.samples,
        [
            "a row has the SpotPrice \"free\"",
            "a row has the Timestamp \"last Tuesday\"",
            "a row has no AvailabilityZone",
        ]
    );
    assert_eq!(fetched.warnings.count, 3);
    assert_eq!(
        lines(fetched.draft),
        [
            row("a", "2026-11-22T18:30:00.000Z", "0.1"),
            r#"{"AvailabilityZoneId":"use1-az1","InstanceType":"m5.large","ProductDescription":"Linux/UNIX & <more>","SpotPrice":"0.1000","Timestamp":"2026-11-22T18:31:00+00:00","AvailabilityZone":"us-east-1a","CurrencyCode":"USD"}"#.to_owned(),
            row("b", "2026-11-22T18:30:00.000Z", "free"),
            row("c", "last Tuesday", "0.3"),
            r#"{"AvailabilityZoneId":"use1-az1","Timestamp":"2026-11-22T18:32:00.000Z"}"#.to_owned(),
        ]
    );
}

/// An item without a zone id, as the upstream wrote it for years.
fn old_change(zone: &str, timestamp: &str) -> String {
    item(&[
        ("instanceType", "m5.large"),
        ("productDescription", "Linux/UNIX"),
        ("spotPrice", "0.1"),
        ("timestamp", timestamp),
        ("availabilityZone", zone),
    ])
}

#[tokio::test]
async fn zone_ids_that_the_upstream_leaves_out_are_looked_up_once() {
    let ec2 = Ec2::start(|asked| match asked.action() {
        "DescribeAvailabilityZones" => zones(&[("us-east-1a", "use1-az6"), ("us-east-1b", "use1-az1")]),
        _ => page(&[old_change("us-east-1a", "2026-11-22T18:30:00.000Z")], None),
    })
    .await;
    let lake = lake();
    let source = source(&ec2.url, &lake);
    for _ in 0..2 {
        let fetched = source.fetch(&hour(), &lake.fetch_context(), lake.draft()).await.unwrap();
        assert_eq!(
            lines(fetched.draft),
            [
                r#"{"InstanceType":"m5.large","ProductDescription":"Linux/UNIX","SpotPrice":"0.1","Timestamp":"2026-11-22T18:30:00.000Z","AvailabilityZone":"us-east-1a","AvailabilityZoneId":"use1-az6"}"#
            ]
        );
    }
    let lookups: Vec<Asked> =
        ec2.asked().into_iter().filter(|asked| asked.action() == "DescribeAvailabilityZones").collect();
    assert_eq!(lookups.len(), 1);
    assert_eq!(lookups[0].parameters["AllAvailabilityZones"], "true");
    assert_eq!(lookups[0].region, "us-east-1");
}

#[tokio::test]
async fn a_zone_that_nobody_knows_keeps_its_row_and_is_asked_for_again() {
    let ec2 = Ec2::start(|asked| match asked.action() {
        "DescribeAvailabilityZones" => zones(&[("us-east-1a", "use1-az6")]),
        _ => page(&[old_change("us-east-1-new-1a", "2026-11-22T18:30:00.000Z")], None),
    })
    .await;
    let lake = lake();
    let source = source(&ec2.url, &lake);
    for _ in 0..2 {
        let fetched = source.fetch(&hour(), &lake.fetch_context(), lake.draft()).await.unwrap();
        let warning = "the zone \"us-east-1-new-1a\" is not among the zones of us-east-1";
        assert_eq!(fetched.warnings.samples, [warning]);
        assert_eq!(lines(fetched.draft).len(), 1);
    }
    let lookups = ec2.asked().iter().filter(|asked| asked.action() == "DescribeAvailabilityZones").count();
    assert_eq!(lookups, 2);
}

#[tokio::test]
async fn rows_without_zone_ids_are_not_stored_when_the_zones_are_refused() {
    let ec2 = Ec2::start(|asked| match asked.action() {
        "DescribeAvailabilityZones" => Answer::error(403, "UnauthorizedOperation", "You are not authorized."),
        _ => page(&[old_change("us-east-1a", "2026-11-22T18:30:00.000Z")], None),
    })
    .await;
    let lake = lake();
    let error = failure(&ec2, &lake, &hour()).await;
    assert_eq!(error.kind, FetchErrorKind::Refused);
    assert!(error.hint().unwrap().contains("ec2:DescribeAvailabilityZones"), "{:?}", error.hint());
}

#[tokio::test]
async fn each_refusal_is_one_clear_error() {
    use FetchErrorKind::{Config, Refused, Upstream};
    for (status, code, message, kind, hint) in [
        (
            401,
            "AuthFailure",
            "AWS was not able to validate the provided access credentials",
            Refused,
            "opt in to us-east-1",
        ),
        (
            403,
            "UnauthorizedOperation",
            "You are not authorized. Encoded authorization failure message: AbCd",
            Refused,
            "allow ec2:DescribeSpotPriceHistory",
        ),
        (400, "RequestExpired", "Request has expired.", Config, "credentials have expired"),
        (403, "ExpiredToken", "The security token included in the request is expired", Config, "renew"),
        (403, "RequestTimeTooSkewed", "The difference is too large.", Config, "clock"),
        (
            403,
            "SignatureDoesNotMatch",
            "Signature not yet current: 20261122T201500Z is still later",
            Config,
            "clock",
        ),
        (400, "InvalidNextToken", "The token is not valid.", Upstream, ""),
    ] {
        let ec2 = Ec2::start(move |_| Answer::error(status, code, message)).await;
        let lake = lake();
        let error = failure(&ec2, &lake, &hour()).await;
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.hint().unwrap_or_default().contains(hint), "{error}: {:?}", error.hint());
        assert!(error.to_string().contains(code), "{error}");
        assert!(!error.to_string().contains("AbCd"), "{error}");
        assert_eq!(ec2.asked().len(), 1, "a refusal starts no storm: {code}");
    }
}

#[tokio::test]
async fn without_credentials_nothing_is_asked() {
    let ec2 = Ec2::start(|_| page(&[], None)).await;
    let lake = lake();
    let source = AwsSpotPrices::new(options(&ec2.url), sdk(false), HostLimits::new(4), lake.clock());
    let error = source.plan(&lake.plan_context()).await.unwrap_err();
    assert_eq!(error.kind, FetchErrorKind::Config, "{error}");
    assert!(error.hint().unwrap().contains("credentials"), "{:?}", error.hint());
    assert!(ec2.asked().is_empty());
}

#[tokio::test]
async fn an_endpoint_that_is_no_address_is_a_matter_of_configuration() {
    let lake = lake();
    for url in ["not a url", "http://"] {
        let error = source(url, &lake).plan(&lake.plan_context()).await.unwrap_err();
        assert_eq!(error.kind, FetchErrorKind::Config, "{url:?}: {error}");
        assert!(error.hint().unwrap().contains("endpoint_url"), "{:?}", error.hint());
    }
}

#[tokio::test]
async fn an_endpoint_that_is_not_ec2_is_told_as_such() {
    for body in [
        "<html><body>Welcome</body></html>",
        "<DescribeRegionsResponse><regionInfo/></DescribeRegionsResponse>",
    ] {
        let ec2 = Ec2::start(move |_| Answer::new(200, body)).await;
        let lake = lake();
        let error = source(&ec2.url, &lake).plan(&lake.plan_context()).await.unwrap_err();
        assert_eq!(error.kind, FetchErrorKind::Upstream, "{error}");
    }
}

#[tokio::test]
async fn many_windows_at_once_ask_for_the_zones_once() {
    let ec2 = Ec2::start(|asked| match asked.action() {
        "DescribeAvailabilityZones" => zones(&[("us-east-1a", "use1-az6")]).after(Duration::from_millis(20)),
        _ => page(&[old_change("us-east-1a", "2026-11-22T18:30:00.000Z")], None),
    })
    .await;
    let lake = lake();
    let (source, slice, context) = (source(&ec2.url, &lake), hour(), lake.fetch_context());
    let fetches = (0..8).map(|_| source.fetch(&slice, &context, lake.draft()));
    futures::future::try_join_all(fetches).await.unwrap();
    let lookups = ec2.asked().iter().filter(|asked| asked.action() == "DescribeAvailabilityZones").count();
    assert_eq!(lookups, 1);
}

#[tokio::test]
async fn an_endpoint_that_is_not_there_is_tried_at_the_next_tick() {
    let url = Ec2::start(|_| page(&[], None)).await.url.clone();
    let lake = lake();
    let error = source(&url, &lake).plan(&lake.plan_context()).await.unwrap_err();
    assert_eq!(error.kind, FetchErrorKind::Retry { after: None }, "{error}");
    assert!(error.to_string().starts_with("DescribeRegions in us-east-1 failed: "), "{error}");
}

#[tokio::test]
async fn the_plan_names_what_is_missing_in_each_enabled_region() {
    let ec2 = Ec2::start(|_| {
        regions(&[
            ("us-east-1", "opt-in-not-required"),
            ("af-south-1", "opted-in"),
            ("me-south-1", "not-opted-in"),
            ("../../x", "opted-in"),
        ])
    })
    .await;
    let mut lake = lake();
    lake.store(&window("2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z"), &[]);
    let mut options = options(&ec2.url);
    options.backfill = "2h".parse().unwrap();
    let source = AwsSpotPrices::new(options, sdk(true), HostLimits::new(4), lake.clock());
    let plan = source.plan(&lake.plan_context()).await.unwrap();

    let of = |region: &str| plan.wanted.iter().filter(|slice| *slice.stream() == stream(region)).count();
    assert_eq!(of("af-south-1"), 1, "a first fill of two hours holds one whole window that has settled");
    assert_eq!(of("us-east-1"), 24 + 20 + 1, "all windows since the first one, and the audit of that day");
    assert_eq!(plan.wanted.len(), 46);
    assert!(plan.lost.is_empty());
    let [(closed, error)] = plan.closed.as_slice() else { panic!("{:?}", plan.closed) };
    assert_eq!(closed.to_string(), "aws_spot_prices");
    assert!(error.to_string().contains("\"../../x\""), "{error}");
    let parameters = &ec2.asked()[0].parameters;
    assert_eq!(parameters["Action"], "DescribeRegions");
    assert!(!parameters.contains_key("AllRegions"));
    assert_eq!(lake.traffic.counted(), (1, 0, 0));
}

#[tokio::test]
async fn a_configured_region_that_is_not_enabled_is_closed_with_a_hint() {
    let ec2 = Ec2::start(|_| regions(&[("us-east-1", "opt-in-not-required")])).await;
    let lake = lake();
    let mut options = options(&ec2.url);
    let names = ["us-east-1", "me-south-1"].map(|name| Name::new("region", name).unwrap());
    options.regions = Regions::These(names.into());
    let source = AwsSpotPrices::new(options, sdk(true), HostLimits::new(4), lake.clock());
    let plan = source.plan(&lake.plan_context()).await.unwrap();
    let [(closed, error)] = plan.closed.as_slice() else { panic!("{:?}", plan.closed) };
    assert_eq!(*closed, stream("me-south-1"));
    assert_eq!(error.kind, FetchErrorKind::Refused);
    assert!(error.hint().unwrap().contains("opt in to me-south-1"));
    assert!(plan.wanted.iter().all(|slice| *slice.stream() == stream("us-east-1")));
}

#[tokio::test]
async fn keys_that_no_region_takes_are_a_matter_of_configuration() {
    let ec2 = Ec2::start(|_| Answer::error(401, "AuthFailure", "AWS was not able to validate")).await;
    let lake = lake();
    let error = source(&ec2.url, &lake).plan(&lake.plan_context()).await.unwrap_err();
    assert_eq!(error.kind, FetchErrorKind::Config, "{error}");
}

/// What the upstream lists for the hour: the hour's change, one carried over, one at the end.
fn with_carry_over(_: &Asked) -> Answer {
    let changes = [
        change("a", "2026-11-22T19:00:00.000Z", "0.4"),
        change("a", "2026-11-22T18:30:00.000Z", "0.3"),
        change("a", "2026-11-22T18:30:00.000Z", "0.3"),
        change("a", "2026-11-22T17:59:59.000Z", "0.2"),
        change("b", "2026-11-22T15:30:00.000Z", "0.1"),
    ];
    page(&changes, None)
}

async fn timestamps(ec2: &Ec2, lake: &Lake, slice: &Slice) -> Vec<String> {
    let rows = lines(fetch(ec2, lake, slice).await.unwrap().draft);
    let rows = rows.iter().map(|row| serde_json::from_str::<serde_json::Value>(row).unwrap());
    rows.map(|row| time(row["Timestamp"].as_str().unwrap()).format("%H:%M").to_string()).collect()
}

#[tokio::test]
async fn a_window_holds_its_own_changes_each_once() {
    let ec2 = Ec2::start(with_carry_over).await;
    let mut lake = lake();
    assert_eq!(timestamps(&ec2, &lake, &hour()).await, ["18:30"], "the hour before will be fetched");
    lake.store(&window("2026-11-22T17:00:00Z", "2026-11-22T18:00:00Z"), &[]);
    assert_eq!(timestamps(&ec2, &lake, &hour()).await, ["18:30"], "the hour before is stored");
}

#[tokio::test]
async fn a_window_after_lost_time_holds_what_changed_in_it() {
    let ec2 = Ec2::start(with_carry_over).await;
    let mut lake = lake();
    lake.store(&window("2026-11-22T15:00:00Z", "2026-11-22T16:00:00Z"), &[]);
    lake.lose(&window("2026-11-22T16:00:00Z", "2026-11-22T17:00:00Z"));
    lake.lose(&window("2026-11-22T17:00:00Z", "2026-11-22T18:00:00Z"));
    assert_eq!(timestamps(&ec2, &lake, &hour()).await, ["18:30", "17:59"], "15:30 is in a window of its own");
}

#[tokio::test]
async fn the_first_window_within_memory_holds_what_was_before() {
    let ec2 = Ec2::start(with_carry_over).await;
    // Ninety days before is a quarter past five.
    let lake = Lake::new(CREATED, "2027-02-20T17:15:00Z");
    assert_eq!(timestamps(&ec2, &lake, &hour()).await, ["18:30", "17:59", "15:30"]);
    let lake = Lake::new(CREATED, "2027-02-20T16:15:00Z");
    assert_eq!(timestamps(&ec2, &lake, &hour()).await, ["18:30"], "the hour before can still be fetched");
}

#[tokio::test]
async fn what_the_upstream_begins_to_forget_is_gone() {
    let ec2 = Ec2::start(with_carry_over).await;
    let lake = Lake::new(CREATED, "2027-02-20T18:00:01Z");
    let error = failure(&ec2, &lake, &hour()).await;
    assert_eq!(error.kind, FetchErrorKind::Gone, "{error}");
    assert!(ec2.asked().is_empty());
}

/// A lake whose second day is stored, with two rows in it.
fn day_to_audit() -> (Lake, Slice) {
    let mut lake = Lake::new(CREATED, "2026-11-23T07:00:00Z");
    for hour in 0..24 {
        let from = time("2026-11-22T00:00:00Z") + TimeDelta::hours(hour);
        let span = Interval::new(from, from + TimeDelta::hours(1)).unwrap();
        let rows = match hour {
            17 => vec![row("a", "2026-11-22T17:59:59.000Z", "0.2")],
            18 => vec![row("a", "2026-11-22T18:30:00.000Z", "0.3"), row("c", "odd", "0.5")],
            _ => vec![],
        };
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        lake.store(&Slice::Window { stream: stream("us-east-1"), span }, &rows);
    }
    (lake, Slice::Audit { stream: stream("us-east-1"), day: "2026-11-22".parse().unwrap() })
}

#[tokio::test]
async fn an_audit_finds_the_late_row_and_nothing_else() {
    let ec2 = Ec2::start(|_| {
        let changes = [
            change("a", "2026-11-23T00:00:00.000Z", "0.6"),
            change("c", "odd", "0.5"),
            change("a", "2026-11-22T18:30:00+00:00", "0.3"),
            change("b", "2026-11-22T18:20:00.000Z", "0.25"),
            change("a", "2026-11-22T17:59:59.000Z", "0.2"),
            change("b", "2026-11-21T23:59:59.000Z", "0.1"),
        ];
        page(&changes, None)
    })
    .await;
    let (lake, audit) = day_to_audit();
    let fetched = fetch(&ec2, &lake, &audit).await.unwrap();
    assert_eq!(lines(fetched.draft), [row("b", "2026-11-22T18:20:00.000Z", "0.25")]);
    let parameters = &ec2.asked()[0].parameters;
    assert_eq!(parameters["StartTime"], "2026-11-22T00:00:00Z");
    assert_eq!(parameters["EndTime"], "2026-11-23T00:00:00Z");
}

#[tokio::test]
async fn an_audit_stops_at_an_object_that_it_cannot_read() {
    let ec2 = Ec2::start(|_| page(&[], None)).await;
    let (lake, audit) = day_to_audit();
    let key =
        "raw/aws_spot_prices/dt=2026-11-22/region=us-east-1/20261122T180000Z-20261122T190000Z.ndjson.gz";
    for damage in [true, false] {
        {
            let mut objects = lake.objects.0.lock().unwrap();
            let object = objects.remove(key);
            if damage {
                objects.insert(key.to_owned(), object.unwrap().slice(..30));
            }
        }
        let error = failure(&ec2, &lake, &audit).await;
        assert_eq!(error.kind, FetchErrorKind::Local, "{error}");
        assert!(error.to_string().contains(key), "{error}");
    }
    assert!(ec2.asked().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thirty_four_regions_of_twenty_slow_pages_take_less_than_ten_seconds() {
    const PAGES: usize = 20;
    let ec2 = Ec2::start(|asked| {
        let number: usize = asked.token().map_or(0, |token| token.parse().unwrap());
        let at = time("2026-11-22T18:00:00Z") + TimeDelta::seconds(i64::try_from(number).unwrap());
        let at = at.format("%Y-%m-%dT%H:%M:%S.000Z").to_string();
        let changes: Vec<String> = ["a", "b", "c", "d"].map(|zone| change(zone, &at, "0.1")).into();
        let next = (number + 1 < PAGES).then(|| (number + 1).to_string());
        page(&changes, next.as_deref()).after(Duration::from_millis(50))
    })
    .await;
    let lake = lake();
    let source = source(&ec2.url, &lake);
    let context = lake.fetch_context();
    let Slice::Window { span, .. } = hour() else { unreachable!() };
    let slices: Vec<Slice> = (1..=34)
        .map(|number| Slice::Window { stream: stream(&format!("xx-region-{number}")), span })
        .collect();
    let started = SystemClock.now();
    let fetched: Vec<Fetched> = futures::stream::iter(&slices)
        .map(|slice| source.fetch(slice, &context, lake.draft()))
        .buffer_unordered(16)
        .try_collect()
        .await
        .unwrap();
    let took = SystemClock.now() - started;
    assert_eq!(fetched.into_iter().map(|fetched| lines(fetched.draft).len()).sum::<usize>(), 34 * PAGES * 4);
    assert_eq!(lake.traffic.counted(), (34 * 20, 0, 34 * 20));
    assert!(took < TimeDelta::seconds(10), "it took {took}");
}

#[tokio::test]
async fn real_rows_come_out_as_they_went_in() {
    const FIELDS: [&str; 5] =
        ["AvailabilityZone", "InstanceType", "ProductDescription", "SpotPrice", "Timestamp"];
    let file = "aws-spot-history/contrail_spot_enriched_us-east-1_2019-02-26.json.gz";
    let Some(captured) = payload(file) else { return };
    let captured: Vec<serde_json::Map<String, serde_json::Value>> =
        serde_json::from_slice(&captured).unwrap();
    let captured: Vec<[String; 5]> =
        captured.iter().map(|row| FIELDS.map(|field| row[field].as_str().unwrap().to_owned())).collect();
    assert_eq!(captured.len(), 3_653);

    let items: Vec<String> = captured
        .iter()
        .map(|row| {
            item(&[
                ("instanceType", &row[1]),
                ("productDescription", &row[2]),
                ("spotPrice", &row[3]),
                ("timestamp", &row[4]),
                ("availabilityZone", &row[0]),
            ])
        })
        .collect();
    let ec2 = Ec2::start(move |asked| {
        if asked.action() == "DescribeAvailabilityZones" {
            let ids = ["a", "b", "c", "d", "e", "f"]
                .map(|zone| (format!("us-east-1{zone}"), format!("use1-az-{zone}")));
            let ids: Vec<(&str, &str)> = ids.iter().map(|(name, id)| (name.as_str(), id.as_str())).collect();
            return zones(&ids);
        }
        let start: usize = asked.token().map_or(0, |token| token.parse().unwrap());
        let end = (start + 1_000).min(items.len());
        page(&items[start..end], (end < items.len()).then(|| end.to_string()).as_deref())
    })
    .await;
    // The capture reaches back 38 hours; a lake made long after it fetches whole days.
    let lake = Lake::new("2019-03-10T00:00:00Z", "2019-03-10T10:00:00Z");
    let mut rows: Vec<[String; 5]> = Vec::new();
    for day in ["2019-02-24", "2019-02-25", "2019-02-26"] {
        let from: Time = time(&format!("{day}T00:00:00Z"));
        let span = Interval::new(from, from + TimeDelta::days(1)).unwrap();
        let slice = Slice::Window { stream: stream("us-east-1"), span };
        let fetched = fetch(&ec2, &lake, &slice).await.unwrap();
        assert_eq!(fetched.warnings.count, 0, "{:?}", fetched.warnings);
        for line in lines(fetched.draft) {
            let row: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&line).unwrap();
            assert_eq!(row.len(), 6, "{line}");
            let zone = row["AvailabilityZone"].as_str().unwrap();
            assert_eq!(row["AvailabilityZoneId"], zone.replace("us-east-1", "use1-az-"));
            rows.push(FIELDS.map(|field| row[field].as_str().unwrap().to_owned()));
        }
    }
    assert_eq!(rows.len(), captured.len(), "none is missing and none is there twice");
    let (went_in, came_out): (BTreeSet<_>, BTreeSet<_>) =
        (captured.into_iter().collect(), rows.into_iter().collect());
    assert_eq!(went_in, came_out);
}
