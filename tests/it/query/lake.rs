//! Small lakes with tables, made row by row, and a store that tells what was asked of it.

use std::io::Write as _;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use contrail::base::units::Period;
use contrail::base::{Name, Price, Time};
use contrail::lake::identity::{FORMAT, Identity, UPSTREAM};
use contrail::lake::key::{Key, Prefix, TableObject};
use contrail::lake::meta::ObjectMeta;
use contrail::lake::store::{
    ByteStream, Conditional, ETag, Found, Listed, MemoryStore, PutOutcome, Replaced, Store, StoreError,
};
use contrail::query::output::{Json, Output};
use contrail::query::{Query, QueryError, run};
use contrail::tables::definitions::SPOT_PRICES;
use contrail::tables::packed::Packer;
use contrail::tables::writer::TableWriter;
use futures::stream::BoxStream;

/// A change of a spot price: machine, region, time and price.
pub(super) type Change<'a> = (&'a str, &'a str, &'a str, Option<&'a str>);

/// What a lake is.
pub(super) async fn found(store: &dyn Store) {
    let scratch = tempfile::tempdir().unwrap();
    let identity = Identity {
        format: FORMAT,
        created_at: "2026-11-01T00:00:00Z".parse().unwrap(),
        origin: UPSTREAM.to_owned(),
        spot_window: Period::seconds(3_600),
    };
    identity.open(store, scratch.path()).await.unwrap();
}

fn packed((machine, region, time, price): Change<'_>) -> Vec<u8> {
    let mut packer = Packer::new(&SPOT_PRICES);
    let time: Time = time.parse().unwrap();
    packer
        .begin()
        .put("instance_type", machine)
        .put("region_id", region)
        .put_or_unknown("availability_zone_id", None::<&str>)
        .put("availability_zone", format!("{region}a").as_str())
        .put("product_description", "Linux/UNIX")
        .put("effective_from", time)
        .put("provider_name", "aws")
        .put("operating_system", "Linux")
        .put("currency", "USD")
        .put_or_unknown("unit_price", price.map(|price| Price::read(price).unwrap()))
        .put("source_key", "raw/aws_spot_prices/x");
    packer.row().to_vec()
}

/// The key of a day of spot prices.
pub(super) fn spot_key(day: &str) -> Key {
    Key::table(&TableObject::day(Name::new("table", "spot_prices").unwrap(), day.parse().unwrap()))
}

