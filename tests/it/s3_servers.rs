//! What only S3 has: parts, encryption, storage classes, checksums, and servers that ignore conditions.

use std::sync::Arc;

use aws_sdk_s3::types::{ServerSideEncryption, StorageClass};
use contrail::lake::key::Prefix;
use contrail::lake::store::{Conditional, PutOutcome, Replaced, S3Options, Sse, Store as _, StoreErrorKind};
use futures::TryStreamExt as _;

use crate::conformance::tables::{replace, table};
use crate::conformance::{big, file, meta, put, read, slot};
use crate::support::servers::{self, Server};
use crate::support::tamper::Tamper;

const MIB: usize = 1 << 20;

async fn in_parts(server: &Server, bucket: &str) -> S3Options {
    let mut options = server.options(bucket, "").await;
    options.multipart_threshold = 5 << 20;
    options.part_bytes = 5 << 20;
    options
}

async fn unfinished(server: &Server, bucket: &str) -> usize {
    let uploads = server.client().list_multipart_uploads().bucket(bucket).send().await.unwrap();
    uploads.uploads().len()
}

#[tokio::test]
async fn objects_carry_their_type_class_and_encryption() {
    let Some(server) = servers::moto() else { return };
    let small = server.options("classes", "lake").await;
    let parts = S3Options { multipart_threshold: 5 << 20, part_bytes: 5 << 20, ..small.clone() };
    let cases = [
        (Sse::None, "STANDARD", None, None),
        (Sse::Aes256, "GLACIER_IR", Some(ServerSideEncryption::Aes256), Some(StorageClass::GlacierIr)),
        (
            Sse::Kms { key_id: Some("alias/lake".to_owned()), bucket_key: true },
            "STANDARD_IA",
            Some(ServerSideEncryption::AwsKms),
            Some(StorageClass::StandardIa),
        ),
    ];
    let mut hour = 0;
    for (sse, class, encryption, stored_as) in cases {
        for (options, bytes) in [(&small, b"small".to_vec()), (&parts, big(6 * MIB))] {
            let key = slot(hour);
            hour += 1;
            let store = server.store(S3Options {
                sse: sse.clone(),
                storage_class: class.to_owned(),
                ..options.clone()
            });
            assert_eq!(put(&store, &key, &bytes, 1).await.unwrap(), PutOutcome::Created);
            let client = server.client();
            let head =
                client.head_object().bucket("classes").key(format!("lake/{key}")).send().await.unwrap();
            assert_eq!(head.content_type(), Some("application/gzip"));
            assert_eq!(head.content_encoding(), None);
            // moto says AES256 of an object whose encryption nobody chose, as S3 does.
            if encryption.is_some() {
                assert_eq!(head.server_side_encryption(), encryption.as_ref());
            }
            assert_eq!(head.storage_class(), stored_as.as_ref());
            assert_eq!(head.metadata().unwrap()["contrail-rows"], "1");
        }
    }
}

