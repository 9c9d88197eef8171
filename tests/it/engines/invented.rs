//! A lake whose tables were invented: every kind of value at its edges, unknown values in every column that may have
//! them, parts without rows, a table that was never built, and a path that has to be quoted. Its days are the last ones,
//! because examples ask for those.

use std::path::{Path, PathBuf};

use contrail::base::{Clock as _, Date, Name, Price, Quantity, SystemClock, Time};
use contrail::lake::identity::{FORMAT, Identity};
use contrail::lake::key::{Key, TableObject};
use contrail::lake::meta::ObjectMeta;
use contrail::lake::store::{LocalStore, Store};
use contrail::tables::packed::{Packer, Value};
use contrail::tables::writer::{TableWriter, Written};
use contrail::tables::{Kind, Partitions, TABLES, Table};

/// The table that was never built.
pub(super) const NEVER_BUILT: &str = "crawl_runs";

/// Makes the lake; answers where it is.
pub(super) async fn make() -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("engines-invented").join("o'dd [la]ke é %20");
    let _ = std::fs::remove_dir_all(path.parent().unwrap());
    let store = LocalStore::new(path.clone());
    store.open().await.unwrap();
    fill(&store).await;
    path
}

/// Puts the tables, and what the lake is, into `store`.
pub(super) async fn fill(store: &dyn Store) {
    let now = SystemClock.now();
    let identity = Identity {
        format: FORMAT,
        created_at: now,
        origin: "upstream".to_owned(),
        spot_window: "1h".parse().unwrap(),
    };
    let scratch = tempfile::tempdir().unwrap();
    identity.open(store, scratch.path()).await.unwrap();
    let today = now.date_naive();
    let days: Vec<Date> = (0..3).rev().map(|back| today - chrono::TimeDelta::days(back)).collect();
    for table in TABLES.into_iter().filter(|table| table.name != NEVER_BUILT) {
        let name = |value: &str| Name::new("name", value).unwrap();
        let objects: Vec<(TableObject, &str)> = match table.partitions {
            Partitions::Day => {
                days.iter().map(|day| (TableObject::day(name(table.name), *day), "aws")).collect()
            }
            Partitions::ProviderDay => ["aws", "azure"]
                .into_iter()
                .flat_map(|cloud| days.iter().map(move |day| (cloud, day)))
                .map(|(cloud, day)| (TableObject::provider_day(name(table.name), name(cloud), *day), cloud))
                .collect(),
            Partitions::ProviderService => {
                [("aws", "AmazonEC2"), ("aws", "AmazonS3"), ("azure", "Virtual_Machines")]
                    .into_iter()
                    .map(|(cloud, service)| {
                        (TableObject::service(name(table.name), name(cloud), name(service)), cloud)
                    })
                    .collect()
            }
        };
        for (number, (object, cloud)) in objects.iter().enumerate() {
            // The second of each table has no rows.
            let rows = if number == 1 { 0 } else { 40 };
            let path = scratch.path().join("table.parquet");
            let written = write(table, cloud, number, rows, now, &path);
            let meta = ObjectMeta { sha256: written.sha256, bytes: written.bytes, ..ObjectMeta::default() };
            store.replace(&Key::table(object), &path, &meta, None).await.unwrap();
        }
    }
}

fn write(table: &'static Table, cloud: &str, part: usize, rows: usize, now: Time, path: &Path) -> Written {
    let mut packer = Packer::new(table);
    let mut packed: Vec<Vec<u8>> = (0..rows)
        .map(|row| {
            packer.begin();
            for (_, column) in table.packed() {
                let seed = part * 100 + row;
                let text = text(column.name, cloud, seed);
                // Each column is unknown in rows of its own.
                let is_known = !column.nullable
                    || is_asked_for(column.name)
                    || !(seed + column.name.len()).is_multiple_of(5);
                let value = match column.kind {
                    Kind::Text => Value::Text(&text),
                    Kind::Price => Value::Price(price(seed)),
                    Kind::Quantity => Value::Quantity(quantity(seed)),
                    Kind::Moment => Value::Moment(moment(now, seed)),
                    Kind::Integer => Value::Integer(i64::try_from(seed).unwrap()),
                    Kind::Boolean => Value::Boolean(seed.is_multiple_of(2)),
                };
                packer.put_or_unknown(column.name, is_known.then_some(value));
            }
            packer.row().to_vec()
        })
        .collect();
    packed.sort();
    let mut writer = TableWriter::new(table, std::fs::File::create(path).unwrap()).unwrap();
    for row in &packed {
        writer.push(row).unwrap();
    }
    writer.finish().unwrap()
}

/// Columns that examples and questions about a moment go by.
fn is_asked_for(column: &str) -> bool {
    ["region_id", "availability_zone_id", "instance_type", "operating_system", "tenancy", "meter"]
        .contains(&column)
}

fn text(column: &str, cloud: &str, seed: usize) -> String {
    let one_of = |values: &[&str]| values[seed % values.len()].to_owned();
    match column {
        "provider_name" => cloud.to_owned(),
        "service_name" => "AmazonEC2".to_owned(),
        "region_id" => one_of(&["us-east-1", "eu-west-1", "ap-south-1"]),
        "instance_type" => one_of(&["m5.large", "m5.large", "c5.xlarge"]),
        "operating_system" => "Linux".to_owned(),
        "tenancy" => "Shared".to_owned(),
        "meter" => "BoxUsage:m5.large/RunInstances".to_owned(),
        "pricing_category" => one_of(&["Standard", "Standard", "Committed"]),
        "change" => one_of(&["new", "changed", "withdrawn"]),
        "currency" => "USD".to_owned(),
        _ => format!("{column} é ✓ '\"\\ {}", seed % 7),
    }
}

/// Among others nothing, the smallest there is and one with all ten places.
fn price(seed: usize) -> Price {
    let written = ["0", "0.0000000001", "0.1234567891", "1234567890.9876543219", "0.096"];
    Price::read(written[seed % written.len()]).unwrap()
}

fn quantity(seed: usize) -> Quantity {
    Quantity::read(["0", "1", "51200.5", "123456789012345678.0000000001"][seed % 4]).unwrap()
}

/// Within the last two days, to the microsecond.
fn moment(now: Time, seed: usize) -> Time {
    let micros = i64::try_from(seed % 97).unwrap() * 1_733_333_333;
    Time::from_timestamp_micros(now.timestamp_micros() - micros).unwrap()
}
