use std::fs::File;
use std::io::Write as _;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::TimestampMicrosecondType;
use chrono::TimeDelta;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::*;
use crate::lake::meta::ObjectMeta;
use crate::lake::run_log::{Attempt, Outcome};
use crate::lake::slice::{Slice, Version};
use crate::lake::store::{MemoryStore, Store};
use crate::tables::scratch::Scratch;

const NOW: &str = "2026-11-23T12:00:00Z";

/// A lake in memory.
struct Lake {
    workshop: Workshop,
    directory: tempfile::TempDir,
}

/// What a day of the table is made of, and its rows.
#[derive(Debug, PartialEq, Eq)]
struct Day {
    inputs: String,
    rows: Vec<String>,
}

fn time(text: &str) -> Time {
    text.parse().unwrap()
}

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn offer() -> Stream {
    Stream::new("aws_price_list", &[("offer", "AmazonEC2"), ("region", "r")]).unwrap()
}

fn spot(region: &str) -> Stream {
    Stream::new("aws_spot_prices", &[("region", region)]).unwrap()
}

impl Lake {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let scratch = Scratch::within(directory.path()).unwrap();
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        Self { workshop: Workshop { store, scratch, memory: 1 << 20, threads: 1 }, directory }
    }

    async fn of(keys: &[&str]) -> Self {
        let lake = Self::new();
        for key in keys {
            lake.put(key, b"").await;
        }
        lake
    }

    async fn put(&self, key: &str, bytes: &[u8]) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        let key = Key::parse(key).unwrap().0;
        self.workshop.store.put_if_absent(&key, file.path(), &ObjectMeta::of_bytes(bytes)).await.unwrap();
    }

    /// The hours `[from, to)` of a day, in windows of an hour.
    async fn hours(&self, region: &str, day: &str, from: i64, to: i64) {
        for hour in from..to {
            let from = time(&format!("{day}T00:00:00Z")) + TimeDelta::hours(hour);
            let span = Interval::new(from, from + TimeDelta::hours(1)).unwrap();
            self.put(Key::raw(&Slice::Window { stream: spot(region), span }).as_str(), b"").await;
        }
    }

    /// The log of a run in which these came of one attempt each.
    async fn log(&self, started: &str, attempts: &[(Stream, Option<&str>, Outcome)]) {
        let (started, run) = (time(started), Name::hex(1));
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        for (stream, version, outcome) in attempts {
            let stream = stream.clone();
            let attempt = match version {
                Some(version) => {
                    let version = Version::new(version).unwrap();
                    Attempt::at_slice(&run, &Slice::Version { stream, version }, started)
                }
                None => Attempt::at_stream(&run, &stream, started),
            };
            let finished = started + TimeDelta::minutes(7);
            let attempt = Attempt { outcome: *outcome, finished, ..attempt };
            writeln!(gzip, "{}", serde_json::to_string(&attempt).unwrap()).unwrap();
        }
        self.put(Key::run_log(started, &run).as_str(), &gzip.finish().unwrap()).await;
    }

    /// The table, by day.
    async fn table(&self, since: Option<&str>, now: &str) -> BTreeMap<String, Day> {
        let since = since.map(day);
        let is_windows = |dataset: &str| dataset == "aws_spot_prices";
        let holdings = Holdings::list(self.workshop.store.as_ref(), since, is_windows).await.unwrap();
        let mut maker = CoverageMaker::new(time(now));
        maker.survey(&holdings, since, &self.workshop).await.unwrap();
        let mut parts = maker.parts(&holdings);
        let date = |part: &TableObject| match part.part() {
            TablePart::Day(day) => *day,
            TablePart::Service(_) => panic!("a day"),
        };
        parts.retain(|part| since.is_none_or(|since| date(part) >= since));
        let mut days = BTreeMap::new();
        for part in &parts {
            let inputs = maker.inputs(part, &holdings).digest(&COVERAGE);
            let path = self.directory.path().join("part");
            let rows = TableWriter::new(&COVERAGE, File::create(&path).unwrap()).unwrap();
            let (_, rows) = maker.make(part, &holdings, &self.workshop, rows).await.unwrap();
            rows.finish().unwrap();
            days.insert(date(part).to_string(), Day { inputs, rows: read(&path) });
        }
        days
    }

    async fn rows(&self) -> Vec<String> {
        self.table(None, NOW).await.into_values().flat_map(|day| day.rows).collect()
    }
}

/// `aws_spot_prices region=a 21T00:00:00 21T02:00:00 known`
fn read(path: &std::path::Path) -> Vec<String> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    let mut rows = Vec::new();
    for batch in reader.build().unwrap().map(Result::unwrap) {
        let text = |column: &str| batch.column_by_name(column).unwrap().as_string::<i32>().clone();
        let moment = |column: &str, row| {
            let column = batch.column_by_name(column).unwrap().as_primitive::<TimestampMicrosecondType>();
            Time::from_timestamp_micros(column.value(row)).unwrap().format("%dT%T").to_string()
        };
        let (dataset, stream, state) = (text("dataset"), text("stream"), text("state"));
        for row in 0..batch.num_rows() {
            let (from, to) = (moment("from_time", row), moment("to_time", row));
            let (dataset, stream, state) = (dataset.value(row), stream.value(row), state.value(row));
            rows.push(format!("{dataset} {stream} {from} {to} {state}"));
        }
    }
    rows
}

