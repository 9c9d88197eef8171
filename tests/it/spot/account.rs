//! Whose credentials they are: told with each object, and never in the way of one.

use aws_sdk_ec2::config::{Credentials, SharedCredentialsProvider};
use contrail::net::HostLimits;
use contrail::sources::Source as _;
use contrail::sources::aws::spot_prices::AwsSpotPrices;

use super::{change, hour, lake, options, sdk, source};
use crate::support::ec2::{ACCOUNT, Answer, Asked, Ec2, page, regions};
use crate::support::lake::Lake;

fn script(asked: &Asked) -> Answer {
    match asked.action() {
        "DescribeRegions" => regions(&[("us-east-1", "opt-in-not-required")]),
        _ => page(&[change("a", "2026-11-22T18:30:00.000Z", "0.1")], None),
    }
}

/// The account that a fetch tells after a plan.
async fn told(source: &AwsSpotPrices, lake: &Lake) -> Option<String> {
    source.plan(&lake.plan_context()).await.unwrap();
    source.fetch(&hour(), &lake.fetch_context(), lake.draft()).await.unwrap().account
}

#[tokio::test]
async fn an_object_tells_the_account_that_asked_and_sts_is_asked_once() {
    let ec2 = Ec2::start(script).await;
    let lake = lake();
    let source = source(&ec2.url, &lake);
    assert_eq!(told(&source, &lake).await.as_deref(), Some(ACCOUNT));
    let (first, ..) = lake.traffic.counted();
    assert_eq!(told(&source, &lake).await.as_deref(), Some(ACCOUNT));
    assert_eq!((first, lake.traffic.counted().0), (3, 5), "regions, STS, page; regions, page");
}

#[tokio::test]
async fn an_account_that_cannot_be_told_holds_nothing_up_and_is_asked_for_once_a_tick() {
    for refusal in [
        Answer::error(403, "AccessDenied", "with an explicit deny in a service control policy"),
        Answer::new(200, "<html>a proxy</html>"),
        Answer::new(503, ""),
    ] {
        let ec2 = Ec2::start_with_sts(script, refusal).await;
        let lake = lake();
        let source = source(&ec2.url, &lake);
        assert_eq!(told(&source, &lake).await, None);
        assert_eq!(lake.traffic.counted(), (3, 0, 1));
        assert_eq!(told(&source, &lake).await, None);
        assert_eq!(lake.traffic.counted(), (6, 0, 2));
    }
}

#[tokio::test]
async fn credentials_that_know_their_account_are_not_asked_about() {
    let ec2 = Ec2::start(script).await;
    let lake = lake();
    let credentials = Credentials::builder()
        .access_key_id("AKIDEXAMPLE")
        .secret_access_key("secret")
        .account_id("111122223333")
        .provider_name("test")
        .build();
    let sdk =
        sdk(false).into_builder().credentials_provider(SharedCredentialsProvider::new(credentials)).build();
    let source = AwsSpotPrices::new(options(&ec2.url), sdk, HostLimits::new(4, lake.clock()), lake.clock());
    assert_eq!(told(&source, &lake).await.as_deref(), Some("111122223333"));
    assert_eq!(lake.traffic.counted().0, 2, "regions and a page");
}
