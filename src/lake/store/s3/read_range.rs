//! Reading a piece of an object, of the very object that was expected, from servers that may know neither ranges nor
//! conditions.

use std::ops::Range;

use bytes::{Bytes, BytesMut};

use super::errors::{Operation, Trouble};
use super::{Bucket, Key};
use crate::base::error::one_line;
use crate::lake::store::{ETag, StoreError, StoreErrorKind, changed, not_found, out_of_range};

impl Bucket {
    /// The bytes in `range`, which is not empty.
    pub(super) async fn read_range(
        &self,
        key: &Key,
        range: &Range<u64>,
        expected: &ETag,
    ) -> Result<Bytes, StoreError> {
        let (place, url) = (&self.place, self.place.url());
        let length = range.end.checked_sub(range.start).ok_or_else(|| out_of_range(&url, key, range))?;
        let sent = self
            .client
            .get_object()
            .bucket(&place.bucket)
            .key(place.full_key(key.as_str()))
            .if_match(format!("\"{expected}\""))
            .range(format!("bytes={}-{}", range.start, range.end - 1));
        let output = sent.send().await.map_err(|error| match Trouble::new(&error) {
            trouble if trouble.is_absent_object() => not_found(&url, key),
            trouble if trouble.is_broken_condition() => changed(&url, key),
            trouble if trouble.is_out_of_range() => out_of_range(&url, key, range),
            trouble => self.fails(Operation::Get, key.as_str(), &trouble),
        })?;
        // Where the condition is ignored, the answer says which object it is of.
        if output.e_tag().is_some_and(|etag| ETag::new(etag) != *expected) {
            return Err(changed(&url, key));
        }
        // Looked at before the body, which may be the whole object where ranges are ignored.
        let told = output.content_length().and_then(|told| u64::try_from(told).ok());
        if told.is_some_and(|told| told < length) {
            return Err(out_of_range(&url, key, range));
        }
        let whole = || {
            let message = format!("{} cannot be read in pieces", place.url_of(key.as_str()));
            StoreError::new(
                StoreErrorKind::Config,
                format!("{message}: the server sends more than was asked for"),
            )
            .with_hint("keep the lake on a server that honours the Range of a request")
        };
        if told.is_some_and(|told| told > length) {
            return Err(whole());
        }
        let broken = |cause: &str| {
            let url = place.url_of(key.as_str());
            StoreError::new(StoreErrorKind::Away, format!("reading {url} broke off: {cause}"))
        };
        // No room for what nobody promised to send.
        let mut bytes =
            BytesMut::with_capacity(told.and_then(|told| usize::try_from(told).ok()).unwrap_or(0));
        let mut body = output.body;
        while let Some(chunk) = body.try_next().await.map_err(|error| broken(&one_line(&error)))? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() as u64 > length {
                return Err(whole());
            }
        }
        if bytes.len() as u64 == length {
            return Ok(bytes.freeze());
        }
        Err(broken(&format!("{} bytes came of {length}", bytes.len())))
    }
}