#[tokio::test]
async fn windows_are_known_lost_or_missing_and_what_is_not_due_is_nothing() {
    let lake = Lake::of(&[
        "_contrail/marks/raw/aws_spot_prices/dt=2026-11-21/region=a/20261121T220000Z-20261121T230000Z.ndjson.gz.lost.json",
    ])
    .await;
    lake.hours("a", "2026-11-21", 20, 22).await;
    lake.hours("a", "2026-11-22", 0, 2).await;
    lake.hours("b", "2026-11-22", 1, 4).await;
    assert_eq!(
        lake.rows().await,
        [
            "aws_spot_prices region=a 21T20:00:00 21T22:00:00 known",
            "aws_spot_prices region=a 21T22:00:00 21T23:00:00 lost",
            "aws_spot_prices region=a 21T23:00:00 22T00:00:00 missing",
            "aws_spot_prices region=a 22T00:00:00 22T02:00:00 known",
            "aws_spot_prices region=a 22T02:00:00 22T04:00:00 missing",
            "aws_spot_prices region=b 22T01:00:00 22T04:00:00 known",
        ]
    );
}

#[tokio::test]
async fn a_version_applies_to_the_next_and_the_newest_until_somebody_looked_last() {
    let lake = Lake::of(&[
        "raw/aws_price_list/dt=2026-11-20/offer=AmazonEC2/region=r/20261120180000.json.gz",
        "raw/aws_price_list/dt=2026-11-21/offer=AmazonEC2/region=r/20261121060000.json.gz",
        "_contrail/marks/raw/aws_price_list/dt=2026-11-21/offer=AmazonEC2/region=r/20261121000000.json.gz.lost.json",
    ])
    .await;
    lake.log("2026-11-21T08:00:00Z", &[(offer(), Some("20261121060000"), Outcome::Stored)]).await;
    lake.log("2026-11-22T08:00:00Z", &[(offer(), None, Outcome::Unchanged)]).await;
    // A newer one cannot be fetched, and another offer is looked at later still.
    let other = Stream::new("aws_price_list", &[("offer", "AmazonS3"), ("region", "r")]).unwrap();
    lake.log("2026-11-22T20:00:00Z", &[(offer(), Some("20261122120000"), Outcome::Failed)]).await;
    lake.log("2026-11-23T08:00:00Z", &[(other, None, Outcome::Unchanged)]).await;
    assert_eq!(
        lake.rows().await,
        [
            "aws_price_list offer=AmazonEC2/region=r 20T18:00:00 21T00:00:00 known",
            "aws_price_list offer=AmazonEC2/region=r 21T00:00:00 21T06:00:00 lost",
            "aws_price_list offer=AmazonEC2/region=r 21T06:00:00 22T00:00:00 known",
            "aws_price_list offer=AmazonEC2/region=r 22T00:00:00 22T12:00:00 known",
            "aws_price_list offer=AmazonEC2/region=r 22T12:00:00 23T00:00:00 missing",
            "aws_price_list offer=AmazonEC2/region=r 23T00:00:00 23T08:00:00 missing",
        ]
    );
}

#[tokio::test]
async fn who_was_looked_at_long_ago_is_sought_in_old_logs() {
    let lake =
        Lake::of(&["raw/aws_price_list/dt=2026-11-01/offer=AmazonEC2/region=r/20261101000000.json.gz"]).await;
    lake.log("2026-11-04T08:00:00Z", &[(offer(), None, Outcome::Unchanged)]).await;
    for day in 5..20 {
        lake.log(&format!("2026-11-{day:02}T08:00:00Z"), &[(spot("a"), None, Outcome::Failed)]).await;
    }
    let rows = lake.rows().await;
    assert_eq!(rows.last().unwrap(), "aws_price_list offer=AmazonEC2/region=r 04T00:00:00 04T08:00:00 known");
}

