//! A store in which a table is replaced while it is read, or which may not be listed.

use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};

use super::{DAY, put_rows};
use crate::lake::key::{Key, Prefix};
use crate::lake::meta::ObjectMeta;
use crate::lake::store::{
    ByteStream, Conditional, ETag, Found, Listed, MemoryStore, PutOutcome, Replaced, Store, StoreError,
    StoreErrorKind,
};

/// What the store does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mood {
    /// Before the read after so many.
    ReplacesAfter(usize),
    AlwaysReplaces,
    Denies,
}

#[derive(Debug)]
pub(super) struct Fickle {
    inner: MemoryStore,
    mood: Mood,
    rows: Vec<Vec<u8>>,
    reads: AtomicUsize,
}

impl Fickle {
    /// `rows` are what the object is replaced by.
    pub(super) fn new(inner: MemoryStore, mood: Mood, rows: Vec<Vec<u8>>) -> Self {
        Self { inner, mood, rows, reads: AtomicUsize::new(0) }
    }

    pub(super) fn is_replaced(&self) -> bool {
        matches!(self.mood, Mood::ReplacesAfter(reads) if self.reads.load(Ordering::Relaxed) > reads)
    }
}

#[async_trait]
impl Store for Fickle {
    fn url(&self) -> String {
        self.inner.url()
    }

    async fn put_if_absent(
        &self,
        key: &Key,
        file: &Path,
        meta: &ObjectMeta,
    ) -> Result<PutOutcome, StoreError> {
        self.inner.put_if_absent(key, file, meta).await
    }

    async fn replace(
        &self,
        key: &Key,
        file: &Path,
        meta: &ObjectMeta,
        expected: Option<&ETag>,
    ) -> Result<Replaced, StoreError> {
        self.inner.replace(key, file, meta, expected).await
    }

    async fn read(&self, key: &Key) -> Result<ByteStream, StoreError> {
        self.inner.read(key).await
    }

    async fn read_range(&self, key: &Key, range: Range<u64>, expected: &ETag) -> Result<Bytes, StoreError> {
        let reads = self.reads.fetch_add(1, Ordering::Relaxed);
        if self.mood == Mood::AlwaysReplaces || self.mood == Mood::ReplacesAfter(reads) {
            put_rows(&self.inner, DAY, &self.rows).await;
        }
        self.inner.read_range(key, range, expected).await
    }

    async fn find(&self, key: &Key) -> Result<Option<Found>, StoreError> {
        self.inner.find(key).await
    }

    async fn head(&self, key: &Key) -> Result<Option<ObjectMeta>, StoreError> {
        self.inner.head(key).await
    }

    fn list(&self, prefix: &Prefix) -> BoxStream<'static, Result<Listed, StoreError>> {
        if self.mood == Mood::Denies {
            let error = StoreError::new(StoreErrorKind::Config, "listing failed: AccessDenied").denied();
            return stream::iter([Err(error)]).boxed();
        }
        self.inner.list(prefix)
    }

    async fn probe(&self) -> Result<Conditional, StoreError> {
        self.inner.probe().await
    }
}
