//! A backfill into a bucket, and towards one that is away.

use super::{backfill, day};
use crate::support::lake_reader::LakeReader;
use crate::support::program::Home;
use crate::support::servers;

fn home(url: &str) -> Home {
    Home::new()
        .with("AWS_ACCESS_KEY_ID", "test")
        .with("AWS_SECRET_ACCESS_KEY", "testtest")
        .with("AWS_REGION", "us-east-1")
        .with("CONTRAIL_LAKE__URL", "s3://prices/history")
        .with("CONTRAIL_LAKE__ENDPOINT_URL", url)
        .with("CONTRAIL_LAKE__FORCE_PATH_STYLE", "true")
        .with("CONTRAIL_CRAWLER__DRAIN", "1s")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_is_backfilled_like_a_directory() {
    let server = servers::s3s().await;
    let options = server.options("prices", "history").await;
    let (since, until) = (day(10).to_string(), day(8).to_string());
    let arguments = backfill(&["aws_spot_prices", "--since", &since, "--until", &until]);
    tokio::task::block_in_place(|| home(server.url()).run(&arguments)).with(0);
    let lake = LakeReader::of_store(&server.store(options)).await.sound();
    assert!(
        lake.raw("aws_spot_prices")
            .into_keys()
            .all(|key| key.contains(&since) || key.contains(&day(9).to_string()))
    );
    assert!(!lake.raw("aws_spot_prices").is_empty());
}

#[test]
fn a_store_that_is_away_ends_in_1_before_anything_is_fetched() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let home = home(&format!("http://{free}"));
    let ended = home.run(&backfill(&["aws_spot_prices"])).with(1);
    assert_eq!(ended.stdout, "");
    assert!(
        ended.stderr.contains("error: ") && ended.stderr.contains("s3://prices/history"),
        "{}",
        ended.stderr
    );
    assert!(!home.path(".local/state/contrail").exists());
}
