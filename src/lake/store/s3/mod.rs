//! A lake in an S3 bucket, on AWS or on any server that speaks S3. Atomic because a conditional put is:
//! `If-None-Match: *` lets the first writer win, `If-Match` the first to replace. The SDK alone retries; here only a conflict is tried again.

mod checksum;
mod errors;
mod examine;
mod multipart;
mod options;
mod place;
mod put;
mod read_range;

use std::collections::VecDeque;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{self, Region, RequestChecksumCalculation};
use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{StreamExt as _, TryStreamExt as _};

use self::checksum::Checksums;
use self::errors::{Operation, Trouble};
use self::place::Place;
use self::put::Tried;
use super::{
    ByteStream, Conditional, ETag, Found, Key, Listed, ObjectMeta, Prefix, PutOutcome, Replaced, Store,
};
use super::{StoreError, StoreErrorKind, not_found, probe, require_derived};
use crate::base::Clock;
use crate::base::check::Check;

pub use self::options::{S3Options, Sse};

/// How long a server may take to answer a request that carries no payload.
const ANSWER_TIMEOUT: Duration = Duration::from_mins(1);

/// Keeps objects in an S3 bucket that any number of processes share. Clones share what was learnt of the server.
#[derive(Debug, Clone)]
pub struct S3Store {
    bucket: Arc<Bucket>,
}

#[derive(Debug)]
struct Bucket {
    client: Client,
    place: Place,
    /// Where the server is; `None` on AWS.
    endpoint: Option<String>,
    multipart_threshold: u64,
    part_bytes: u64,
    clock: Arc<dyn Clock>,
    /// The server ignores or does not know `If-None-Match`: look first, then write.
    looks_first: AtomicBool,
    /// What the server takes along with a multipart upload; lowered when it refuses.
    checksums: Mutex<Checksums>,
    /// Some answer proved that the bucket exists, so that a bodiless 404 means the object.
    seen: AtomicBool,
}

impl S3Store {
    /// The lake that `options` describe. `config` brings credentials, retries and proxies; its region and
    /// endpoint hold unless `options` name others. Sends nothing.
    pub fn new(config: &SdkConfig, options: S3Options, clock: Arc<dyn Clock>) -> Self {
        let endpoint = options.endpoint_url.clone().or_else(|| config.endpoint_url().map(str::to_owned));
        let on_aws = endpoint.is_none();
        let mut builder = config::Builder::from(config)
            .force_path_style(options.force_path_style)
            // We bring our own checksums: the SDK would send them in a trailer that not every server reads.
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired);
        if let Some(endpoint) = &options.endpoint_url {
            builder.set_endpoint_url(Some(endpoint.clone()));
        }
        // Other servers do not care for the region, but a signature needs one.
        let fallback = (!on_aws && config.region().is_none()).then(|| "us-east-1".to_owned());
        if let Some(region) = options.region.clone().or(fallback) {
            builder = builder.region(Region::new(region));
        }
        let mut timeouts =
            config.timeout_config().map_or_else(TimeoutConfig::builder, TimeoutConfig::to_builder);
        timeouts = timeouts.operation_attempt_timeout(ANSWER_TIMEOUT);
        builder.set_timeout_config(Some(timeouts.build()));
        let client = Client::from_conf(builder.build());
        let region = client.config().region().map(ToString::to_string).unwrap_or_default();
        let checksums = if on_aws { Checksums::WholeCrc64Nvme } else { Checksums::PartCrc32 };
        Self {
            bucket: Arc::new(Bucket {
                client,
                multipart_threshold: options.multipart_threshold,
                part_bytes: options.part_bytes,
                place: Place::new(options, &region),
                endpoint,
                clock,
                looks_first: AtomicBool::new(false),
                checksums: Mutex::new(checksums),
                seen: AtomicBool::new(false),
            }),
        }
    }
}

