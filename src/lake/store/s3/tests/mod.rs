//! The S3 store against a server that says what a test wants: the answers that real servers give only in trouble.

mod pieces;
mod refusals;
mod replacements;
mod scripted;
mod uploads;

use std::io::Write as _;

use futures::future::BoxFuture;
use tempfile::NamedTempFile;

use self::scripted::{Server, ok, refusal};
use super::put::{CONFLICT_TRIES, CONFLICT_WAIT};
use super::*;
use crate::base::Time;

const KEY: &str = "raw/a/dt=2026-11-21/20261121T000000Z.ndjson.gz";

fn key() -> Key {
    Key::parse(KEY).unwrap().0
}

fn table() -> Key {
    Key::parse("tables/spot_prices/dt=2026-11-21/spot_prices.parquet").unwrap().0
}

fn meta() -> ObjectMeta {
    ObjectMeta { sha256: "ab".repeat(32), bytes: 7, rows: Some(2), ..ObjectMeta::default() }
}

fn file(bytes: &[u8]) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

/// Waiting is over at once, and remembered.
#[derive(Debug, Default)]
struct Hasty(Mutex<Vec<Duration>>);

impl Clock for Hasty {
    fn now(&self) -> Time {
        Time::UNIX_EPOCH
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.0.lock().unwrap().push(duration);
        Box::pin(std::future::ready(()))
    }
}

async fn put(store: &S3Store, bytes: &[u8]) -> Result<PutOutcome, StoreError> {
    store.put_if_absent(&key(), file(bytes).path(), &meta()).await
}

#[tokio::test]
async fn a_put_is_conditional_checked_and_plain() {
    let server = Server::start(|_| ok("")).await;
    assert_eq!(put(&server.store(), b"payload").await.unwrap(), PutOutcome::Created);
    let [request] = &server.seen()[..] else { panic!("one request") };
    assert_eq!(
        (request.method.as_str(), request.path.as_str()),
        ("PUT", "/lake/some/where/raw/a/dt%3D2026-11-21/20261121T000000Z.ndjson.gz")
    );
    for (name, value) in [
        ("if-none-match", Some("*")),
        ("content-type", Some("application/gzip")),
        ("content-length", Some("7")),
        ("x-amz-checksum-sha256", Some("I59Z7VXnN8dxR89VrQwbAwttfudIp0JpUvm4UtWpNeU=")),
        ("x-amz-meta-contrail-rows", Some("2")),
        ("x-amz-storage-class", None),
        ("x-amz-server-side-encryption", None),
        ("x-amz-trailer", None),
        ("content-encoding", None),
    ] {
        assert_eq!(request.header(name), value, "{name}");
    }
    assert_eq!(request.body, b"payload");
}

#[tokio::test]
async fn storage_class_and_encryption_are_sent_when_they_are_set() {
    let server = Server::start(|_| ok("")).await;
    let store = server.store_with(|options| {
        options.storage_class = "GLACIER_IR".to_owned();
        options.sse = Sse::Kms { key_id: Some("alias/lake".to_owned()), bucket_key: true };
    });
    put(&store, b"x").await.unwrap();
    for (name, value) in [
        ("x-amz-storage-class", "GLACIER_IR"),
        ("x-amz-server-side-encryption", "aws:kms"),
        ("x-amz-server-side-encryption-aws-kms-key-id", "alias/lake"),
        ("x-amz-server-side-encryption-bucket-key-enabled", "true"),
    ] {
        assert_eq!(server.seen()[0].header(name), Some(value), "{name}");
    }
}

#[tokio::test]
async fn a_conflict_is_tried_again_after_a_wait_on_the_clock() {
    let server = Server::start(|before| match before {
        0 | 1 => refusal(409, "ConditionalRequestConflict", "another write is under way"),
        _ => ok(""),
    })
    .await;
    let clock = Arc::new(Hasty::default());
    let store = server.store_on(Arc::clone(&clock) as Arc<dyn Clock>, |_| {});
    assert_eq!(put(&store, b"x").await.unwrap(), PutOutcome::Created);
    assert_eq!(*clock.0.lock().unwrap(), [CONFLICT_WAIT, CONFLICT_WAIT * 2]);
}

