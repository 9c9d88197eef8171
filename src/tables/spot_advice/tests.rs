//! The table, built from editions of the feed in a lake in memory.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Int64Type, TimestampMicrosecondType};
use arrow_array::{Array as _, RecordBatch};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::TryStreamExt as _;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::decode::read;
use super::state::State;
use crate::base::units::Period;
use crate::base::{SystemClock, Time};
use crate::lake::identity::{FORMAT, Identity, UPSTREAM};
use crate::lake::key::Key;
use crate::lake::meta::ObjectMeta;
use crate::lake::store::{MemoryStore, Store};
use crate::tables::build::{Options, Silent, TableReport, build};
use crate::tables::problems::Problems;
use crate::tables::scratch::Scratch;

struct Lake {
    store: Arc<MemoryStore>,
    directory: tempfile::TempDir,
}

/// The key of a slot of November 2026, such as `21T06`.
fn slot(slot: &str) -> String {
    let (day, hour) = slot.split_once('T').unwrap();
    format!("raw/aws_spot_advisor/dt=2026-11-{day}/202611{day}T{hour}0000Z.json.gz")
}

/// Half past the hour in which a slot begins.
fn moment(slot: &str) -> Time {
    format!("2026-11-{slot}:30:00Z").parse().unwrap()
}

/// An edition that says of machines in region `a` with Linux what their band and savings are: `m5.large 1 61`.
fn edition(advice: &[&str]) -> String {
    let machines = advice.iter().map(|advice| {
        let words: Vec<&str> = advice.split(' ').collect();
        let [machine, band, savings] = words[..] else { panic!("{advice}") };
        format!(r#""{machine}":{{"s":{savings},"r":{band}}}"#)
    });
    let machines: Vec<String> = machines.collect();
    let bands = r#"[{"index":0,"label":"<5%","max":5},{"index":1,"label":"5-10%","max":11},{"index":4,"label":">20%","max":100}]"#;
    format!(
        r#"{{"instance_types":{{}},"ranges":{bands},"spot_advisor":{{"a":{{"Linux":{{{}}}}}}}}}"#,
        machines.join(",")
    )
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
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
        lake.put(Key::identity().as_str(), &serde_json::to_vec(&identity).unwrap(), ObjectMeta::default())
            .await;
        lake
    }

    async fn put(&self, key: &str, bytes: &[u8], meta: ObjectMeta) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        self.store.put_if_absent(&Key::parse(key).unwrap().0, file.path(), &meta).await.unwrap();
    }

    async fn stored(&self, at: &str, zipped: &[u8], suspect: bool) {
        let meta = ObjectMeta {
            fetched_at: Some(moment(at)),
            complete: Some(true),
            suspect: Some(suspect),
            ..ObjectMeta::of_bytes(zipped)
        };
        self.put(&slot(at), zipped, meta).await;
    }

    async fn edition(&self, at: &str, advice: &[&str]) {
        self.stored(at, &gzip(edition(advice).as_bytes()), false).await;
    }

    async fn suspect(&self, at: &str, advice: &[&str]) {
        self.stored(at, &gzip(edition(advice).as_bytes()), true).await;
    }

    async fn unchanged(&self, at: &str) {
        let key = format!("_contrail/marks/{}.unchanged.json", slot(at));
        self.put(&key, b"{}", ObjectMeta::of_bytes(b"{}")).await;
    }

    async fn build(&self, since: Option<&str>) -> TableReport {
        let options = Options {
            tables: vec!["spot_advice".to_owned()],
            rebuild: false,
            since: since.map(|day| day.parse().unwrap()),
            memory: 1 << 20,
            threads: 2,
        };
        let store: Arc<dyn Store> = Arc::clone(&self.store) as _;
        let scratch = Scratch::within(self.directory.path()).unwrap();
        let report = build(store, scratch, &options, &SystemClock, &Silent).await.unwrap();
        assert!(report.is_whole(), "{report:?}");
        report.tables.into_iter().next().unwrap()
    }

    async fn bytes(&self, day: u8) -> Bytes {
        let key = Key::parse(&format!("tables/spot_advice/dt=2026-11-{day}/spot_advice.parquet")).unwrap().0;
        let pieces: Vec<Bytes> = self.store.read(&key).await.unwrap().try_collect().await.unwrap();
        pieces.concat().into()
    }

    async fn batches(&self, day: u8) -> Vec<RecordBatch> {
        let reader = ParquetRecordBatchReaderBuilder::try_new(self.bytes(day).await).unwrap();
        reader.build().unwrap().map(Result::unwrap).collect()
    }

    /// The rows of a day: `new m5.large 1 5-10% 5..10 saves 61 at 21T06`.
    async fn rows(&self, day: u8) -> Vec<String> {
        self.batches(day).await.iter().flat_map(said).collect()
    }
}

