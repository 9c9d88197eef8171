//! What a store promises, in executable form. Every implementation passes the same functions: local, memory, and S3
//! on each server that starts here.

pub(crate) mod tables;

use std::io::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use contrail::base::Time;
use contrail::lake::key::{Key, Prefix};
use contrail::lake::meta::ObjectMeta;
use contrail::lake::store::{
    Conditional, Listed, LocalStore, MemoryStore, PutOutcome, Store, StoreError, StoreErrorKind,
};
use futures::TryStreamExt as _;
use tempfile::{NamedTempFile, TempDir};

use self::tables::{
    a_long_table_is_replaced_whole, a_table_is_replaced_whole_with_its_metadata, of_many_replacers_one_wins,
    pieces_are_those_of_the_expected_object, what_is_listed_is_what_is_found, what_is_not_as_expected_stands,
    what_is_raw_is_never_replaced,
};
use crate::support::servers;

/// Makes handles on one lake; each stands for a process of its own.
type Open = dyn Fn() -> Arc<dyn Store> + Send + Sync;

const MIB: usize = 1 << 20;

pub(crate) fn key(text: &str) -> Key {
    Key::parse(text).unwrap().0
}

pub(crate) fn slot(hour: u32) -> Key {
    key(&format!("raw/feed/dt=2026-11-21/region=us-east-1/20261121T{hour:02}0000Z.ndjson.gz"))
}

fn prefix() -> Prefix {
    Prefix::all_raw()
}

pub(crate) fn file(bytes: &[u8]) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

pub(crate) fn meta(rows: u64) -> ObjectMeta {
    ObjectMeta {
        sha256: "ab".repeat(32),
        bytes: 1 << 33,
        rows: Some(rows),
        rows_hash: Some("cd".repeat(16)),
        things: Some(rows),
        page_rows: Some(1_000),
        fields: Some("meterId,retailPrice".to_owned()),
        source_url: Some("https://prices.example/api?currencyCode='USD'&page=2".to_owned()),
        fetched_at: Some("2026-11-21T20:10:00Z".parse::<Time>().unwrap()),
        etag: Some("\"0x8D\"".to_owned()),
        last_modified: Some("Sat, 21 Nov 2026 20:00:00 GMT".to_owned()),
        account: Some("123456789012".to_owned()),
        complete: Some(true),
        suspect: Some(false),
        version: Some("0.1.0".to_owned()),
        run: Some("3f9a1c2b".to_owned()),
        inputs: Some("ef".repeat(32)),
        closes: None,
    }
}

pub(crate) async fn put(
    store: &dyn Store,
    key: &Key,
    bytes: &[u8],
    rows: u64,
) -> Result<PutOutcome, StoreError> {
    store.put_if_absent(key, file(bytes).path(), &meta(rows)).await
}

pub(crate) async fn read(store: &dyn Store, key: &Key) -> Vec<u8> {
    let chunks: Vec<Bytes> = store.read(key).await.unwrap().try_collect().await.unwrap();
    chunks.concat()
}

async fn list(store: &dyn Store, prefix: &Prefix) -> Vec<Listed> {
    store.list(prefix).try_collect().await.unwrap()
}

/// Bytes that no two parts have in common.
pub(crate) fn big(length: usize) -> Vec<u8> {
    (0_u64..).flat_map(u64::to_le_bytes).take(length).collect()
}

async fn what_was_put_is_read_back(open: &Open) {
    let store = open();
    for (hour, bytes) in [(0, &b"payload"[..]), (1, b""), (2, &big(300_000))] {
        let key = slot(hour);
        assert_eq!(put(&*store, &key, bytes, u64::from(hour)).await.unwrap(), PutOutcome::Created);
        for store in [&store, &open()] {
            assert_eq!(read(&**store, &key).await, bytes);
            assert_eq!(store.head(&key).await.unwrap(), Some(meta(u64::from(hour))));
        }
    }
    for key in [
        Key::identity(),
        key("_contrail/marks/raw/feed/dt=2026-11-21/region=us-east-1/20261121T000000Z.ndjson.gz.lost.json"),
        key("_contrail/runs/dt=2026-11-21/20261121T000000Z-r1.ndjson.gz"),
    ] {
        assert_eq!(put(&*store, &key, b"{}", 0).await.unwrap(), PutOutcome::Created);
        assert_eq!(read(&*store, &key).await, b"{}");
    }
}

