//! The built program under fire: upstreams that throttle, reset and truncate, a network to the bucket that cuts,
//! delays and refuses, and SIGKILL at any moment. Then it is left in peace, and a checker that shares nothing with it
//! (`tests/check_lake.py`) compares the bucket with what the simulated cloud says.
//!
//! `CONTRAIL_KILLS=200` kills more often than 50 times.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use chrono::{SecondsFormat, TimeDelta};
use contrail::base::{Chance, Clock as _, SystemClock, Time};
use contrail::sandbox::{Sandbox, SandboxOptions};

use crate::support::lake::StandingClock;
use crate::support::program::Home;
use crate::support::servers::{self, Server};
use crate::support::skip::skipped;
use crate::support::unreliable::Unreliable;

/// How often the program is killed unless somebody wants more.
const KILLS: u64 = 50;
/// It may also end by itself before it is killed, where a fault strikes early.
const LIVES: u64 = 4;
/// The longest listing of Azure has two pages, and one life may well see their end.
const SCALE: f64 = 0.004;
/// How far the spot history reaches back: so much that it keeps every life busy.
const BACKFILL_DAYS: i64 = 85;

#[expect(clippy::print_stdout, reason = "figures are what people run this for")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_is_killed_again_and_again_loses_nothing_and_doubles_nothing() {
    if Command::new("python3").arg("--version").output().is_err() {
        return skipped("python3, which checks the lake, is not installed");
    }
    let kills =
        std::env::var_os("CONTRAIL_KILLS").map_or(KILLS, |kills| kills.to_str().unwrap().parse().unwrap());
    let (faulty, sound) = clouds().await;
    let bucket = servers::s3s().await;
    bucket.client().create_bucket().bucket("prices").send().await.unwrap();
    let network = Unreliable::before(bucket.url().strip_prefix("http://").unwrap().parse().unwrap(), 7).await;
    let home = Home::new()
        .with("AWS_ACCESS_KEY_ID", "test")
        .with("AWS_SECRET_ACCESS_KEY", "testtest")
        .with("AWS_REGION", "us-east-1")
        .with("CONTRAIL_LAKE__ENDPOINT_URL", format!("http://{}", network.address))
        .with("CONTRAIL_LAKE__FORCE_PATH_STYLE", "true")
        .with("CONTRAIL_SOURCES__AWS_PRICE_LIST__OFFERS", "AmazonEC2")
        .with("CONTRAIL_SOURCES__AWS_SPOT_PRICES__BACKFILL", format!("{BACKFILL_DAYS}d"))
        .configured(&faulty.ready_config());
    let arguments = ["crawler", "--once", "--lake", "s3://prices/history"];

    let chance = Chance::seeded(7);
    let (mut killed, mut ended) = (0, 0);
    while killed < kills && killed + ended < kills * LIVES {
        let life = home.start(&arguments);
        let lives_for = Duration::from_millis(100) + chance.up_to(Duration::from_millis(1_200));
        #[expect(clippy::disallowed_methods, reason = "a kill comes at a moment of its own")]
        tokio::time::sleep(lives_for).await;
        if life.kill() { killed += 1 } else { ended += 1 }
    }
    assert_eq!(killed, kills, "{ended} lives ended by themselves");
    let struck = network.struck();
    assert!(struck > 0);

    network.calm();
    let home = home.configured(&sound.ready_config());
    let now = SystemClock.now();
    tokio::task::block_in_place(|| home.run(&arguments)).with(0);
    assert!(files_below(&home.path(".local/state/contrail/spool")).is_empty(), "the spool is not empty");
    let copied = home.path("copy");
    copy(&bucket, &copied).await;
    let mut checker = Command::new("python3");
    checker.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/check_lake.py"));
    checker.args(["--now", &seconds(now), "--since", &seconds(now - TimeDelta::days(BACKFILL_DAYS))]);
    checker.arg(copied).arg(&sound.endpoints().ec2);
    let answer = tokio::task::block_in_place(|| checker.output()).unwrap();
    let said = String::from_utf8(answer.stdout).unwrap();
    assert!(answer.status.success(), "{said}{}", String::from_utf8_lossy(&answer.stderr));
    print!("{killed} kills survived, {ended} lives ended by themselves, {struck} connections struck; {said}");
}

fn seconds(time: Time) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// The same simulated cloud twice, at a time that stands still: one that fails, and one that tells the truth.
async fn clouds() -> (Sandbox, Sandbox) {
    let mut options = SandboxOptions::new(std::sync::Arc::new(StandingClock(SystemClock.now())));
    (options.seed, options.scale) = (7, SCALE);
    let sound = Sandbox::start(options.clone()).await.unwrap();
    options.faults = "throttle=2%,reset=2%,truncate=2%,unstable_order".parse().unwrap();
    (Sandbox::start(options).await.unwrap(), sound)
}

/// Copies the bucket into a directory: each object, and beside it its metadata.
async fn copy(bucket: &Server, directory: &Path) {
    let client = bucket.client();
    let mut pages = client.list_objects_v2().bucket("prices").into_paginator().send();
    while let Some(page) = pages.next().await {
        for object in page.unwrap().contents() {
            let key = object.key().unwrap();
            let found = client.get_object().bucket("prices").key(key).send().await.unwrap();
            let facts = serde_json::to_vec(&found.metadata().cloned().unwrap_or_default()).unwrap();
            let path = directory.join(key);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, found.body.collect().await.unwrap().into_bytes()).unwrap();
            std::fs::write(
                path.with_file_name(format!("{}.facts", object.key().unwrap().rsplit('/').next().unwrap())),
                facts,
            )
            .unwrap();
        }
    }
}

fn files_below(directory: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files_below(&path)) } else { found.push(path) }
    }
    found
}
