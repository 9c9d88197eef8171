mod fickle;
mod market;

use fickle::{Fickle, Mood};
use market::{Pool, change, market, market_daily};

use super::*;
use crate::base::error::Hinted as _;
use crate::base::{Price, Time};
use crate::lake::store::{MemoryStore, StoreErrorKind};
use crate::tables::definitions::{CRAWL_RUNS, LIST_PRICES, SPOT_PRICES, SPOT_PRICES_DAILY};
use crate::tables::packed::Packer;
use crate::tables::schema::Kind::{Moment, Text};
use crate::tables::schema::{Column, Partitions};
use crate::tables::test_lake::{TestLake, day_object, put, put_bytes, row};

const DAY: &str = "2026-11-20";
const COLUMNS: [&str; 4] = ["instance_type", "region_id", "unit_price", "effective_from"];

fn time(text: &str) -> Time {
    text.parse().unwrap()
}

type Found = (String, String, Option<Price>, Time);

fn found(row: &Row<'_>) -> Option<Found> {
    let (machine, region) = row.text("instance_type").zip(row.text("region_id"))?;
    Some((machine.to_owned(), region.to_owned(), row.price("unit_price"), row.moment("effective_from")?))
}

async fn put_rows(store: &MemoryStore, day: &str, rows: &[Vec<u8>]) -> u64 {
    put(store, &SPOT_PRICES, &day_object(&SPOT_PRICES, "", day), rows.iter().map(Vec::as_slice)).await
}

fn rows_of(machines: &[&str], price: &str) -> Vec<Vec<u8>> {
    let mut packer = Packer::new(&SPOT_PRICES);
    let row = |machine: &&str| {
        let pool = Pool { machine, region: "us-east-1", zone: "use1-az1", product: "Linux/UNIX" };
        change(&mut packer, pool, time("2026-11-20T01:00:00Z"), Price::read(price), "raw/k")
    };
    machines.iter().map(row).collect()
}

#[tokio::test]
async fn pruning_leaves_out_nothing_that_matches_and_lets_in_nothing_else() {
    let store = MemoryStore::new();
    let rows = market(&mut Packer::new(&SPOT_PRICES), 40, 14);
    put_rows(&store, DAY, &rows).await;
    let tally = Tally::default();
    let all = Scan::of(&SPOT_PRICES, &COLUMNS).collect(&store, &tally, found).await.unwrap();
    assert_eq!(all.len(), rows.len());
    let (from, before) = (time("2026-11-20T06:00:00Z"), time("2026-11-20T06:30:00Z"));
    let machines = ["c0000.xlarge", "c0017.xlarge", "c0039.xlarge", "none"].map(str::to_owned).to_vec();
    let asked = Scan::of(&SPOT_PRICES, &COLUMNS)
        .only(Condition::OneOf { column: "instance_type", values: machines.clone() })
        .only(Condition::is("region_id", "eu-west-1"))
        .only(Condition::Within { column: "effective_from", from: Some(from), before: Some(before) });
    let matching = |(machine, region, _, at): &&Found| {
        machines.contains(machine) && region == "eu-west-1" && (from..before).contains(at)
    };
    let expected: Vec<Found> = all.iter().filter(matching).cloned().collect();
    assert!(expected.len() > 3, "the question is not empty");
    assert_eq!(asked.collect(&store, &Tally::default(), found).await.unwrap(), expected);
}

