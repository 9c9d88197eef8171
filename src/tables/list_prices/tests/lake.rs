//! The makers over a lake: what they make of raw objects, marks and metadata, and what they make again.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Decimal128Type, TimestampMicrosecondType};
use arrow_array::{Array as _, RecordBatch};
use futures::TryStreamExt as _;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::super::{Changes, Current};
use crate::base::{Price, Time};
use crate::lake::key::{Key, Parsed};
use crate::lake::meta::ObjectMeta;
use crate::lake::slice::Version;
use crate::lake::store::{MemoryStore, Store};
use crate::tables::holdings::Holdings;
use crate::tables::make::Maker;
use crate::tables::scratch::Scratch;
use crate::tables::workshop::Workshop;
use crate::tables::writer::TableWriter;

/// A lake, and the disk of whoever builds its tables.
pub(super) struct Lake {
    store: Arc<MemoryStore>,
    directory: tempfile::TempDir,
}

/// What a build did: the parts that it made, and what could not be decoded.
#[derive(Debug, Default)]
pub(super) struct Built {
    pub(super) parts: Vec<String>,
    pub(super) problems: Vec<String>,
    pub(super) noticed: Vec<String>,
}

impl Lake {
    pub(super) fn new() -> Self {
        Self { store: Arc::new(MemoryStore::new()), directory: tempfile::tempdir().unwrap() }
    }

