//! EC2 through the real SDK.

use std::collections::{BTreeMap, HashSet};

use aws_sdk_ec2::Client;
use aws_sdk_ec2::config::retry::RetryConfig;
use aws_sdk_ec2::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_ec2::error::ProvideErrorMetadata;
use aws_sdk_ec2::primitives::DateTime;
use aws_sdk_ec2::types::SpotPrice;
use contrail::base::Time;
use contrail::sandbox::Sandbox;

use super::{NOW, at, calm};

pub(super) fn client(sandbox: &Sandbox, region: &str) -> Client {
    let config = aws_sdk_ec2::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .credentials_provider(Credentials::new("AKIDSANDBOX", "secret", None, None, "test"))
        .endpoint_url(&sandbox.endpoints().ec2)
        .retry_config(RetryConfig::disabled())
        .build();
    Client::from_conf(config)
}

fn moment(text: &str) -> DateTime {
    DateTime::from_secs(text.parse::<Time>().unwrap().timestamp())
}

struct Listing {
    rows: Vec<SpotPrice>,
    pages: Vec<usize>,
}

async fn listing(client: &Client, start: &str, end: &str, page: i32) -> Listing {
    let (mut rows, mut pages, mut token) = (Vec::new(), Vec::new(), None);
    loop {
        let answer = client
            .describe_spot_price_history()
            .start_time(moment(start))
            .end_time(moment(end))
            .max_results(page)
            .set_next_token(token)
            .send()
            .await
            .unwrap();
        pages.push(answer.spot_price_history().len());
        rows.extend(answer.spot_price_history.unwrap_or_default());
        // The end is an empty token, not an absent one.
        token = Some(answer.next_token.unwrap());
        if token.as_deref() == Some("") {
            return Listing { rows, pages };
        }
    }
}

fn pool(row: &SpotPrice) -> (String, String, String) {
    (
        row.availability_zone_id().unwrap().to_owned(),
        row.instance_type().unwrap().as_str().to_owned(),
        row.product_description().unwrap().as_str().to_owned(),
    )
}

#[tokio::test]
async fn a_window_holds_its_changes_and_one_earlier_row_for_each_pool() {
    let sandbox = calm().await;
    let client = client(&sandbox, "us-east-1");
    let found = listing(&client, "2026-11-20T00:00:00Z", "2026-11-20T23:59:59Z", 100).await;
    let start = moment("2026-11-20T00:00:00Z");
    let times: Vec<_> = found.rows.iter().map(|row| *row.timestamp().unwrap()).collect();
    assert!(times.is_sorted_by(|one, next| one >= next), "newest first");
    let early: Vec<_> = found.rows.iter().filter(|row| *row.timestamp().unwrap() < start).map(pool).collect();
    let pools: HashSet<_> = found.rows.iter().map(pool).collect();
    assert_eq!(early.iter().collect::<HashSet<_>>().len(), early.len());
    assert_eq!(early.len(), pools.len());
    assert!(pools.len() > 100, "{}", pools.len());
    let keys: HashSet<_> = found.rows.iter().map(|row| (pool(row), *row.timestamp().unwrap())).collect();
    assert_eq!(keys.len(), found.rows.len(), "no row comes twice");
    assert!(found.rows.iter().all(|row| {
        let price = row.spot_price().unwrap();
        price.split_once('.').is_some_and(|(_, decimals)| decimals.len() == 6)
    }));
    assert!(found.pages.iter().rev().skip(1).any(|rows| *rows < 100), "a short page that goes on");
    assert!(found.pages.iter().all(|rows| *rows <= 100));
}

#[tokio::test]
async fn hours_hold_what_the_day_holds_whatever_the_page_and_the_time_of_asking() {
    let sandbox = calm().await;
    let client = client(&sandbox, "eu-west-1");
    let inside = |rows: &[SpotPrice], from: &str| -> BTreeMap<_, String> {
        let from = moment(from);
        rows.iter()
            .filter(|row| *row.timestamp().unwrap() >= from)
            .map(|row| ((pool(row), row.timestamp().unwrap().secs()), row.spot_price().unwrap().to_owned()))
            .collect()
    };
    let day = listing(&client, "2026-11-19T00:00:00Z", "2026-11-19T23:59:59Z", 1_000).await;
    let mut hours = BTreeMap::new();
    for hour in 0..24 {
        let (start, end) = (format!("2026-11-19T{hour:02}:00:00Z"), format!("2026-11-19T{hour:02}:59:59Z"));
        hours.extend(inside(&listing(&client, &start, &end, 50).await.rows, &start));
    }
    assert_eq!(inside(&day.rows, "2026-11-19T00:00:00Z"), hours);
    let later = at("2026-12-24T00:00:00Z", "").await;
    let client = self::client(&later, "eu-west-1");
    let again = listing(&client, "2026-11-19T00:00:00Z", "2026-11-19T23:59:59Z", 77).await;
    assert_eq!(again.rows, day.rows);
}