async fn the_first_object_stands(open: &Open) {
    let (store, key) = (open(), slot(0));
    assert_eq!(put(&*store, &key, b"first", 1).await.unwrap(), PutOutcome::Created);
    for other in [open(), store] {
        for bytes in [&b"second"[..], b"first", b""] {
            assert_eq!(put(&*other, &key, bytes, 2).await.unwrap(), PutOutcome::Exists);
            assert_eq!(read(&*other, &key).await, b"first");
            assert_eq!(other.head(&key).await.unwrap(), Some(meta(1)));
        }
    }
}

async fn of_many_writers_one_creates(open: &Open) {
    for hour in 0..4 {
        let writers = (0..16_u64).map(|writer| {
            let store = open();
            tokio::spawn(async move {
                let bytes = format!("writer {writer}");
                (put(&*store, &slot(hour), bytes.as_bytes(), writer).await.unwrap(), bytes, writer)
            })
        });
        let outcomes = futures::future::try_join_all(writers).await.unwrap();
        let winners: Vec<_> =
            outcomes.iter().filter(|(outcome, ..)| *outcome == PutOutcome::Created).collect();
        let [(_, bytes, rows)] = &winners[..] else { panic!("{} writers created one object", winners.len()) };
        assert_eq!(read(&*open(), &slot(hour)).await, bytes.as_bytes());
        assert_eq!(open().head(&slot(hour)).await.unwrap(), Some(meta(*rows)));
    }
}

async fn a_long_object_is_whole_and_the_first_stands(open: &Open) {
    let (store, key) = (open(), slot(0));
    let bytes = big(11 * MIB + 7);
    assert_eq!(put(&*store, &key, &bytes, 1).await.unwrap(), PutOutcome::Created);
    assert!(read(&*store, &key).await == bytes, "what was put is read");
    assert_eq!(store.head(&key).await.unwrap(), Some(meta(1)));
    assert_eq!(put(&*open(), &key, &big(6 * MIB), 2).await.unwrap(), PutOutcome::Exists);
    assert_eq!(put(&*open(), &key, b"short", 2).await.unwrap(), PutOutcome::Exists);
    assert!(read(&*store, &key).await == bytes, "the first stands");
    let listed = list(&*store, &prefix()).await;
    let [Listed { key: listed_key, bytes: length, .. }] = &listed[..] else { panic!("{listed:?}") };
    assert_eq!((listed_key.as_str(), *length), (key.as_str(), bytes.len() as u64));
}

async fn what_is_not_there_is_none_or_not_found(open: &Open) {
    let store = open();
    assert_eq!(store.head(&slot(0)).await.unwrap(), None);
    let error = store.read(&slot(0)).await.err().expect("nothing to read");
    assert_eq!(error.kind, StoreErrorKind::NotFound, "{error}");
    assert_eq!(list(&*store, &prefix()).await, []);
}