#[tokio::test]
async fn a_long_put_that_is_refused_leaves_no_parts() {
    for server in [servers::moto(), servers::ministack()].into_iter().flatten() {
        let store = server.store(in_parts(server, "no-parts").await);
        assert_eq!(put(&store, &slot(0), &big(11 * MIB), 1).await.unwrap(), PutOutcome::Created);
        assert_eq!(put(&store, &slot(0), &big(12 * MIB), 2).await.unwrap(), PutOutcome::Exists);
        assert_eq!(unfinished(server, "no-parts").await, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_long_puts_one_creates() {
    for server in [servers::moto(), servers::ministack()].into_iter().flatten() {
        let options = in_parts(server, "long-race").await;
        let writers = (0..6_u64).map(|writer| {
            let store = server.store(options.clone());
            let bytes = big(6 * MIB + usize::try_from(writer).unwrap());
            tokio::spawn(async move { (put(&store, &slot(0), &bytes, writer).await.unwrap(), writer) })
        });
        let outcomes = futures::future::try_join_all(writers).await.unwrap();
        let winners: Vec<_> =
            outcomes.iter().filter(|(outcome, _)| *outcome == PutOutcome::Created).collect();
        let [(_, winner)] = winners[..] else { panic!("{} winners", winners.len()) };
        let store = server.store(options);
        assert_eq!(store.head(&slot(0)).await.unwrap(), Some(meta(*winner)));
        assert_eq!(read(&store, &slot(0)).await.len(), 6 * MIB + usize::try_from(*winner).unwrap());
        assert_eq!(unfinished(server, "long-race").await, 0);
    }
}

#[tokio::test]
async fn what_was_damaged_on_the_way_is_refused() {
    let Some(server) = servers::ministack() else { return };
    for (bucket, length) in [("damaged-small", 4_000), ("damaged-long", 6 * MIB)] {
        let direct = in_parts(server, bucket).await;
        let tamper = Tamper::start(server.url()).await;
        let through = S3Options { endpoint_url: Some(tamper.url()), ..direct.clone() };
        let error = put(&server.store(through), &slot(0), &big(length), 1).await.unwrap_err();
        assert_eq!(error.kind, StoreErrorKind::Away, "{error}");
        assert!(error.to_string().contains("BadDigest"), "{error}");
        assert!(tamper.damaged() > 0);
        assert_eq!(server.store(direct.clone()).head(&slot(0)).await.unwrap(), None, "{error}");
        assert_eq!(unfinished(server, bucket).await, 0);
        // The same bytes pass when nobody touches them, so it was the damage that was refused.
        assert_eq!(put(&server.store(direct), &slot(0), &big(length), 1).await.unwrap(), PutOutcome::Created);
    }
}

#[tokio::test]
async fn a_signature_with_another_secret_is_refused_with_a_hint() {
    use contrail::base::error::Hinted as _;
    let server = servers::s3s().await;
    let options = server.options("signed", "").await;
    let stranger = aws_sdk_s3::config::Credentials::new("test", "another", None, None, "tests");
    let config = server
        .config()
        .into_builder()
        .credentials_provider(aws_sdk_s3::config::SharedCredentialsProvider::new(stranger))
        .build();
    let clock = Arc::new(contrail::base::SystemClock);
    let store = contrail::lake::store::S3Store::new(&config, options, clock);
    let error = put(&store, &slot(0), b"x", 1).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Config, "{error}");
    assert!(error.hint().unwrap().starts_with("check the credentials"), "{error}");
}

#[tokio::test]
async fn a_bucket_that_does_not_exist_is_named_by_every_operation() {
    use contrail::base::error::Hinted as _;
    for server in [servers::moto(), servers::ministack()].into_iter().flatten() {
        let options = S3Options { bucket: "nobody-made-it".to_owned(), ..server.options("made", "").await };
        let store = server.store(options);
        let errors = [
            put(&store, &slot(0), b"x", 1).await.unwrap_err(),
            store.head(&slot(0)).await.unwrap_err(),
            store.read(&slot(0)).await.err().unwrap(),
            store.list(&Prefix::all_raw()).try_collect::<Vec<_>>().await.unwrap_err(),
            store.probe().await.unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.kind, StoreErrorKind::Config, "{error}");
            assert!(error.hint().unwrap().starts_with("create the bucket nobody-made-it"), "{error}");
        }
    }
}

#[tokio::test]
async fn a_server_that_ignores_the_condition_is_looked_at_first() {
    let Some(server) = servers::s3rver() else { return };
    let options = server.options("ignorant", "lake").await;
    let store = server.store(options.clone());
    // Without the probe the second put would overwrite the first: the control that this server is what we say.
    let unprobed = server.store(options);
    assert_eq!(put(&unprobed, &slot(9), b"first", 1).await.unwrap(), PutOutcome::Created);
    assert_eq!(put(&unprobed, &slot(9), b"second", 2).await.unwrap(), PutOutcome::Created);

    assert_eq!(unprobed.probed().await.unwrap(), None);
    for _ in 0..2 {
        assert_eq!(store.probe().await.unwrap(), Conditional::Ignored);
        assert_eq!(unprobed.probed().await.unwrap(), Some(Conditional::Ignored));
    }

    assert_eq!(put(&store, &slot(0), b"first", 1).await.unwrap(), PutOutcome::Created);
    assert_eq!(put(&store, &slot(0), b"second", 2).await.unwrap(), PutOutcome::Exists);
    assert_eq!(read(&store, &slot(0)).await, b"first");
    assert_eq!(store.head(&slot(0)).await.unwrap(), Some(meta(1)));
    let body = file(b"x");
    assert_eq!(store.put_if_absent(&slot(9), body.path(), &meta(3)).await.unwrap(), PutOutcome::Exists);

    // Tables, too: without a probe as with one, for what is replaced is looked at anyway.
    for (store, day) in [(&store, 1), (&unprobed, 2)] {
        let Replaced::Done(first) = replace(store, &table(day), b"first", 1, None).await.unwrap() else {
            panic!()
        };
        let Replaced::Done(second) = replace(store, &table(day), b"second", 2, Some(&first)).await.unwrap()
        else {
            panic!("it was as expected")
        };
        for stale in [None, Some(&first)] {
            assert_eq!(replace(store, &table(day), b"third", 3, stale).await.unwrap(), Replaced::Changed);
        }
        assert_eq!(read(store, &table(day)).await, b"second");
        assert_eq!(store.read_range(&table(day), 1..4, &second).await.unwrap(), "eco");
        let error = store.read_range(&table(day), 1..4, &first).await.unwrap_err();
        assert_eq!(error.kind, StoreErrorKind::Changed);
    }
}

#[tokio::test]
async fn buckets_of_one_name_at_two_endpoints_are_two_places() {
    let server = servers::s3s().await;
    let ours = server.options("places", "lake").await;
    let theirs = S3Options { endpoint_url: Some("http://127.0.0.1:1".to_owned()), ..ours.clone() };
    let (ours, theirs) = (server.store(ours), server.store(theirs));
    assert_eq!(ours.url(), theirs.url(), "people are told the bucket");
    assert_ne!(ours.place(), theirs.place(), "what waits for one must not go up to the other");
}
