//! A store in memory that fails as chance has it: before or after it did as it was told, in the middle of a
//! listing, or for hours.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use contrail::base::{Chance, Clock};
use contrail::lake::key::{Key, Prefix};
use contrail::lake::meta::ObjectMeta;
use contrail::lake::store::{
    ByteStream, Conditional, ETag, Found, Listed, PutOutcome, Replaced, Store, StoreError, StoreErrorKind,
};
use futures::stream::{self, BoxStream, StreamExt as _};

use super::dice::Dice as _;

/// An object as it is stored.
pub(super) type Object = (Bytes, ObjectMeta);

/// How the store is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StoreWeather {
    /// It does as it is told.
    Fine,
    /// So many of a hundred calls fail, half of them after they were carried out.
    Flaky(u64),
    /// Every call fails.
    Failing(StoreErrorKind),
}

/// What all who use the lake share.
#[derive(Debug)]
pub(super) struct Bucket {
    chance: Chance,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    objects: BTreeMap<String, Object>,
    weather: StoreWeather,
    tried: std::collections::BTreeSet<String>,
}

impl Bucket {
    pub(super) fn new(chance: Chance) -> Arc<Self> {
        let state = State {
            objects: BTreeMap::new(),
            weather: StoreWeather::Fine,
            tried: std::collections::BTreeSet::new(),
        };
        Arc::new(Self { chance, state: Mutex::new(state) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(super) fn set_weather(&self, weather: StoreWeather) {
        self.state().weather = weather;
    }

    /// Everything that is stored.
    pub(super) fn objects(&self) -> BTreeMap<String, Object> {
        self.state().objects.clone()
    }

    /// Whether anybody ever tried to put this object.
    pub(super) fn was_tried(&self, key: &str) -> bool {
        self.state().tried.contains(key)
    }

    /// Whether a call fails now, and if so how.
    fn trouble(&self) -> Option<StoreErrorKind> {
        match self.state().weather {
            StoreWeather::Fine => None,
            StoreWeather::Flaky(share) => self.chance.percent(share).then_some(StoreErrorKind::Away),
            StoreWeather::Failing(kind) => Some(kind),
        }
    }
}

/// The way of one machine to the bucket.
#[derive(Debug, Clone)]
pub(super) struct ChancyStore {
    pub(super) bucket: Arc<Bucket>,
    pub(super) clock: Arc<dyn Clock>,
}

impl ChancyStore {
    /// The way there or back: others get their turn, and a process may die meanwhile.
    async fn travel(&self) {
        match self.bucket.chance.below(4) {
            0 => self.clock.sleep(Duration::from_millis(1 + self.bucket.chance.below(3_000))).await,
            1 => {}
            turns => {
                for _ in 0..turns {
                    tokio::task::yield_now().await;
                }
            }
        }
    }

    async fn call<T>(
        &self,
        carry_out: impl FnOnce(&mut State) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.travel().await;
        let trouble = self.bucket.trouble();
        let away = matches!(self.bucket.state().weather, StoreWeather::Failing(_));
        if let Some(kind) = trouble
            && (away || self.bucket.chance.one_in(2))
        {
            return Err(failure(kind));
        }
        let answer = carry_out(&mut self.bucket.state());
        self.travel().await;
        match trouble {
            Some(kind) => Err(failure(kind)),
            None => answer,
        }
    }
}

/// Which bytes an object holds: its metadata know them.
fn etag((bytes, meta): &Object) -> ETag {
    ETag::new(&format!("{}-{}", meta.sha256, bytes.len()))
}

fn failure(kind: StoreErrorKind) -> StoreError {
    StoreError::new(kind, format!("the store fails: {kind:?}"))
}

#[async_trait]
impl Store for ChancyStore {
    fn url(&self) -> String {
        "memory:".to_owned()
    }

    async fn put_if_absent(
        &self,
        key: &Key,
        file: &Path,
        meta: &ObjectMeta,
    ) -> Result<PutOutcome, StoreError> {
        self.bucket.state().tried.insert(key.to_string());
        self.call(|state| {
            use std::collections::btree_map::Entry;
            let bytes = std::fs::read(file).map_err(|error| {
                StoreError::new(StoreErrorKind::Away, format!("failed to read {}: {error}", file.display()))
            })?;
            match state.objects.entry(key.to_string()) {
                Entry::Occupied(_) => Ok(PutOutcome::Exists),
                Entry::Vacant(place) => {
                    place.insert((bytes.into(), meta.clone()));
                    Ok(PutOutcome::Created)
                }
            }
        })
        .await
    }

    async fn replace(
        &self,
        key: &Key,
        file: &Path,
        meta: &ObjectMeta,
        expected: Option<&ETag>,
    ) -> Result<Replaced, StoreError> {
        self.bucket.state().tried.insert(key.to_string());
        self.call(|state| {
            if state.objects.get(key.as_str()).map(etag).as_ref() != expected {
                return Ok(Replaced::Changed);
            }
            let bytes = std::fs::read(file).map_err(|error| {
                StoreError::new(StoreErrorKind::Away, format!("failed to read {}: {error}", file.display()))
            })?;
            let object = (bytes.into(), meta.clone());
            let etag = etag(&object);
            state.objects.insert(key.to_string(), object);
            Ok(Replaced::Done(etag))
        })
        .await
    }

    async fn read(&self, key: &Key) -> Result<ByteStream, StoreError> {
        let bytes =
            self.call(|state| Ok(state.objects.get(key.as_str()).map(|(bytes, _)| bytes.clone()))).await?;
        let bytes = bytes.ok_or_else(|| failure(StoreErrorKind::NotFound))?;
        let broken = self.bucket.trouble().map(|kind| Err(failure(kind)));
        let cut = if broken.is_some() { bytes.len() / 2 } else { bytes.len() };
        Ok(stream::iter([Some(Ok(bytes.slice(..cut))), broken].into_iter().flatten()).boxed())
    }

    async fn read_range(&self, key: &Key, range: Range<u64>, expected: &ETag) -> Result<Bytes, StoreError> {
        self.call(|state| {
            let object = state.objects.get(key.as_str()).ok_or_else(|| failure(StoreErrorKind::NotFound))?;
            if etag(object) != *expected {
                return Err(failure(StoreErrorKind::Changed));
            }
            let (bytes, _) = object;
            let (start, end) = (usize::try_from(range.start).unwrap(), usize::try_from(range.end).unwrap());
            if end > bytes.len() {
                return Err(failure(StoreErrorKind::Foreign));
            }
            Ok(bytes.slice(start..end))
        })
        .await
    }

    async fn find(&self, key: &Key) -> Result<Option<Found>, StoreError> {
        let found = |object: &Object| Found {
            bytes: object.0.len() as u64,
            etag: etag(object),
            meta: Some(object.1.clone()),
        };
        self.call(|state| Ok(state.objects.get(key.as_str()).map(found))).await
    }

    async fn head(&self, key: &Key) -> Result<Option<ObjectMeta>, StoreError> {
        self.call(|state| Ok(state.objects.get(key.as_str()).map(|(_, meta)| meta.clone()))).await
    }

    /// Page by page, as things are when the page is asked for. Any page may fail.
    fn list(&self, prefix: &Prefix) -> BoxStream<'static, Result<Listed, StoreError>> {
        let (bucket, start) = (Arc::clone(&self.bucket), prefix.as_str().to_owned());
        let page = move |after: Option<String>| {
            let (bucket, start) = (Arc::clone(&bucket), start.clone());
            async move {
                let after = after?;
                if let Some(kind) = bucket.trouble() {
                    return Some((vec![Err(failure(kind))], None));
                }
                if bucket.chance.one_in(3) {
                    tokio::task::yield_now().await;
                }
                let size = usize::try_from(1 + bucket.chance.below(50)).unwrap();
                let state = bucket.state();
                let below = state.objects.range(after.clone()..).filter(|(key, _)| **key != after);
                let found: Vec<Listed> = below
                    .take_while(|(key, _)| key.starts_with(&start))
                    .take(size)
                    .map(|(key, object)| Listed {
                        key: key.clone(),
                        bytes: object.0.len() as u64,
                        etag: etag(object),
                    })
                    .collect();
                let next = (found.len() == size).then(|| found.last().map(|last| last.key.clone())).flatten();
                Some((found.into_iter().map(Ok).collect(), next))
            }
        };
        stream::unfold(Some(prefix.as_str().to_owned()), page).map(stream::iter).flatten().boxed()
    }

    async fn probe(&self) -> Result<Conditional, StoreError> {
        self.call(|_| Ok(Conditional::Honoured)).await
    }
}