async fn a_listing_has_its_prefix_and_the_order_of_keys(open: &Open) {
    let store = open();
    let raw = [
        "raw/feed/dt=2026-11-20/20261120T000000Z.ndjson.gz",
        "raw/feed/dt=2026-11-21/a-b=x/20261121T000000Z.ndjson.gz",
        "raw/feed/dt=2026-11-21/a.b=x/20261121T000000Z.ndjson.gz",
        "raw/feed/dt=2026-11-21/a=x-y/20261121T000000Z.ndjson.gz",
        "raw/feed/dt=2026-11-21/a=x.y/20261121T000000Z.ndjson.gz",
        "raw/feed/dt=2026-11-21/a=x/20261121-20261122.late.ndjson.gz",
        "raw/feed/dt=2026-11-21/a=x/20261121T000000Z-20261121T010000Z.ndjson.gz",
        "raw/feed/dt=2026-11-21/a=x/20261121T000000Z.json.gz",
        "raw/feed/dt=2026-11-21/a=x0/20261121T000000Z.ndjson.gz",
        "raw/feed2/dt=2026-11-20/20261120000000.json.gz",
    ];
    let system = [
        "_contrail/lake.json",
        "_contrail/marks/raw/feed/dt=2026-11-19/20261119T000000Z.ndjson.gz.unchanged.json",
        "_contrail/runs/dt=2026-11-21/20261121T000000Z-r1.ndjson.gz",
    ];
    for text in raw.iter().rev().chain(&system) {
        put(&*store, &key(text), text.as_bytes(), 1).await.unwrap();
    }
    let expect = |keys: &[&str]| -> Vec<(String, u64)> {
        keys.iter().map(|key| ((*key).to_owned(), key.len() as u64)).collect()
    };
    let list = async |store: &dyn Store, prefix: &Prefix| {
        let listed = list(store, prefix).await;
        listed.into_iter().map(|listed| (listed.key, listed.bytes)).collect::<Vec<_>>()
    };
    let day = |text: &str| text.parse::<contrail::base::Date>().unwrap();
    let feed = contrail::base::Name::new("dataset", "feed").unwrap();
    let mut sorted = raw.to_vec();
    sorted.sort_unstable();
    assert_eq!(list(&*store, &Prefix::all_raw()).await, expect(&sorted));
    let feed_only: Vec<_> = sorted.iter().copied().filter(|key| key.starts_with("raw/feed/")).collect();
    assert_eq!(list(&*store, &Prefix::raw(&feed)).await, expect(&feed_only));
    assert_eq!(list(&*store, &Prefix::raw_day(&feed, day("2026-11-20"))).await, expect(&raw[..1]));
    assert_eq!(list(&*store, &Prefix::marks(&feed)).await, expect(&system[1..2]));
    assert_eq!(list(&*store, &Prefix::system()).await, expect(&system));

    let folders = |prefix: Prefix| {
        let store = Arc::clone(&store);
        async move {
            let found = store.folders(&prefix).await.unwrap();
            found.iter().map(|folder| folder.as_str().to_owned()).collect::<Vec<_>>()
        }
    };
    let folders_of = |keys: &[&str], depth: usize| {
        let mut folders: Vec<String> =
            keys.iter().map(|key| key.split_inclusive('/').take(depth).collect::<String>()).collect();
        folders.dedup();
        folders
    };
    assert_eq!(folders(Prefix::all_raw()).await, folders_of(&sorted, 2));
    assert_eq!(folders(Prefix::raw(&feed)).await, folders_of(&feed_only, 3));
    assert_eq!(
        folders(Prefix::raw(&contrail::base::Name::new("dataset", "nothing").unwrap())).await,
        [""; 0]
    );
}

async fn the_condition_is_honoured(open: &Open) {
    for _ in 0..2 {
        assert_eq!(open().probe().await.unwrap(), Conditional::Honoured);
        assert_eq!(
            open().probed().await.unwrap(),
            Some(Conditional::Honoured),
            "who only reads knows it too"
        );
    }
}

/// One page of S3 has 1,000 keys.
pub(crate) async fn a_listing_goes_on_after_a_page(open: &Open) {
    let store = open();
    let body = file(b"x");
    let keys: Vec<Key> = (0..1_100)
        .map(|second| {
            let at = Time::from_timestamp(1_795_000_000 + second, 0).unwrap();
            let (day, moment) = (at.format("%Y-%m-%d"), at.format("%Y%m%dT%H%M%SZ"));
            key(&format!("raw/feed/dt={day}/{moment}.ndjson.gz"))
        })
        .collect();
    let puts = keys.iter().map(|key| {
        let (store, path, key) = (Arc::clone(&store), body.path().to_owned(), key.clone());
        async move { store.put_if_absent(&key, &path, &ObjectMeta { bytes: 1, ..meta(1) }).await }
    });
    let puts: Vec<_> = puts.collect();
    let outcomes: Vec<PutOutcome> =
        futures::StreamExt::buffered(futures::stream::iter(puts), 8).try_collect().await.unwrap();
    assert!(outcomes.iter().all(|outcome| *outcome == PutOutcome::Created));
    let listed: Vec<String> = list(&*store, &prefix()).await.into_iter().map(|listed| listed.key).collect();
    assert_eq!(listed, keys.iter().map(Key::to_string).collect::<Vec<_>>());
}

