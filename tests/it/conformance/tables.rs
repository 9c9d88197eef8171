//! What a store promises to those who replace objects and read them in pieces.

use bytes::Bytes;
use contrail::base::error::Hinted as _;
use contrail::lake::key::{Key, Prefix};
use contrail::lake::meta::ObjectMeta;
use contrail::lake::store::{ETag, Found, PutOutcome, Replaced, Store, StoreError, StoreErrorKind};

use super::{MIB, Open, big, file, key, list, meta, put, read, slot};

pub(crate) fn table(day: u32) -> Key {
    key(&format!("tables/spot_prices/dt=2026-11-{day:02}/spot_prices.parquet"))
}

/// As [`meta`], of a payload of its own, as that of each writer is.
fn facts(writer: u64) -> ObjectMeta {
    ObjectMeta { sha256: format!("{writer:064x}"), closes: Some("01".repeat(32)), ..meta(writer) }
}

pub(crate) async fn replace(
    store: &dyn Store,
    key: &Key,
    bytes: &[u8],
    writer: u64,
    expected: Option<&ETag>,
) -> Result<Replaced, StoreError> {
    store.replace(key, file(bytes).path(), &facts(writer), expected).await
}

/// Replaces, and says which version it is now.
async fn done(store: &dyn Store, key: &Key, bytes: &[u8], writer: u64, expected: Option<&ETag>) -> ETag {
    match replace(store, key, bytes, writer, expected).await.unwrap() {
        Replaced::Done(etag) => etag,
        Replaced::Changed => panic!("it was as expected"),
    }
}

/// Every handle sees these bytes, and what was put beside them.
async fn stands(open: &Open, key: &Key, bytes: &[u8], writer: u64, etag: &ETag) {
    let store = open();
    assert!(read(&*store, key).await == bytes, "its bytes are those of writer {writer}");
    let found = Found { bytes: bytes.len() as u64, etag: etag.clone(), meta: Some(facts(writer)) };
    assert_eq!(store.find(key).await.unwrap(), Some(found));
    assert_eq!(store.head(key).await.unwrap(), Some(facts(writer)));
}

pub(super) async fn a_table_is_replaced_whole_with_its_metadata(open: &Open) {
    let (store, key) = (open(), table(1));
    assert_eq!(store.find(&key).await.unwrap(), None);
    let first = done(&*store, &key, b"first", 1, None).await;
    stands(open, &key, b"first", 1, &first).await;
    let second = done(&*open(), &key, b"another", 2, Some(&first)).await;
    assert_ne!(first, second);
    stands(open, &key, b"another", 2, &second).await;
    // As long as the one before it: a version is more than a length.
    let third = done(&*store, &key, b"onemore", 3, Some(&second)).await;
    assert_ne!(second, third);
    stands(open, &key, b"onemore", 3, &third).await;
    assert_eq!(list(&*store, &Prefix::all_tables()).await.len(), 1);
}

pub(super) async fn what_is_not_as_expected_stands(open: &Open) {
    let (store, key) = (open(), table(1));
    let gone = ETag::new("0123456789abcdef0123456789abcdef");
    assert_eq!(replace(&*store, &key, b"x", 1, Some(&gone)).await.unwrap(), Replaced::Changed);
    assert_eq!(store.find(&key).await.unwrap(), None);

    let first = done(&*store, &key, b"first", 1, None).await;
    let second = done(&*store, &key, b"second", 2, Some(&first)).await;
    for other in [open(), store] {
        for stale in [Some(&first), Some(&gone), None] {
            assert_eq!(replace(&*other, &key, b"third", 3, stale).await.unwrap(), Replaced::Changed);
            stands(open, &key, b"second", 2, &second).await;
        }
    }
}

pub(super) async fn of_many_replacers_one_wins(open: &Open) {
    let key = table(1);
    let mut expected = None;
    for round in 0..4_u64 {
        let writers = (0..16_u64).map(|writer| {
            let (store, key, expected) = (open(), key.clone(), expected.clone());
            tokio::spawn(async move {
                let writer = 100 * round + writer;
                let bytes = format!("writer {writer}");
                let replaced = replace(&*store, &key, bytes.as_bytes(), writer, expected.as_ref()).await;
                (replaced.unwrap(), writer)
            })
        });
        let outcomes = futures::future::try_join_all(writers).await.unwrap();
        let mut winners = outcomes.into_iter().filter_map(|(replaced, writer)| match replaced {
            Replaced::Done(etag) => Some((etag, writer)),
            Replaced::Changed => None,
        });
        let (etag, writer) = winners.next().expect("somebody wins");
        assert_eq!(winners.next(), None, "nobody else does");
        stands(open, &key, format!("writer {writer}").as_bytes(), writer, &etag).await;
        expected = Some(etag);
    }
}

