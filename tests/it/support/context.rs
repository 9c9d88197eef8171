//! What a source is given to fetch with, without a lake behind it.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use contrail::base::{Clock, Time};
use contrail::lake::coverage::Coverage;
use contrail::lake::grid::Grid;
use contrail::lake::key::{Key, Prefix};
use contrail::lake::meta::ObjectMeta;
use contrail::lake::store::{ByteStream, Conditional, Listed, PutOutcome, Store, StoreError, StoreErrorKind};
use contrail::sources::FetchContext;
use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::BoxStream;

/// A clock that stands still but for its sleepers, who take no time at all.
#[derive(Debug)]
pub(crate) struct ManualClock {
    now: Mutex<Time>,
    slept: Mutex<Vec<Duration>>,
}

impl ManualClock {
    pub(crate) fn at(now: &str) -> Arc<Self> {
        Arc::new(Self { now: Mutex::new(now.parse().unwrap()), slept: Mutex::default() })
    }

    /// Every sleep so far, in order.
    pub(crate) fn slept(&self) -> Vec<Duration> {
        self.slept.lock().unwrap().clone()
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Time {
        *self.now.lock().unwrap()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        *self.now.lock().unwrap() += duration;
        self.slept.lock().unwrap().push(duration);
        Box::pin(std::future::ready(()))
    }
}

/// A store for sources that have no business with one: everything is an error.
#[derive(Debug)]
struct NoStore;

fn none() -> StoreError {
    StoreError::new(StoreErrorKind::Away, "there is no store")
}

#[async_trait]
impl Store for NoStore {
    fn url(&self) -> String {
        "none:".to_owned()
    }

    async fn put_if_absent(&self, _: &Key, _: &Path, _: &ObjectMeta) -> Result<PutOutcome, StoreError> {
        Err(none())
    }

    async fn read(&self, _: &Key) -> Result<ByteStream, StoreError> {
        Err(none())
    }

    async fn head(&self, _: &Key) -> Result<Option<ObjectMeta>, StoreError> {
        Err(none())
    }

    fn list(&self, _: &Prefix) -> BoxStream<'static, Result<Listed, StoreError>> {
        futures::stream::iter([Err(none())]).boxed()
    }

    async fn probe(&self) -> Result<Conditional, StoreError> {
        Err(none())
    }
}

/// A context with nothing covered, for a lake made when the clock's time began.
pub(crate) fn without_lake(clock: Arc<dyn Clock>) -> FetchContext {
    let created_at = clock.now();
    FetchContext {
        clock,
        coverage: Arc::new(Coverage::default()),
        created_at,
        grid: Grid::new(created_at.date_naive(), chrono::TimeDelta::hours(1)).unwrap(),
        store: Arc::new(NoStore),
        traffic: Arc::default(),
    }
}
