//! Both tables, built from raw objects in a lake in memory.

use std::io::Write as _;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Decimal128Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array as _, ArrayRef};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::TryStreamExt as _;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::base::units::Period;
use crate::base::{Date, Price, SystemClock, Time};
use crate::lake::identity::{FORMAT, Identity, UPSTREAM};
use crate::lake::key::Key;
use crate::lake::meta::ObjectMeta;
use crate::lake::store::{MemoryStore, Store};
use crate::tables::build::{Options, Report, Silent, build};
use crate::tables::scratch::Scratch;

/// Zone, zone id (none if empty), machine, price, time.
type Row<'a> = (&'a str, &'a str, &'a str, &'a str, &'a str);

struct Lake {
    store: Arc<MemoryStore>,
    directory: tempfile::TempDir,
}

impl Lake {
    async fn new() -> Self {
        let lake = Self { store: Arc::new(MemoryStore::new()), directory: tempfile::tempdir().unwrap() };
        let identity = Identity {
            format: FORMAT,
            created_at: "2026-11-20T00:00:00Z".parse().unwrap(),
            origin: UPSTREAM.to_owned(),
            spot_window: Period::seconds(3_600),
        };
        lake.put(&Key::identity(), &serde_json::to_vec(&identity).unwrap()).await;
        lake
    }

    async fn put(&self, key: &Key, bytes: &[u8]) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        self.store.put_if_absent(key, file.path(), &ObjectMeta::of_bytes(bytes)).await.unwrap();
    }

    /// Puts a window, such as `("21T00", "22T00")` of November 2026.
    async fn window(&self, region: &str, from: &str, to: &str, rows: &[Row<'_>]) {
        let text: String = rows.iter().map(|row| line(*row)).collect();
        self.put(&window(region, from, to), &gzip(text.as_bytes())).await;
    }

    async fn build(&self, since: Option<&str>) -> Report {
        let report = self.try_building(since).await;
        assert!(report.is_whole(), "{report:?}");
        report
    }

    async fn try_building(&self, since: Option<&str>) -> Report {
        let options = Options {
            tables: ["spot_prices", "spot_prices_daily"].map(str::to_owned).into(),
            rebuild: false,
            since: since.map(|day| day.parse().unwrap()),
            memory: 1 << 20,
            threads: 2,
        };
        let store: Arc<dyn Store> = Arc::clone(&self.store) as _;
        let scratch = Scratch::within(self.directory.path()).unwrap();
        build(store, scratch, &options, &SystemClock, &Silent).await.unwrap()
    }

    async fn bytes(&self, table: &str, day: &str) -> Bytes {
        let mut object = self.store.read(&key(table, day)).await.unwrap();
        let mut bytes = Vec::new();
        while let Some(piece) = object.try_next().await.unwrap() {
            bytes.extend_from_slice(&piece);
        }
        bytes.into()
    }

    /// The rows of an object: the values of these columns, with a blank between.
    async fn rows(&self, table: &str, day: &str, columns: &[&str]) -> Vec<String> {
        let bytes = self.bytes(table, day).await;
        let mut rows = Vec::new();
        for batch in ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap().build().unwrap() {
            let batch = batch.unwrap();
            for row in 0..batch.num_rows() {
                let shown = |column: &&str| shown(batch.column_by_name(column).unwrap(), row);
                rows.push(columns.iter().map(shown).collect::<Vec<_>>().join(" "));
            }
        }
        rows
    }

    async fn daily(&self, day: &str) -> Vec<String> {
        let columns =
            ["instance_type", "open_price", "close_price", "time_weighted_avg", "changes", "known_seconds"];
        self.rows("spot_prices_daily", day, &columns).await
    }
}

fn shown(column: &ArrayRef, row: usize) -> String {
    if column.is_null(row) {
        "-".to_owned()
    } else if let Some(texts) = column.as_string_opt::<i32>() {
        texts.value(row).to_owned()
    } else if let Some(prices) = column.as_primitive_opt::<Decimal128Type>() {
        Price::from_units(prices.value(row)).unwrap().to_string()
    } else if let Some(times) = column.as_primitive_opt::<TimestampMicrosecondType>() {
        Time::from_timestamp_micros(times.value(row)).unwrap().format("%dT%H:%M").to_string()
    } else {
        column.as_primitive::<Int64Type>().value(row).to_string()
    }
}

