//! Objects of tables: derived, and verified like everything else, though others may replace them meanwhile.

use std::fs;
use std::sync::Arc;

use contrail::base::SystemClock;
use contrail::lake::key::Key;
use contrail::lake::meta::ObjectMeta;
use contrail::lake::store::{MemoryStore, Store as _};
use contrail::ops::verify::{Options, Progress, verify};

use super::Meddled;
use crate::conformance::file;
use crate::conformance::tables::table;
use crate::support::faulty_store::FaultyStore;

const TABLE: &str = "tables/spot_prices/dt=2026-11-21/spot_prices.parquet";

fn with_table() -> Meddled {
    let lake = Meddled::new();
    for path in [lake.path(TABLE), lake.sidecar(TABLE)] {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
    }
    fs::write(lake.path(TABLE), "a table").unwrap();
    let meta = ObjectMeta { rows: Some(3), ..ObjectMeta::of_bytes(b"a table") };
    fs::write(lake.sidecar(TABLE), serde_json::to_vec(&meta).unwrap()).unwrap();
    lake
}

#[test]
fn a_sound_table_is_sound_and_a_damaged_one_is_found() {
    let lake = with_table();
    for more in [&[][..], &["--deep"]] {
        assert!(lake.found(more, 0).is_empty(), "{more:?}");
    }
    fs::write(lake.path(TABLE), "b table").unwrap();
    assert!(lake.deep_fault(TABLE).starts_with("contrail-sha256 is "));
    fs::write(lake.path(TABLE), "a longer table").unwrap();
    assert_eq!(lake.fault(&[], TABLE), "contrail-bytes is 7, which an object of 14 bytes cannot hold");
    assert!(lake.found(&["--dataset", "aws_spot_prices"], 0).is_empty(), "a table is of no dataset");
    assert!(lake.found(&["--since", "2026-11-22"], 0).is_empty(), "it is of a day before");
    fs::remove_file(lake.sidecar(TABLE)).unwrap();
    assert!(lake.fault(&[], TABLE).ends_with("is missing"));
}

struct Silent;

impl Progress for Silent {
    fn listed(&self, _: u64, _: u64) {}
    fn verified(&self, _: u64) {}
}

/// A builder is at work: the metadata that were read are of the object before the one that is read.
#[tokio::test]
async fn a_table_that_is_replaced_while_it_is_verified_is_no_fault() {
    let memory = MemoryStore::new();
    let identity =
        br#"{"format":1,"created_at":"2026-01-01T00:00:00Z","origin":"upstream","spot_window":"1h"}"#;
    let meta = ObjectMeta::of_bytes(identity);
    memory.put_if_absent(&Key::identity(), file(identity).path(), &meta).await.unwrap();
    memory.replace(&table(21), file(b"old").path(), &ObjectMeta::of_bytes(b"old"), None).await.unwrap();
    let store = Arc::new(FaultyStore::over(memory.clone(), Arc::new(SystemClock)));
    let faults = async || {
        let options = Options { deep: true, ..Options::default() };
        let report = verify(Arc::clone(&store) as Arc<_>, &options, &SystemClock, &Silent).await.unwrap();
        assert_eq!(report.objects, 2);
        report.findings.faults()
    };
    assert_eq!(faults().await, 0);
    store.replace_after_head(&table(21), b"the new one");
    assert_eq!(faults().await, 0);
    assert!(memory.find(&table(21)).await.unwrap().unwrap().bytes > 3, "it was replaced");

    let etag = memory.find(&table(21)).await.unwrap().unwrap().etag;
    let wrong = ObjectMeta::of_bytes(b"old");
    memory.replace(&table(21), file(b"bad").path(), &wrong, Some(&etag)).await.unwrap();
    assert_eq!(faults().await, 1, "who stands still is told");
}