/// Puts a day of the table `spot_prices` in the place of whatever is there.
pub(super) async fn put_spot(store: &dyn Store, day: &str, changes: &[Change<'_>]) {
    let mut rows: Vec<_> = changes.iter().map(|change| packed(*change)).collect();
    rows.sort();
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut writer = TableWriter::new(&SPOT_PRICES, file.reopen().unwrap()).unwrap();
    for row in &rows {
        writer.push(row).unwrap();
    }
    let written = writer.finish().unwrap();
    let meta = ObjectMeta { sha256: written.sha256, bytes: written.bytes, ..ObjectMeta::default() };
    let key = spot_key(day);
    let there = store.find(&key).await.unwrap().map(|found| found.etag);
    let replaced = store.replace(&key, file.path(), &meta, there.as_ref()).await.unwrap();
    assert!(matches!(replaced, Replaced::Done(_)));
}

/// Puts a raw object of these lines.
pub(super) async fn put_raw(store: &dyn Store, key: &str, lines: &[&str]) {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut gzip = flate2::write::GzEncoder::new(file.reopen().unwrap(), flate2::Compression::default());
    for line in lines {
        writeln!(gzip, "{line}").unwrap();
    }
    gzip.finish().unwrap();
    let (key, _) = Key::parse(key).unwrap();
    let put = store.put_if_absent(&key, file.path(), &ObjectMeta::default()).await.unwrap();
    assert_eq!(put, PutOutcome::Created);
}

/// A lake with two days of spot prices and an hour of raw ones.
pub(super) async fn small(store: &dyn Store) {
    found(store).await;
    let day = "2026-11-20";
    put_spot(
        store,
        day,
        &[
            ("m5.large", "us-east-1", "2026-11-20T01:00:00Z", Some("0.0350")),
            ("m5.large", "eu-west-1", "2026-11-20T02:00:00.5Z", Some("0.041")),
            ("c5.large", "us-east-1", "2026-11-20T03:00:00Z", None),
        ],
    )
    .await;
    put_spot(store, "2026-11-21", &[("m5.large", "us-east-1", "2026-11-21T01:00:00Z", Some("0"))]).await;
    let key =
        "raw/aws_spot_prices/dt=2026-11-21/region=us-east-1/20260821T000000Z-20260821T010000Z.ndjson.gz";
    let key = key.replace("202608", "202611");
    put_raw(
        store,
        &key,
        &[
            r#"{"AvailabilityZone":"us-east-1a","InstanceType":"m5.large","SpotPrice":"0.0350","Timestamp":"2026-11-21T00:10:00+00:00"}"#,
            r#"{"InstanceType":"m6.large","SpotPrice":0.10,"New":[1]}"#,
            "no JSON",
        ],
    )
    .await;
}

/// Bytes that are looked at afterwards.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen(Arc<Mutex<Vec<u8>>>);

impl Seen {
    pub(super) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl std::io::Write for Seen {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Asks with so much memory; the answer goes to `output`.
pub(super) async fn ask_into(
    store: Arc<dyn Store>,
    sql: &str,
    memory: u64,
    output: &mut dyn Output,
) -> Result<u64, QueryError> {
    let scratch = tempfile::tempdir().unwrap();
    let query = Query { sql: sql.to_owned(), memory, scratch: vec![scratch.path().to_owned()] };
    let answered = run(store, &query, output).await;
    // An empty directory may go, too.
    let left = std::fs::read_dir(scratch.path()).map_or(0, Iterator::count);
    assert_eq!(left, 0, "nothing is left lying about");
    answered
}

/// The rows of an answer.
pub(super) async fn ask(store: Arc<dyn Store>, sql: &str) -> Result<Vec<serde_json::Value>, QueryError> {
    let seen = Seen::default();
    let mut output = Json::new(Box::new(seen.clone()));
    let rows = ask_into(store, sql, 1 << 30, &mut output).await?;
    let lines: Vec<_> = seen.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len() as u64, rows);
    Ok(lines)
}

/// A store that tells what was asked of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Watched {
    pub(super) store: MemoryStore,
    asked: Arc<Mutex<Asked>>,
}

/// What was asked of a store: prefixes and keys, in order.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked {
    pub(super) listed: Vec<String>,
    pub(super) folders: Vec<String>,
    pub(super) pieces: Vec<(String, u64)>,
    pub(super) whole: Vec<String>,
}

impl Asked {
    /// The objects of which something was read, each once.
    pub(super) fn read(&self) -> Vec<String> {
        let mut keys: Vec<_> = self.pieces.iter().map(|(key, _)| key.clone()).collect();
        keys.extend(self.whole.iter().filter(|key| !key.starts_with("_contrail")).cloned());
        keys.sort();
        keys.dedup();
        keys
    }
}

impl Watched {
    /// What was asked since the last time.
    pub(super) fn asked(&self) -> Asked {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

#[async_trait]
impl Store for Watched {
    fn url(&self) -> String {
        self.store.url()
    }

    async fn put_if_absent(
        &self,
        key: &Key,
        file: &Path,
        meta: &ObjectMeta,
    ) -> Result<PutOutcome, StoreError> {
        self.store.put_if_absent(key, file, meta).await
    }

    async fn replace(
        &self,
        key: &Key,
        file: &Path,
        meta: &ObjectMeta,
        expected: Option<&ETag>,
    ) -> Result<Replaced, StoreError> {
        self.store.replace(key, file, meta, expected).await
    }

    async fn read(&self, key: &Key) -> Result<ByteStream, StoreError> {
        self.asked.lock().unwrap().whole.push(key.to_string());
        self.store.read(key).await
    }

    async fn read_range(&self, key: &Key, range: Range<u64>, expected: &ETag) -> Result<Bytes, StoreError> {
        self.asked.lock().unwrap().pieces.push((key.to_string(), range.end - range.start));
        self.store.read_range(key, range, expected).await
    }

    async fn find(&self, key: &Key) -> Result<Option<Found>, StoreError> {
        self.store.find(key).await
    }

    async fn head(&self, key: &Key) -> Result<Option<ObjectMeta>, StoreError> {
        self.store.head(key).await
    }

    fn list(&self, prefix: &Prefix) -> BoxStream<'static, Result<Listed, StoreError>> {
        self.asked.lock().unwrap().listed.push(prefix.as_str().to_owned());
        self.store.list(prefix)
    }

    async fn folders(&self, prefix: &Prefix) -> Result<Vec<Prefix>, StoreError> {
        self.asked.lock().unwrap().folders.push(prefix.as_str().to_owned());
        self.store.folders(prefix).await
    }

    async fn probe(&self) -> Result<Conditional, StoreError> {
        self.store.probe().await
    }
}
