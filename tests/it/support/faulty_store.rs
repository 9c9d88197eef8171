//! A store in memory with the faults that stores have.

use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use contrail::base::{Clock, Time};
use contrail::lake::key::{Key, Prefix};
use contrail::lake::meta::ObjectMeta;
use contrail::lake::store::{
    ByteStream, Conditional, ETag, Found, Listed, MemoryStore, PutOutcome, Replaced, Store, StoreError,
    StoreErrorKind,
};
use futures::stream::{self, BoxStream};
use futures::{FutureExt as _, StreamExt as _};

/// Passes everything on to a [`MemoryStore`], unless it is told to fail. Damages nothing.
#[derive(Debug)]
pub(crate) struct FaultyStore {
    memory: MemoryStore,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    fault: Option<StoreErrorKind>,
    puts_only: bool,
    poison: Option<String>,
    false_claims: usize,
    lost_answers: usize,
    latency: Duration,
    listing_latency: Duration,
    ignores_conditions: bool,
    replaces: Option<(Key, Vec<u8>)>,
    panics: bool,
    tries: Vec<(Time, String)>,
    running: usize,
    most_running: usize,
}

impl FaultyStore {
    /// Without faults so far.
    pub(crate) fn over(memory: MemoryStore, clock: Arc<dyn Clock>) -> Self {
        Self { memory, clock, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Answers everything with an error of this kind from now on.
    pub(crate) fn fail(&self, kind: StoreErrorKind) {
        (self.state().fault, self.state().puts_only) = (Some(kind), false);
    }

    /// Answers puts with an error of this kind from now on, and nothing else.
    pub(crate) fn fail_puts(&self, kind: StoreErrorKind) {
        (self.state().fault, self.state().puts_only) = (Some(kind), true);
    }

    /// Fails every put of keys that contain `part`, and no other.
    pub(crate) fn poison(&self, part: &str) {
        self.state().poison = Some(part.to_owned());
    }

    /// Says of the next objects that they exist, which they do not.
    pub(crate) fn claim_to_have(&self, objects: usize) {
        self.state().false_claims = objects;
    }

    /// Works again.
    pub(crate) fn mend(&self) {
        let mut state = self.state();
        (state.fault, state.poison) = (None, None);
    }

    /// Takes the next objects, and fails all the same.
    pub(crate) fn lose_answers(&self, answers: usize) {
        self.state().lost_answers = answers;
    }

    /// Takes this long for a put.
    pub(crate) fn slow_down(&self, latency: Duration) {
        self.state().latency = latency;
    }

    /// Takes this long to hand out a listing, which is as things were when it was asked for.
    pub(crate) fn slow_listings_down(&self, latency: Duration) {
        self.state().listing_latency = latency;
    }

    /// Panics in the next put.
    pub(crate) fn panic_once(&self) {
        self.state().panics = true;
    }

    /// Somebody replaces the object after somebody else looked at it next.
    pub(crate) fn replace_after_head(&self, key: &Key, bytes: &[u8]) {
        self.state().replaces = Some((key.clone(), bytes.to_vec()));
    }

    /// Says that it ignores `If-None-Match`.
    pub(crate) fn ignore_conditions(&self) {
        self.state().ignores_conditions = true;
    }

    /// Every call so far but listings, and when it came.
    pub(crate) fn tries(&self) -> Vec<(Time, String)> {
        self.state().tries.clone()
    }

    /// Forgets the calls so far.
    pub(crate) fn forget_tries(&self) {
        self.state().tries.clear();
    }

    /// The keys of every put so far, in order, whatever came of it.
    pub(crate) fn puts(&self) -> Vec<String> {
        let tries = self.tries();
        tries.into_iter().filter_map(|(_, call)| call.strip_prefix("put ").map(str::to_owned)).collect()
    }

    /// How many puts were under way at once at most.
    pub(crate) fn most_running(&self) -> usize {
        self.state().most_running
    }

    fn attempt(&self, call: &str, key: &Key) -> Result<(), StoreError> {
        let now = self.clock.now();
        let mut state = self.state();
        state.tries.push((now, format!("{call} {key}")));
        let puts = matches!(call, "put" | "replace");
        if puts && state.poison.as_deref().is_some_and(|part| key.as_str().contains(part)) {
            return Err(error(StoreErrorKind::Config));
        }
        match state.fault {
            Some(kind) if puts || !state.puts_only => Err(error(kind)),
            _ => Ok(()),
        }
    }
}

fn error(kind: StoreErrorKind) -> StoreError {
    StoreError::new(kind, format!("the store fails: {kind:?}")).with_hint("mend the store")
}

#[async_trait]
impl Store for FaultyStore {
    fn url(&self) -> String {
        self.memory.url()
    }

    async fn put_if_absent(
        &self,
        key: &Key,
        file: &Path,
        meta: &ObjectMeta,
    ) -> Result<PutOutcome, StoreError> {
        let latency = {
            let mut state = self.state();
            state.running += 1;
            state.most_running = state.most_running.max(state.running);
            state.latency
        };
        if !latency.is_zero() {
            self.clock.sleep(latency).await;
        }
        if std::mem::take(&mut self.state().panics) {
            self.state().running -= 1;
            panic!("told to panic");
        }
        let claims = {
            let mut state = self.state();
            let claims = state.false_claims > 0;
            state.false_claims = state.false_claims.saturating_sub(1);
            claims
        };
        let outcome = match self.attempt("put", key) {
            Ok(()) if claims => Ok(PutOutcome::Exists),
            Ok(()) => self.memory.put_if_absent(key, file, meta).await,
            Err(error) => Err(error),
        };
        let mut state = self.state();
        state.running -= 1;
        if outcome.is_ok() && state.lost_answers > 0 {
            state.lost_answers -= 1;
            return Err(error(StoreErrorKind::Away));
        }
        outcome
    }

    async fn replace(
        &self,
        key: &Key,
        file: &Path,
        meta: &ObjectMeta,
        expected: Option<&ETag>,
    ) -> Result<Replaced, StoreError> {
        self.attempt("replace", key)?;
        let replaced = self.memory.replace(key, file, meta, expected).await?;
        let mut state = self.state();
        if state.lost_answers > 0 {
            state.lost_answers -= 1;
            return Err(error(StoreErrorKind::Away));
        }
        Ok(replaced)
    }

    async fn read(&self, key: &Key) -> Result<ByteStream, StoreError> {
        self.attempt("read", key)?;
        self.memory.read(key).await
    }

    async fn read_range(&self, key: &Key, range: Range<u64>, expected: &ETag) -> Result<Bytes, StoreError> {
        self.attempt("read_range", key)?;
        self.memory.read_range(key, range, expected).await
    }

    async fn find(&self, key: &Key) -> Result<Option<Found>, StoreError> {
        self.attempt("find", key)?;
        self.memory.find(key).await
    }

    async fn head(&self, key: &Key) -> Result<Option<ObjectMeta>, StoreError> {
        self.attempt("head", key)?;
        let head = self.memory.head(key).await;
        let replaces = self.state().replaces.take_if(|(replaced, _)| replaced == key);
        if let (Some((_, bytes)), Some(found)) = (replaces, self.memory.find(key).await?) {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), &bytes).unwrap();
            let meta = ObjectMeta::of_bytes(&bytes);
            self.memory.replace(key, file.path(), &meta, Some(&found.etag)).await?;
        }
        head
    }

    fn list(&self, prefix: &Prefix) -> BoxStream<'static, Result<Listed, StoreError>> {
        let state = self.state();
        if let Some(kind) = state.fault.filter(|_| !state.puts_only) {
            return stream::iter([Err(error(kind))]).boxed();
        }
        let (listed, wait) = (self.memory.list(prefix), self.clock.sleep(state.listing_latency));
        wait.map(|()| listed).flatten_stream().boxed()
    }

    async fn probe(&self) -> Result<Conditional, StoreError> {
        self.attempt("probe", &Key::probe())?;
        let ignored = self.state().ignores_conditions;
        Ok(if ignored { Conditional::Ignored } else { Conditional::Honoured })
    }
}
