//! The run log: one line for each attempt.

use contrail::lake::key::Prefix;
use contrail::lake::run_log::Outcome;
use contrail::sources::FetchErrorKind;
use serde_json::Value;

use crate::support::fake_source::{FakeSource, Reply, VERSIONS, version, window};
use crate::support::rig::Rig;
use crate::support::simulation::simulate;

const SINCE: &str = "2026-11-21T00:00:00Z";

#[test]
fn a_line_has_every_field_of_the_contract() {
    simulate(async {
        let rig = Rig::at("2026-11-21T02:15:00Z");
        let source = FakeSource::of_windows(&["a"], SINCE);
        source.on(&window("a", 1), Reply::rows(0..3));
        source.on(&window("a", 0), Reply::Fail(FetchErrorKind::Upstream));
        rig.once(&[&source]).await;
        let keys = rig.keys(&Prefix::runs()).await;
        assert_eq!(keys.len(), 1);
        assert!(keys[0].starts_with("_contrail/runs/dt=2026-11-21/20261121T021500Z-"), "{keys:?}");
        let text = rig.text(&keys[0]).await;
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let stored = lines.iter().find(|line| line["outcome"] == "stored").unwrap();
        let run = keys[0].rsplit_once('-').unwrap().1.trim_end_matches(".ndjson.gz");
        let key = "raw/fake_windows/dt=2026-11-21/region=a/20261121T010000Z-20261121T020000Z.ndjson.gz";
        let meta = rig.meta(key).await;
        assert_eq!(
            *stored,
            serde_json::json!({
                "run": run,
                "dataset": "fake_windows",
                "stream": "region=a",
                "slice": "2026-11-21T01:00:00Z..2026-11-21T02:00:00Z",
                "outcome": "stored",
                "key": key,
                "rows": 3,
                "raw_bytes": 30,
                "stored_bytes": stored["stored_bytes"],
                "sha256": meta.sha256,
                "pages": 1,
                "requests": 1,
                "retries": 0,
                "warnings": 0,
                "url": "https://upstream.example/prices",
                "etag": "\"etag\"",
                "started": "2026-11-21T02:15:00Z",
                "finished": "2026-11-21T02:15:00Z",
            })
        );
        assert!(stored["stored_bytes"].as_u64().unwrap() > 20);
        let failed = lines.iter().find(|line| line["outcome"] == "failed").unwrap();
        assert_eq!(failed["error_kind"], "upstream");
        assert_eq!(failed["error"], "told to fail: upstream");
        assert_eq!(failed["requests"], 1);
    });
}

#[test]
fn every_attempt_has_one_line_whatever_came_of_it() {
    simulate(async {
        let rig = Rig { concurrency: 3, ..Rig::at("2026-11-21T06:15:00Z") };
        let source = FakeSource::of_windows(&["a", "b", "c", "d"], SINCE);
        source.on(&window("a", 5), Reply::Fail(FetchErrorKind::Refused));
        source.on(&window("b", 5), Reply::Panic);
        source.on(&window("c", 5), Reply::Fail(FetchErrorKind::Gone));
        source.on(&window("c", 0), Reply::Rows(vec![]));
        rig.once(&[&source]).await;
        let lines = rig.lines().await;
        assert_eq!(lines.len(), source.fetches().len());
        let count = |outcome| lines.iter().filter(|(_, found)| *found == outcome).count();
        let counted =
            [Outcome::Refused, Outcome::Failed, Outcome::Lost, Outcome::Empty, Outcome::Stored].map(count);
        assert_eq!(counted, [1, 1, 1, 1, 4 + 6]);
        assert_eq!(lines, rig.happened(), "the log is what the observer was told");
    });
}

#[test]
fn a_run_without_attempts_has_no_log() {
    simulate(async {
        let rig = Rig::at("2026-11-21T06:15:00Z");
        let source = FakeSource::of_slices(&VERSIONS, vec![version("a", 1)]);
        rig.once(&[&source]).await;
        rig.once(&[&source]).await;
        assert_eq!(rig.keys(&Prefix::runs()).await.len(), 1);
    });
}

#[test]
fn each_dataset_has_its_own_log() {
    simulate(async {
        let rig = Rig::at("2026-11-21T06:15:00Z");
        let versions = FakeSource::of_slices(&VERSIONS, vec![version("a", 1)]);
        let windows = FakeSource::of_windows(&["a"], SINCE);
        rig.once(&[&versions, &windows]).await;
        let mut datasets: Vec<_> = rig.logs().await.into_iter().map(|log| log[0].dataset.clone()).collect();
        datasets.sort();
        assert_eq!(datasets, ["fake_versions", "fake_windows"]);
    });
}
