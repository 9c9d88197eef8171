//! Planning: which regions there are, and what stands in the way of asking.

use contrail::base::Name;
use contrail::base::error::Hinted as _;
use contrail::net::HostLimits;
use contrail::sources::aws::Regions;
use contrail::sources::aws::spot_prices::AwsSpotPrices;
use contrail::sources::{FetchErrorKind, Source as _};

use super::{lake, options, sdk, source, stream, window};
use crate::support::ec2::{Answer, Ec2, page, regions};

#[tokio::test]
async fn without_credentials_nothing_is_asked() {
    let ec2 = Ec2::start(|_| page(&[], None)).await;
    let lake = lake();
    let source =
        AwsSpotPrices::new(options(&ec2.url), sdk(false), HostLimits::new(4, lake.clock()), lake.clock());
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
    let source = AwsSpotPrices::new(options, sdk(true), HostLimits::new(4, lake.clock()), lake.clock());
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
    assert_eq!(lake.traffic.counted(), (2, 0, 0), "the regions, and whose credentials these are");
}

#[tokio::test]
async fn a_configured_region_that_is_not_enabled_is_closed_with_a_hint() {
    let ec2 = Ec2::start(|_| regions(&[("us-east-1", "opt-in-not-required")])).await;
    let lake = lake();
    let mut options = options(&ec2.url);
    let names = ["us-east-1", "me-south-1"].map(|name| Name::new("region", name).unwrap());
    options.regions = Regions::These(names.into());
    let source = AwsSpotPrices::new(options, sdk(true), HostLimits::new(4, lake.clock()), lake.clock());
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