    pub(super) async fn put(&self, key: &str, body: &[u8], meta: &ObjectMeta) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(body).unwrap();
        self.store.put_if_absent(&Key::parse(key).unwrap().0, file.path(), meta).await.unwrap();
    }

    /// A listing of Azure that was fetched at 01:30 of its day.
    pub(super) async fn listing(&self, day: &str, items: &[String], is_sound: bool) {
        let body: String = items.iter().flat_map(|item| [item.as_str(), "\n"]).collect();
        let meta = ObjectMeta {
            fetched_at: format!("{day}T01:30:00Z").parse().ok(),
            complete: Some(true),
            suspect: Some(!is_sound),
            ..ObjectMeta::of_bytes(body.as_bytes())
        };
        self.put(&slot(day), &gzip(body.as_bytes()), &meta).await;
    }

    async fn mark(&self, day: &str) {
        let body = format!("{{\"mark\":\"unchanged\",\"noted_at\":\"{day}T02:00:00Z\"}}\n");
        let key = format!("_contrail/marks/{}.unchanged.json", slot(day));
        self.put(&key, body.as_bytes(), &ObjectMeta::of_bytes(body.as_bytes())).await;
    }

    /// A price list of AWS that was fetched in the year after.
    async fn version(&self, region: &str, version: &str, prices: &[(&str, &str)]) {
        let day = Version::new(version).unwrap().published();
        let key = format!("raw/aws_price_list/dt={day}/offer=AmazonEC2/region={region}/{version}.json.gz");
        let products: Vec<String> = prices
            .iter()
            .map(|(sku, _)| {
                format!(r#""{sku}":{{"sku":"{sku}","attributes":{{"instanceType":"m5.large"}}}}"#)
            })
            .collect();
        let terms: Vec<String> = prices
            .iter()
            .map(|(sku, price)| {
                format!(
                    r#""{sku}":{{"{sku}.T":{{"offerTermCode":"T","sku":"{sku}","effectiveDate":"{day}T00:00:00Z","priceDimensions":{{"{sku}.T.R":{{"rateCode":"{sku}.T.R","unit":"Hrs","beginRange":"0","endRange":"Inf","pricePerUnit":{{"USD":"{price}"}}}}}},"termAttributes":{{}}}}}}"#
                )
            })
            .collect();
        let body = format!(
            r#"{{"formatVersion":"v1.0","offerCode":"AmazonEC2","version":"{version}","products":{{{}}},"terms":{{"OnDemand":{{{}}}}}}}"#,
            products.join(","),
            terms.join(",")
        );
        let meta = ObjectMeta {
            fetched_at: "2027-01-01T00:00:00Z".parse().ok(),
            ..ObjectMeta::of_bytes(body.as_bytes())
        };
        self.put(&key, &gzip(body.as_bytes()), &meta).await;
    }

    /// Builds as the build does, with little memory.
    pub(super) async fn build(&self, mut maker: impl Maker) -> Built {
        let store: Arc<dyn Store> = Arc::clone(&self.store) as _;
        let scratch = Scratch::within(self.directory.path()).unwrap();
        let workshop = Workshop { store, scratch, memory: 20_000, threads: 2 };
        let holdings = Holdings::list(self.store.as_ref(), None, |_| false).await.unwrap();
        maker.survey(&holdings, None, &workshop).await.unwrap();
        let mut built = Built::default();
        for part in maker.parts(&holdings) {
            let key = Key::table(&part);
            let found = self.store.find(&key).await.unwrap();
            let inputs = maker.inputs(&part, &holdings).digest(maker.table());
            let meta = found.as_ref().and_then(|found| found.meta.as_ref());
            if meta.is_some_and(|meta| meta.inputs.as_ref() == Some(&inputs)) {
                continue;
            }
            let file = tempfile::NamedTempFile::new().unwrap();
            let rows = TableWriter::new(maker.table(), file.reopen().unwrap()).unwrap();
            let (made, rows) = maker.make(&part, &holdings, &workshop, rows).await.unwrap();
            rows.finish().unwrap();
            let meta = ObjectMeta { inputs: Some(inputs), closes: made.closes, ..ObjectMeta::default() };
            let before = found.map(|found| found.etag);
            self.store.replace(&key, file.path(), &meta, before.as_ref()).await.unwrap();
            built.parts.push(key.as_str().split('/').nth(3).unwrap().to_owned());
            let told = made.problems.iter().flat_map(|problems| problems.told().to_vec());
            for notice in made.notices {
                assert_eq!((notice.sentinel, notice.warnings), ("price", notice.samples.len() as u64));
                built.noticed.extend(notice.samples);
            }
            built.problems.extend(told.map(|problem| format!("{}: {}", problem.place, problem.reason)));
        }
        built
    }

    /// Some columns of the table that lies under a key, a line for each row.
    pub(super) async fn columns(&self, key: &str, columns: &[&str]) -> Vec<String> {
        let bytes = bytes::Bytes::from(self.bytes(key).await);
        let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap().build().unwrap();
        let mut lines = Vec::new();
        for batch in reader.map(Result::unwrap) {
            let texts = |row| {
                let text = |name: &&str| {
                    let column = batch.column_by_name(name).unwrap().as_string::<i32>();
                    if column.is_valid(row) { column.value(row).to_owned() } else { "-".to_owned() }
                };
                columns.iter().map(text).collect::<Vec<_>>().join(" ")
            };
            lines.extend((0..batch.num_rows()).map(texts));
        }
        lines.sort();
        lines
    }

    pub(super) async fn bytes(&self, key: &str) -> Vec<u8> {
        let key = Key::parse(key).unwrap().0;
        let pieces: Vec<bytes::Bytes> = self.store.read(&key).await.unwrap().try_collect().await.unwrap();
        pieces.concat()
    }

    /// The rows of a day of `list_prices`: `new a 0.1 seen 21T01:30 of 21`.
    pub(super) async fn changes(&self, provider: &str, day: &str) -> Vec<String> {
        self.rows(&format!("tables/list_prices/provider={provider}/dt={day}/list_prices.parquet")).await
    }

    pub(super) async fn current(&self, provider: &str, service: &str) -> Vec<String> {
        let folder = format!("tables/list_prices_current/provider={provider}/service={service}");
        self.rows(&format!("{folder}/list_prices_current.parquet")).await
    }

    async fn rows(&self, key: &str) -> Vec<String> {
        let bytes = bytes::Bytes::from(self.bytes(key).await);
        let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap().build().unwrap();
        let mut rows: Vec<String> = reader.flat_map(|batch| said(&batch.unwrap())).collect();
        rows.sort();
        rows
    }
}

fn said(batch: &RecordBatch) -> Vec<String> {
    let text =
        |name: &str, row| batch.column_by_name(name).map(|it| it.as_string::<i32>().value(row).to_owned());
    let moment = |name: &str, row| {
        let column = batch.column_by_name(name).unwrap().as_primitive::<TimestampMicrosecondType>();
        column.is_valid(row).then(|| {
            let time = Time::from_timestamp_micros(column.value(row)).unwrap();
            time.format("%dT%H:%M").to_string()
        })
    };
    let prices = batch.column_by_name("list_unit_price").unwrap().as_primitive::<Decimal128Type>();
    let say = |row| {
        let change = text("change", row).unwrap_or_else(|| "is".to_owned());
        let known = prices.is_valid(row).then(|| Price::from_units(prices.value(row)).unwrap());
        let price = known.map_or_else(|| "for nobody knows".to_owned(), |price| price.to_string());
        let until = moment("effective_to", row).map(|end| format!(" until {end}")).unwrap_or_default();
        let source = text("source_key", row).unwrap();
        let Ok((_, Parsed::Raw(slice))) = Key::parse(&source) else { panic!("{source} is no raw object") };
        let day = slice.day().format("%d");
        let (sku, seen) = (text("sku_id", row).unwrap(), moment("observed_at", row).unwrap());
        format!("{change} {sku} {price}{until} seen {seen} of {day}")
    };
    (0..batch.num_rows()).map(say).collect()
}