#[tokio::test]
async fn the_current_prices_are_one_row_for_each_pool_and_none_from_the_future() {
    let sandbox = calm().await;
    let client = client(&sandbox, "us-west-2");
    let found = listing(&client, NOW, "2027-01-01T00:00:00Z", 1_000).await;
    let pools: HashSet<_> = found.rows.iter().map(pool).collect();
    assert_eq!(pools.len(), found.rows.len());
    assert!(found.rows.iter().all(|row| *row.timestamp().unwrap() <= moment(NOW)));
    assert!(found.rows.iter().any(|row| row.availability_zone() == Some("us-west-2-lax-1a")));
}

#[tokio::test]
async fn nothing_older_than_ninety_days_is_told() {
    let sandbox = calm().await;
    let client = client(&sandbox, "us-west-2");
    assert!(listing(&client, "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", 1_000).await.rows.is_empty());
}

#[tokio::test]
async fn filters_narrow_the_listing() {
    let sandbox = calm().await;
    let answer = client(&sandbox, "us-east-1")
        .describe_spot_price_history()
        .start_time(moment("2026-11-01T00:00:00Z"))
        .instance_types("m5.large".into())
        .product_descriptions("Linux/UNIX (Amazon VPC)")
        .filters(
            aws_sdk_ec2::types::Filter::builder()
                .name("availability-zone-id")
                .values("use1-az9*")
                .values("use?-az1")
                .build(),
        )
        .send()
        .await
        .unwrap();
    let rows = answer.spot_price_history();
    assert!(rows.len() > 5);
    let expected = ("use1-az1".to_owned(), "m5.large".to_owned(), "Linux/UNIX".to_owned());
    assert!(rows.iter().all(|row| pool(row) == expected));
}

#[tokio::test]
async fn a_token_is_good_only_for_its_own_request() {
    let sandbox = calm().await;
    let client = client(&sandbox, "us-east-1");
    let ask = |start: &str, token: Option<String>| {
        client
            .describe_spot_price_history()
            .start_time(moment(start))
            .end_time(moment("2026-11-21T00:00:00Z"))
            .max_results(10)
            .set_next_token(token)
            .send()
    };
    let token = ask("2026-11-20T00:00:00Z", None).await.unwrap().next_token.unwrap();
    assert!(ask("2026-11-20T00:00:00Z", Some(token.clone())).await.is_ok());
    for (start, token) in
        [("2026-11-19T00:00:00Z", token.clone()), ("2026-11-20T00:00:00Z", format!("{token}x"))]
    {
        let error = ask(start, Some(token)).await.unwrap_err();
        assert_eq!(error.code(), Some("InvalidNextToken"));
    }
}

#[tokio::test]
async fn regions_that_are_not_opted_in_are_listed_on_request_and_refuse() {
    let sandbox = calm().await;
    let home = client(&sandbox, "us-east-1");
    let names =
        |answer: aws_sdk_ec2::operation::describe_regions::DescribeRegionsOutput| -> Vec<(String, String)> {
            let regions = answer.regions.unwrap_or_default().into_iter();
            regions.map(|region| (region.region_name.unwrap(), region.opt_in_status.unwrap())).collect()
        };
    let enabled = names(home.describe_regions().send().await.unwrap());
    let all = names(home.describe_regions().all_regions(true).send().await.unwrap());
    let open = "opt-in-not-required";
    let expected = [("us-east-1", open), ("us-west-2", open), ("eu-west-1", open)];
    assert_eq!(enabled, expected.map(|(name, status)| (name.to_owned(), status.to_owned())));
    assert_eq!(all.len(), 4);
    assert!(all.contains(&("af-south-1".to_owned(), "not-opted-in".to_owned())));
    for closed in ["af-south-1", "nowhere-1"] {
        let error = client(&sandbox, closed).describe_availability_zones().send().await.unwrap_err();
        assert_eq!(error.code(), Some("AuthFailure"));
        assert_eq!(error.raw_response().map(|response| response.status().as_u16()), Some(401));
    }
}

