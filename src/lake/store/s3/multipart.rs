//! A put in parts: conditional like any other, and nothing of it is left when it fails.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::{ByteStream as Body, Length};
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumType, CompletedMultipartUpload, CompletedPart};
use futures::{StreamExt as _, stream};

use super::Bucket;
use super::checksum::{Checksums, Cut, Part};
use super::errors::Trouble;
use super::put::{Condition, Tried, sending, settle};
use crate::lake::key::Key;
use crate::lake::meta::ObjectMeta;
use crate::lake::store::ETag;

/// Parts on their way at once. Each streams from the file, so memory is a few buffers.
const PARTS_AT_ONCE: usize = 4;

/// Puts `file`, cut as `cut` says, under `key` if the condition holds.
pub(super) async fn put(
    bucket: &Bucket,
    key: &Key,
    file: &Path,
    cut: &Cut,
    meta: &ObjectMeta,
    condition: Condition<'_>,
) -> Result<Tried, Trouble> {
    let upload = Upload::create(bucket, key, cut.checksums, meta).await?;
    match upload.send(file, cut, condition).await {
        Ok(etag) => {
            upload.keep();
            Ok(Tried::Written(etag))
        }
        // Completed by an attempt whose answer was lost: there is nothing left to abort.
        Err(trouble) if trouble.is_absent_upload() => {
            upload.keep();
            match bucket.find(key).await {
                Ok(Some(_)) => Ok(Tried::Refused),
                _ => Err(trouble),
            }
        }
        Err(trouble) => {
            upload.abort().await;
            settle(trouble)
        }
    }
}

/// A multipart upload that is aborted unless it is kept.
struct Upload {
    request: Request,
    open: bool,
}

/// What every request about the upload names.
#[derive(Clone)]
struct Request {
    client: Client,
    bucket: String,
    key: String,
    upload_id: String,
}

impl Upload {
    async fn create(
        bucket: &Bucket,
        key: &Key,
        checksums: Checksums,
        meta: &ObjectMeta,
    ) -> Result<Self, Trouble> {
        let place = &bucket.place;
        let full_key = place.full_key(key.as_str());
        let (algorithm, kind) = match checksums {
            Checksums::WholeCrc64Nvme => (Some(ChecksumAlgorithm::Crc64Nvme), Some(ChecksumType::FullObject)),
            Checksums::PartCrc32 => (Some(ChecksumAlgorithm::Crc32), None),
            Checksums::None => (None, None),
        };
        let created = bucket
            .client
            .create_multipart_upload()
            .bucket(&place.bucket)
            .key(&full_key)
            .content_type(key.content_type())
            .set_checksum_algorithm(algorithm)
            .set_checksum_type(kind)
            .set_metadata(Some(meta.to_pairs().into_iter().collect()))
            .set_storage_class(place.storage_class.clone())
            .set_server_side_encryption(place.encryption.clone())
            .set_ssekms_key_id(place.kms_key_id.clone())
            .set_bucket_key_enabled(place.bucket_key)
            .send()
            .await
            .map_err(|error| Trouble::new(&error))?;
        let no_id = || Trouble::Unreachable("the server opened an upload and gave it no id".to_owned());
        let request = Request {
            client: bucket.client.clone(),
            bucket: place.bucket.clone(),
            key: full_key,
            upload_id: created.upload_id.ok_or_else(no_id)?,
        };
        Ok(Self { request, open: true })
    }

