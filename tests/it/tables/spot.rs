//! `spot_prices` and `spot_prices_daily` of a lake without gaps, worked out once more in the plainest way: every row of
//! every raw object in memory, and each day walked from change to change.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::Path;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Decimal128Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array as _, RecordBatch};
use chrono::{Days, NaiveDate};
use contrail::base::Time;
use contrail::base::clock::midnight;
use contrail::lake::key::{Key, Parsed};
use contrail::lake::slice::Slice;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::support::lake_reader::LakeReader;
use crate::support::program::Home;

const MICROS: i64 = 1_000_000;

/// Region, zone id, machine, product.
type Pool = [String; 4];
/// Prices in units of the tenth decimal, by the microsecond since when they apply.
type Changes = BTreeMap<i64, i128>;

#[derive(Debug, Default)]
struct Raw {
    pools: BTreeMap<Pool, Changes>,
    /// How many rows stand under each day.
    rows: BTreeMap<NaiveDate, usize>,
    /// Until when windows of a region cover a day.
    ends: BTreeMap<(NaiveDate, String), Time>,
}

fn read_raw(lake: &Path) -> Raw {
    let mut raw = Raw::default();
    for (key, object) in LakeReader::of_directory(lake).raw("aws_spot_prices") {
        let Ok((_, Parsed::Raw(slice))) = Key::parse(key) else { panic!("{key} is no raw object") };
        let (day, region) = (slice.day(), slice.stream().part("region").unwrap());
        if let Slice::Window { span, .. } = &slice {
            let end = raw.ends.entry((day, region.to_owned())).or_insert(span.to());
            *end = span.to().max(*end);
        }
        let rows = object.rows();
        *raw.rows.entry(day).or_default() += rows.len();
        for row in rows {
            let field = |name: &str| row[name].as_str().unwrap().to_owned();
            let zone = field("AvailabilityZoneId");
            let pool = [region.to_owned(), zone, field("InstanceType"), field("ProductDescription")];
            let time: Time = field("Timestamp").parse().unwrap();
            let price = field("SpotPrice");
            let (whole, decimals) = price.split_once('.').unwrap();
            let price = format!("{whole}{decimals:0<10}").parse().unwrap();
            let before = raw.pools.entry(pool).or_default().insert(time.timestamp_micros(), price);
            assert_eq!(before, None, "{key}: {row} is in the lake twice");
        }
    }
    raw
}

/// Open, close, least, most, mean, changes, seconds.
type Daily = (Option<i128>, Option<i128>, Option<i128>, Option<i128>, Option<i128>, i64, i64);

/// What a pool cost on a day, of which every moment until `end` is known.
fn daily(changes: &Changes, day: NaiveDate, end: Time) -> Option<Daily> {
    let (start, end) = (midnight(day).timestamp_micros(), end.timestamp_micros());
    let mut at = start;
    let mut price = changes.range(..=start).next_back().map(|(_, price)| *price);
    let open = price;
    let (mut prices, mut weighted, mut known) = (BTreeSet::new(), 0_i128, 0_i64);
    let within: Vec<_> = changes.range(start + 1..end).map(|(at, price)| (*at, Some(*price))).collect();
    for (next, changed) in within.into_iter().chain([(end, None)]) {
        if let Some(price) = price {
            prices.insert(price);
            weighted += price * i128::from(next - at);
            known += next - at;
        }
        at = next;
        price = changed.or(price);
    }
    let tomorrow = midnight(day.checked_add_days(Days::new(1)).unwrap()).timestamp_micros();
    let count = i64::try_from(changes.range(start..tomorrow).count()).unwrap();
    let mean = (2 * weighted + i128::from(known)).checked_div(2 * i128::from(known))?;
    let (least, most) = (prices.first().copied(), prices.last().copied());
    Some((open, price, least, most, Some(mean), count, known / MICROS))
}

fn batches(lake: &Path, table: &str, day: NaiveDate) -> Vec<RecordBatch> {
    let path = lake.join(format!("tables/{table}/dt={day}/{table}.parquet"));
    let file = File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
    reader.map(Result::unwrap).collect()
}

fn text(batch: &RecordBatch, column: &str, row: usize) -> String {
    batch.column_by_name(column).unwrap().as_string::<i32>().value(row).to_owned()
}

fn price(batch: &RecordBatch, column: &str, row: usize) -> Option<i128> {
    let column = batch.column_by_name(column).unwrap().as_primitive::<Decimal128Type>();
    column.is_valid(row).then(|| column.value(row))
}

fn integer(batch: &RecordBatch, column: &str, row: usize) -> i64 {
    batch.column_by_name(column).unwrap().as_primitive::<Int64Type>().value(row)
}

fn pool(batch: &RecordBatch, row: usize) -> Pool {
    ["region_id", "availability_zone_id", "instance_type", "product_description"]
        .map(|name| text(batch, name, row))
}

#[test]
fn the_tables_of_a_crawled_lake_say_what_its_raw_objects_say() {
    let home = Home::new();
    let sandbox = ["--sandbox", "--seed", "7", "--scale", "0.001", "--only", "aws_spot_prices"];
    home.run(&[&["crawler", "--once"], &sandbox[..]].concat()).with(0);
    let lake = home.lake();
    home.run(&["--lake", lake.to_str().unwrap(), "tables", "build", "spot_prices", "spot_prices_daily"])
        .with(0);
    let raw = read_raw(&lake);
    assert!(raw.rows.len() >= 3, "{} days", raw.rows.len());

    let mut changes: BTreeMap<Pool, Changes> = BTreeMap::new();
    let mut rows_of_days = 0;
    for (day, count) in &raw.rows {
        let mut rows = 0;
        for batch in batches(&lake, "spot_prices", *day) {
            rows += batch.num_rows();
            let times = batch.column_by_name("effective_from").unwrap();
            let times = times.as_primitive::<TimestampMicrosecondType>();
            for row in 0..batch.num_rows() {
                let price = price(&batch, "unit_price", row).unwrap();
                changes.entry(pool(&batch, row)).or_default().insert(times.value(row), price);
            }
        }
        assert_eq!(rows, *count, "rows of {day}");
        let mut of_pools = BTreeMap::new();
        for batch in batches(&lake, "spot_prices_daily", *day) {
            for row in 0..batch.num_rows() {
                let value = |column| price(&batch, column, row);
                let daily = (
                    value("open_price"),
                    value("close_price"),
                    value("min_price"),
                    value("max_price"),
                    value("time_weighted_avg"),
                    integer(&batch, "changes", row),
                    integer(&batch, "known_seconds", row),
                );
                assert_eq!(of_pools.insert(pool(&batch, row), daily), None, "a pool is there twice");
            }
        }
        let expected: BTreeMap<Pool, Daily> = raw
            .pools
            .iter()
            .filter_map(|(pool, changes)| {
                let end = raw.ends.get(&(*day, pool[0].clone()))?;
                Some((pool.clone(), daily(changes, *day, *end)?))
            })
            .collect();
        assert_eq!(of_pools, expected, "{day}");
        rows_of_days += of_pools.len();
    }
    assert_eq!(changes, raw.pools);
    assert!(rows_of_days > raw.pools.len() * 2, "{rows_of_days} rows of {} pools", raw.pools.len());
}
