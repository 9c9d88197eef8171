//! A lake in memory under a clock that stands still: what a source is given to plan and fetch with.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::TimeDelta;
use contrail::base::{Clock, Time};
use contrail::lake::coverage::Coverage;
use contrail::lake::draft::Draft;
use contrail::lake::grid::Grid;
use contrail::lake::key::{Key, Mark, Prefix};
use contrail::lake::meta::ObjectMeta;
use contrail::lake::slice::Slice;
use contrail::lake::store::{
    ByteStream, Conditional, ETag, Found, Listed, PutOutcome, Replaced, Store, StoreError, StoreErrorKind,
};
use contrail::sources::{FetchContext, PlanContext, Traffic};
use futures::future::BoxFuture;
use futures::stream::{BoxStream, StreamExt as _};

/// A moment, read from text.
pub(crate) fn time(text: &str) -> Time {
    text.parse().unwrap()
}

/// A clock that shows one moment; nobody waits for it.
#[derive(Debug)]
pub(crate) struct StandingClock(pub(crate) Time);

impl Clock for StandingClock {
    fn now(&self) -> Time {
        self.0
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(std::future::ready(()))
    }
}

/// Objects in memory, just enough of a store to be read back.
#[derive(Debug, Default)]
pub(crate) struct Objects(pub(crate) Mutex<BTreeMap<String, Bytes>>);

#[async_trait]
impl Store for Objects {
    fn url(&self) -> String {
        "memory".to_owned()
    }

    async fn put_if_absent(&self, key: &Key, file: &Path, _: &ObjectMeta) -> Result<PutOutcome, StoreError> {
        let bytes = Bytes::from(std::fs::read(file).unwrap());
        let mut objects = self.0.lock().unwrap();
        if objects.contains_key(key.as_str()) {
            return Ok(PutOutcome::Exists);
        }
        objects.insert(key.as_str().to_owned(), bytes);
        Ok(PutOutcome::Created)
    }

    async fn replace(
        &self,
        key: &Key,
        _: &Path,
        _: &ObjectMeta,
        _: Option<&ETag>,
    ) -> Result<Replaced, StoreError> {
        panic!("no source replaces {key}")
    }

    async fn read(&self, key: &Key) -> Result<ByteStream, StoreError> {
        let bytes = self.0.lock().unwrap().get(key.as_str()).cloned();
        let bytes = bytes.ok_or_else(|| StoreError::new(StoreErrorKind::NotFound, format!("no {key}")))?;
        let chunks: Vec<_> = bytes.chunks(100).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
        Ok(futures::stream::iter(chunks).boxed())
    }

    async fn read_range(&self, key: &Key, _: Range<u64>, _: &ETag) -> Result<Bytes, StoreError> {
        panic!("no source reads a piece of {key}")
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

/// A lake made at a moment, with hourly windows, and what it knows.
#[derive(Debug)]
pub(crate) struct Lake {
    pub(crate) created_at: Time,
    pub(crate) now: Time,
    pub(crate) coverage: Coverage,
    pub(crate) objects: Arc<Objects>,
    pub(crate) traffic: Arc<Traffic>,
    pub(crate) drafts: tempfile::TempDir,
}

impl Lake {
    pub(crate) fn new(created_at: &str, now: &str) -> Self {
        Self {
            created_at: time(created_at),
            now: time(now),
            coverage: Coverage::default(),
            objects: Arc::default(),
            traffic: Arc::default(),
            drafts: tempfile::tempdir().unwrap(),
        }
    }

    fn grid(&self) -> Grid {
        Grid::new(self.created_at.date_naive(), TimeDelta::hours(1)).unwrap()
    }

    /// A clock that shows the lake's present.
    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(StandingClock(self.now))
    }

    pub(crate) fn plan_context(&self) -> PlanContext<'_> {
        PlanContext {
            coverage: &self.coverage,
            expected: &self.coverage,
            now: self.now,
            created_at: self.created_at,
            grid: self.grid(),
            past: None,
            traffic: &self.traffic,
        }
    }

    pub(crate) fn fetch_context(&self) -> FetchContext {
        FetchContext {
            clock: self.clock(),
            coverage: Arc::new(self.coverage.clone()),
            planned_at: self.now,
            created_at: self.created_at,
            grid: self.grid(),
            store: Arc::clone(&self.objects) as Arc<dyn Store>,
            traffic: Arc::clone(&self.traffic),
        }
    }

    /// An empty draft in a directory of the lake's own.
    pub(crate) fn draft(&self) -> Draft {
        Draft::temporary(self.drafts.path(), 6).unwrap()
    }

    /// How many files lie about: drafts that were neither finished nor dropped.
    pub(crate) fn leftovers(&self) -> usize {
        std::fs::read_dir(self.drafts.path()).unwrap().count()
    }

    /// Notes that the slice is stored, as the rows given.
    pub(crate) fn store(&mut self, slice: &Slice, lines: &[&str]) {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        for line in lines {
            writeln!(gzip, "{line}").unwrap();
        }
        let bytes = Bytes::from(gzip.finish().unwrap());
        let key = Key::raw(slice);
        self.coverage.insert(&Key::parse(key.as_str()).unwrap().1);
        self.objects.0.lock().unwrap().insert(key.as_str().to_owned(), bytes);
    }

    /// Notes that the slice is lost.
    pub(crate) fn lose(&mut self, slice: &Slice) {
        self.coverage.insert(&Key::parse(Key::mark(slice, Mark::Lost).as_str()).unwrap().1);
    }
}

/// The lines of a draft.
pub(crate) fn lines(draft: Draft) -> Vec<String> {
    let finished = draft.finish().unwrap();
    let mut text = String::new();
    let file = std::fs::File::open(finished.path()).unwrap();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).unwrap();
    assert_eq!(text.lines().count() as u64, finished.rows);
    text.lines().map(ToOwned::to_owned).collect()
}
