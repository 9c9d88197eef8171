use axum::response::Response;

use super::scripted::{Seen, Server, ok, refusal};
use super::*;

const MIB: usize = 1 << 20;

fn in_parts(options: &mut S3Options) {
    options.multipart_threshold = 5 << 20;
    options.part_bytes = 5 << 20;
}

/// A server that takes every step of an upload.
fn takes(request: &Seen) -> Response {
    match request.step() {
        "create" => {
            ok("<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>")
        }
        "complete" => ok("<CompleteMultipartUploadResult><ETag>\"e\"</ETag></CompleteMultipartUploadResult>"),
        "abort" => refusal(204, "", ""),
        _ => ok(""),
    }
}

fn big() -> Vec<u8> {
    (0..=250_u8).cycle().take(11 * MIB).collect()
}

#[tokio::test]
async fn on_aws_an_upload_carries_the_checksum_of_the_whole_object() {
    let server = Server::start_with(|_, request| takes(request)).await;
    let store = server.store_with(in_parts);
    *store.bucket.checksums.lock().unwrap() = Checksums::WholeCrc64Nvme;
    assert_eq!(put(&store, &big()).await.unwrap(), PutOutcome::Created);

    assert_eq!(server.steps(), ["create", "part", "part", "part", "complete"]);
    let seen = server.seen();
    assert_eq!(seen[0].header("x-amz-checksum-algorithm"), Some("CRC64NVME"));
    assert_eq!(seen[0].header("x-amz-checksum-type"), Some("FULL_OBJECT"));
    assert_eq!(seen[0].header("content-type"), Some("application/gzip"));
    assert_eq!(seen[0].header("x-amz-meta-contrail-bytes"), Some("7"));
    for part in &seen[1..4] {
        let crc = checksum::base64(&crc_fast::crc64_nvme(&part.body).to_be_bytes());
        assert_eq!(part.header("x-amz-checksum-crc64nvme"), Some(crc.as_str()));
        assert_eq!((part.header("x-amz-trailer"), part.header("if-none-match")), (None, None));
    }
    let whole = checksum::base64(&crc_fast::crc64_nvme(&big()).to_be_bytes());
    assert_eq!(seen[4].header("x-amz-checksum-crc64nvme"), Some(whole.as_str()));
    assert_eq!(seen[4].header("x-amz-checksum-type"), Some("FULL_OBJECT"));
    assert_eq!(seen[4].header("x-amz-mp-object-size"), Some("11534336"));
    assert_eq!(seen[4].header("if-none-match"), Some("*"));

    let mut parts: Vec<_> = seen[1..4].iter().map(|part| (part.query.clone(), part.body.clone())).collect();
    parts.sort();
    assert_eq!(parts.into_iter().flat_map(|(_, body)| body).collect::<Vec<_>>(), big());
}

#[tokio::test]
async fn a_server_that_knows_no_checksums_gets_none_and_is_asked_once() {
    let server = Server::start_with(|_, request| match request.header("x-amz-checksum-algorithm") {
        Some(_) => refusal(400, "InvalidArgument", "unknown algorithm"),
        None => takes(request),
    })
    .await;
    let store = server.store_with(in_parts);
    put(&store, &big()).await.unwrap();
    assert_eq!(server.steps(), ["create", "create", "part", "part", "part", "complete"]);
    put(&store, &big()).await.unwrap();
    assert_eq!(server.steps().split_off(6), ["create", "part", "part", "part", "complete"]);
}

#[tokio::test]
async fn a_checksum_that_does_not_fit_is_no_reason_to_go_without() {
    let server = Server::start_with(|_, request| match request.step() {
        "part" => refusal(400, "BadDigest", "the checksum does not fit"),
        _ => takes(request),
    })
    .await;
    let error = put(&server.store_with(in_parts), &big()).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Away);
    assert_eq!(server.steps().iter().filter(|step| **step == "create").count(), 1);
    assert_eq!(server.steps().last(), Some(&"abort"));
}

#[tokio::test]
async fn an_upload_that_somebody_was_faster_than_is_aborted() {
    let server = Server::start_with(|_, request| match request.step() {
        "complete" => refusal(412, "PreconditionFailed", "it exists"),
        _ => takes(request),
    })
    .await;
    assert_eq!(put(&server.store_with(in_parts), &big()).await.unwrap(), PutOutcome::Exists);
    assert_eq!(server.steps(), ["create", "part", "part", "part", "complete", "abort"]);
}

#[tokio::test]
async fn a_conflict_at_the_end_starts_the_upload_again() {
    let server = Server::start_with(|before, request| match request.step() {
        "complete" if before < 5 => refusal(409, "ConditionalRequestConflict", "busy"),
        _ => takes(request),
    })
    .await;
    assert_eq!(put(&server.store_with(in_parts), &big()).await.unwrap(), PutOutcome::Created);
    let once = ["create", "part", "part", "part", "complete"];
    assert_eq!(server.steps(), [&once[..], &["abort"], &once[..]].concat());
}

#[tokio::test]
async fn an_upload_whose_success_was_not_heard_of_exists() {
    let server = Server::start_with(|_, request| match request.step() {
        "complete" => refusal(404, "NoSuchUpload", "The specified upload does not exist."),
        _ => takes(request),
    })
    .await;
    assert_eq!(put(&server.store_with(in_parts), &big()).await.unwrap(), PutOutcome::Exists);
    assert_eq!(server.steps().last(), Some(&"head"));
}

#[tokio::test]
async fn an_upload_that_is_given_up_is_aborted() {
    let (started, mut starting) = tokio::sync::mpsc::unbounded_channel();
    let (aborted, mut aborting) = tokio::sync::mpsc::unbounded_channel();
    let server = Server::start_with(move |_, request| {
        match request.step() {
            "part" => started.send(()).unwrap(),
            "abort" => aborted.send(request.query.clone()).unwrap(),
            _ => {}
        }
        takes(request)
    })
    .await;
    let store = server.store_with(in_parts);
    let uploading = tokio::spawn(async move { put(&store, &big()).await });
    starting.recv().await.unwrap();
    uploading.abort();
    assert!(uploading.await.is_err_and(|error| error.is_cancelled()));
    assert!(aborting.recv().await.unwrap().contains("uploadId=u1"));
}
