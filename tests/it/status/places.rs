//! A lake in a bucket: as it is, with a store that is away, and with one that ignores conditions.

use std::sync::Arc;

use contrail::lake::store::Store as _;
use futures::StreamExt as _;

use super::{files, json};
use crate::support::lake_reader::LakeReader;
use crate::support::program::{Ended, Home};
use crate::support::servers;

const JSON: [&str; 3] = ["status", "--format", "json"];
const CRAWL: [&str; 9] =
    ["crawler", "--once", "--sandbox", "--seed", "7", "--scale", "0.001", "--only", "aws_price_list"];

fn home(url: &str, access_key: &str, secret_key: &str) -> Home {
    Home::new()
        .with("AWS_ACCESS_KEY_ID", access_key)
        .with("AWS_SECRET_ACCESS_KEY", secret_key)
        .with("AWS_REGION", "us-east-1")
        .with("CONTRAIL_LAKE__URL", "s3://status/history")
        .with("CONTRAIL_LAKE__ENDPOINT_URL", url)
        .with("CONTRAIL_LAKE__FORCE_PATH_STYLE", "true")
}

/// Runs while the servers of this process go on serving.
fn run(home: &Home, arguments: &[&str]) -> Ended {
    tokio::task::block_in_place(|| home.run(arguments))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_is_read_and_nothing_is_put() {
    let server = servers::s3s().await;
    let store = Arc::new(server.store(server.options("status", "history").await));
    let home = home(server.url(), "test", "testtest");
    let (error, _) = run(&home, &["status"]).usage_error();
    assert_eq!(error, "there is no lake in s3://status/history");
    assert!(store.list(&contrail::lake::key::Prefix::system()).next().await.is_none());

    run(&home, &CRAWL).with(0);
    let before = LakeReader::of_store(store.as_ref()).await;
    let at_home = files(&home.path(""));
    let status = json(&run(&home, &JSON).with(0));
    assert_eq!(status["lake"]["conditional_puts"], "honoured");
    assert_eq!(status["lake"]["objects"], before.keys().len());
    assert_eq!(status["datasets"][0]["dataset"], "aws_price_list");
    assert!(status["cost_per_month"]["total"].is_null());
    let after = LakeReader::of_store(store.as_ref()).await;
    assert_eq!(before.keys(), after.keys());
    assert!(run(&home, &["status"]).with(0).stdout.contains("Cost: unknown, the prices of this server"));
    assert_eq!(files(&home.path("")), at_home, "no spool is made either");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_ignores_conditions_is_told() {
    let Some(server) = servers::s3rver() else { return };
    server.options("status", "history").await;
    let home = home(server.url(), "S3RVER", "S3RVER");
    run(&home, &CRAWL).with(0);
    assert_eq!(json(&run(&home, &JSON).with(0))["lake"]["conditional_puts"], "ignored");
    assert!(run(&home, &["status"]).with(0).stdout.contains("let only one crawler write"));
}

#[test]
fn a_store_that_is_away_ends_in_1() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let ended = home(&format!("http://{free}"), "test", "testtest").run(&["status"]).with(1);
    assert_eq!(ended.stdout, "");
    let lines: Vec<&str> = ended.stderr.lines().collect();
    assert!(
        matches!(lines[..], [error, hint] if error.starts_with("error: ") && hint.starts_with("hint: ")),
        "{lines:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_that_the_store_does_not_know_end_in_2() {
    let server = servers::s3s().await;
    server.options("status", "history").await;
    let (_, hint) = run(&home(server.url(), "stranger", "wrong"), &["status"]).usage_error();
    assert!(hint.starts_with("check the credentials"), "{hint}");
}