impl Bucket {
    fn checksums(&self) -> Checksums {
        *self.checksums.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fails(&self, operation: Operation, key: &str, trouble: &Trouble) -> StoreError {
        trouble.explain(operation, &self.place, key)
    }

    /// What the server says of the object, whoever put it; `None` when there is no such object.
    async fn find(&self, key: &Key) -> Result<Option<Found>, StoreError> {
        let place = &self.place;
        let sent = self.client.head_object().bucket(&place.bucket).key(place.full_key(key.as_str()));
        match sent.send().await {
            Ok(output) => {
                self.seen.store(true, Ordering::Relaxed);
                let pairs = output.metadata.unwrap_or_default();
                let pairs = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
                Ok(Some(Found {
                    bytes: output
                        .content_length
                        .and_then(|bytes| u64::try_from(bytes).ok())
                        .unwrap_or_default(),
                    etag: ETag::new(&output.e_tag.unwrap_or_default()),
                    meta: ObjectMeta::from_pairs(pairs),
                }))
            }
            Err(error) => match Trouble::new(&error) {
                trouble if trouble.is_absence() => self.require_bucket(key).await.map(|()| None),
                trouble => Err(self.fails(Operation::Head, key.as_str(), &trouble)),
            },
        }
    }

    /// An answer to HEAD has no body that would tell a missing object from a missing bucket.
    async fn require_bucket(&self, key: &Key) -> Result<(), StoreError> {
        if self.seen.load(Ordering::Relaxed) {
            return Ok(());
        }
        match self.client.head_bucket().bucket(&self.place.bucket).send().await {
            Ok(_) => self.seen.store(true, Ordering::Relaxed),
            Err(error) => match Trouble::new(&error) {
                trouble if trouble.is_absence() => {
                    return Err(self.fails(Operation::Head, key.as_str(), &Trouble::no_bucket()));
                }
                // Looking at the bucket may be forbidden where its objects are not.
                _ => {}
            },
        }
        Ok(())
    }
}

#[async_trait]
impl Store for S3Store {
    fn url(&self) -> String {
        self.bucket.place.url()
    }

    fn place(&self) -> String {
        let url = self.url();
        self.bucket.endpoint.as_ref().map_or_else(|| url.clone(), |endpoint| format!("{url} at {endpoint}"))
    }

    async fn put_if_absent(
        &self,
        key: &Key,
        file: &Path,
        meta: &ObjectMeta,
    ) -> Result<PutOutcome, StoreError> {
        self.bucket.put_if_absent(key, file, meta).await
    }

    async fn replace(
        &self,
        key: &Key,
        file: &Path,
        meta: &ObjectMeta,
        expected: Option<&ETag>,
    ) -> Result<Replaced, StoreError> {
        require_derived(&self.url(), key)?;
        self.bucket.replace(key, file, meta, expected).await
    }

    async fn read(&self, key: &Key) -> Result<ByteStream, StoreError> {
        let (bucket, place) = (Arc::clone(&self.bucket), &self.bucket.place);
        let sent = bucket.client.get_object().bucket(&place.bucket).key(place.full_key(key.as_str()));
        let output = sent.send().await.map_err(|error| match Trouble::new(&error) {
            trouble if trouble.is_absent_object() => not_found(&place.url(), key),
            trouble => bucket.fails(Operation::Get, key.as_str(), &trouble),
        })?;
        let url = place.url_of(key.as_str());
        let chunks = stream::try_unfold(output.body, |mut body| async move {
            Ok(body.try_next().await?.map(|chunk| (chunk, body)))
        });
        let broken = move |error: aws_sdk_s3::primitives::ByteStreamError| {
            let cause = crate::base::error::one_line(&error);
            StoreError::new(StoreErrorKind::Away, format!("reading {url} broke off: {cause}"))
        };
        Ok(chunks.map_err(broken).boxed())
    }

    async fn read_range(&self, key: &Key, range: Range<u64>, expected: &ETag) -> Result<Bytes, StoreError> {
        if range.start == range.end {
            return Ok(Bytes::new());
        }
        self.bucket.read_range(key, &range, expected).await
    }

    async fn find(&self, key: &Key) -> Result<Option<Found>, StoreError> {
        self.bucket.find(key).await
    }

    async fn head(&self, key: &Key) -> Result<Option<ObjectMeta>, StoreError> {
        let Some(found) = self.bucket.find(key).await? else { return Ok(None) };
        let foreign = || {
            let url = self.bucket.place.url_of(key.as_str());
            StoreError::new(StoreErrorKind::Foreign, format!("{url} was not written by Contrail"))
                .with_hint("move it out of the lake, or give the lake a prefix of its own")
        };
        found.meta.map(Some).ok_or_else(foreign)
    }

