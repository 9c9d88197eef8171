//! What a source is given in a test.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::TimeDelta;
use contrail::base::{Clock, Time};
use contrail::lake::coverage::Coverage;
use contrail::lake::grid::Grid;
use contrail::lake::key::{Key, Prefix};
use contrail::lake::meta::ObjectMeta;
use contrail::lake::store::{
    ByteStream, Conditional, ETag, Found, Listed, PutOutcome, Replaced, Store, StoreError, StoreErrorKind,
};
use contrail::sources::{FetchContext, Traffic};
use futures::StreamExt as _;
use futures::stream::BoxStream;

/// A store with nothing in it, for sources that never look.
#[derive(Debug)]
struct NoStore;

fn nothing() -> StoreError {
    StoreError::new(StoreErrorKind::NotFound, "this store holds nothing")
}

#[async_trait]
impl Store for NoStore {
    fn url(&self) -> String {
        "none:".to_owned()
    }

    async fn put_if_absent(&self, _: &Key, _: &Path, _: &ObjectMeta) -> Result<PutOutcome, StoreError> {
        Err(nothing())
    }

    async fn replace(
        &self,
        _: &Key,
        _: &Path,
        _: &ObjectMeta,
        _: Option<&ETag>,
    ) -> Result<Replaced, StoreError> {
        Err(nothing())
    }

    async fn read(&self, _: &Key) -> Result<ByteStream, StoreError> {
        Err(nothing())
    }

    async fn read_range(&self, _: &Key, _: Range<u64>, _: &ETag) -> Result<Bytes, StoreError> {
        Err(nothing())
    }

    async fn find(&self, _: &Key) -> Result<Option<Found>, StoreError> {
        Ok(None)
    }

    async fn head(&self, _: &Key) -> Result<Option<ObjectMeta>, StoreError> {
        Ok(None)
    }

    fn list(&self, _: &Prefix) -> BoxStream<'static, Result<Listed, StoreError>> {
        futures::stream::empty().boxed()
    }

    async fn probe(&self) -> Result<Conditional, StoreError> {
        Ok(Conditional::Honoured)
    }
}

/// The grid of a lake made at `created_at`, with windows of an hour.
pub(crate) fn grid(created_at: Time) -> Grid {
    Grid::new(created_at.date_naive(), TimeDelta::hours(1)).unwrap()
}

/// What a fetch is given in a lake made at `created_at` that holds nothing.
pub(crate) fn fetch_context(clock: Arc<dyn Clock>, created_at: Time) -> FetchContext {
    FetchContext {
        clock,
        coverage: Arc::new(Coverage::default()),
        planned_at: created_at,
        created_at,
        grid: grid(created_at),
        store: Arc::new(NoStore),
        traffic: Arc::new(Traffic::default()),
    }
}
