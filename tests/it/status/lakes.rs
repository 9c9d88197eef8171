//! Lakes that were made by hand, each with something to say.

use std::fs;
use std::sync::Arc;

use contrail::base::{Chance, Clock as _, Name, SystemClock};
use contrail::lake::key::{Key, Mark};
use contrail::lake::meta::ObjectMeta;
use contrail::lake::run_log::{Attempt, Outcome};
use contrail::lake::spool::Spool;
use contrail::lake::store::{MemoryStore, Store as _};
use contrail::ops::status::{Cost, Place, Request, survey};

use super::{Handmade, files, hour, json, spot, stream};
use crate::conformance::{file, tables};
use crate::support::program::Home;

const JSON: [&str; 3] = ["status", "--format", "json"];

#[test]
fn a_lake_that_fell_behind_ends_in_3_and_says_which_stream() {
    let home = Home::new();
    let lake = Handmade::new(&home, 3);
    lake.store(&hour("us-east-1", 1));
    lake.store(&hour("us-west-2", 9));
    let ended = home.run(&JSON).with(3);
    let status = json(&ended);
    assert_eq!(status["stale"], true);
    assert_eq!(stream(&status, "aws_spot_prices", "us-east-1")["state"], "current");
    assert_eq!(stream(&status, "aws_spot_prices", "us-west-2")["state"], "stale");
    let table = home.run(&["status"]).with(3).stdout;
    assert!(table.contains("2 streams: ") && table.contains(", 1 stale"), "{table}");
    assert_eq!(home.run(&["status", "--format", "csv"]).with(3).stdout.matches(",stale,").count(), 1);

    let seldom = Home::new().with("CONTRAIL_SOURCES__AWS_SPOT_PRICES__EVERY", "12h");
    Handmade::new(&seldom, 3).store(&hour("us-west-2", 9));
    seldom.run(&JSON).with(0);
    let off = Home::new().with("CONTRAIL_SOURCES__AWS_SPOT_PRICES__ENABLED", "false");
    Handmade::new(&off, 3).store(&hour("us-west-2", 9));
    assert_eq!(stream(&json(&off.run(&JSON).with(0)), "aws_spot_prices", "us-west-2")["state"], "off");
}

#[test]
fn gaps_and_what_is_lost_are_told_apart() {
    let home = Home::new();
    let lake = Handmade::new(&home, 3);
    for hours_ago in [0, 1, 2, 5] {
        lake.store(&hour("us-east-1", hours_ago));
    }
    lake.put(Key::mark(&hour("us-east-1", 4), Mark::Lost).as_str(), b"{}");
    let status = json(&home.run(&JSON).with(0));
    let found = stream(&status, "aws_spot_prices", "us-east-1");
    assert_eq!(
        (&found["gaps"], &found["lost"], &found["objects"]),
        (&1.into(), &1.into(), &4.into()),
        "{found}"
    );
    let gap = hour("us-east-1", 3).label();
    assert_eq!(found["oldest_gap"], gap.as_str());
    assert!(found["oldest_gap_expires_at"].is_string());
    assert!(found["raw_bytes"].is_null(), "no run log tells: {found}");
    assert!(found["last_attempt"].is_null());
    let table = home.run(&["status"]).with(0).stdout;
    assert!(table.contains(", forgotten in 89d ") && table.contains("66.66 % of 6h"), "{table}");
    assert!(table.contains("unknown"), "{table}");
}