#[tokio::test]
async fn zones_have_ids_types_and_parents() {
    let sandbox = calm().await;
    let client = client(&sandbox, "us-west-2");
    let open = client.describe_availability_zones().send().await.unwrap();
    let all = client.describe_availability_zones().all_availability_zones(true).send().await.unwrap();
    assert!(open.availability_zones().len() < all.availability_zones().len());
    let los_angeles =
        open.availability_zones().iter().find(|zone| zone.zone_name() == Some("us-west-2-lax-1a")).unwrap();
    assert_eq!(los_angeles.zone_id(), Some("usw2-lax1-az1"));
    assert_eq!(los_angeles.zone_type(), Some("local-zone"));
    assert_eq!(los_angeles.region_name(), Some("us-west-2"));
    assert!(los_angeles.parent_zone_id().unwrap().starts_with("usw2-az"));
    let history = listing(&client, NOW, NOW, 1_000).await;
    let known: HashSet<_> =
        open.availability_zones().iter().map(|zone| (zone.zone_name(), zone.zone_id())).collect();
    assert!(
        history.rows.iter().all(|row| known.contains(&(row.availability_zone(), row.availability_zone_id())))
    );
}

#[tokio::test]
async fn odd_requests_get_the_errors_of_ec2() {
    let sandbox = calm().await;
    let send = |signed: bool, form: &'static str| {
        let request = reqwest::Client::new().post(&sandbox.endpoints().ec2).body(form);
        let scope = "AWS4-HMAC-SHA256 Credential=A/20261121/us-east-1/ec2/aws4_request, Signature=0";
        let request = if signed { request.header("authorization", scope) } else { request };
        async move {
            let response = request.send().await.unwrap();
            (response.status().as_u16(), response.text().await.unwrap())
        }
    };
    for (signed, form, status, code) in [
        (false, "Action=DescribeRegions", 401, "AuthFailure"),
        (true, "Action=RunInstances", 400, "InvalidAction"),
        (true, "", 400, "InvalidAction"),
        (true, "Action=DescribeRegions&DryRun=true", 412, "DryRunOperation"),
        (true, "Action=DescribeSpotPriceHistory&StartTime=yesterday", 400, "InvalidParameterValue"),
        (true, "Action=DescribeSpotPriceHistory&MaxResults=0", 400, "InvalidParameterValue"),
        (
            true,
            "Action=DescribeSpotPriceHistory&AvailabilityZone=a&AvailabilityZoneId=b",
            400,
            "InvalidParameterCombination",
        ),
        (true, "Action=DescribeRegions&RegionName.1=%3C%26", 400, "Invalid region: [&lt;&amp;]"),
    ] {
        let (got, body) = send(signed, form).await;
        assert_eq!(got, status, "{form}: {body}");
        assert!(body.contains(code) && body.contains("<RequestID>"), "{form}: {body}");
    }
}

#[tokio::test]
async fn sts_says_whose_credentials_these_are() {
    let sandbox = calm().await;
    let config = aws_sdk_sts::Config::builder()
        .behavior_version(aws_sdk_sts::config::BehaviorVersion::latest())
        .region(aws_sdk_sts::config::Region::new("eu-west-1"))
        .credentials_provider(aws_sdk_sts::config::Credentials::new(
            "AKIDSANDBOX",
            "secret",
            None,
            None,
            "test",
        ))
        .endpoint_url(&sandbox.endpoints().ec2)
        .build();
    let sts = aws_sdk_sts::Client::from_conf(config);
    let caller = sts.get_caller_identity().send().await.unwrap();
    assert_eq!(caller.account(), Some("123456789012"));
    assert_eq!(caller.arn(), Some("arn:aws:iam::123456789012:user/sandbox"));
    assert!(caller.user_id().is_some());
    let error = sts.get_session_token().send().await.unwrap_err().into_service_error();
    assert_eq!(error.code(), Some("InvalidAction"));
}
