//! The same lake in every kind of store, and the same questions asked of DuckDB.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use contrail::lake::store::LocalStore;

use super::lake::{ask, small};
use crate::support::place::Place;
use crate::support::servers::installed;
use crate::support::skip::skipped;

/// Counts, sums and extremes by day and region, as both engines take it.
const QUESTIONS: [&str; 3] = [
    "SELECT CAST(dt AS VARCHAR) AS dt, region_id, count(*) AS rows, CAST(sum(unit_price) AS DECIMAL(38, 10)) AS sum, \
     min(unit_price) AS least, date_part('epoch', max(effective_from)) AS last FROM spot_prices GROUP BY dt, region_id ORDER BY dt, region_id",
    "SELECT instance_type, count(unit_price) AS known, count(*) AS rows FROM spot_prices \
     WHERE dt = '2026-11-20' GROUP BY instance_type ORDER BY instance_type",
    "SELECT CAST(dt AS VARCHAR) AS dt, region, count(*) AS rows, count(SpotPrice) AS known, \
     sum(CAST(SpotPrice AS DECIMAL(20, 10))) AS sum FROM raw_aws_spot_prices GROUP BY dt, region ORDER BY dt, region",
];

#[tokio::test]
async fn every_kind_of_store_gives_the_same_answers() {
    let mut answers = Vec::new();
    for place in Place::everywhere("query-answers").await {
        small(place.store.as_ref()).await;
        let mut all = Vec::new();
        for question in QUESTIONS {
            let rows = ask(Arc::clone(&place.store), question).await;
            all.extend(rows.unwrap_or_else(|error| panic!("{}: {error}", place.name)));
        }
        assert_eq!(all.len(), 6, "{}: {all:?}", place.name);
        answers.push(all);
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
}

#[tokio::test]
async fn duckdb_gives_the_same_answers() {
    let Some(python) = installed("venv/bin/python") else {
        return skipped("there is no Python with DuckDB; tests/servers.sh installs it");
    };
    let lake = tempfile::tempdir().unwrap();
    let store = LocalStore::new(lake.path().to_owned());
    store.open().await.unwrap();
    small(&store).await;
    // It takes a line that is no JSON for an error, which we do not.
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/readers/query_with_duckdb.py");
    let output = Command::new(python).arg(script).arg(lake.path()).args(QUESTIONS).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let theirs: Vec<Vec<serde_json::Value>> = serde_json::from_slice(&output.stdout).unwrap();
    let store: Arc<dyn contrail::lake::store::Store> = Arc::new(store);
    for (question, theirs) in QUESTIONS.into_iter().zip(theirs) {
        assert_eq!(ask(Arc::clone(&store), question).await.unwrap(), theirs, "{question}");
    }
}