#[tokio::test]
async fn a_conflict_without_end_is_given_up() {
    let server = Server::start(|_| refusal(409, "ConditionalRequestConflict", "busy")).await;
    let error = put(&server.store(), b"x").await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Away);
    assert_eq!(server.seen().len(), CONFLICT_TRIES as usize);
}

#[tokio::test]
async fn a_first_probe_is_put_twice_and_a_later_one_is_settled_by_the_first_answer() {
    let exists = || refusal(412, "PreconditionFailed", "it exists");
    let server = Server::start(move |before| if before == 0 { ok("") } else { exists() }).await;
    let store = server.store();
    assert_eq!(store.probe().await.unwrap(), Conditional::Honoured);
    assert_eq!(server.seen().len(), 2);
    assert_eq!(store.probe().await.unwrap(), Conditional::Honoured);
    assert_eq!(server.seen().len(), 3);
    let texts: Vec<_> = server.seen().iter().map(|request| request.body.clone()).collect();
    assert_eq!(texts, [probe::HONOURED, probe::IGNORED, probe::HONOURED]);
    assert!(server.seen().iter().all(|request| request.path.ends_with("/_contrail/probe")));
}

#[tokio::test]
async fn where_the_condition_is_ignored_or_unknown_a_put_looks_first() {
    for knows_the_header in [true, false] {
        let server = Server::start_with(move |_, request| match request.header("if-none-match") {
            Some(_) if !knows_the_header => {
                refusal(501, "NotImplemented", "a header implies what is not implemented")
            }
            _ => ok(""),
        })
        .await;
        let store = server.store();
        assert_eq!(store.probe().await.unwrap(), Conditional::Ignored);
        let probes = server.seen().len();
        assert_eq!(server.seen().last().unwrap().body, probe::IGNORED, "what stands tells who only reads");

        server.answer(|_| ok(""));
        assert_eq!(put(&store, b"x").await.unwrap(), PutOutcome::Exists);
        assert_eq!(server.seen().split_off(probes)[0].method, "HEAD");

        server.answer_with(|_, request| match request.step() {
            "head" if request.path.contains("/raw/") => refusal(404, "", ""),
            _ => ok(""),
        });
        assert_eq!(put(&store, b"x").await.unwrap(), PutOutcome::Created);
        let seen = server.seen();
        let put = seen.last().unwrap();
        assert_eq!((put.step(), put.header("if-none-match")), ("put", None));
    }
}

#[tokio::test]
async fn what_a_probe_left_is_read_without_a_write() {
    let long = "x".repeat(5_000);
    for (text, told) in [
        (std::str::from_utf8(probe::HONOURED).unwrap(), Some(Conditional::Honoured)),
        (std::str::from_utf8(probe::IGNORED).unwrap(), Some(Conditional::Ignored)),
        ("Contrail puts this twice to see whether the store honours If-None-Match.\n", None),
        (long.as_str(), None),
    ] {
        let text = text.to_owned();
        let server = Server::start(move |_| ok(&text)).await;
        assert_eq!(server.store().probed().await.unwrap(), told);
        assert!(server.seen().iter().all(|request| request.method == "GET"));
    }
    let server = Server::start(|_| refusal(404, "NoSuchKey", "it is not there")).await;
    assert_eq!(server.store().probed().await.unwrap(), None);
}

#[tokio::test]
async fn an_object_that_is_none_of_ours_is_foreign() {
    let server = Server::start(|_| ok("")).await;
    let error = server.store().head(&key()).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Foreign);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_away() {
    let server = Server::start(|_| scripted::broken()).await;
    let chunks: Result<Vec<_>, _> = server.store().read(&key()).await.unwrap().try_collect().await;
    assert_eq!(chunks.unwrap_err().kind, StoreErrorKind::Away);
}
