//! Writing an object, whole or in parts, on a condition that keeps writers apart: nothing is there, or what is there is
//! what was expected. Where a server ignores the condition we look first, and then it holds for one writer only.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use aws_sdk_s3::config;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::primitives::ByteStream as Body;
use sha2::{Digest as _, Sha256};

use super::checksum::{self, Checksums};
use super::errors::{Operation, Trouble};
use super::{Bucket, multipart};
use crate::lake::key::Key;
use crate::lake::meta::ObjectMeta;
use crate::lake::store::disk::Disk as _;
use crate::lake::store::{ETag, Found, PutOutcome, Replaced, StoreError, StoreErrorKind};

/// How long one attempt to send a payload may take, at most [`S3Options::multipart_threshold`](super::S3Options) of it.
const SEND_TIMEOUT: Duration = Duration::from_mins(15);
/// Conflicts with other writers are settled within moments; this many tries take half a minute.
pub(super) const CONFLICT_TRIES: u32 = 9;
pub(super) const CONFLICT_WAIT: Duration = Duration::from_millis(100);

/// What must hold for a put to be carried out.
#[derive(Debug, Clone, Copy)]
pub(super) enum Condition<'a> {
    /// There is no such object.
    Absent,
    /// The object is this one.
    Unchanged(&'a ETag),
    /// Nothing: the server would not mind it.
    Nothing,
}

impl Condition<'_> {
    pub(super) fn if_none_match(self) -> Option<String> {
        matches!(self, Self::Absent).then(|| "*".to_owned())
    }

    pub(super) fn if_match(self) -> Option<String> {
        match self {
            Self::Unchanged(etag) => Some(format!("\"{etag}\"")),
            Self::Absent | Self::Nothing => None,
        }
    }
}

/// What came of one try to put.
#[derive(Debug)]
pub(super) enum Tried {
    /// It is there now, in the version that the server told, if it told one.
    Written(Option<ETag>),
    /// The condition did not hold, or no longer: an earlier try whose answer was lost may have seen to that.
    Refused,
    /// Another writer was busy with the same key.
    Conflict,
}

/// What came of a put whose conflicts are over.
enum Put {
    Written(Option<ETag>),
    Refused,
}

