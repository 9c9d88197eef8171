//! Reading pieces of objects, from servers that do as they are asked and from those that do not.

use super::scripted::{Server, object, ok, refusal};
use super::*;

async fn piece(store: &S3Store, range: Range<u64>) -> Result<Bytes, StoreError> {
    store.read_range(&table(), range, &ETag::new("v1")).await
}

async fn refused(server: &Server, range: Range<u64>) -> StoreError {
    piece(&server.store(), range).await.unwrap_err()
}

#[tokio::test]
async fn a_piece_is_asked_for_by_range_and_version() {
    let server = Server::start(|_| object("v1", &meta())).await;
    assert_eq!(piece(&server.store(), 10..17).await.unwrap(), "payload");
    let [request] = &server.seen()[..] else { panic!("one request") };
    assert_eq!((request.header("range"), request.header("if-match")), (Some("bytes=10-16"), Some("\"v1\"")));

    assert_eq!(piece(&server.store(), 10..10).await.unwrap(), "");
    assert_eq!(server.seen().len(), 1, "nothing is not asked for");
}

#[tokio::test]
async fn another_object_is_changed_whether_the_server_minds_it_or_not() {
    let server = Server::start(|_| refusal(412, "PreconditionFailed", "it is another one")).await;
    assert_eq!(refused(&server, 0..7).await.kind, StoreErrorKind::Changed);
    let server = Server::start(|_| object("v2", &meta())).await;
    assert_eq!(refused(&server, 0..7).await.kind, StoreErrorKind::Changed);
    let server = Server::start(|_| refusal(404, "NoSuchKey", "it is gone")).await;
    assert_eq!(refused(&server, 0..7).await.kind, StoreErrorKind::NotFound);
}

#[tokio::test]
#[expect(clippy::reversed_empty_ranges, reason = "it is what a damaged footer may ask for")]
async fn a_range_that_the_object_does_not_have_is_no_piece_of_it() {
    let server =
        Server::start(|_| refusal(416, "InvalidRange", "The requested range is not satisfiable")).await;
    assert_eq!(refused(&server, 100..107).await.kind, StoreErrorKind::Foreign);
    assert_eq!(refused(&server, 7..3).await.kind, StoreErrorKind::Foreign);
    let server = Server::start(|_| object("v1", &meta())).await;
    let error = refused(&server, 0..8).await;
    assert_eq!(error.kind, StoreErrorKind::Foreign, "it ends in the middle of the range");
    assert!(error.to_string().ends_with("spot_prices.parquet in s3://lake/some/where has no bytes 0 to 8"));
}

#[tokio::test]
async fn a_server_that_sends_the_whole_object_is_found_out_before_it_is_read() {
    use crate::base::error::Hinted as _;
    let server = Server::start(|_| object("v1", &meta())).await;
    let error = refused(&server, 0..3).await;
    assert_eq!(error.kind, StoreErrorKind::Config, "{error}");
    assert!(error.hint().unwrap().contains("Range"));
}

#[tokio::test]
async fn a_piece_that_breaks_off_is_away() {
    let server = Server::start(|_| scripted::broken()).await;
    assert_eq!(refused(&server, 0..10).await.kind, StoreErrorKind::Away);
}

#[tokio::test]
async fn a_listing_tells_the_version_of_each_object_or_what_stands_for_it() {
    let listing = |etag: &str| {
        format!(
            "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>some/where/{}</Key>\
             <LastModified>2026-11-21T20:10:00.000Z</LastModified>{etag}<Size>7</Size></Contents></ListBucketResult>",
            table()
        )
    };
    for (etag, told) in [("<ETag>&quot;v1&quot;</ETag>", "v1"), ("", "7-1795291800")] {
        let text = listing(etag);
        let server = Server::start(move |_| ok(&text)).await;
        let listed: Vec<_> = server.store().list(&Prefix::all_tables()).try_collect().await.unwrap();
        assert_eq!(listed, [Listed { key: table().to_string(), bytes: 7, etag: ETag::new(told) }]);
    }
}
