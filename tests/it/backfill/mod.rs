//! `contrail backfill` from end to end: the built binary crawls the past of its own simulated cloud.

mod places;
mod prices;
mod refusals;

use chrono::{Days, NaiveDate};
use contrail::base::{Clock as _, SystemClock};

use crate::support::lake_reader::LakeReader;
use crate::support::program::Home;

/// A small cloud, always the same.
const CLOUD: [&str; 5] = ["--sandbox", "--seed", "7", "--scale", "0.001"];

fn backfill<'a>(more: &[&'a str]) -> Vec<&'a str> {
    ["backfill"].iter().chain(more).chain(&CLOUD).copied().collect()
}

/// A home whose lake has the present of one dataset.
fn crawled(dataset: &str) -> Home {
    let home = Home::new();
    home.run(&[&["crawler", "--once", "--only", dataset][..], &CLOUD].concat()).with(0);
    home
}

fn lake(home: &Home) -> LakeReader {
    LakeReader::of_directory(&home.lake()).sound()
}

/// The day that so many days ago was.
fn day(days_ago: u64) -> NaiveDate {
    SystemClock.now().date_naive().checked_sub_days(Days::new(days_ago)).unwrap()
}

/// The keys of a dataset below some day.
fn on_day(lake: &LakeReader, dataset: &str, day: NaiveDate) -> Vec<String> {
    let prefix = format!("raw/{dataset}/dt={day}/");
    lake.raw(dataset).into_keys().filter(|key| key.starts_with(&prefix)).map(str::to_owned).collect()
}
