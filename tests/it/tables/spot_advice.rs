//! The feed of the Spot Instance Advisor of the simulated cloud from end to end: crawled, inspected, in status, and in the
//! table as its JSON says.

use std::collections::BTreeMap;
use std::fs::File;

use arrow_array::Array as _;
use arrow_array::cast::AsArray as _;
use arrow_array::types::Int64Type;
use contrail::lake::run_log::Outcome;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::support::lake_reader::LakeReader;
use crate::support::program::Home;

const DATASET: &str = "aws_spot_advisor";
/// Region, system and machine.
type Machine = (String, String, String);

/// Band, its label and bounds, and the savings.
type Said = (i64, String, i64, i64, i64);

#[test]
fn the_table_of_a_crawled_lake_says_what_the_feed_says() {
    let home = Home::new();
    let crawl = ["crawler", "--once", "--sandbox", "--seed", "7", "--scale", "0.001", "--only", DATASET];
    home.run(&[&crawl[..], &["--faults", "throttle=20%,truncate=20%,reset=10%"]].concat()).with(0);
    let lake = LakeReader::of_directory(&home.lake()).sound();
    let [attempt] = &lake.attempts_at(DATASET, Outcome::Stored)[..] else { panic!("{:?}", lake.attempts()) };
    let objects = lake.raw(DATASET);
    let [(key, object)] = objects.into_iter().collect::<Vec<_>>()[..] else { panic!("one slot is open") };

    let feed: serde_json::Value = serde_json::from_slice(&object.payload()).unwrap();
    let mut expected = BTreeMap::<Machine, Said>::new();
    for (region, systems) in feed["spot_advisor"].as_object().unwrap() {
        for (system, machines) in systems.as_object().unwrap() {
            for (machine, said) in machines.as_object().unwrap() {
                let band = said["r"].as_i64().unwrap();
                let (label, least, most) = match band {
                    0 => ("<5%", 0, 5),
                    1 => ("5-10%", 5, 10),
                    2 => ("10-15%", 10, 15),
                    3 => ("15-20%", 15, 20),
                    _ => (">20%", 20, 100),
                };
                let said = (band, label.to_owned(), least, most, said["s"].as_i64().unwrap());
                expected.insert((region.clone(), system.clone(), machine.clone()), said);
            }
        }
    }
    assert!(expected.len() > 5, "{expected:?}");
    assert_eq!(attempt.rows, Some(expected.len() as u64));

    let told = home.run(&["tables", "build", "spot_advice"]).with(0);
    assert!(told.stdout.contains("spot_advice"), "{}", told.stdout);
    let day = key.split('/').nth(2).unwrap();
    let file = File::open(home.lake().join(format!("tables/spot_advice/{day}/spot_advice.parquet"))).unwrap();
    let mut found = BTreeMap::new();
    for batch in ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap() {
        let batch = batch.unwrap();
        let text =
            |name: &str, row| batch.column_by_name(name).unwrap().as_string::<i32>().value(row).to_owned();
        let number =
            |name: &str, row| batch.column_by_name(name).unwrap().as_primitive::<Int64Type>().value(row);
        for row in 0..batch.num_rows() {
            let machine = (text("region_id", row), text("operating_system", row), text("instance_type", row));
            let said = (
                number("interruption_band", row),
                text("interruption_label", row),
                number("interrupted_min_percent", row),
                number("interrupted_max_percent", row),
                number("savings_percent", row),
            );
            assert_eq!((text("change", row).as_str(), text("source_key", row).as_str()), ("new", key));
            assert_eq!(found.insert(machine, said), None, "a machine is there twice");
        }
    }
    assert_eq!(found, expected);

    let verified = home.run(&["verify", "--deep", "--dataset", DATASET]).with(0);
    assert!(!verified.stdout.contains("fault"), "{}", verified.stdout);
    let status = home.run(&["status"]).with(0).stdout;
    let line = status
        .lines()
        .find(|line| line.trim_start().starts_with("all "))
        .unwrap_or_else(|| panic!("{status}"));
    assert!(line.contains("current"), "{status}");
    home.run(&["tables", "build", "coverage", "crawl_runs"]).with(0);
    for (table, column) in [("coverage", "dataset"), ("crawl_runs", "dataset")] {
        let file = File::open(home.lake().join(format!("tables/{table}/{day}/{table}.parquet"))).unwrap();
        let mut reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
        let batch = reader.next().unwrap().unwrap();
        assert_eq!(batch.column_by_name(column).unwrap().as_string::<i32>().value(0), DATASET, "{table}");
        let streams = batch.column_by_name("stream").unwrap().as_string::<i32>();
        assert!(
            streams.is_valid(0) && streams.value(0).is_empty(),
            "the only stream of its dataset has no parts"
        );
    }
}

#[cfg(feature = "sql")]
#[test]
fn the_band_at_a_moment_is_asked_for_in_sql() {
    let home = Home::new();
    home.run(&["crawler", "--once", "--sandbox", "--seed", "7", "--scale", "0.001", "--only", DATASET])
        .with(0);
    home.run(&["tables", "build", "spot_advice"]).with(0);
    let asked = "SELECT count(*) AS machines, count(DISTINCT region_id) AS regions, min(change) AS change FROM (\
                 SELECT *, row_number() OVER (PARTITION BY instance_type, region_id, operating_system \
                 ORDER BY observed_at DESC) AS age FROM spot_advice WHERE observed_at <= now()) WHERE age = 1";
    let told = home.run(&["query", asked, "--format", "json"]).with(0).stdout;
    let row: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert!(row["machines"].as_u64().unwrap() > 5 && row["change"] == "new", "{told}");
}
