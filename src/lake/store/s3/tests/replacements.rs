//! Replacing an object of a table, by what a server may answer.

use super::scripted::{Seen, Server, object, ok, refusal};
use super::*;

/// What stands before: it was put by somebody else.
fn old() -> ObjectMeta {
    ObjectMeta { sha256: "cd".repeat(32), ..meta() }
}

fn version(text: &str) -> ETag {
    ETag::new(text)
}

async fn replace(store: &S3Store, bytes: &[u8], expected: Option<&str>) -> Result<Replaced, StoreError> {
    let expected = expected.map(version);
    store.replace(&table(), file(bytes).path(), &meta(), expected.as_ref()).await
}

/// Five parts of a conversation that a test does not care for.
fn takes(request: &Seen) -> axum::response::Response {
    match request.step() {
        "create" => {
            ok("<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>")
        }
        "complete" => {
            ok("<CompleteMultipartUploadResult><ETag>\"new-2\"</ETag></CompleteMultipartUploadResult>")
        }
        "abort" => refusal(204, "", ""),
        "head" => object("old", &old()),
        _ => ok(""),
    }
}

fn in_parts(options: &mut S3Options) {
    options.multipart_threshold = 5 << 20;
    options.part_bytes = 5 << 20;
}

#[tokio::test]
async fn what_is_replaced_is_named_by_its_version_and_what_is_new_must_be_absent() {
    let server = Server::start_with(|_, request| takes(request)).await;
    assert_eq!(replace(&server.store(), b"new", Some("old")).await.unwrap(), Replaced::Done(version("e")));
    assert_eq!(server.steps(), ["head", "put"]);
    let put = &server.seen()[1];
    assert_eq!((put.header("if-match"), put.header("if-none-match")), (Some("\"old\""), None));
    assert_eq!(put.header("content-type"), Some("application/vnd.apache.parquet"));
    assert_eq!(put.path, "/lake/some/where/tables/spot_prices/dt%3D2026-11-21/spot_prices.parquet");

    let server = Server::start_with(|_, request| match (request.step(), request.path.as_str()) {
        ("head", "/lake" | "/lake/") => ok(""),
        ("head", _) => refusal(404, "", ""),
        _ => ok(""),
    })
    .await;
    assert_eq!(replace(&server.store(), b"new", None).await.unwrap(), Replaced::Done(version("e")));
    let seen = server.seen();
    let put = seen.last().unwrap();
    assert_eq!((put.header("if-match"), put.header("if-none-match")), (None, Some("*")));
}

#[tokio::test]
async fn nothing_is_sent_in_place_of_an_object_that_is_not_the_expected_one() {
    let server = Server::start_with(|_, request| takes(request)).await;
    for expected in [Some("older"), None] {
        assert_eq!(replace(&server.store(), b"new", expected).await.unwrap(), Replaced::Changed);
    }
    assert_eq!(server.steps(), ["head", "head"]);
}

#[tokio::test]
async fn what_is_raw_is_never_replaced() {
    let server = Server::start(|_| ok("")).await;
    let error = server.store().replace(&key(), file(b"x").path(), &meta(), None).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Config);
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn who_was_slower_is_told_that_it_changed() {
    for (status, code) in [(412, "PreconditionFailed"), (404, "NoSuchKey")] {
        let server = Server::start_with(move |_, request| match request.step() {
            "put" => refusal(status, code, "it is another one now"),
            _ => takes(request),
        })
        .await;
        assert_eq!(replace(&server.store(), b"new", Some("old")).await.unwrap(), Replaced::Changed, "{code}");
        assert_eq!(server.steps(), ["head", "put", "head"]);
    }
}

#[tokio::test]
async fn a_replacement_whose_success_was_not_heard_of_is_done() {
    let server = Server::start_with(|before, request| match request.step() {
        "put" if before == 1 => refusal(500, "InternalError", "carried out all the same"),
        "put" => refusal(412, "PreconditionFailed", "it is another one now"),
        "head" if before == 0 => object("old", &old()),
        _ => object("ours", &meta()),
    })
    .await;
    assert_eq!(replace(&server.store(), b"new", Some("old")).await.unwrap(), Replaced::Done(version("ours")));
    assert_eq!(server.steps(), ["head", "put", "put", "head"]);
}

#[tokio::test]
async fn a_conflict_is_tried_again_on_the_same_condition() {
    let server = Server::start_with(|before, request| match request.step() {
        "put" if before < 3 => refusal(409, "ConditionalRequestConflict", "another write is under way"),
        _ => takes(request),
    })
    .await;
    assert_eq!(replace(&server.store(), b"new", Some("old")).await.unwrap(), Replaced::Done(version("e")));
    let puts = server.seen().split_off(1);
    assert_eq!(puts.len(), 3);
    assert!(puts.iter().all(|put| put.header("if-match") == Some("\"old\"")));
}

#[tokio::test]
async fn where_conditions_are_ignored_none_is_sent_after_the_look() {
    let server = Server::start_with(|_, request| takes(request)).await;
    let store = server.store();
    store.bucket.looks_first.store(true, Ordering::Relaxed);
    assert_eq!(replace(&store, b"new", Some("old")).await.unwrap(), Replaced::Done(version("e")));
    let put = &server.seen()[1];
    assert_eq!((put.step(), put.header("if-match"), put.header("if-none-match")), ("put", None, None));
}

#[tokio::test]
async fn a_long_object_is_replaced_when_its_upload_completes() {
    let server = Server::start_with(|_, request| takes(request)).await;
    let bytes = vec![7; 6 << 20];
    let store = server.store_with(in_parts);
    assert_eq!(replace(&store, &bytes, Some("old")).await.unwrap(), Replaced::Done(version("new-2")));
    assert_eq!(server.steps(), ["head", "create", "part", "part", "complete"]);
    let seen = server.seen();
    assert_eq!((seen[4].header("if-match"), seen[4].header("if-none-match")), (Some("\"old\""), None));
    assert!(seen[..4].iter().all(|request| request.header("if-match").is_none()));

    server.answer_with(|_, request| match request.step() {
        "complete" => refusal(412, "PreconditionFailed", "it is another one now"),
        _ => takes(request),
    });
    assert_eq!(replace(&store, &bytes, Some("old")).await.unwrap(), Replaced::Changed);
    assert_eq!(server.steps().split_off(5), ["head", "create", "part", "part", "complete", "abort", "head"]);
}

#[tokio::test]
async fn a_long_replacement_whose_success_was_not_heard_of_is_done() {
    let server = Server::start_with(|before, request| match request.step() {
        "complete" => refusal(404, "NoSuchUpload", "The specified upload does not exist."),
        "head" if before > 0 => object("ours-2", &meta()),
        _ => takes(request),
    })
    .await;
    let replaced = replace(&server.store_with(in_parts), &vec![7; 6 << 20], Some("old")).await.unwrap();
    assert_eq!(replaced, Replaced::Done(version("ours-2")));
}
