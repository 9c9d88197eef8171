//! Lakes that are not as they should be, and queries that are too large: each ends in one clear error.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use contrail::base::error::Hinted as _;
use contrail::lake::key::{Key, Prefix};
use contrail::lake::meta::ObjectMeta;
use contrail::lake::store::{
    ByteStream, Conditional, ETag, Found, Listed, MemoryStore, PutOutcome, Replaced, Store, StoreError,
    StoreErrorKind,
};
use contrail::query::QueryError;
use contrail::query::output::Csv;
use futures::stream::{BoxStream, StreamExt as _};

use super::lake::{ask, ask_into, found, put_raw, put_spot, small, spot_key};

const COUNT: &str = "SELECT count(unit_price) AS n FROM spot_prices";

async fn told(store: impl Store + 'static, sql: &str) -> (QueryError, String, String) {
    let error = ask(Arc::new(store), sql).await.expect_err(sql);
    let (message, hint) = (error.to_string(), error.hint().unwrap_or_default().to_owned());
    assert_eq!(message.lines().count(), 1, "{message}");
    (error, message, hint)
}

/// Puts bytes in the place of a table's object. Its metadata tell of what was there.
async fn damage(store: &MemoryStore, day: &str, change: impl FnOnce(&mut Vec<u8>)) {
    let key = spot_key(day);
    let found = store.find(&key).await.unwrap().unwrap();
    let mut bytes = store.read_range(&key, 0..found.bytes, &found.etag).await.unwrap().to_vec();
    change(&mut bytes);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    store.replace(&key, file.path(), &found.meta.unwrap(), Some(&found.etag)).await.unwrap();
}

#[tokio::test]
async fn a_place_without_a_lake_is_told() {
    let (error, message, hint) = told(MemoryStore::new(), "SELECT 1").await;
    assert!(error.is_usage());
    assert_eq!(
        (&*message, &*hint),
        ("there is no lake at memory:", "name the lake with --lake, or crawl one first")
    );
}

#[tokio::test]
async fn a_table_that_was_never_built_is_told() {
    let store = MemoryStore::new();
    found(&store).await;
    for sql in [COUNT, "SELECT * FROM spot_prices WHERE dt = '2026-11-21'"] {
        let (_, message, hint) = told(store.clone(), sql).await;
        assert_eq!(message, "the lake holds nothing of spot_prices yet");
        assert_eq!(hint, "run `contrail tables build`");
    }
    let (_, message, hint) = told(store, "SELECT count(*) FROM raw_azure_retail_prices").await;
    assert_eq!(message, "the lake holds nothing of raw_azure_retail_prices yet");
    assert!(hint.starts_with("crawl it first"), "{hint}");
}

#[tokio::test]
async fn a_lake_of_a_newer_release_is_told() {
    let store = MemoryStore::new();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), r#"{"format":2}"#).unwrap();
    store.put_if_absent(&Key::identity(), file.path(), &ObjectMeta::default()).await.unwrap();
    let (error, message, hint) = told(store, COUNT).await;
    assert!(error.is_usage());
    assert!(message.contains("made by a newer release"), "{message}");
    assert_eq!(hint, "install a newer release of Contrail");
}

#[tokio::test]
async fn damaged_parquet_is_named() {
    let damages: [fn(&mut Vec<u8>); 4] = [
        |bytes| bytes.truncate(bytes.len() / 2),
        |bytes| bytes.clear(),
        |bytes| bytes.iter_mut().for_each(|byte| *byte = b'x'),
        // The pages and not the footer.
        |bytes| bytes.iter_mut().skip(4).take(400).for_each(|byte| *byte ^= 0x55),
    ];
    for damage_done in damages {
        for day in ["2026-11-20", "2026-11-21"] {
            let store = MemoryStore::new();
            small(&store).await;
            damage(&store, day, damage_done).await;
            let sql = "SELECT max(instance_type), sum(unit_price), max(source_key) FROM spot_prices";
            let (_, message, hint) = told(store, sql).await;
            assert!(message.starts_with(&format!("{} is damaged: ", spot_key(day))), "{message}");
            assert!(hint.starts_with("run `contrail tables build --rebuild`"), "{hint}");
        }
    }
}