pub(super) fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn slot(day: &str) -> String {
    let compact = day.replace('-', "");
    format!(
        "raw/azure_retail_prices/dt={day}/currency=USD/price_type=Consumption/{compact}T000000Z.ndjson.gz"
    )
}

fn day(day: u8) -> String {
    format!("2026-11-{day:02}")
}

fn item(sku: &str, price: &str, service: &str) -> String {
    format!(
        r#"{{"currencyCode":"USD","tierMinimumUnits":0.0,"retailPrice":{price},"armRegionName":"eastus","effectiveStartDate":"2026-01-01T00:00:00Z","meterId":"m","meterName":"n","skuId":"{sku}","skuName":"s","productName":"p","serviceName":"{service}","unitOfMeasure":"1 Hour","type":"Consumption","armSkuName":""}}"#
    )
}

fn machine(sku: &str, price: &str) -> String {
    item(sku, price, "Virtual Machines")
}

#[tokio::test]
async fn a_week_of_azure() {
    let lake = Lake::new();
    let all = [machine("a", "0.1"), machine("b", "0.2"), item("c", "0.3", "Key Vault")];
    lake.listing(&day(1), &all, true).await;
    // `b` costs more, and says something else that makes no change; `c` is left out by a listing in doubt.
    let dearer = [machine("a", "0.10").replace("\"p\"", "\"q\""), machine("b", "0.25")];
    lake.listing(&day(2), &dearer, false).await;
    lake.listing(&day(3), &all[..2], true).await;
    lake.mark(&day(4)).await;
    let built = lake.build(Changes::default()).await;
    assert_eq!(built.parts, ["dt=2026-11-01", "dt=2026-11-02", "dt=2026-11-03", "dt=2026-11-04"]);
    assert_eq!(
        lake.changes("azure", &day(1)).await,
        ["new a 0.1 seen 01T01:30 of 01", "new b 0.2 seen 01T01:30 of 01", "new c 0.3 seen 01T01:30 of 01"]
    );
    assert_eq!(lake.changes("azure", &day(2)).await, ["changed b 0.25 seen 02T01:30 of 02"]);
    assert_eq!(lake.changes("azure", &day(3)).await, ["changed b 0.2 seen 03T01:30 of 03"]);
    assert_eq!(lake.changes("azure", &day(4)).await, [""; 0]);

    lake.build(Current::default()).await;
    assert_eq!(lake.current("azure", "Key_Vault").await, ["is c 0.3 seen 01T01:30 of 01"]);

    // The third that is sound and lacks `c` is a mark.
    lake.mark(&day(5)).await;
    assert_eq!(lake.build(Changes::default()).await.parts, ["dt=2026-11-05"], "the others are as they were");
    assert_eq!(
        lake.changes("azure", &day(5)).await,
        ["withdrawn c 0.3 until 03T01:30 seen 05T02:00 of 03"],
        "since the first sound one"
    );
    let built = lake.build(Current::default()).await;
    assert_eq!(built.parts, ["service=Key_Vault", "service=Virtual_Machines"]);
    assert_eq!(lake.current("azure", "Key_Vault").await, [""; 0], "nobody reads what it cost last");
    assert_eq!(
        lake.current("azure", "Virtual_Machines").await,
        ["is a 0.1 seen 05T02:00 of 03", "is b 0.2 seen 05T02:00 of 03"]
    );
    assert!(lake.build(Current::default()).await.parts.is_empty());
}

#[tokio::test]
async fn a_build_after_each_day_makes_what_one_build_in_the_end_makes() {
    let lists: [&[&str]; 8] =
        [&["a", "b"], &["a"], &["a", "c"], &["c"], &["c", "d"], &["d"], &["d"], &["a", "d"]];
    let (daily, once) = (Lake::new(), Lake::new());
    for (number, list) in (1..).zip(lists) {
        let items: Vec<String> =
            list.iter().map(|sku| machine(sku, &format!("0.{}", number / 2 + 1))).collect();
        for lake in [&daily, &once] {
            lake.listing(&day(number), &items, number != 4).await;
        }
        daily.build(Changes::default()).await;
        daily.build(Current::default()).await;
    }
    once.build(Changes::default()).await;
    once.build(Current::default()).await;
    for number in 1..=8 {
        let key = format!("tables/list_prices/provider=azure/dt={}/list_prices.parquet", day(number));
        assert_eq!(daily.bytes(&key).await, once.bytes(&key).await, "{key}");
    }
    let key =
        "tables/list_prices_current/provider=azure/service=Virtual_Machines/list_prices_current.parquet";
    assert_eq!(daily.bytes(key).await, once.bytes(key).await);
}