    async fn send(&self, file: &Path, cut: &Cut, condition: Condition<'_>) -> Result<Option<ETag>, Trouble> {
        let (request, file, checksums) = (self.request.clone(), Arc::<Path>::from(file), cut.checksums);
        // Parts that are on their way when one fails are waited for: what arrives after the abort may stay in the bucket.
        let failed = AtomicBool::new(false);
        let parts = stream::iter(cut.parts.clone()).map(|part| {
            let (request, file, failed) = (request.clone(), Arc::clone(&file), &failed);
            async move {
                if failed.load(Ordering::Relaxed) {
                    return None;
                }
                let sent = request.send_part(file, part, checksums).await;
                failed.fetch_or(sent.is_err(), Ordering::Relaxed);
                Some(sent)
            }
        });
        let sent: Vec<_> = parts.buffered(PARTS_AT_ONCE).collect().await;
        let sent: Vec<CompletedPart> = sent.into_iter().flatten().collect::<Result<_, _>>()?;
        let whole = cut.whole.clone();
        let request = &self.request;
        request
            .client
            .complete_multipart_upload()
            .bucket(&request.bucket)
            .key(&request.key)
            .upload_id(&request.upload_id)
            .multipart_upload(CompletedMultipartUpload::builder().set_parts(Some(sent)).build())
            .set_if_none_match(condition.if_none_match())
            .set_if_match(condition.if_match())
            .set_checksum_type(whole.is_some().then_some(ChecksumType::FullObject))
            .set_mpu_object_size(whole.is_some().then(|| i64::try_from(cut.bytes).unwrap_or(i64::MAX)))
            .set_checksum_crc64_nvme(whole)
            .customize()
            // Joining many parts takes S3 minutes.
            .config_override(sending())
            .send()
            .await
            .map(|output| output.e_tag().map(ETag::new))
            .map_err(|error| Trouble::new(&error))
    }

    /// The upload is an object now, or is gone.
    fn keep(mut self) {
        self.open = false;
    }

    async fn abort(mut self) {
        self.open = false;
        self.request.abort().await;
    }
}

/// The put was given up in the middle, as at shutdown: the abort goes on alone while the runtime lives.
impl Drop for Upload {
    fn drop(&mut self) {
        if !self.open {
            return;
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let request = self.request.clone();
            runtime.spawn(async move { request.abort().await });
        }
    }
}

impl Request {
    async fn send_part(
        self,
        file: Arc<Path>,
        part: Part,
        checksums: Checksums,
    ) -> Result<CompletedPart, Trouble> {
        let unreadable = |error: aws_sdk_s3::primitives::ByteStreamError| {
            Trouble::Unreachable(format!("cannot read {}: {error}", file.display()))
        };
        let body = Body::read_from().path(&*file).offset(part.offset).length(Length::Exact(part.bytes));
        let body = body.build().await.map_err(unreadable)?;
        let (mut crc32, mut crc64_nvme) = (None, None);
        match checksums {
            Checksums::WholeCrc64Nvme => crc64_nvme.clone_from(&part.checksum),
            Checksums::PartCrc32 => crc32.clone_from(&part.checksum),
            Checksums::None => {}
        }
        let sent = self
            .client
            .upload_part()
            .bucket(&self.bucket)
            .key(&self.key)
            .upload_id(&self.upload_id)
            .part_number(part.number)
            .body(body)
            .set_checksum_crc32(crc32.clone())
            .set_checksum_crc64_nvme(crc64_nvme.clone())
            .customize()
            .config_override(sending())
            .send()
            .await
            .map_err(|error| Trouble::new(&error))?;
        Ok(CompletedPart::builder()
            .part_number(part.number)
            .set_e_tag(sent.e_tag)
            .set_checksum_crc32(crc32)
            .set_checksum_crc64_nvme(crc64_nvme)
            .build())
    }

    async fn abort(&self) {
        let aborting = self.client.abort_multipart_upload().bucket(&self.bucket).key(&self.key);
        if let Err(error) = aborting.upload_id(&self.upload_id).send().await {
            tracing::warn!(
                bucket = %self.bucket,
                key = %self.key,
                error = ?Trouble::new(&error),
                "an unfinished upload could not be aborted: the bucket keeps its parts until a lifecycle rule \
                 (AbortIncompleteMultipartUpload) removes them"
            );
        }
    }
}
