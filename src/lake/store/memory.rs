//! A store in memory, for tests and simulation. Clones share their objects; nothing outlives the process.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};

use super::disk::Disk as _;
use super::{
    ByteStream, Conditional, ETag, Found, Key, Listed, ObjectMeta, Prefix, PutOutcome, Replaced, Store,
};
use super::{StoreError, StoreErrorKind, changed, not_found, out_of_range, require_derived};

/// Objects in a map that every clone shares.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    objects: Arc<Mutex<Objects>>,
}

#[derive(Debug, Default)]
struct Objects {
    by_key: BTreeMap<String, Object>,
    /// How many were ever put: the tag of the newest.
    puts: u64,
}

#[derive(Debug)]
struct Object {
    bytes: Bytes,
    meta: ObjectMeta,
    etag: ETag,
}

impl Objects {
    fn put(&mut self, key: &Key, bytes: Bytes, meta: &ObjectMeta) -> ETag {
        self.puts += 1;
        let etag = ETag(self.puts.to_string());
        self.by_key.insert(key.to_string(), Object { bytes, meta: meta.clone(), etag: etag.clone() });
        etag
    }
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// No operation leaves the map half changed, so a panic elsewhere does not spoil it.
    fn objects(&self) -> MutexGuard<'_, Objects> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for MemoryStore {
    fn url(&self) -> String {
        "memory:".to_owned()
    }

    async fn put_if_absent(
        &self,
        key: &Key,
        file: &Path,
        meta: &ObjectMeta,
    ) -> Result<PutOutcome, StoreError> {
        let bytes = tokio::fs::read(file).await.explain(StoreErrorKind::Away, "read", file)?;
        let mut objects = self.objects();
        if objects.by_key.contains_key(key.as_str()) {
            return Ok(PutOutcome::Exists);
        }
        objects.put(key, bytes.into(), meta);
        Ok(PutOutcome::Created)
    }

    async fn replace(
        &self,
        key: &Key,
        file: &Path,
        meta: &ObjectMeta,
        expected: Option<&ETag>,
    ) -> Result<Replaced, StoreError> {
        require_derived(&self.url(), key)?;
        let bytes = tokio::fs::read(file).await.explain(StoreErrorKind::Away, "read", file)?;
        let mut objects = self.objects();
        if objects.by_key.get(key.as_str()).map(|object| &object.etag) != expected {
            return Ok(Replaced::Changed);
        }
        Ok(Replaced::Done(objects.put(key, bytes.into(), meta)))
    }

    async fn read(&self, key: &Key) -> Result<ByteStream, StoreError> {
        let bytes = self.objects().by_key.get(key.as_str()).map(|object| object.bytes.clone());
        let bytes = bytes.ok_or_else(|| not_found(&self.url(), key))?;
        Ok(stream::iter((!bytes.is_empty()).then_some(Ok(bytes))).boxed())
    }

    async fn read_range(&self, key: &Key, range: Range<u64>, expected: &ETag) -> Result<Bytes, StoreError> {
        if range.start == range.end {
            return Ok(Bytes::new());
        }
        let objects = self.objects();
        let object = objects.by_key.get(key.as_str()).ok_or_else(|| not_found(&self.url(), key))?;
        if object.etag != *expected {
            return Err(changed(&self.url(), key));
        }
        let bounds = usize::try_from(range.start).ok().zip(usize::try_from(range.end).ok());
        let found = bounds.filter(|(start, end)| start < end && *end <= object.bytes.len());
        let (start, end) = found.ok_or_else(|| out_of_range(&self.url(), key, &range))?;
        Ok(object.bytes.slice(start..end))
    }

    async fn find(&self, key: &Key) -> Result<Option<Found>, StoreError> {
        let found = |object: &Object| Found {
            bytes: object.bytes.len() as u64,
            etag: object.etag.clone(),
            meta: Some(object.meta.clone()),
        };
        Ok(self.objects().by_key.get(key.as_str()).map(found))
    }

    async fn head(&self, key: &Key) -> Result<Option<ObjectMeta>, StoreError> {
        Ok(self.objects().by_key.get(key.as_str()).map(|object| object.meta.clone()))
    }

    fn list(&self, prefix: &Prefix) -> BoxStream<'static, Result<Listed, StoreError>> {
        let start = prefix.as_str().to_owned();
        let listed = |(key, object): (&String, &Object)| {
            let (bytes, etag) = (object.bytes.len() as u64, object.etag.clone());
            Ok(Listed { key: key.clone(), bytes, etag })
        };
        let listed: Vec<_> = self
            .objects()
            .by_key
            .range(start.clone()..)
            .take_while(|(key, _)| key.starts_with(&start))
            .map(listed)
            .collect();
        stream::iter(listed).boxed()
    }

    async fn probe(&self) -> Result<Conditional, StoreError> {
        Ok(Conditional::Honoured)
    }

    async fn probed(&self) -> Result<Option<Conditional>, StoreError> {
        Ok(Some(Conditional::Honoured))
    }
}
