//! A lake in a bucket: of a server that is away, without the bucket, or that does not know us.

use std::net::SocketAddr;
use std::path::PathBuf;

use contrail::lake::store::S3Options;

use super::{DATASETS, once};
use crate::support::lake_reader::LakeReader;
use crate::support::program::{Ended, Home};
use crate::support::servers::{self, Server};

const LAKE: [&str; 2] = ["--lake", "s3://prices/history"];

/// A home whose lake is in a bucket of the server at `address`.
fn home(address: SocketAddr, access_key: &str, secret_key: &str) -> Home {
    Home::new()
        .with("AWS_ACCESS_KEY_ID", access_key)
        .with("AWS_SECRET_ACCESS_KEY", secret_key)
        .with("AWS_REGION", "us-east-1")
        .with("CONTRAIL_LAKE__ENDPOINT_URL", format!("http://{address}"))
        .with("CONTRAIL_LAKE__FORCE_PATH_STYLE", "true")
        .with("CONTRAIL_CRAWLER__DRAIN", "1s")
}

/// Runs a crawl while the servers of this process go on serving.
fn run(home: &Home, more: &[&str]) -> Ended {
    let lake = if more.contains(&"--lake") { &[][..] } else { &LAKE[..] };
    tokio::task::block_in_place(|| home.run(&once(&[lake, more].concat())))
}

fn address(server: &Server) -> SocketAddr {
    server.url().strip_prefix("http://").unwrap().parse().unwrap()
}

/// An address where nobody listens, yet.
fn free_address() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

async fn lake(server: &Server) -> LakeReader {
    let options = S3Options {
        endpoint_url: Some(server.url().to_owned()),
        force_path_style: true,
        ..S3Options::new("prices", "history")
    };
    LakeReader::of_store(&server.store(options)).await
}

/// What waits in the spool: every file but the locks.
fn spooled(home: &Home) -> Vec<PathBuf> {
    let mut directories = vec![home.path(".local/state/contrail/spool")];
    let mut files = Vec::new();
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.file_name().is_none_or(|name| name != "lock") {
                files.push(path);
            }
        }
    }
    files
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_is_filled_like_a_directory() {
    let server = servers::s3s().await;
    server.client().create_bucket().bucket("prices").send().await.unwrap();
    let home = home(address(&server), "test", "testtest");
    let ended = run(&home, &[]).with(0);
    assert!(
        ended.stdout.starts_with("Crawled simulated prices into s3://prices/history in "),
        "{}",
        ended.stdout
    );
    let lake = lake(&server).await.sound();
    for dataset in DATASETS {
        assert!(!lake.raw(dataset).is_empty(), "{dataset}");
    }
    assert!(spooled(&home).is_empty());
    assert!(!home.lake().exists(), "nothing is written beside the bucket");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_store_that_is_away_could_not_take_goes_up_with_the_next_run() {
    let address = free_address();
    let home = home(address, "test", "testtest");
    let ended = run(&home, &[]).with(1);
    for part in ["did not get into the lake yet", "What went wrong:", "s3://prices/history", "    hint: "] {
        assert!(ended.stdout.contains(part), "{part:?} is not in {}", ended.stdout);
    }
    // Nobody knows what the lake has, so only the newest slice of each stream is fetched; it is named.
    let waiting = spooled(&home);
    assert!(!waiting.is_empty());
    assert!(ended.stdout.contains("  - raw/"), "{}", ended.stdout);
    assert!(
        waiting.iter().all(|path| path.extension().is_none_or(|extension| extension != "tmp")),
        "{waiting:?}"
    );

    // Nor can status tell what it has, but what waits for it.
    let home = home.with("CONTRAIL_LAKE__ORIGIN", "sandbox:7:0.001");
    let told = tokio::task::block_in_place(|| home.run(&["status", "--lake", "s3://prices/history"])).with(1);
    assert!(told.stderr.contains("wait for the lake, of at most 10.0 GiB"), "{}", told.stderr);

    let server = servers::s3s_at(address).await;
    server.client().create_bucket().bucket("prices").send().await.unwrap();
    let ended = run(&home, &[]).with(0);
    assert!(ended.stderr.contains("taking up what an earlier run left in the spool"), "{}", ended.stderr);
    let lake = lake(&server).await.sound();
    for dataset in DATASETS {
        assert!(!lake.raw(dataset).is_empty(), "{dataset}");
    }
    assert!(spooled(&home).is_empty(), "{:?}", spooled(&home));
    assert_eq!(run(&home, &["--dry-run"]).with(0).stdout, "", "nothing is missing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_that_is_not_there_ends_in_2() {
    // s3s-fs makes a bucket of every name that it is told.
    let Some(server) = servers::moto() else { return };
    let home = home(address(server), "test", "testtest");
    let (error, hint) = run(&home, &["--lake", "s3://nobody-made-it/history"]).usage_error();
    assert!(error.contains("nobody-made-it"), "{error}");
    assert!(hint.contains("bucket"), "{hint}");
    assert!(spooled(&home).is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_that_the_store_does_not_know_end_in_2() {
    let server = servers::s3s().await;
    server.client().create_bucket().bucket("prices").send().await.unwrap();
    for (access_key, secret_key) in [("stranger", "testtest"), ("test", "wrong")] {
        let home = home(address(&server), access_key, secret_key);
        let (error, hint) = run(&home, &[]).usage_error();
        assert!(error.contains("s3://prices/history"), "{error}");
        assert!(hint.starts_with("check the credentials: "), "{hint}");
        assert!(spooled(&home).is_empty());
    }
    assert!(lake(&server).await.keys().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_credentials_at_all_end_in_2() {
    let server = servers::s3s().await;
    let home = home(address(&server), "", "");
    let (error, hint) = run(&home, &[]).usage_error();
    assert!(error.contains("credentials"), "{error}");
    assert!(hint.contains("AWS_"), "{hint}");
}