fn key(table: &str, day: &str) -> Key {
    Key::parse(&format!("tables/{table}/dt=2026-11-{day}/{table}.parquet")).unwrap().0
}

fn window(region: &str, from: &str, to: &str) -> Key {
    let day: Date = format!("2026-11-{}", from.get(..2).unwrap()).parse().unwrap();
    let name = format!("202611{from}0000Z-202611{to}0000Z.ndjson.gz");
    Key::parse(&format!("raw/aws_spot_prices/dt={day}/region={region}/{name}")).unwrap().0
}

fn line((zone, id, machine, price, time): Row<'_>) -> String {
    let mut row = serde_json::json!({
        "AvailabilityZone": zone,
        "InstanceType": machine,
        "ProductDescription": "Linux/UNIX",
        "SpotPrice": price,
        "Timestamp": format!("2026-11-{time}:00.000Z"),
    });
    if !id.is_empty() {
        row["AvailabilityZoneId"] = id.into();
    }
    format!("{row}\n")
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

const A: (&str, &str) = ("us-east-1a", "use1-az1");

fn row<'a>(machine: &'a str, price: &'a str, time: &'a str) -> Row<'a> {
    (A.0, A.1, machine, price, time)
}

fn counts(report: &Report) -> Vec<(u64, u64, u64)> {
    report.tables.iter().map(|table| (table.built, table.unchanged, table.problems)).collect()
}

#[tokio::test]
async fn changes_become_rows_and_days() {
    let lake = Lake::new().await;
    let first = [
        row("m5.large", "0.2", "10T05:00"),
        row("m5.large", "0.3", "20T12:00"),
        row("a1.large", "N/A", "20T18:00"),
    ];
    lake.window("us-east-1", "20T00", "21T00", &first).await;
    lake.window("us-east-1", "21T00", "22T00", &[row("c5.large", "0.000", "21T06:00")]).await;
    lake.window("cn-north-1", "21T00", "22T00", &[("cn-north-1a", "cnn1-az1", "m5.large", "1", "21T00:00")])
        .await;
    assert_eq!(counts(&lake.build(None).await), [(2, 0, 1), (2, 0, 1)]);

    let columns = [
        "instance_type",
        "availability_zone_id",
        "operating_system",
        "currency",
        "unit_price",
        "effective_from",
    ];
    assert_eq!(
        lake.rows("spot_prices", "20", &columns).await,
        [
            "a1.large use1-az1 Linux USD - 20T18:00",
            "m5.large use1-az1 Linux USD 0.2 10T05:00",
            "m5.large use1-az1 Linux USD 0.3 20T12:00",
        ]
    );
    assert_eq!(
        lake.rows("spot_prices", "21", &["source_key", "currency"]).await,
        [
            format!("{} USD", window("us-east-1", "21T00", "22T00")),
            format!("{} CNY", window("cn-north-1", "21T00", "22T00")),
        ]
    );
    assert_eq!(lake.daily("20").await, ["a1.large - - - 1 0", "m5.large 0.2 0.3 0.25 1 86400"]);
    assert_eq!(
        lake.daily("21").await,
        ["c5.large - 0 0 1 64800", "m5.large 1 1 1 1 86400", "m5.large 0.3 0.3 0.3 0 86400"]
    );
}

