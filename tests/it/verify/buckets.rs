//! Lakes in buckets.

use std::net::SocketAddr;

use super::Finding;
use crate::support::program::{Ended, Home};
use crate::support::servers;

fn home(address: &str) -> Home {
    Home::new()
        .with("AWS_ACCESS_KEY_ID", "test")
        .with("AWS_SECRET_ACCESS_KEY", "testtest")
        .with("AWS_REGION", "us-east-1")
        .with("CONTRAIL_LAKE__URL", "s3://prices/history")
        .with("CONTRAIL_LAKE__ENDPOINT_URL", address)
        .with("CONTRAIL_LAKE__FORCE_PATH_STYLE", "true")
}

fn run(home: &Home, arguments: &[&str]) -> Ended {
    tokio::task::block_in_place(|| home.run(arguments))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lake_in_a_bucket_is_verified_like_one_in_a_directory() {
    let server = servers::s3s().await;
    let client = server.client();
    client.create_bucket().bucket("prices").send().await.unwrap();
    let home = home(server.url());
    let cloud = [
        "crawler",
        "--once",
        "--sandbox",
        "--scale",
        "0.001",
        "--only",
        "azure_retail_prices,aws_price_list",
    ];
    run(&home, &cloud).with(0);
    for more in [&[][..], &["--deep"]] {
        let ended = run(&home, &[&["verify"], more].concat()).with(0);
        assert!(ended.stdout.starts_with("s3://prices/history: "), "{}", ended.stdout);
    }
    let foreign = "history/raw/azure_retail_prices/dt=2026-11-21/currency=USD/price_type=Reservation/20261121T000000Z.ndjson.gz";
    for key in [foreign, "history/raw/notes.txt"] {
        client.put_object().bucket("prices").key(key).body(b"x".to_vec().into()).send().await.unwrap();
    }
    let found = run(&home, &["verify", "--deep", "--format", "json"]).with(3).stdout;
    let found: Vec<Finding> = serde_json::from_str(&found).unwrap();
    let told = |key: &str, part: &str| {
        found.iter().any(|found| format!("history/{}", found.key) == key && found.found.contains(part))
    };
    assert!(told("history/raw/notes.txt", "it is no object of a lake"), "{found:#?}");
    assert!(told(foreign, "was not written by Contrail") && told(foreign, "it is damaged"), "{found:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_away_ends_in_1() {
    let gone: SocketAddr = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let ended = run(&home(&format!("http://{gone}")), &["verify", "-q"]).with(1);
    assert!(
        ended.stdout.is_empty() && ended.stderr.contains("error: ") && ended.stderr.contains("hint: "),
        "{}",
        ended.stderr
    );
}