fn said(batch: &RecordBatch) -> Vec<String> {
    let text = |name: &str, row: usize| {
        let column = batch.column_by_name(name).unwrap().as_string::<i32>();
        if column.is_valid(row) { column.value(row).to_owned() } else { "-".to_owned() }
    };
    let number = |name: &str, row: usize| {
        let column = batch.column_by_name(name).unwrap().as_primitive::<Int64Type>();
        if column.is_valid(row) { column.value(row).to_string() } else { "-".to_owned() }
    };
    let say = |row| {
        assert_eq!((text("provider_name", row).as_str(), text("region_id", row).as_str()), ("aws", "a"));
        let moments = batch.column_by_name("observed_at").unwrap().as_primitive::<TimestampMicrosecondType>();
        let seen = Time::from_timestamp_micros(moments.value(row)).unwrap();
        assert_eq!(text("source_key", row), slot(&seen.format("%dT%H").to_string()));
        format!(
            "{} {} {} {} {}..{} saves {} at {}",
            text("change", row),
            text("instance_type", row),
            number("interruption_band", row),
            text("interruption_label", row),
            number("interrupted_min_percent", row),
            number("interrupted_max_percent", row),
            number("savings_percent", row),
            seen.format("%dT%H")
        )
    };
    (0..batch.num_rows()).map(say).collect()
}

#[tokio::test]
async fn a_row_is_a_change_and_what_stays_has_none() {
    let lake = Lake::new().await;
    lake.edition("21T00", &["m5.large 1 61", "t3.nano 4 0", "c5.xlarge 0 -62"]).await;
    lake.unchanged("21T06").await;
    lake.edition("21T12", &["m5.large 0 61", "t3.nano 4 0", "c5.xlarge 0 -62"]).await;
    lake.edition("22T00", &["m5.large 0 60", "c5.xlarge 0 -62", "r5.large 1 5"]).await;
    let report = lake.build(None).await;
    assert_eq!((report.built, report.problems), (2, 0));
    assert_eq!(
        lake.rows(21).await,
        [
            "new c5.xlarge 0 <5% 0..5 saves -62 at 21T00",
            "new m5.large 1 5-10% 5..10 saves 61 at 21T00",
            "changed m5.large 0 <5% 0..5 saves 61 at 21T12",
            "new t3.nano 4 >20% 20..100 saves 0 at 21T00",
        ]
    );
    assert_eq!(
        lake.rows(22).await,
        [
            "changed m5.large 0 <5% 0..5 saves 60 at 22T00",
            "new r5.large 1 5-10% 5..10 saves 5 at 22T00",
            "withdrawn t3.nano 4 >20% 20..100 saves 0 at 22T00",
        ]
    );
}

#[tokio::test]
async fn an_edition_in_doubt_withdraws_nothing() {
    let lake = Lake::new().await;
    lake.edition("21T00", &["a 0 1", "b 0 1", "c 0 1"]).await;
    lake.suspect("21T06", &["a 1 1"]).await;
    lake.edition("22T00", &["a 1 1", "b 0 1"]).await;
    lake.build(None).await;
    assert_eq!(
        lake.rows(21).await[..2],
        ["new a 0 <5% 0..5 saves 1 at 21T00", "changed a 1 5-10% 5..10 saves 1 at 21T06"]
    );
    assert_eq!(lake.rows(21).await.len(), 4);
    assert_eq!(lake.rows(22).await, ["withdrawn c 0 <5% 0..5 saves 1 at 22T00"]);
}

#[tokio::test]
async fn an_edition_that_cannot_be_read_is_told_and_changes_nothing() {
    let lake = Lake::new().await;
    lake.edition("21T00", &["a 0 1", "b 0 1"]).await;
    let whole = gzip(edition(&["a 0 2"]).as_bytes());
    lake.stored("21T06", whole.get(..whole.len() / 2).unwrap(), false).await;
    lake.stored("21T12", &gzip(b"<html>Sign in</html>"), false).await;
    lake.stored("21T18", &gzip(&vec![b' '; (8 << 20) + 1]), false).await;
    lake.edition("22T00", &["a 0 2", "b \"?\" null"]).await;
    let report = lake.build(None).await;
    assert_eq!(lake.rows(21).await.len(), 2, "{:?}", lake.rows(21).await);
    assert_eq!(
        lake.rows(22).await,
        ["changed a 0 <5% 0..5 saves 2 at 22T00", "changed b - - -..- saves - at 22T00"],
        "the day is compared with what could be read last"
    );
    let told: Vec<String> =
        report.told.iter().map(|problem| format!("{}: {}", problem.place, problem.reason)).collect();
    assert_eq!(told.len(), 4, "{told:?}");
    assert!(told[0].starts_with("payload: is damaged: "), "{told:?}");
    assert_eq!(told[1], "payload: is not the feed: it is no JSON object: expected value at line 1 column 1");
    assert_eq!(told[2], "payload: is larger than 8388608 bytes");
    assert_eq!(told[3], "a Linux b: s is no whole number: null");
}