#[test]
fn a_refused_stream_is_told_and_ends_in_3_when_that_is_asked_for() {
    let home = Home::new();
    let lake = Handmade::new(&home, 3);
    lake.store(&hour("us-east-1", 1));
    let now = SystemClock.now();
    let refused = Attempt {
        outcome: Outcome::Refused,
        error: Some("region me-south-1 is not enabled for this account".to_owned()),
        ..Attempt::at_stream(&Name::hex(1), &spot("me-south-1"), now)
    };
    lake.log(now, &[refused]);
    let status = json(&home.run(&JSON).with(0));
    assert_eq!((&status["refused"], &status["stale"]), (&true.into(), &false.into()));
    let found = stream(&status, "aws_spot_prices", "me-south-1");
    assert_eq!((&found["refused"], &found["objects"]), (&true.into(), &0.into()));
    assert!(found["gaps"].is_null(), "of a stream that nobody ever saw nothing is known: {found}");
    let ended = home.run(&["status", "--strict"]).with(3);
    assert!(ended.stdout.contains("region me-south-1 is not enabled"), "{}", ended.stdout);
    assert!(ended.stdout.contains(", 1 refused"), "{}", ended.stdout);
}

#[test]
fn what_waits_in_the_spool_is_counted_and_left_there() {
    let home = Home::new().with("CONTRAIL_LAKE__SPOOL_LIMIT", "16 MiB");
    let lake = Handmade::new(&home, 3);
    lake.store(&hour("us-east-1", 1));
    let root = home.lake().join("_contrail/spool");
    let identity = Spool::identity(&format!("file://{}", home.lake().display()), "upstream");
    let open =
        || Spool::open(&root, &identity, 1 << 30, 6, SystemClock.now(), &Chance::from_entropy()).unwrap().0;
    let spool = open();
    let large = vec![0; 16 << 20];
    for (bytes, hours_ago) in [(&b"waiting"[..], 2), (&large, 3)] {
        spool.keep_bytes(bytes, &Key::raw(&hour("us-east-1", hours_ago)), None).unwrap();
    }
    let before = files(&root);
    let status = json(&home.run(&JSON).with(0));
    assert_eq!(status["spool"]["objects"], 2);
    assert_eq!(status["spool"]["bytes"], (16 << 20) + 7);
    assert!(status["spool"]["oldest_at"].is_string());
    assert_eq!(status["lake"]["objects"], 2, "what waits is not in the lake");
    let table = home.run(&["status"]).with(0).stdout;
    assert!(table.contains("it is full, so crawling waits"), "{table}");
    assert_eq!(files(&root), before);
}

#[test]
fn with_a_configuration_what_never_came_is_missed() {
    let file = "[sources]\naws_price_list.enabled = false\naws_savings_plans.enabled = false\n\
                aws_spot_advisor.enabled = false\nazure_retail_prices.enabled = false\n";
    let home = Home::new().configured(file);
    Handmade::new(&home, 3);
    let ended = home.run(&["status"]).with(3);
    assert!(ended.stdout.contains("aws_spot_prices\n  nothing is stored yet"), "{}", ended.stdout);
    assert!(!ended.stdout.contains("azure"), "{}", ended.stdout);
    let home = Home::new();
    Handmade::new(&home, 3);
    home.run(&["status"]).with(0);
}

#[test]
fn what_is_no_lake_or_none_of_ours_is_one_clear_error() {
    let home = Home::new();
    let (error, hint) = home.run(&["status"]).usage_error();
    assert!(error.contains("there is no lake in file://") && hint.contains("--lake"), "{error}: {hint}");
    assert!(!home.lake().exists(), "and none is made");

    for (text, said) in [
        ("{\"format\": 2}", "of format 2, made by a newer release"),
        ("{\"format\": 0}", "of format 0"),
        ("<html>", "is damaged"),
        ("{\"format\": 1}", "is damaged"),
        (
            "{\"format\":1,\"created_at\":\"2026-01-01T00:00:00Z\",\"origin\":\"upstream\",\"spot_window\":\"7m\"}",
            "does not divide a day",
        ),
    ] {
        let home = Home::new();
        let lake = Handmade { home: &home };
        lake.put("_contrail/lake.json", text.as_bytes());
        let (error, _) = home.run(&["status"]).usage_error();
        assert!(error.contains(said), "{error}");
    }
    let home = Home::new();
    fs::write(home.lake(), "a file").unwrap();
    let ended = home.run(&["status"]);
    assert!(matches!(ended.code, Some(1 | 2)), "{ended:?}");
    assert!(ended.stderr.starts_with("error: ") && ended.stdout.is_empty(), "{ended:?}");
}

