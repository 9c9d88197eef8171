//! A store in memory, for tests and simulation. Clones share their objects; nothing outlives the process.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};

use super::disk::Disk as _;
use super::{ByteStream, Conditional, Key, Listed, ObjectMeta, Prefix, PutOutcome, Store, StoreError};
use super::{StoreErrorKind, not_found};

/// Objects in a map that every clone shares.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    objects: Arc<Mutex<BTreeMap<String, (Bytes, ObjectMeta)>>>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// No operation leaves the map half changed, so a panic elsewhere does not spoil it.
    fn objects(&self) -> MutexGuard<'_, BTreeMap<String, (Bytes, ObjectMeta)>> {
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
        use std::collections::btree_map::Entry;
        let bytes = tokio::fs::read(file).await.explain(StoreErrorKind::Away, "read", file)?;
        match self.objects().entry(key.to_string()) {
            Entry::Occupied(_) => Ok(PutOutcome::Exists),
            Entry::Vacant(place) => {
                place.insert((bytes.into(), meta.clone()));
                Ok(PutOutcome::Created)
            }
        }
    }

    async fn read(&self, key: &Key) -> Result<ByteStream, StoreError> {
        let bytes = self.objects().get(key.as_str()).map(|(bytes, _)| bytes.clone());
        let bytes = bytes.ok_or_else(|| not_found(&self.url(), key))?;
        Ok(stream::iter((!bytes.is_empty()).then_some(Ok(bytes))).boxed())
    }

    async fn head(&self, key: &Key) -> Result<Option<ObjectMeta>, StoreError> {
        Ok(self.objects().get(key.as_str()).map(|(_, meta)| meta.clone()))
    }

    fn list(&self, prefix: &Prefix) -> BoxStream<'static, Result<Listed, StoreError>> {
        let start = prefix.as_str().to_owned();
        let listed: Vec<_> = self
            .objects()
            .range(start.clone()..)
            .take_while(|(key, _)| key.starts_with(&start))
            .map(|(key, (bytes, _))| Ok(Listed { key: key.clone(), bytes: bytes.len() as u64 }))
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
