//! AWS spot prices, through the real SDK, against a server that answers what each test tells it to.

mod account;
mod clock;
mod listing;
mod plan;
mod rows;
mod sentinels;
mod windows;

use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_ec2::config::{Credentials, SharedCredentialsProvider};
use contrail::lake::interval::Interval;
use contrail::lake::slice::{Slice, Stream};
use contrail::net::HostLimits;
use contrail::sources::aws::Regions;
use contrail::sources::aws::spot_prices::{AwsSpotPrices, Options, Retry};
use contrail::sources::{FetchError, Fetched, Source as _};

use crate::support::ec2::{Ec2, item};
use crate::support::lake::{Lake, lines, time};

const CREATED: &str = "2026-11-21T10:05:00Z";
const NOW: &str = "2026-11-22T20:15:00Z";

pub(crate) fn sdk(credentials: bool) -> SdkConfig {
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"));
    if !credentials {
        return config.build();
    }
    let credentials = Credentials::new("AKIDEXAMPLE", "secret", None, None, "test");
    config.credentials_provider(SharedCredentialsProvider::new(credentials)).build()
}

pub(crate) fn options(endpoint_url: &str) -> Options {
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
    AwsSpotPrices::new(options(endpoint_url), sdk(true), HostLimits::new(4, lake.clock()), lake.clock())
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
