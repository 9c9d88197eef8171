//! Outages on request.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_ec2::error::ProvideErrorMetadata;
use contrail::sandbox::{Sandbox, SandboxOptions};

use super::ec2::client;
use super::{NOW, at, calm, get, get_json};
use crate::support::clock::TestClock;

/// What a GET over a bare socket brings until the connection ends, and the error that ended it.
async fn bare(sandbox: &Sandbox, path: &'static str) -> (Vec<u8>, Option<std::io::ErrorKind>) {
    let host = sandbox.endpoints().azure.trim_start_matches("http://").to_owned();
    let exchange = move || {
        let mut stream = TcpStream::connect(&host).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n").unwrap();
        let mut received = Vec::new();
        let mut buffer = [0; 4_096];
        loop {
            match stream.read(&mut buffer) {
                Ok(0) => return (received, None),
                Ok(count) => received.extend(&buffer[..count]),
                Err(error) => return (received, Some(error.kind())),
            }
        }
    };
    tokio::task::spawn_blocking(exchange).await.unwrap()
}

fn promised(received: &[u8]) -> (usize, usize) {
    let end = received.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap() + 4;
    let head = String::from_utf8(received[..end].to_vec()).unwrap().to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    (length.parse().unwrap(), received.len() - end)
}

#[tokio::test]
async fn throttling_speaks_the_language_of_each_upstream() {
    let sandbox = at(NOW, "throttle=100%").await;
    let error = client(&sandbox, "us-east-1").describe_regions().send().await.unwrap_err();
    assert_eq!(error.code(), Some("RequestLimitExceeded"));
    assert_eq!(error.raw_response().map(|response| response.status().as_u16()), Some(503));
    let azure = reqwest::get(format!("{}/api/retail/prices", sandbox.endpoints().azure)).await.unwrap();
    assert_eq!(azure.status(), 429);
    assert_eq!(azure.headers()["x-ms-ratelimit-retailPrices-retry-after"], "1");
    let list = format!("{}/offers/v1.0/aws/index.json", sandbox.endpoints().price_list);
    assert_eq!(get(&list).await.0, 503);
}

#[tokio::test]
async fn a_part_of_the_requests_is_throttled_and_the_same_part_each_time() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let sandbox = at(NOW, "throttle=20%").await;
        let url = format!("{}/offers/v1.0/aws/index.json", sandbox.endpoints().price_list);
        let (client, mut statuses) = (reqwest::Client::new(), Vec::new());
        for _ in 0..100 {
            statuses.push(client.get(&url).send().await.unwrap().status());
        }
        runs.push(statuses);
    }
    assert_eq!(runs[0], runs[1]);
    let throttled = runs[0].iter().filter(|status| status.as_u16() == 503).count();
    assert!((8..35).contains(&throttled), "{throttled}");
}

#[tokio::test]
async fn a_reset_really_resets_the_connection() {
    let sandbox = at(NOW, "reset=100%").await;
    let mut partial = 0;
    for _ in 0..12 {
        let (received, error) = bare(&sandbox, "/api/retail/prices").await;
        assert_eq!(error, Some(std::io::ErrorKind::ConnectionReset));
        partial += usize::from(!received.is_empty());
    }
    assert!(partial < 12, "some come before the answer");
}

#[tokio::test]
async fn a_truncated_answer_promises_more_than_it_brings() {
    let sandbox = at(NOW, "truncate=100%").await;
    for path in [
        "/api/retail/prices",
        "/offers/v1.0/aws/index.json",
        "/offers/v1.0/aws/AmazonEC2/current/us-east-1/index.json",
    ] {
        let (received, error) = bare(&sandbox, path).await;
        assert_eq!(error, None, "{path}: an orderly end");
        let (length, came) = promised(&received);
        assert!(came < length, "{path}: {came} of {length}");
    }
}

#[tokio::test]
async fn slow_answers_wait_on_the_clock_that_was_handed_in() {
    let clock = Arc::new(TestClock::at(NOW));
    let mut options = SandboxOptions::new(clock.clone());
    options.faults = "slow=200ms".parse().unwrap();
    let sandbox = Sandbox::start(options).await.unwrap();
    get(&format!("{}/offers/v1.0/aws/index.json", sandbox.endpoints().price_list)).await;
    assert_eq!(clock.slept(), [Duration::from_millis(200)]);
}

#[tokio::test]
async fn a_stale_index_names_a_file_that_is_not_there() {
    let sandbox = at(NOW, "stale_index").await;
    let base = &sandbox.endpoints().price_list;
    let index = get_json(&format!("{base}/offers/v1.0/aws/AmazonEC2/current/region_index.json")).await;
    let url = index["regions"]["us-east-1"]["currentVersionUrl"].as_str().unwrap();
    assert_eq!(get(&format!("{base}{url}")).await.0, 404);
    let versions = get_json(&format!("{base}/offers/v1.0/aws/AmazonEC2/index.json")).await;
    let older = versions["versions"].as_object().unwrap().keys().rev().nth(1).unwrap();
    assert_eq!(get(&format!("{base}/offers/v1.0/aws/AmazonEC2/{older}/us-east-1/index.json")).await.0, 200);
    let calm = calm().await;
    assert_eq!(get(&format!("{}{url}", calm.endpoints().price_list)).await.0, 200);
}

#[tokio::test]
async fn a_token_loop_hands_out_the_same_token_again() {
    let sandbox = at(NOW, "token_loop").await;
    let client = client(&sandbox, "us-east-1");
    let first = client.describe_spot_price_history().send().await.unwrap().next_token.unwrap();
    assert!(!first.is_empty());
    let second = client.describe_spot_price_history().next_token(&first).send().await.unwrap();
    assert_eq!(second.next_token, Some(first));
}

#[tokio::test]
async fn an_offsite_link_points_to_another_host() {
    let sandbox = at(NOW, "offsite_link").await;
    let base = &sandbox.endpoints().azure;
    let link =
        get_json(&format!("{base}/api/retail/prices")).await["NextPageLink"].as_str().unwrap().to_owned();
    assert!(!link.starts_with(base.as_str()) && link.contains("$skip=1000"), "{link}");
}
