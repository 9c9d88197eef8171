//! Walking the pages: their ends, what breaks them, and what the SDK tries again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use contrail::base::error::Hinted as _;
use contrail::base::{Clock as _, SystemClock};
use contrail::lake::slice::Slice;
use contrail::sources::{FetchErrorKind, Fetched, Source as _};
use futures::stream::{StreamExt as _, TryStreamExt as _};

use super::{change, failure, fetch, hour, lake, row, source, stream};
use crate::support::ec2::{Answer, Ec2, page};
use crate::support::lake::{lines, time};

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
async fn an_answer_without_end_is_not_read_into_memory() {
    let ec2 = Ec2::start(|_| Answer::new(200, "<a/>".repeat(3 << 20))).await;
    let lake = lake();
    let error = failure(&ec2, &lake, &hour()).await;
    assert!(error.to_string().contains("us-east-1"), "{error}");
    assert!(error.to_string().contains("length limit"), "{error}");
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