/// Makes one test of each promise, for a store that `$open` opens: a lake of its own for each.
macro_rules! conforms {
    ($store:ident, $open:path, [$($promise:ident),* $(,)?]) => {
        mod $store {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $promise() {
                    if let Some(lake) = $open(stringify!($promise)).await {
                        super::$promise(&*lake.open).await;
                    }
                }
            )*
        }
    };
}

/// A lake, and what must live as long as it does.
struct Lake {
    open: Box<Open>,
    _keep: Keep,
}

enum Keep {
    Nothing,
    Directory(#[expect(dead_code, reason = "removed when it is dropped")] TempDir),
    Server(#[expect(dead_code, reason = "its files are removed when it is dropped")] servers::Server),
}

async fn memory(_: &str) -> Option<Lake> {
    let store = MemoryStore::new();
    Some(Lake { open: Box::new(move || Arc::new(store.clone())), _keep: Keep::Nothing })
}

async fn local(_: &str) -> Option<Lake> {
    let directory = TempDir::new().unwrap();
    let root = directory.path().to_owned();
    LocalStore::new(root.clone()).open().await.unwrap();
    let open = move || Arc::new(LocalStore::new(root.clone())) as Arc<dyn Store>;
    Some(Lake { open: Box::new(open), _keep: Keep::Directory(directory) })
}

async fn on(server: &servers::Server, promise: &str) -> Box<Open> {
    let bucket = promise.replace('_', "-").replace("--", "-");
    let mut options = server.options(&bucket, "some/lake").await;
    options.multipart_threshold = 5 << 20;
    options.part_bytes = 5 << 20;
    let (config, clock) = (server.config(), Arc::new(contrail::base::SystemClock));
    Box::new(move || Arc::new(contrail::lake::store::S3Store::new(&config, options.clone(), clock.clone())))
}

async fn s3s(promise: &str) -> Option<Lake> {
    let server = servers::s3s().await;
    Some(Lake { open: on(&server, promise).await, _keep: Keep::Server(server) })
}

async fn moto(promise: &str) -> Option<Lake> {
    Some(Lake { open: on(servers::moto()?, promise).await, _keep: Keep::Nothing })
}

async fn ministack(promise: &str) -> Option<Lake> {
    Some(Lake { open: on(servers::ministack()?, promise).await, _keep: Keep::Nothing })
}

macro_rules! every_store_conforms {
    ([$($store:ident),*], $promises:tt) => {
        $( conforms!($store, super::$store, $promises); )*
    };
}

every_store_conforms!(
    [memory, local, moto, ministack],
    [
        what_was_put_is_read_back,
        the_first_object_stands,
        of_many_writers_one_creates,
        a_long_object_is_whole_and_the_first_stands,
        what_is_not_there_is_none_or_not_found,
        a_listing_has_its_prefix_and_the_order_of_keys,
        a_listing_goes_on_after_a_page,
        the_condition_is_honoured,
        a_table_is_replaced_whole_with_its_metadata,
        what_is_not_as_expected_stands,
        of_many_replacers_one_wins,
        a_long_table_is_replaced_whole,
        what_is_raw_is_never_replaced,
        what_is_listed_is_what_is_found,
        pieces_are_those_of_the_expected_object,
    ]
);

// s3s-fs looks and then writes, so the races are not for it, and its listings tell no versions.
conforms!(
    s3s,
    super::s3s,
    [
        what_was_put_is_read_back,
        the_first_object_stands,
        a_long_object_is_whole_and_the_first_stands,
        what_is_not_there_is_none_or_not_found,
        a_listing_has_its_prefix_and_the_order_of_keys,
        a_listing_goes_on_after_a_page,
        the_condition_is_honoured,
        a_table_is_replaced_whole_with_its_metadata,
        what_is_not_as_expected_stands,
        a_long_table_is_replaced_whole,
        what_is_raw_is_never_replaced,
        pieces_are_those_of_the_expected_object,
    ]
);