#[tokio::test]
async fn a_day_that_changes_is_carried_on_until_its_closes_are_the_same() {
    let lake = Lake::new().await;
    lake.window("us-east-1", "20T00", "20T12", &[row("m5.large", "0.1", "20T00:00")]).await;
    lake.window("us-east-1", "20T13", "21T00", &[row("m5.large", "0.2", "20T20:00")]).await;
    lake.window("us-east-1", "21T00", "22T00", &[]).await;
    lake.window("us-east-1", "22T00", "23T00", &[row("m5.large", "0.5", "22T00:00")]).await;
    lake.window("us-east-1", "23T00", "24T00", &[]).await;
    assert_eq!(counts(&lake.build(None).await)[1], (4, 0, 0));
    assert_eq!(
        lake.daily("20").await,
        ["m5.large 0.1 0.2 0.125 2 57600"],
        "8 h unknown, of which 1 h is a gap"
    );
    assert_eq!(counts(&lake.build(None).await), [(0, 4, 0), (0, 4, 0)]);

    // The gap is healed: the day knows more, and ends as before.
    lake.window("us-east-1", "20T12", "20T13", &[row("m5.large", "0.3", "20T12:30")]).await;
    assert_eq!(counts(&lake.build(None).await), [(1, 3, 0), (1, 3, 0)]);

    // A late row changes how it ended, and the next day; the one after begins with a change of its own.
    let audit = "raw/aws_spot_prices/dt=2026-11-20/region=us-east-1/20261120-20261121.late.ndjson.gz";
    lake.put(&Key::parse(audit).unwrap().0, &gzip(line(row("m5.large", "0.4", "20T23:00")).as_bytes())).await;
    assert_eq!(counts(&lake.build(None).await), [(1, 3, 0), (3, 1, 0)]);
    assert_eq!(lake.daily("21").await, ["m5.large 0.4 0.4 0.4 0 86400"]);
    assert_eq!(lake.daily("22").await, ["m5.large 0.5 0.5 0.5 1 86400"]);
}

#[tokio::test]
async fn a_build_of_the_last_days_makes_what_a_build_of_all_would() {
    let (whole, piecewise) = (Lake::new().await, Lake::new().await);
    for lake in [&whole, &piecewise] {
        lake.window("us-east-1", "20T00", "20T23", &[row("m5.large", "0.1", "20T03:00")]).await;
        lake.window(
            "eu-west-1",
            "20T00",
            "21T00",
            &[("eu-west-1a", "euw1-az1", "m5.large", "0.7", "20T03:00")],
        )
        .await;
    }
    piecewise.build(None).await;
    for lake in [&whole, &piecewise] {
        lake.window("us-east-1", "21T00", "22T00", &[row("c5.large", "0.9", "20T23:30")]).await;
        lake.window("eu-west-1", "21T00", "22T00", &[]).await;
    }
    whole.build(None).await;
    assert_eq!(counts(&piecewise.build(Some("2026-11-21")).await), [(1, 0, 0), (1, 0, 0)]);
    assert_eq!(
        whole.daily("21").await,
        ["c5.large 0.9 0.9 0.9 0 86400", "m5.large 0.7 0.7 0.7 0 86400", "m5.large 0.1 0.1 0.1 0 86400"],
        "the gap before midnight is bridged by the row of another pool"
    );
    for table in ["spot_prices", "spot_prices_daily"] {
        assert_eq!(whole.bytes(table, "21").await, piecewise.bytes(table, "21").await);
    }
    assert_eq!(counts(&piecewise.build(None).await), [(0, 2, 0), (0, 2, 0)], "the inputs are the same too");
}

#[tokio::test]
async fn nothing_is_known_across_a_day_without_a_window() {
    let lake = Lake::new().await;
    lake.window("us-east-1", "20T00", "21T00", &[row("m5.large", "0.1", "20T00:00")]).await;
    lake.window("eu-west-1", "21T00", "22T00", &[("eu-west-1a", "euw1-az1", "m5.large", "0.7", "21T00:00")])
        .await;
    lake.window("us-east-1", "22T00", "23T00", &[row("c5.large", "0.9", "21T12:00")]).await;
    lake.build(None).await;
    assert_eq!(lake.daily("22").await, ["c5.large 0.9 0.9 0.9 0 86400"]);
}

#[tokio::test]
async fn a_change_has_one_row_and_one_price() {
    let lake = Lake::new().await;
    let same = row("m5.large", "0.1", "20T12:00");
    lake.window("us-east-1", "20T00", "20T13", &[same, row("m5.large", "0.2", "20T12:30")]).await;
    lake.window("us-east-1", "20T13", "21T00", &[same, row("m5.large", "0.3", "20T12:30")]).await;
    let report = lake.build(None).await;
    assert_eq!(counts(&report), [(1, 0, 1), (1, 0, 0)]);
    let told = report.tables[0].told[0].to_string();
    let (stands, other) = (window("us-east-1", "20T00", "20T13"), window("us-east-1", "20T13", "21T00"));
    assert_eq!(told, format!("{other}, m5.large: has another price in {stands}, which stands"));
    assert_eq!(lake.rows("spot_prices", "20", &["unit_price"]).await, ["0.1", "0.2"]);
    assert_eq!(lake.daily("20").await, ["m5.large - 0.2 0.1958333333 2 43200"]);
}

