//! `contrail status` from outside: what it says of lakes that were crawled or made by hand, how it ends, and that
//! it writes nothing.

mod lakes;
mod places;
mod shapes;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use chrono::{Days, TimeDelta};
use contrail::base::{Clock as _, Name, SystemClock, Time};
use contrail::lake::interval::Interval;
use contrail::lake::key::Key;
use contrail::lake::run_log::Attempt;
use contrail::lake::slice::{Slice, Stream};
use serde_json::Value;

use crate::support::program::{Ended, Home};

/// What a test puts into a lake of a directory by hand.
struct Handmade<'a> {
    home: &'a Home,
}

impl<'a> Handmade<'a> {
    /// A lake that was made so many days ago.
    fn new(home: &'a Home, days_old: u64) -> Self {
        let created = SystemClock.now().checked_sub_days(Days::new(days_old)).unwrap();
        let identity = serde_json::json!({
            "format": 1, "created_at": created, "origin": "upstream", "spot_window": "1h",
        });
        let lake = Self { home };
        lake.put("_contrail/lake.json", identity.to_string().as_bytes());
        lake
    }

    fn put(&self, key: &str, bytes: &[u8]) {
        let path = self.home.lake().join(key);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// An object of seven bytes.
    fn store(&self, slice: &Slice) {
        self.put(Key::raw(slice).as_str(), b"1234567");
    }

    fn log(&self, started: Time, attempts: &[Attempt]) {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        for attempt in attempts {
            writeln!(gzip, "{}", serde_json::to_string(attempt).unwrap()).unwrap();
        }
        self.put(Key::run_log(started, &Name::hex(1)).as_str(), &gzip.finish().unwrap());
    }
}

fn spot(region: &str) -> Stream {
    Stream::new("aws_spot_prices", &[("region", region)]).unwrap()
}

/// The window of an hour that ended so many hours before the last full one.
fn hour(region: &str, hours_ago: i64) -> Slice {
    let now = SystemClock.now().timestamp();
    let to = Time::from_timestamp(now - now.rem_euclid(3_600), 0).unwrap() - TimeDelta::hours(hours_ago);
    Slice::Window { stream: spot(region), span: Interval::new(to - TimeDelta::hours(1), to).unwrap() }
}

/// Every file below a directory with its bytes, but for what the system keeps of it.
fn files(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut directories = vec![directory.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path.clone());
                found.insert(path.display().to_string(), Vec::new());
            } else {
                found.insert(path.display().to_string(), fs::read(path).unwrap());
            }
        }
    }
    found
}

fn json(ended: &Ended) -> Value {
    serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {}", ended.stdout))
}

/// The stream of `region` in the answer.
fn stream<'a>(status: &'a Value, dataset: &str, region: &str) -> &'a Value {
    let datasets = status["datasets"].as_array().unwrap();
    let dataset = datasets.iter().find(|found| found["dataset"] == dataset).unwrap();
    let streams = dataset["streams"].as_array().unwrap();
    streams.iter().find(|found| found["stream"]["region"] == region).unwrap()
}
