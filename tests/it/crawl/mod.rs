//! `contrail crawler` and `contrail sandbox` from end to end: the built binary crawls its own simulated cloud, and
//! the lake is read from outside.

mod bucket;
mod daemon;
mod disk;
mod faults;
mod once;
mod places;
mod sandbox;
mod signals;
mod together;
mod unconfigured;

use contrail::base::{Clock as _, SystemClock};

use crate::support::lake_reader::LakeReader;
use crate::support::program::Home;

/// A small cloud, always the same.
const CLOUD: [&str; 5] = ["--sandbox", "--seed", "7", "--scale", "0.001"];
const DATASETS: [&str; 5] =
    ["aws_price_list", "aws_savings_plans", "aws_spot_advisor", "aws_spot_prices", "azure_retail_prices"];

/// How many objects of a dataset even a small cloud makes. The advisor has one document, and so one open slot.
fn least(dataset: &str) -> usize {
    if dataset == "aws_spot_advisor" { 1 } else { 2 }
}

/// The arguments of a crawl of the small cloud.
fn crawler<'a>(more: &[&'a str]) -> Vec<&'a str> {
    ["crawler"].iter().chain(&CLOUD).chain(more).copied().collect()
}

fn once<'a>(more: &[&'a str]) -> Vec<&'a str> {
    crawler(&[&["--once"], more].concat())
}

/// The lake of a home after a run that had nothing to leave behind. It keeps all its promises.
#[track_caller]
fn lake(home: &Home) -> LakeReader {
    assert!(left_in_spool(home).is_empty(), "{:?}", left_in_spool(home));
    LakeReader::of_directory(&home.lake()).sound()
}

/// What waits in the spool of a local lake.
fn left_in_spool(home: &Home) -> Vec<String> {
    let spool = home.lake().join("_contrail/spool");
    let mut found = Vec::new();
    let mut directories = vec![spool];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path.clone());
            }
            found.push(path.display().to_string());
        }
    }
    found
}

/// Does it again when an hour passed meanwhile: then there is something new to crawl, rightly.
fn within_an_hour<T>(work: impl Fn() -> T) -> T {
    let hour = || {
        let now = SystemClock.now();
        let settled = now - chrono::TimeDelta::minutes(10);
        [now, settled].map(|time| time.timestamp() / 3_600)
    };
    loop {
        let before = hour();
        let result = work();
        if hour() == before {
            return result;
        }
    }
}