pub(super) async fn a_long_table_is_replaced_whole(open: &Open) {
    let (store, key) = (open(), table(1));
    let long = big(11 * MIB + 7);
    let first = done(&*store, &key, &long, 1, None).await;
    stands(open, &key, &long, 1, &first).await;
    let shorter = big(6 * MIB);
    let second = done(&*store, &key, &shorter, 2, Some(&first)).await;
    stands(open, &key, &shorter, 2, &second).await;
    assert_eq!(replace(&*open(), &key, &long, 3, Some(&first)).await.unwrap(), Replaced::Changed);
    let third = done(&*store, &key, b"short", 4, Some(&second)).await;
    stands(open, &key, b"short", 4, &third).await;
    let end = MIB as u64;
    assert_eq!(store.read_range(&key, 0..end, &second).await.unwrap_err().kind, StoreErrorKind::Changed);
}

pub(super) async fn what_is_raw_is_never_replaced(open: &Open) {
    let store = open();
    assert_eq!(put(&*store, &slot(0), b"raw", 1).await.unwrap(), PutOutcome::Created);
    let etag = store.find(&slot(0)).await.unwrap().unwrap().etag;
    for (key, expected) in [
        (slot(0), Some(&etag)),
        (slot(0), None),
        (slot(1), None),
        (Key::identity(), None),
        (Key::probe(), None),
        (key("_contrail/runs/dt=2026-11-21/20261121T000000Z-r1.ndjson.gz"), None),
    ] {
        let error = replace(&*store, &key, b"another", 2, expected).await.unwrap_err();
        assert_eq!(error.kind, StoreErrorKind::Config, "{key}: {error}");
        assert!(error.hint().is_some());
    }
    assert_eq!(read(&*store, &slot(0)).await, b"raw");
    assert_eq!(store.find(&slot(1)).await.unwrap(), None);
}

pub(super) async fn what_is_listed_is_what_is_found(open: &Open) {
    let store = open();
    put(&*store, &slot(0), b"raw", 1).await.unwrap();
    let bytes = big(6 * MIB);
    let first = done(&*store, &table(1), &bytes, 1, None).await;
    let second = done(&*store, &table(2), b"second", 2, None).await;
    for (prefix, keys) in
        [(Prefix::all_raw(), vec![slot(0)]), (Prefix::all_tables(), vec![table(1), table(2)])]
    {
        let listed = list(&*open(), &prefix).await;
        assert_eq!(listed.len(), keys.len());
        for (listed, key) in listed.iter().zip(keys) {
            let found = store.find(&key).await.unwrap().unwrap();
            assert_eq!((listed.key.as_str(), listed.bytes), (key.as_str(), found.bytes));
            assert_eq!(listed.etag, found.etag, "{key}");
        }
    }
    let etags: Vec<ETag> =
        list(&*store, &Prefix::all_tables()).await.into_iter().map(|listed| listed.etag).collect();
    assert_eq!(etags, [first, second]);
}

pub(super) async fn pieces_are_those_of_the_expected_object(open: &Open) {
    let (store, key) = (open(), table(1));
    let bytes = big(300_000);
    let first = done(&*store, &key, &bytes, 1, None).await;
    let piece = |from: u64, to: u64, etag: ETag| {
        let (store, key) = (open(), key.clone());
        async move { store.read_range(&key, from..to, &etag).await.map_err(|error| error.kind) }
    };
    for (from, to) in [(0, 300_000), (0, 1), (1_000, 250_001), (299_992, 300_000), (299_999, 300_000), (7, 7)]
    {
        let expected = Bytes::copy_from_slice(&bytes[from..to]);
        let got = piece(from as u64, to as u64, first.clone()).await;
        assert!(got == Ok(expected), "{from} to {to}");
    }
    for (from, to) in [(299_990, 300_001), (300_000, 300_001), (1 << 40, (1 << 40) + 5), (9, 3)] {
        assert_eq!(piece(from, to, first.clone()).await, Err(StoreErrorKind::Foreign), "{from} to {to}");
    }
    let second = done(&*store, &key, &big(300_000)[1..], 2, Some(&first)).await;
    assert_eq!(piece(0, 8, first).await, Err(StoreErrorKind::Changed));
    assert_eq!(piece(0, 8, second.clone()).await, Ok(Bytes::copy_from_slice(&bytes[1..9])));
    let missing = open().read_range(&table(2), 0..8, &second).await.unwrap_err();
    assert_eq!(missing.kind, StoreErrorKind::NotFound, "{missing}");
}