    fn list(&self, prefix: &Prefix) -> BoxStream<'static, Result<Listed, StoreError>> {
        let (bucket, place) = (Arc::clone(&self.bucket), &self.bucket.place);
        let start = prefix.as_str().to_owned();
        let sent = bucket.client.list_objects_v2().bucket(&place.bucket).prefix(place.full_key(&start));
        let pages = sent.into_paginator().send();
        stream::try_unfold((pages, VecDeque::new(), bucket), move |(mut pages, mut page, bucket)| {
            let start = start.clone();
            async move {
                loop {
                    if let Some(listed) = page.pop_front() {
                        return Ok(Some((listed, (pages, page, bucket))));
                    }
                    let Some(next) = pages.next().await else { return Ok(None) };
                    let next =
                        next.map_err(|error| bucket.fails(Operation::List, &start, &Trouble::new(&error)))?;
                    bucket.seen.store(true, Ordering::Relaxed);
                    page = next
                        .contents
                        .unwrap_or_default()
                        .into_iter()
                        .filter_map(|object| {
                            let key = bucket.place.relative_key(object.key()?)?.to_owned();
                            let bytes =
                                object.size().and_then(|size| u64::try_from(size).ok()).unwrap_or_default();
                            let etag = version(&object, bytes);
                            Some(Listed { key, bytes, etag })
                        })
                        .collect();
                }
            }
        })
        .boxed()
    }

    async fn folders(&self, prefix: &Prefix) -> Result<Vec<Prefix>, StoreError> {
        let (bucket, place) = (&self.bucket, &self.bucket.place);
        let start = place.full_key(prefix.as_str());
        let sent = bucket.client.list_objects_v2().bucket(&place.bucket).prefix(start).delimiter("/");
        let mut pages = sent.into_paginator().send();
        let mut folders = Vec::new();
        while let Some(page) = pages.next().await {
            let page =
                page.map_err(|error| bucket.fails(Operation::List, prefix.as_str(), &Trouble::new(&error)))?;
            bucket.seen.store(true, Ordering::Relaxed);
            let found = page.common_prefixes().iter().filter_map(|folder| folder.prefix());
            folders.extend(found.filter_map(|folder| prefix.folder_of(place.relative_key(folder)?)));
        }
        Ok(folders)
    }

    async fn probe(&self) -> Result<Conditional, StoreError> {
        let bucket = &self.bucket;
        // Whoever was here before may have put it already, so the first answer can settle it; a conflict, too,
        // shows that the server minds the condition.
        for text in [probe::HONOURED, probe::IGNORED] {
            match bucket.put_probe(text).await {
                Ok(Tried::Written(_)) => {}
                Ok(Tried::Refused | Tried::Conflict) => return Ok(Conditional::Honoured),
                Err(trouble) if trouble.is_not_implemented() => {
                    bucket.looks_first.store(true, Ordering::Relaxed);
                    // Unconditional by now: the text is for those who only read.
                    let put = bucket.put_probe(probe::IGNORED).await;
                    put.map_err(|trouble| bucket.fails(Operation::Put, Key::probe().as_str(), &trouble))?;
                    return Ok(Conditional::Ignored);
                }
                Err(trouble) => {
                    return Err(bucket.fails(Operation::Put, Key::probe().as_str(), &trouble));
                }
            }
        }
        bucket.looks_first.store(true, Ordering::Relaxed);
        Ok(Conditional::Ignored)
    }

    async fn examine(&self) -> Vec<Check> {
        examine::examine(self).await
    }
}

/// Which bytes a listed object holds; where the server does not tell, its length and time must do.
fn version(object: &aws_sdk_s3::types::Object, bytes: u64) -> ETag {
    let stand_in = || {
        let modified = object.last_modified().map_or(0, aws_sdk_s3::primitives::DateTime::secs);
        ETag::new(&format!("{bytes}-{modified}"))
    };
    object.e_tag().map_or_else(stand_in, ETag::new)
}

#[cfg(test)]
mod tests;
