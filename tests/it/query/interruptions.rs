//! Who does not want an answer any more gets none, and nothing is left lying about.

use std::thread::sleep;
use std::time::Duration;

use contrail::lake::store::LocalStore;

use super::lake::small;
use crate::support::program::Home;

const ENDLESS: &str =
    "SELECT a.value FROM generate_series(1, 100000000) a ORDER BY a.value % 7, a.value % 11";

#[tokio::test]
async fn ctrl_c_ends_a_query_and_clears_up() {
    let home = Home::new();
    let store = LocalStore::new(home.lake());
    store.open().await.unwrap();
    small(&store).await;
    let running = home.start(&["query", ENDLESS, "--output", "answer.csv"]);
    let spool = home.lake().join("_contrail/spool");
    let scratch = || {
        let entries = std::fs::read_dir(&spool).into_iter().flatten().flatten();
        entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("scratch-")).count()
    };
    for _ in 0..3_000 {
        if scratch() > 0 {
            break;
        }
        sleep(Duration::from_millis(10));
    }
    assert_eq!(scratch(), 1);
    running.signal("INT");
    let told = running.end().with(130);
    assert_eq!(told.stdout, "");
    assert_eq!(scratch(), 0);
    let left: Vec<_> =
        std::fs::read_dir(home.path("")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["contrail-lake"]);
}

#[tokio::test]
async fn a_reader_that_went_away_had_what_it_wanted() {
    let home = Home::new();
    let store = LocalStore::new(home.lake());
    store.open().await.unwrap();
    small(&store).await;
    let sql = "SELECT value FROM generate_series(1, 5000000)";
    let told = home.start_in(&[], "\"$@\" | head -n 2", &["query", sql, "--format", "csv"]).end().with(0);
    assert_eq!(told.stdout.lines().count(), 2);
    assert_eq!(told.stderr, "");
}