#[tokio::test]
async fn a_day_is_made_again_when_what_it_is_compared_with_changes_and_never_else() {
    let lake = Lake::new().await;
    lake.edition("20T18", &["a 0 1"]).await;
    lake.edition("21T06", &["a 0 2"]).await;
    lake.edition("22T06", &["a 0 2", "b 0 2"]).await;
    assert_eq!(lake.build(None).await.built, 3);
    assert_eq!(lake.build(None).await.unchanged, 3);
    // A mark says nothing new.
    lake.unchanged("22T12").await;
    assert_eq!(lake.build(Some("2026-11-21")).await.unchanged, 2);
    // One that comes late, by another crawler.
    lake.edition("21T12", &["a 0 3"]).await;
    let report = lake.build(Some("2026-11-21")).await;
    assert_eq!((report.built, report.unchanged), (2, 0));
    let (piecewise, others) = (lake.rows(22).await, lake.bytes(21).await);
    assert_eq!(piecewise, ["changed a 0 <5% 0..5 saves 2 at 22T06", "new b 0 <5% 0..5 saves 2 at 22T06"]);
    let whole = Lake::new().await;
    for (at, advice) in [
        ("20T18", &["a 0 1"][..]),
        ("21T06", &["a 0 2"]),
        ("21T12", &["a 0 3"]),
        ("22T06", &["a 0 2", "b 0 2"]),
    ] {
        whole.edition(at, advice).await;
    }
    assert_eq!(whole.build(None).await.built, 3);
    assert_eq!(whole.bytes(21).await, others, "the same objects make the same bytes");
    assert_eq!(whole.rows(22).await, piecewise);
}

/// What a reader is to expect of the recorded feed of 2025-07, by `jq` and Python:
/// `[.spot_advisor[][] | length] | add`, `[.spot_advisor[][][].s] | add` and the like.
#[tokio::test]
async fn a_recorded_edition_says_what_another_program_reads_in_it() {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/payloads");
    let root = std::env::var_os("CONTRAIL_PAYLOADS").map_or_else(beside, PathBuf::from);
    if !root.is_dir() {
        // Past the test harness, which shows only what failing tests print.
        writeln!(io::stderr(), "SKIPPED: no recorded payloads (set CONTRAIL_PAYLOADS)").unwrap();
        return;
    }
    let json = std::fs::read(root.join("aws-spot-advisor/spot-advisor-data_2025-07.json")).unwrap();
    let (mut state, mut problems) = (State::default(), Problems::of("raw/x"));
    read(&json, &mut state, &mut problems);
    assert_eq!(problems.count(), 0, "{problems:?}");

    let lake = Lake::new().await;
    lake.stored("21T00", &gzip(&json), false).await;
    let report = lake.build(None).await;
    assert_eq!((report.built, report.rows, report.problems), (1, 25_323, 0));
    let mut bands = BTreeMap::<(i64, String, i64, i64), u64>::new();
    let (mut systems, mut regions, mut savings) = (BTreeMap::<String, u64>::new(), BTreeMap::new(), 0);
    let mut chosen = BTreeMap::new();
    for batch in lake.batches(21).await {
        let text =
            |name: &str, row| batch.column_by_name(name).unwrap().as_string::<i32>().value(row).to_owned();
        let number =
            |name: &str, row| batch.column_by_name(name).unwrap().as_primitive::<Int64Type>().value(row);
        for row in 0..batch.num_rows() {
            let band = (
                number("interruption_band", row),
                text("interruption_label", row),
                number("interrupted_min_percent", row),
                number("interrupted_max_percent", row),
            );
            let (system, region) = (text("operating_system", row), text("region_id", row));
            let saved = number("savings_percent", row);
            savings += saved;
            chosen.insert((region.clone(), system.clone(), text("instance_type", row)), (band.0, saved));
            *bands.entry(band).or_default() += 1;
            *systems.entry(system).or_default() += 1;
            *regions.entry(region).or_default() += 1_u64;
            assert_eq!(text("change", row), "new");
        }
    }
    let expected = [
        ((0, "<5%", 0, 5), 4_912),
        ((1, "5-10%", 5, 10), 4_892),
        ((2, "10-15%", 10, 15), 4_157),
        ((3, "15-20%", 15, 20), 3_471),
        ((4, ">20%", 20, 100), 7_891),
    ];
    let expected =
        expected.map(|((band, label, least, most), count)| ((band, label.to_owned(), least, most), count));
    assert!(bands.into_iter().eq(expected));
    assert!(systems.into_iter().eq([("Linux".to_owned(), 14_962), ("Windows".to_owned(), 10_361)]));
    assert_eq!((regions.len(), regions["us-east-1"], regions["ca-west-1"]), (33, 1_499, 307));
    assert_eq!(savings, 1_471_135);
    for (region, system, machine, told) in [
        ("us-east-1", "Linux", "m5.large", (3, 66)),
        ("eu-west-1", "Windows", "c5.xlarge", (4, 29)),
        ("ap-northeast-1", "Linux", "p4d.24xlarge", (0, 54)),
        ("us-west-2", "Linux", "t3.micro", (1, 70)),
        // The only one that costs more as spot.
        ("ca-central-1", "Linux", "p5.48xlarge", (0, -62)),
    ] {
        let machine = (region.to_owned(), system.to_owned(), machine.to_owned());
        assert_eq!(chosen[&machine], told, "{machine:?}");
    }
}