#[tokio::test]
async fn damaged_gzip_is_named() {
    let store = MemoryStore::new();
    found(&store).await;
    let key =
        "raw/aws_spot_prices/dt=2026-11-21/region=us-east-1/20261121T000000Z-20261121T010000Z.ndjson.gz";
    put_raw(&store, key, &[r#"{"InstanceType":"m5.large"}"#]).await;
    let key = Key::parse(&key.replace("T000000Z-20261121T01", "T010000Z-20261121T02")).unwrap().0;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "no gzip").unwrap();
    store.put_if_absent(&key, file.path(), &ObjectMeta::default()).await.unwrap();
    let (_, message, hint) = told(store, "SELECT count(*) FROM raw_aws_spot_prices").await;
    assert!(message.starts_with(&format!("{key} is damaged: ")), "{message}");
    assert!(hint.contains("contrail verify --deep"), "{hint}");
}

#[tokio::test]
async fn a_query_that_needs_more_memory_than_it_may_have_is_told() {
    let store = MemoryStore::new();
    found(&store).await;
    let sql = "SELECT string_agg(value::varchar, ',') AS all FROM generate_series(1, 300000)";
    let mut output = Csv::new(Box::new(std::io::sink()));
    let error = ask_into(Arc::new(store), sql, 1 << 20, &mut output).await.unwrap_err();
    assert!(matches!(error, QueryError::Memory { .. }), "{error:?}");
    assert_eq!(
        error.to_string(),
        "the query needs more than 1.0 MiB of memory, and cannot do this step on disk"
    );
    assert!(error.hint().unwrap().contains("--memory"));
}

#[tokio::test]
async fn what_does_not_fit_into_memory_is_sorted_on_disk() {
    let store = MemoryStore::new();
    found(&store).await;
    let sql = "SELECT repeat(value::varchar, 20) AS text FROM generate_series(1, 400000) ORDER BY text DESC";
    let seen = super::lake::Seen::default();
    let mut output = Csv::new(Box::new(seen.clone()));
    let rows = ask_into(Arc::new(store), sql, 32 << 20, &mut output).await.unwrap();
    assert_eq!(rows, 400_000);
    let text = seen.text();
    let lines: Vec<&str> = text.lines().skip(1).collect();
    assert!(text.len() > 40 << 20, "{}", text.len());
    assert!(lines.is_sorted_by(|one, other| one >= other));
}

/// A store that refuses listings, or that has its table built anew under its readers once.
#[derive(Debug, Clone)]
struct Odd {
    store: MemoryStore,
    no_lists: bool,
    rebuilt: Option<Arc<AtomicBool>>,
}

#[async_trait]
impl Store for Odd {
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
        self.store.read(key).await
    }

    async fn read_range(&self, key: &Key, range: Range<u64>, expected: &ETag) -> Result<Bytes, StoreError> {
        if self.rebuilt.as_ref().is_some_and(|rebuilt| !rebuilt.swap(true, Ordering::SeqCst)) {
            let changes = [("m5.large", "us-east-1", "2026-11-21T01:00:00Z", Some("1")); 5];
            put_spot(&self.store, "2026-11-21", &changes).await;
        }
        self.store.read_range(key, range, expected).await
    }

    async fn find(&self, key: &Key) -> Result<Option<Found>, StoreError> {
        self.store.find(key).await
    }

    async fn head(&self, key: &Key) -> Result<Option<ObjectMeta>, StoreError> {
        self.store.head(key).await
    }

    fn list(&self, prefix: &Prefix) -> BoxStream<'static, Result<Listed, StoreError>> {
        if self.no_lists {
            let error = StoreError::new(StoreErrorKind::Config, "we may not list s3://bucket/lake")
                .with_hint("allow s3:ListBucket on the bucket")
                .denied();
            return futures::stream::once(async { Err(error) }).boxed();
        }
        self.store.list(prefix)
    }

    async fn probe(&self) -> Result<Conditional, StoreError> {
        self.store.probe().await
    }
}

#[tokio::test]
async fn a_bucket_that_may_not_be_listed_is_told() {
    let store = MemoryStore::new();
    small(&store).await;
    let odd = Odd { store, no_lists: true, rebuilt: None };
    for sql in [COUNT, "SELECT * FROM raw_aws_spot_prices WHERE dt = '2026-11-21'"] {
        let (error, message, hint) = told(odd.clone(), sql).await;
        assert!(error.is_usage());
        assert_eq!(message, "we may not list s3://bucket/lake");
        assert_eq!(hint, "allow s3:ListBucket on the bucket");
    }
}

#[tokio::test]
async fn a_table_that_is_built_anew_meanwhile_is_asked_again() {
    let store = MemoryStore::new();
    small(&store).await;
    let odd = Odd { store, no_lists: false, rebuilt: Some(Arc::default()) };
    let rows = ask(Arc::new(odd), &format!("{COUNT} WHERE dt = '2026-11-21'")).await.unwrap();
    assert_eq!(rows, [serde_json::json!({"n": 5})]);
}

#[tokio::test]
async fn a_value_that_a_step_cannot_work_with_is_told() {
    let store = MemoryStore::new();
    small(&store).await;
    for (sql, part) in [
        ("SELECT count(*) / (count(*) - count(*)) FROM spot_prices", "divide by zero"),
        ("SELECT instance_type::int FROM spot_prices", "cannot cast string 'c5.large'"),
    ] {
        let (error, message, _) = told(store.clone(), sql).await;
        assert!(!error.is_usage());
        assert!(message.to_lowercase().contains(part), "{message}");
    }
}