#[tokio::test]
async fn a_zone_is_the_same_whatever_accounts_call_it() {
    let lake = Lake::new().await;
    lake.window("us-east-1", "20T00", "21T00", &[row("m5.large", "0.1", "20T00:00")]).await;
    lake.window("us-east-1", "21T00", "22T00", &[("us-east-1c", A.1, "m5.large", "0.2", "21T12:00")]).await;
    lake.build(None).await;
    let columns = ["availability_zone", "availability_zone_id", "open_price", "close_price", "known_seconds"];
    let rows = lake.rows("spot_prices_daily", "21", &columns).await;
    assert_eq!(rows, ["us-east-1c use1-az1 0.1 0.2 86400"]);
}

#[tokio::test]
async fn nothing_is_known_of_a_zone_on_a_day_that_tells_it_with_its_id_and_without() {
    let lake = Lake::new().await;
    lake.window("us-east-1", "20T00", "21T00", &[(A.0, "", "m5.large", "0.1", "20T00:00")]).await;
    lake.window(
        "us-east-1",
        "21T00",
        "22T00",
        &[(A.0, "", "m5.large", "0.2", "21T00:00"), row("m5.large", "0.3", "21T12:00")],
    )
    .await;
    lake.window("us-east-1", "22T00", "23T00", &[row("m5.large", "0.4", "22T12:00")]).await;
    lake.build(None).await;
    assert_eq!(lake.daily("20").await, ["m5.large 0.1 0.1 0.1 1 86400"]);
    assert_eq!(lake.daily("21").await, ["m5.large - - - 1 0", "m5.large - - - 1 0"]);
    assert_eq!(lake.daily("22").await, ["m5.large - 0.4 0.4 1 43200"]);
}

#[tokio::test]
async fn what_can_be_read_of_a_damaged_object_stands() {
    let lake = Lake::new().await;
    let mut rows = String::new();
    for minute in 0..60 {
        rows.push_str(&line(row(
            "m5.large",
            &format!("0.{}", minute * 7919 % 1000 + 1),
            &format!("20T00:{minute:02}"),
        )));
    }
    let whole = gzip(rows.as_bytes());
    lake.put(&window("us-east-1", "20T00", "20T01"), &whole[..whole.len() / 2]).await;
    lake.put(&window("us-east-1", "20T01", "20T02"), b"no gzip").await;
    let report = lake.build(None).await;
    assert_eq!(report.tables[0].problems, 2, "{:?}", report.tables[0].told);
    assert!(report.tables[0].told.iter().all(|problem| problem.place == "payload"));
}

#[tokio::test]
async fn a_day_before_that_cannot_be_read_is_told_with_what_to_do() {
    let lake = Lake::new().await;
    lake.window("us-east-1", "20T00", "21T00", &[row("m5.large", "0.1", "20T00:00")]).await;
    lake.build(None).await;
    lake.window("us-east-1", "21T00", "22T00", &[]).await;
    let key = key("spot_prices_daily", "20");
    let whole = lake.bytes("spot_prices_daily", "20").await;
    let found = lake.store.find(&key).await.unwrap().unwrap();
    let mut other = found.meta.clone().unwrap();
    other.closes = Some("of other closes".to_owned());
    for (bytes, meta) in [(&whole[..whole.len() / 2], found.meta.unwrap()), (&whole[..], other)] {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        let etag = lake.store.find(&key).await.unwrap().unwrap().etag;
        lake.store.replace(&key, file.path(), &meta, Some(&etag)).await.unwrap();
        let report = lake.try_building(Some("2026-11-21")).await;
        let failed = &report.tables[1].failed[..];
        assert_eq!(failed.len(), 1, "{report:?}");
        assert!(
            failed[0].key.contains("dt=2026-11-21") && failed[0].error.contains("dt=2026-11-20"),
            "{failed:?}"
        );
        assert!(failed[0].hint.as_ref().unwrap().contains("--rebuild"), "{failed:?}");
    }
}