#[tokio::test]
async fn a_list_that_comes_late_changes_what_follows_it() {
    let lake = Lake::new();
    lake.version("us-east-1", "20261101000000", &[("A", "0.1"), ("B", "1")]).await;
    lake.version("us-east-1", "20261105120000", &[("A", "0.3"), ("C", "1")]).await;
    lake.version("eu-west-1", "20261105130000", &[("A", "0.5")]).await;
    lake.build(Changes::default()).await;
    let seen = "seen 01T00:00 of 05";
    assert_eq!(
        lake.changes("aws", &day(5)).await,
        [
            format!("changed A 0.3 {seen}"),
            format!("new A 0.5 {seen}"),
            format!("new C 1 {seen}"),
            format!("withdrawn B 1 until 05T12:00 {seen}"),
        ],
        "a version says when what it lacks ended"
    );

    lake.version("us-east-1", "20261103000000", &[("A", "0.3")]).await;
    assert_eq!(lake.build(Changes::default()).await.parts, ["dt=2026-11-03", "dt=2026-11-05"]);
    assert_eq!(
        lake.changes("aws", &day(3)).await,
        ["changed A 0.3 seen 01T00:00 of 03", "withdrawn B 1 until 03T00:00 seen 01T00:00 of 03"]
    );
    assert_eq!(lake.changes("aws", &day(5)).await, [format!("new A 0.5 {seen}"), format!("new C 1 {seen}")]);

    assert_eq!(lake.build(Current::default()).await.parts, ["service=AmazonEC2"]);
    assert_eq!(
        lake.current("aws", "AmazonEC2").await,
        [format!("is A 0.3 {seen}"), format!("is A 0.5 {seen}"), format!("is C 1 {seen}")]
    );
}

#[tokio::test]
async fn a_list_that_is_published_again_with_the_same_prices_adds_no_rows() {
    let lake = Lake::new();
    lake.version("us-east-1", "20261101000000", &[("A", "0.1"), ("B", "0.0000000000")]).await;
    lake.version("us-east-1", "20261102000000", &[("B", "0"), ("A", "0.1000000000")]).await;
    lake.build(Changes::default()).await;
    assert_eq!(lake.changes("aws", &day(1)).await.len(), 2);
    assert_eq!(lake.changes("aws", &day(2)).await, [""; 0]);
}