/// The bar for tables as large as the real ones: a question about one machine reads less than a hundredth of the bytes of
/// the spot tables. Of the smaller one, whose rows of a machine are far fewer than a page has, it reads a little more.
#[tokio::test]
async fn a_question_about_one_machine_reads_less_than_a_hundredth() {
    let prices = ["unit_price", "effective_from", "source_key"];
    let days = ["min_price", "max_price", "time_weighted_avg", "known_seconds", "changes"];
    let pool = [
        "region_id",
        "availability_zone_id",
        "availability_zone",
        "operating_system",
        "product_description",
        "currency",
    ];
    let (mut all_read, mut all_bytes) = (0, 0);
    for (table, rows, columns, most) in [
        (&SPOT_PRICES, market(&mut Packer::new(&SPOT_PRICES), 1_000, 6), [&pool[..], &prices].concat(), 100),
        (
            &SPOT_PRICES_DAILY,
            market_daily(&mut Packer::new(&SPOT_PRICES_DAILY), 1_000),
            [&pool[..], &days].concat(),
            160,
        ),
    ] {
        let store = MemoryStore::new();
        let object = day_object(table, "", DAY);
        let bytes = put(&store, table, &object, rows.iter().map(Vec::as_slice)).await;
        let (mut read, mut asked) = (0, 0);
        for machine in (0..1_000).step_by(71) {
            let tally = Tally::default();
            let scan = Scan::of(table, &columns)
                .only(Condition::is("instance_type", &format!("c{machine:04}.xlarge")));
            let found =
                scan.collect(&store, &tally, |row| row.text("region_id").map(str::to_owned)).await.unwrap();
            assert!(found.len() >= 17 * 9, "{} rows of {machine}", found.len());
            (read, asked) = (read + tally.bytes(), asked + 1);
        }
        let read = read / asked;
        let told = format!("{read} of {bytes} bytes of {} with {} rows are read", table.name, rows.len());
        assert!(read * 10_000 / bytes < most, "{told}");
        (all_read, all_bytes) = (all_read + read, all_bytes + bytes);
        let tally = Tally::default();
        let scan = Scan::of(table, &columns).only(Condition::is("instance_type", "zzz.large"));
        assert!(scan.collect(&store, &tally, |_| Some(())).await.unwrap().is_empty());
        assert!(tally.reads() <= 2, "beyond the bounds of the table nothing but its footer is read");
    }
    assert!(all_read * 100 < all_bytes, "{all_read} of {all_bytes} bytes are read");
}

#[tokio::test]
async fn objects_of_other_days_and_providers_are_not_touched() {
    let mut lake = TestLake::default();
    for day in 1..=12 {
        for provider in ["aws", "azure"] {
            lake.add_empty(&LIST_PRICES, day_object(&LIST_PRICES, provider, &format!("2026-11-{day:02}")));
        }
    }
    lake.put().await;
    let tally = Tally::default();
    let days = "2026-11-03".parse().unwrap()..="2026-11-04".parse().unwrap();
    let scan = Scan::of(&LIST_PRICES, &["region_id"]).days(days).provider(Some("azure"));
    let parts = scan.parts(&lake.store, &tally).await.unwrap();
    let keys: Vec<&str> = parts.iter().map(|part| part.key.as_str()).collect();
    assert_eq!(
        keys,
        [
            "tables/list_prices/provider=azure/dt=2026-11-03/list_prices.parquet",
            "tables/list_prices/provider=azure/dt=2026-11-04/list_prices.parquet",
        ]
    );
    assert!(scan.collect(&lake.store, &tally, |_| Some(())).await.unwrap().is_empty());
    assert_eq!((tally.reads(), tally.listings()), (2, 2));
}