impl Bucket {
    /// The condition as this server is asked it.
    pub(super) fn minding<'a>(&self, condition: Condition<'a>) -> Condition<'a> {
        if self.looks_first.load(Ordering::Relaxed) { Condition::Nothing } else { condition }
    }

    pub(super) async fn put_if_absent(
        &self,
        key: &Key,
        file: &Path,
        meta: &ObjectMeta,
    ) -> Result<PutOutcome, StoreError> {
        if self.looks_first.load(Ordering::Relaxed) && self.find(key).await?.is_some() {
            return Ok(PutOutcome::Exists);
        }
        Ok(match self.put(key, file, meta, self.minding(Condition::Absent)).await? {
            Put::Written(_) => PutOutcome::Created,
            Put::Refused => PutOutcome::Exists,
        })
    }

    /// Looks before it puts, on whatever server: some honour `If-None-Match` and ignore `If-Match`, and a payload that
    /// would be refused need not be sent.
    pub(super) async fn replace(
        &self,
        key: &Key,
        file: &Path,
        meta: &ObjectMeta,
        expected: Option<&ETag>,
    ) -> Result<Replaced, StoreError> {
        if self.find(key).await?.map(|found| found.etag).as_ref() != expected {
            return Ok(Replaced::Changed);
        }
        let condition = self.minding(expected.map_or(Condition::Absent, Condition::Unchanged));
        if let Put::Written(Some(etag)) = self.put(key, file, meta, condition).await? {
            return Ok(Replaced::Done(etag));
        }
        // Refused by what we put ourselves, if the answer to an earlier try was lost.
        Ok(match self.find(key).await? {
            Some(found) if is_ours(&found, meta) => Replaced::Done(found.etag),
            _ => Replaced::Changed,
        })
    }

    /// Puts on a condition, again where another writer was busy with the same key.
    async fn put(
        &self,
        key: &Key,
        file: &Path,
        meta: &ObjectMeta,
        condition: Condition<'_>,
    ) -> Result<Put, StoreError> {
        let length = tokio::fs::metadata(file).await.explain(StoreErrorKind::Away, "read", file)?.len();
        let mut wait = CONFLICT_WAIT;
        for _ in 0..CONFLICT_TRIES {
            let tried = if length <= self.multipart_threshold {
                self.put_whole(key, file, meta, condition).await?
            } else {
                self.put_parts(key, file, length, meta, condition).await?
            };
            let put = match tried {
                Tried::Written(etag) => Put::Written(etag),
                Tried::Refused => Put::Refused,
                Tried::Conflict => {
                    self.clock.sleep(wait).await;
                    wait *= 2;
                    continue;
                }
            };
            self.seen.store(true, Ordering::Relaxed);
            return Ok(put);
        }
        let message =
            format!("cannot write {}: other writers are busy with it", self.place.url_of(key.as_str()));
        Err(StoreError::new(StoreErrorKind::Away, message))
    }

    async fn put_whole(
        &self,
        key: &Key,
        file: &Path,
        meta: &ObjectMeta,
        condition: Condition<'_>,
    ) -> Result<Tried, StoreError> {
        let sha256 = checksum::sha256(file).await.explain(StoreErrorKind::Away, "read", file)?;
        let body = Body::from_path(file).await.map_err(std::io::Error::other);
        let body = body.explain(StoreErrorKind::Away, "read", file)?;
        self.put_body(key, body, sha256, meta, condition)
            .await
            .map_err(|trouble| self.fails(Operation::Put, key.as_str(), &trouble))
    }

    async fn put_body(
        &self,
        key: &Key,
        body: Body,
        sha256: String,
        meta: &ObjectMeta,
        condition: Condition<'_>,
    ) -> Result<Tried, Trouble> {
        let place = &self.place;
        let sent = self
            .client
            .put_object()
            .bucket(&place.bucket)
            .key(place.full_key(key.as_str()))
            .body(body)
            .set_if_none_match(condition.if_none_match())
            .set_if_match(condition.if_match())
            .content_type(key.content_type())
            .checksum_sha256(sha256)
            .set_metadata(Some(meta.to_pairs().into_iter().collect()))
            .set_storage_class(place.storage_class.clone())
            .set_server_side_encryption(place.encryption.clone())
            .set_ssekms_key_id(place.kms_key_id.clone())
            .set_bucket_key_enabled(place.bucket_key)
            .customize()
            .config_override(sending())
            .send()
            .await;
        match sent {
            Ok(output) => Ok(Tried::Written(output.e_tag().map(ETag::new))),
            Err(error) => settle(Trouble::new(&error)),
        }
    }

    /// Puts the probe's text, unless it is there.
    pub(super) async fn put_probe(&self, text: &'static [u8]) -> Result<Tried, Trouble> {
        let (body, sha256) = (Body::from_static(text), checksum::base64(&Sha256::digest(text)));
        let meta = ObjectMeta::of_bytes(text);
        self.put_body(&Key::probe(), body, sha256, &meta, self.minding(Condition::Absent)).await
    }

    /// Puts in parts, with the strongest checksums that the server takes.
    async fn put_parts(
        &self,
        key: &Key,
        file: &Path,
        length: u64,
        meta: &ObjectMeta,
        condition: Condition<'_>,
    ) -> Result<Tried, StoreError> {
        let mut checksums = self.checksums();
        loop {
            let cut = checksum::Cut::read(file, length, self.part_bytes, checksums).await.explain(
                StoreErrorKind::Away,
                "read",
                file,
            )?;
            let refused = match multipart::put(self, key, file, &cut, meta, condition).await {
                Ok(tried) => {
                    self.settle_for(checksums);
                    return Ok(tried);
                }
                Err(trouble) => trouble,
            };
            match checksums.weaker() {
                Some(weaker) if refused.may_be_the_checksum() => checksums = weaker,
                _ => return Err(self.fails(Operation::Put, key.as_str(), &refused)),
            }
        }
    }

    /// Remembers which checksums the server took.
    fn settle_for(&self, checksums: Checksums) {
        let mut known = self.checksums.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if *known != checksums && checksums == Checksums::None {
            tracing::warn!(
                store = %self.place.url(),
                "the server takes no checksums with multipart uploads: damage on the way would go unnoticed"
            );
        }
        *known = checksums;
    }
}

/// Whether the object is the one that was to be put, down to the run that puts it.
fn is_ours(found: &Found, meta: &ObjectMeta) -> bool {
    found.meta.as_ref().is_some_and(|standing| standing.to_pairs() == meta.to_pairs())
}

/// An attempt with a payload may take its time. The SDK's read timeout runs from the first byte sent, so it has to
/// be as long.
pub(super) fn sending() -> config::Builder {
    let timeouts =
        TimeoutConfig::builder().operation_attempt_timeout(SEND_TIMEOUT).read_timeout(SEND_TIMEOUT);
    config::Config::builder().timeout_config(timeouts.build())
}

/// What a refused conditional put means.
pub(super) fn settle(trouble: Trouble) -> Result<Tried, Trouble> {
    // No object is there for `If-Match` to look at.
    if trouble.is_broken_condition() || trouble.is_absent_object() {
        Ok(Tried::Refused)
    } else if trouble.is_conflict() {
        Ok(Tried::Conflict)
    } else {
        Err(trouble)
    }
}