#[test]
fn strange_objects_and_damaged_logs_are_no_obstacle() {
    let home = Home::new();
    let lake = Handmade::new(&home, 3);
    lake.store(&hour("us-east-1", 1));
    lake.put("raw/aws_spot_prices/notes.txt", b"mine");
    lake.put("raw/aws_spot_prices/dt=2026-01-01/..%2f/x.gz", b"mine");
    lake.put("raw/my notes/x", b"mine");
    lake.put(Key::run_log(SystemClock.now(), &Name::hex(7)).as_str(), b"no gzip");
    let status = json(&home.run(&JSON).with(0));
    assert_eq!(stream(&status, "aws_spot_prices", "us-east-1")["objects"], 1);
}

#[test]
fn a_dataset_of_a_newer_release_is_shown() {
    let home = Home::new();
    let lake = Handmade::new(&home, 3);
    lake.put("raw/gcp_skus/dt=2026-11-01/region=x/20261101T000000Z.ndjson.gz", b"12345");
    let status = json(&home.run(&JSON).with(0));
    let found = stream(&status, "gcp_skus", "x");
    assert_eq!((&found["state"], &found["stored_bytes"]), (&"unknown".into(), &5.into()));
    assert!(found["coverage_percent"].is_null());
}

#[test]
fn tables_are_counted_beside_what_they_are_derived_from() {
    let home = Home::new();
    let lake = Handmade::new(&home, 3);
    lake.store(&hour("us-east-1", 1));
    let before = json(&home.run(&JSON).with(0));
    assert_eq!((&before["tables"]["objects"], &before["tables"]["stored_bytes"]), (&0.into(), &0.into()));
    lake.put("tables/spot_prices/dt=2026-11-21/spot_prices.parquet", b"123456789");
    lake.put("tables/list_prices_current/provider=aws/service=x/list_prices_current.parquet", b"1");
    let status = json(&home.run(&JSON).with(0));
    assert_eq!((&status["tables"]["objects"], &status["tables"]["stored_bytes"]), (&2.into(), &10.into()));
    assert_eq!(status["lake"]["objects"], before["lake"]["objects"]);
    assert_eq!(status["lake"]["stored_bytes"], before["lake"]["stored_bytes"]);
    let table = home.run(&["status"]).with(0).stdout;
    assert!(table.contains("\nTables: 2 objects, 10 B\n"), "{table}");
}

#[tokio::test]
async fn tables_cost_what_their_bytes_cost() {
    let memory = MemoryStore::new();
    let identity =
        br#"{"format":1,"created_at":"2026-01-01T00:00:00Z","origin":"upstream","spot_window":"1h"}"#;
    let meta = ObjectMeta::of_bytes(identity);
    memory.put_if_absent(&Key::identity(), file(identity).path(), &meta).await.unwrap();
    let table = ObjectMeta::of_bytes(b"123456789");
    memory.replace(&tables::table(21), file(b"123456789").path(), &table, None).await.unwrap();
    let spool = tempfile::tempdir().unwrap();
    let status = survey(&Request {
        store: Arc::new(memory),
        expectations: &[],
        spool_root: spool.path(),
        spool_limit: 1 << 20,
        place: Place::Aws { storage_class: "STANDARD".to_owned() },
        now: SystemClock.now(),
    })
    .await
    .unwrap();
    assert_eq!((status.volume.bytes, status.tables.bytes), (identity.len() as u64, 9));
    let Cost::Estimate(estimate) = status.cost else { panic!("{:?}", status.cost) };
    assert_eq!(estimate.billed_bytes, identity.len() as u64 + 9);
}