#[tokio::test]
async fn answers_come_in_the_order_of_the_objects() {
    let store = MemoryStore::new();
    for day in 1..=20 {
        put_rows(&store, &format!("2026-11-{day:02}"), &rows_of(&["m5.large"], &format!("0.{day:02}"))).await;
    }
    let found = Scan::of(&SPOT_PRICES, &COLUMNS).collect(&store, &Tally::default(), found).await.unwrap();
    let prices: Vec<Option<Price>> = found.into_iter().map(|(_, _, price, _)| price).collect();
    assert_eq!(prices, (1..=20).map(|day| Price::read(&format!("0.{day:02}"))).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_object_that_is_replaced_meanwhile_is_begun_again() {
    let (old, new) = (rows_of(&["a", "m5.large", "z"], "1"), rows_of(&["m5.large"], "2"));
    let inner = MemoryStore::new();
    let machines = market(&mut Packer::new(&SPOT_PRICES), 30, 14);
    put_rows(&inner, DAY, &machines).await;
    // The first object takes several reads, each of which may be the one that finds it replaced.
    for reads in 0..6 {
        let inner = MemoryStore::new();
        put_rows(&inner, DAY, if reads == 0 { &old } else { &machines }).await;
        let store = Fickle::new(inner, Mood::ReplacesAfter(reads), new.clone());
        let scan = Scan::of(&SPOT_PRICES, &COLUMNS).only(Condition::is("instance_type", "c0013.xlarge"));
        let told = scan.collect(&store, &Tally::default(), found).await.unwrap();
        let scan = Scan::of(&SPOT_PRICES, &COLUMNS);
        let all = scan.collect(&store, &Tally::default(), found).await.unwrap();
        if store.is_replaced() {
            assert!(all.iter().all(|(_, _, price, _)| *price == Price::read("2")), "after {reads} reads");
        }
        assert!(told.is_empty() || told.iter().all(|(machine, ..)| machine == "c0013.xlarge"));
    }
    let store = Fickle::new(inner, Mood::AlwaysReplaces, new);
    let error = Scan::of(&SPOT_PRICES, &COLUMNS).collect(&store, &Tally::default(), found).await.unwrap_err();
    assert!(matches!(error, ScanError::Restless { .. }), "{error}");
}

#[tokio::test]
async fn what_is_damaged_is_named_and_never_a_panic() {
    let store = MemoryStore::new();
    put_rows(&store, DAY, &rows_of(&["a.large", "m5.large", "z.large"], "0.1")).await;
    let object = day_object(&SPOT_PRICES, "", DAY);
    let key = Key::table(&object);
    let etag = store.find(&key).await.unwrap().unwrap();
    let whole = store.read_range(&key, 0..etag.bytes, &etag.etag).await.unwrap();
    let scan = Scan::of(&SPOT_PRICES, &COLUMNS).only(Condition::is("instance_type", "m5.large"));
    let mut damaged: Vec<Vec<u8>> = [0, 1, 7, 8, 11, 12, whole.len() / 2, whole.len() - 1]
        .map(|length| whole[..length].to_vec())
        .to_vec();
    damaged.push(b"<html>no such thing</html>".to_vec());
    let cut = damaged.len();
    for at in (0..whole.len()).step_by(3) {
        let mut bytes = whole.to_vec();
        bytes[at] ^= 0x55;
        damaged.push(bytes);
    }
    let mut told = 0;
    for (index, bytes) in damaged.into_iter().enumerate() {
        let store = MemoryStore::new();
        put_bytes(&store, &object, &bytes).await;
        match scan.collect(&store, &Tally::default(), found).await {
            // A bit that nobody looks at changes nothing.
            Ok(_) => assert!(index >= cut, "damage {index} went by unseen"),
            Err(error) => {
                told += 1;
                assert!(error.to_string().starts_with(key.as_str()), "{error}");
                assert!(error.hint().is_some_and(|hint| hint.contains("contrail tables build")), "{error}");
            }
        }
    }
    assert!(told > cut + 20, "only {told} were told");
}

static NEWER: Table = Table {
    name: "crawl_runs",
    description: "with a column that nobody knows yet",
    columns: &[Column::known("run", Text, "the run"), Column::known("mood", Text, "unheard of")],
    order: &["run"],
    partitions: Partitions::Day,
    sought: &[],
};

static OLDER: Table = Table { columns: &[Column::known("run", Text, "the run")], ..NEWER };
static ODD: Table = Table { columns: &[Column::known("run", Moment, "the run")], ..NEWER };

#[tokio::test]
async fn tables_of_other_releases_are_told_and_what_mends_them() {
    let text = |table| row(table, &[("run", "r".into())]);
    for (table, row, difference, hint) in [
        (
            &NEWER,
            row(&NEWER, &[("run", "r".into()), ("mood", "m".into())]),
            "it has a column mood",
            "update Contrail, or",
        ),
        (&OLDER, text(&OLDER), "it has no column dataset", "build it anew with this release"),
        (
            &ODD,
            row(&ODD, &[("run", time("2026-11-20T00:00:00Z").into())]),
            "its column run is Timestamp",
            "update Contrail, or",
        ),
    ] {
        let store = MemoryStore::new();
        put(&store, table, &day_object(&CRAWL_RUNS, "", DAY), std::iter::once(row.as_slice())).await;
        let scan = Scan::of(&CRAWL_RUNS, &["run"]);
        let error = scan.collect(&store, &Tally::default(), |_| Some(())).await.unwrap_err();
        assert!(error.to_string().contains(difference), "{error}");
        assert!(error.to_string().contains(concat!("contrail ", env!("CARGO_PKG_VERSION"))), "{error}");
        assert!(error.hint().is_some_and(|told| told.starts_with(hint)), "{error}");
    }
}

#[tokio::test]
async fn a_table_that_is_not_there_and_one_that_may_not_be_listed_are_not_the_same() {
    let scan = Scan::of(&SPOT_PRICES, &COLUMNS);
    let error = scan.collect(&MemoryStore::new(), &Tally::default(), found).await.unwrap_err();
    assert_eq!(error.to_string(), "the table spot_prices in memory: was never built");
    assert_eq!(error.hint(), Some("build the tables of this lake: contrail tables build"));
    let store = Fickle::new(MemoryStore::new(), Mood::Denies, vec![]);
    let error = scan.collect(&store, &Tally::default(), found).await.unwrap_err();
    let ScanError::Store(error) = error else { panic!("{error}") };
    assert!(error.is_denied() && error.kind == StoreErrorKind::Config);
}