#[tokio::test]
async fn a_list_that_cannot_be_read_to_its_end_withdraws_nothing() {
    let lake = Lake::new();
    for (number, version) in ["20261101000000", "20261103000000"].iter().enumerate() {
        lake.version("us-east-1", version, &[("A", "0.1"), ("B", if number == 0 { "1" } else { "2" })]).await;
    }
    let key = "raw/aws_price_list/dt=2026-11-02/offer=AmazonEC2/region=us-east-1/20261102000000.json.gz";
    let cut = gzip(br#"{"offerCode":"AmazonEC2","products":{"A":{"sku":"A","attributes":{}}},"terms":{"#);
    lake.put(key, &cut, &ObjectMeta::of_bytes(b"")).await;
    let built = lake.build(Changes::default()).await;
    assert_eq!(lake.changes("aws", &day(2)).await, [""; 0]);
    assert_eq!(lake.changes("aws", &day(3)).await, ["changed B 2 seen 01T00:00 of 03"]);
    let [problem] = &built.problems[..] else { panic!("{built:?}") };
    assert!(problem.starts_with("payload: "), "{problem}");
    assert!(lake.build(Changes::default()).await.parts.is_empty(), "that is known, and made of the same");
}

#[tokio::test]
async fn a_listing_without_metadata_confirms_nothing() {
    let lake = Lake::new();
    lake.listing(&day(1), &[machine("a", "0.1"), machine("b", "0.1")], true).await;
    for number in 2..=6 {
        let body = format!("{}\n", machine("a", "0.1"));
        lake.put(&slot(&day(number)), &gzip(body.as_bytes()), &ObjectMeta::of_bytes(body.as_bytes())).await;
    }
    lake.build(Changes::default()).await;
    for number in 2..=6 {
        assert_eq!(lake.changes("azure", &day(number)).await, [""; 0], "{number}");
    }
    lake.build(Current::default()).await;
    assert_eq!(
        lake.current("azure", "Virtual_Machines").await,
        ["is a 0.1 seen 06T00:00 of 06", "is b 0.1 seen 01T01:30 of 01"]
    );
}

#[tokio::test]
async fn of_rates_that_are_there_twice_the_one_that_applies_longest_stays_and_the_others_are_told() {
    let lake = Lake::new();
    let ends = |price: &str, end: &str| {
        machine("a", price).replace("\"meterId\"", &format!("\"effectiveEndDate\":\"{end}\",\"meterId\""))
    };
    let items = [
        ends("0.3", "2026-11-20T00:00:00Z"),
        machine("a", "0.1"),
        ends("0.2", "2026-12-20T00:00:00Z"),
        machine("a", "0.1").replace("\"p\"", "\"p\",\"isPrimaryMeterRegion\":true"),
    ];
    lake.listing(&day(1), &items, true).await;
    let built = lake.build(Changes::default()).await;
    assert_eq!(lake.changes("azure", &day(1)).await, ["new a 0.1 seen 01T01:30 of 01"]);
    assert_eq!(built.problems, ["rates: 2 rates are there twice, at other prices or ends"]);

    lake.listing(&day(2), &[items[2].clone(), items[0].clone()], true).await;
    lake.build(Changes::default()).await;
    assert_eq!(lake.changes("azure", &day(2)).await, ["changed a 0.2 until 20T00:00 seen 02T01:30 of 02"]);
}

#[tokio::test]
async fn a_price_that_leaps_is_told_and_kept() {
    let lake = Lake::new();
    lake.version("us-east-1", "20261101000000", &[("A", "0.1"), ("B", "0"), ("C", "5")]).await;
    lake.version("us-east-1", "20261102000000", &[("A", "10"), ("B", "7"), ("C", "0")]).await;
    lake.version("us-east-1", "20261103000000", &[("A", "0.11"), ("B", "7"), ("C", "0")]).await;
    let built = lake.build(Changes::default()).await;
    assert_eq!(
        built.noticed,
        ["rate A.T.R: the price leaps from 0.1 to 10", "rate C.T.R: the price leaps from 5 to 0"]
    );
    assert_eq!(built.problems, [""; 0], "nothing is missing of the table");
    assert_eq!(lake.changes("aws", &day(2)).await.len(), 3);
}

#[tokio::test]
async fn a_leap_that_the_crawler_has_told_is_not_told_again() {
    let lake = Lake::new();
    lake.listing(&day(1), &[machine("a", "0.1")], true).await;
    lake.listing(&day(2), &[machine("a", "50")], true).await;
    let built = lake.build(Changes::default()).await;
    assert_eq!((built.parts.len(), built.noticed.len(), built.problems.len()), (2, 0, 0));
}

#[tokio::test]
async fn an_object_that_is_gone_spoils_no_more_than_what_is_made_of_it() {
    let lake = Lake::new();
    lake.listing(&day(1), &[machine("a", "0.1")], true).await;
    lake.listing(&day(2), &[machine("a", "0.2")], true).await;
    let store: Arc<dyn Store> = Arc::clone(&lake.store) as _;
    let scratch = Scratch::within(lake.directory.path()).unwrap();
    let workshop = Workshop { store, scratch, memory: 1 << 20, threads: 1 };
    let mut holdings = Holdings::list(lake.store.as_ref(), None, |_| false).await.unwrap();
    for objects in holdings.raw.values_mut() {
        let gone = Key::parse(&slot(&day(3))).unwrap();
        let Parsed::Raw(slice) = gone.1 else { panic!("a slot") };
        let object = crate::tables::holdings::RawObject { key: gone.0, slice, ..objects[0].clone() };
        objects.push(object);
    }
    let mut maker = Changes::default();
    maker.survey(&holdings, None, &workshop).await.unwrap();
    let mut outcomes = BTreeMap::new();
    for part in maker.parts(&holdings) {
        let file = tempfile::tempfile().unwrap();
        let rows = TableWriter::new(maker.table(), file).unwrap();
        let made = maker.make(&part, &holdings, &workshop, rows).await;
        outcomes.insert(Key::table(&part).to_string(), made.map(|_| ()).map_err(|error| error.to_string()));
    }
    let outcomes: Vec<_> = outcomes.into_values().collect();
    assert!(
        matches!(&outcomes[..], [Ok(()), Ok(()), Err(error)] if error.contains("dt=2026-11-03")),
        "{outcomes:?}"
    );
}
