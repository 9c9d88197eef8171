//! Recorded listings of Azure, one a day, where they are, against counts that a program in Python made of the same files.

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use std::path::PathBuf;

use serde_json::value::RawValue;

use super::super::Changes;
use super::lake::Lake;
use crate::base::Date;

/// The recorded listings in the order of their days, an item a line; nothing where there are none.
pub(in crate::tables::list_prices) fn captures() -> Option<Vec<String>> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/payloads");
    let root = std::env::var_os("CONTRAIL_PAYLOADS").map_or_else(beside, PathBuf::from);
    if !root.is_dir() {
        // Past the test harness, which shows only what failing tests print.
        writeln!(io::stderr(), "SKIPPED: no recorded payloads (set CONTRAIL_PAYLOADS)").unwrap();
        return None;
    }
    let folder = std::fs::read_dir(root.join("azure-retail/daily")).unwrap();
    let mut paths: Vec<PathBuf> = folder.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    Some(paths.into_iter().map(|path| listing(&path)).collect())
}

/// An array of items as the lake has it: no text in JSON has a line break.
fn listing(path: &PathBuf) -> String {
    let mut array = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut array).unwrap();
    let items: Vec<&RawValue> = serde_json::from_str(&array).unwrap();
    items.iter().fold(String::new(), |all, item| all + &item.get().replace(['\r', '\n'], " ") + "\n")
}

/// The listings of 110 days lose and bring twenty of their items on many a day, and one of them is empty, which is in doubt.
#[tokio::test]
async fn what_changes_in_recorded_listings_is_what_another_program_finds() {
    let Some(captures) = captures() else { return };
    let lake = Lake::new();
    let days = "2026-01-01".parse::<Date>().unwrap().iter_days();
    for (day, capture) in days.zip(&captures) {
        let items: Vec<String> = capture.lines().map(str::to_owned).collect();
        lake.listing(&day.to_string(), &items, !items.is_empty()).await;
    }
    let built = lake.build(Changes::default()).await;
    assert_eq!(built.parts.len(), 110);
    let mut counts = BTreeMap::<String, u32>::new();
    for day in days.take(captures.len()) {
        for row in lake.changes("azure", &day.to_string()).await {
            *counts.entry(row.split(' ').next().unwrap().to_owned()).or_default() += 1;
        }
    }
    let counts: Vec<(&str, u32)> = counts.iter().map(|(change, count)| (change.as_str(), *count)).collect();
    assert_eq!(counts, [("changed", 695), ("new", 2022), ("withdrawn", 1022)]);
    let twice = |problem: &String| problem.strip_prefix("rates: ")?.split(' ').next()?.parse::<u32>().ok();
    assert_eq!(built.problems.iter().filter_map(twice).sum::<u32>(), 119);
    assert!(built.problems.iter().all(|problem| problem.starts_with("rates: ")), "{:?}", built.problems);
}
