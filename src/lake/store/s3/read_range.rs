//! Reading a piece of an object, of the very object that was expected, from servers that may know neither ranges nor
//! conditions.

use std::ops::Range;

use bytes::Bytes;

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
        match output.content_length().and_then(|told| u64::try_from(told).ok()) {
            Some(told) if told < length => return Err(out_of_range(&url, key, range)),
            Some(told) if told > length => {
                let message = format!(
                    "{} cannot be read in pieces: {length} bytes were asked for, and {told} are sent",
                    place.url_of(key.as_str())
                );
                return Err(StoreError::new(StoreErrorKind::Config, message)
                    .with_hint("keep the lake on a server that honours the Range of a request"));
            }
            _ => {}
        }
        let broken = |cause: &str| {
            let url = place.url_of(key.as_str());
            StoreError::new(StoreErrorKind::Away, format!("reading {url} broke off: {cause}"))
        };
        let bytes = output.body.collect().await.map_err(|error| broken(&one_line(&error)))?.into_bytes();
        if bytes.len() as u64 == length {
            return Ok(bytes);
        }
        Err(broken(&format!("{} bytes came of {length}", bytes.len())))
    }
}
