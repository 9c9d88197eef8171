//! Reading a piece of an object, of the very object that was expected: the file is opened first and looked at then, so
//! that a replacement on the way cannot mix the old with the new.

use std::io::{Read as _, Seek as _, SeekFrom};
use std::ops::Range;

use bytes::Bytes;

use super::{Key, Lake, version};
use crate::lake::store::disk::Disk as _;
use crate::lake::store::{ETag, StoreError, StoreErrorKind, changed, out_of_range};

impl Lake {
    /// Blocks.
    pub(super) fn read_range(
        &self,
        key: &Key,
        range: &Range<u64>,
        expected: &ETag,
    ) -> Result<Bytes, StoreError> {
        let path = self.object(key);
        let mut file = self.open_object(key)?;
        let metadata = file.metadata().explain(StoreErrorKind::Away, "look at", &path)?;
        if version::etag(&metadata).explain(StoreErrorKind::Away, "look at", &path)? != *expected {
            return Err(changed(&self.url(), key));
        }
        let beyond = || out_of_range(&self.url(), key, range);
        // Within the file, so that no request for nonsense reserves memory for it.
        if range.start > range.end || range.end > metadata.len() {
            return Err(beyond());
        }
        let length = usize::try_from(range.end - range.start).map_err(|_| beyond())?;
        let mut bytes = vec![0; length];
        file.seek(SeekFrom::Start(range.start)).and_then(|_| file.read_exact(&mut bytes)).explain(
            StoreErrorKind::Away,
            "read",
            &path,
        )?;
        Ok(bytes.into())
    }
}