#[tokio::test]
async fn a_slot_stands_for_its_interval_as_far_as_the_lake_tells() {
    let lake = Lake::of(&[
        "raw/azure_retail_prices/dt=2026-11-19/currency=USD/20261119T000000Z.ndjson.gz",
        "_contrail/marks/raw/azure_retail_prices/dt=2026-11-20/currency=USD/20261120T000000Z.ndjson.gz.unchanged.json",
        "_contrail/marks/raw/azure_retail_prices/dt=2026-11-21/currency=USD/20261121T000000Z.ndjson.gz.lost.json",
        "raw/azure_retail_prices/dt=2026-11-23/currency=USD/20261123T000000Z.ndjson.gz",
        "raw/azure_retail_prices/dt=2026-11-22/currency=EUR/20261122T000000Z.ndjson.gz",
    ])
    .await;
    let azure = Stream::new("azure_retail_prices", &[("currency", "USD")]).unwrap();
    lake.log("2026-11-23T00:10:00Z", &[(azure, None, Outcome::Stored)]).await;
    assert_eq!(
        lake.rows().await,
        [
            "azure_retail_prices currency=USD 19T00:00:00 20T00:00:00 known",
            "azure_retail_prices currency=USD 20T00:00:00 21T00:00:00 unchanged",
            "azure_retail_prices currency=USD 21T00:00:00 22T00:00:00 lost",
            "azure_retail_prices currency=EUR 22T00:00:00 23T00:00:00 known",
            "azure_retail_prices currency=USD 22T00:00:00 23T00:00:00 missing",
            "azure_retail_prices currency=USD 23T00:00:00 23T00:10:00 known",
        ],
        "the slot of the 23rd may yet be seen in euros"
    );
}

#[tokio::test]
async fn a_refusal_lasts_until_a_run_that_was_not_refused() {
    let lake = Lake::new();
    lake.hours("a", "2026-11-22", 0, 6).await;
    for (hour, outcome) in [(8, Outcome::Refused), (9, Outcome::Refused), (12, Outcome::Failed)] {
        lake.log(&format!("2026-11-22T{hour:02}:10:00Z"), &[(spot("a"), None, outcome)]).await;
    }
    lake.hours("b", "2026-11-22", 5, 23).await;
    lake.log("2026-11-22T23:10:00Z", &[(spot("c"), None, Outcome::Refused)]).await;
    let expected = [
        "aws_spot_prices region=a 22T00:00:00 22T06:00:00 known",
        // The day begins with the refusal: nobody had asked before.
        "aws_spot_prices region=a 22T06:00:00 22T12:10:00 refused",
        "aws_spot_prices region=a 22T12:10:00 22T23:00:00 missing",
        "aws_spot_prices region=b 22T05:00:00 22T23:00:00 known",
        "aws_spot_prices region=c 22T00:00:00 22T23:10:00 refused",
    ];
    assert_eq!(lake.rows().await, expected);
    // Whoever was let in again, and fetched what was missing, knows it.
    lake.hours("a", "2026-11-22", 6, 23).await;
    assert_eq!(lake.rows().await[0], "aws_spot_prices region=a 22T00:00:00 22T23:00:00 known");
}

#[tokio::test]
async fn a_day_that_is_over_is_made_once_and_the_clock_changes_nothing() {
    let lake = Lake::new();
    lake.hours("a", "2026-11-21", 0, 24).await;
    lake.hours("a", "2026-11-22", 0, 3).await;
    lake.log("2026-11-22T03:10:00Z", &[(spot("a"), None, Outcome::Stored)]).await;
    let before = lake.table(None, NOW).await;
    assert_eq!(before, lake.table(None, "2030-01-01T00:00:00Z").await);
    lake.hours("a", "2026-11-22", 3, 4).await;
    lake.log("2026-11-22T04:10:00Z", &[(spot("a"), None, Outcome::Stored)]).await;
    let after = lake.table(None, NOW).await;
    assert_eq!(before["2026-11-21"], after["2026-11-21"]);
    assert_ne!(before["2026-11-22"].inputs, after["2026-11-22"].inputs);
}

#[tokio::test]
async fn nothing_is_said_of_the_future() {
    let lake = Lake::new();
    lake.hours("a", "2026-11-23", 0, 14).await;
    assert_eq!(lake.rows().await, ["aws_spot_prices region=a 23T00:00:00 23T12:00:00 known"]);
}

#[tokio::test]
async fn a_lake_without_anything_has_no_parts() {
    assert!(Lake::new().table(None, NOW).await.is_empty());
}

#[tokio::test]
async fn later_days_are_the_same_when_earlier_ones_are_not_listed() {
    let lake = Lake::of(&[
        "raw/aws_price_list/dt=2026-11-18/offer=AmazonEC2/region=r/20261118000000.json.gz",
        "raw/azure_retail_prices/dt=2026-11-19/currency=USD/20261119T000000Z.ndjson.gz",
    ])
    .await;
    lake.hours("a", "2026-11-18", 0, 24).await;
    // Two hours of the 20th are missing, and `b` began on the 21st.
    lake.hours("a", "2026-11-20", 2, 24).await;
    lake.hours("b", "2026-11-21", 5, 9).await;
    lake.log("2026-11-19T00:10:00Z", &[(offer(), None, Outcome::Unchanged)]).await;
    lake.log("2026-11-21T09:10:00Z", &[(offer(), None, Outcome::Unchanged)]).await;
    let all = lake.table(None, NOW).await;
    for since in ["2026-11-17", "2026-11-19", "2026-11-20", "2026-11-21"] {
        let later = lake.table(Some(since), NOW).await;
        let expected: Vec<_> = all.iter().filter(|(day, _)| day.as_str() >= since).collect();
        assert_eq!(later.iter().collect::<Vec<_>>(), expected, "since {since}");
    }
}
