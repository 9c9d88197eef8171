//! What every part of a running crawler shares.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Mutex as AsyncMutex;

use super::habits::Memory;
use super::ledgers::Ledgers;
use super::report::{Observer, Problem};
use super::rest::Waits;
use super::schedule::Schedule;
use super::shutdown::Shutdown;
use crate::base::{Chance, Clock, Name, Time};
use crate::lake::coverage::Coverage;
use crate::lake::grid::Grid;
use crate::lake::identity::{Identity, IdentityError};
use crate::lake::slice::{Slice, Stream};
use crate::lake::spool::Spool;
use crate::lake::store::{Conditional, Store, StoreErrorKind};
use crate::sources::Source;

/// A source and how it is crawled.
#[derive(Debug)]
pub struct Scheduled {
    /// The source.
    pub source: Arc<dyn Source>,
    /// When it is due.
    pub schedule: Schedule,
    /// How many of its slices are fetched at once.
    pub concurrency: usize,
}

/// Where the crawler writes, and what kind of lake it makes there if there is none.
#[derive(Debug)]
pub struct LakeSetup {
    /// The store.
    pub store: Arc<dyn Store>,
    /// What a new lake would be; the origin must fit an old one.
    pub wanted: Identity,
    /// The root of the spool.
    pub spool_root: PathBuf,
    /// The byte budget of the spool.
    pub spool_limit: u64,
    /// The gzip level of objects.
    pub gzip_level: u32,
}

/// Shared by ticks and the uploader.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) store: Arc<dyn Store>,
    pub(super) spool: Spool,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) chance: Arc<Chance>,
    pub(super) observer: Arc<dyn Observer>,
    pub(super) shutdown: Shutdown,
    pub(super) ledgers: Ledgers,
    pub(super) memory: Memory,
    wanted: Identity,
    identity: AsyncMutex<Option<Identity>>,
    refused: Mutex<BTreeSet<Stream>>,
    asked_to_wait: Mutex<Waits>,
}

/// What a round of a tick may rely on.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) identity: Identity,
    pub(super) grid: Grid,
    /// What the lake has: what plans are made from.
    pub(super) stored: Arc<Coverage>,
    /// What the lake has or will have, once the spool is empty: what fetches go by.
    pub(super) coverage: Arc<Coverage>,
    /// The slices that wait in the spool.
    pub(super) spooled: Arc<BTreeSet<Slice>>,
    /// The moment at which this was known, and that the plan is made for.
    pub(super) planned_at: Time,
    /// Why the lake was never read, if so: nobody knows what it has, and only the newest slices are fetched.
    pub(super) blind: Option<Problem>,
}

impl Context {
    pub(super) fn new(
        lake: &LakeSetup,
        spool: Spool,
        clock: Arc<dyn Clock>,
        chance: Arc<Chance>,
        observer: Arc<dyn Observer>,
        shutdown: Shutdown,
    ) -> Self {
        Self {
            store: Arc::clone(&lake.store),
            spool,
            clock,
            chance,
            observer,
            shutdown,
            ledgers: Ledgers::default(),
            memory: Memory::default(),
            wanted: lake.wanted.clone(),
            identity: AsyncMutex::new(None),
            refused: Mutex::default(),
            asked_to_wait: Mutex::default(),
        }
    }

    /// What the lake is. The first success makes the lake if it is new and learns how its store treats
    /// conditional puts; nothing is put into a lake before that.
    pub(super) async fn identity(&self) -> Result<Identity, IdentityError> {
        let mut known = self.identity.lock().await;
        if let Some(identity) = known.as_ref() {
            return Ok(identity.clone());
        }
        let identity = self.wanted.open(self.store.as_ref(), self.spool.directory()).await?;
        if self.store.probe().await? == Conditional::Ignored {
            tracing::warn!(
                store = %self.store.url(),
                "the store ignores If-None-Match: contrail looks before it writes, so let only one crawler write here"
            );
        }
        if identity.spot_window != self.wanted.spot_window {
            tracing::warn!(
                lake = %identity.spot_window,
                configured = %self.wanted.spot_window,
                "the spot window was fixed when the lake was made; the configured one is not used"
            );
        }
        *known = Some(identity.clone());
        Ok(identity)
    }

    /// What the lake is and what it has of `dataset`: read now, or what is known from before when the store is
    /// away. An error is one that a person must mend.
    pub(super) async fn known(&self, dataset: &Name, windows: bool) -> Result<Known, IdentityError> {
        let now = self.clock.now();
        let (identity, mut blind) = match self.identity().await {
            Ok(identity) => (identity, None),
            Err(IdentityError::Store(error)) if error.kind == StoreErrorKind::Away => {
                (Identity { created_at: now, ..self.wanted.clone() }, Some(Problem::of(&error)))
            }
            Err(error) => return Err(error),
        };
        let grid = identity.grid()?;
        if blind.is_none() {
            let store = self.store.as_ref();
            match self.ledgers.refresh(store, dataset, windows, grid, now).await {
                Ok(()) => {}
                // Whatever is wrong with the store, the upstreams forget meanwhile: go on into the spool.
                Err(error) if self.ledgers.was_read(dataset) => {
                    tracing::warn!(%dataset, %error, "the lake cannot be read: going on with what is known");
                }
                Err(error) if error.kind == StoreErrorKind::Away => blind = Some(Problem::of(&error)),
                Err(error) => return Err(error.into()),
            }
        }
        let holdings = self.ledgers.holdings(dataset, grid);
        Ok(Known {
            identity,
            grid,
            stored: Arc::new(holdings.stored),
            coverage: Arc::new(holdings.coverage),
            spooled: Arc::new(holdings.spooled),
            planned_at: now,
            blind,
        })
    }

    /// Whether this is the first refusal of the stream since it last went well: it is said once.
    pub(super) fn is_first_refusal(&self, stream: &Stream) -> bool {
        lock(&self.refused).insert(stream.clone())
    }

    /// Notes that a stream is open to us.
    pub(super) fn note_open(&self, stream: &Stream) {
        lock(&self.refused).remove(stream);
    }

    /// Notes that an upstream asked to be left alone: ticks that come earlier pass the stream over.
    pub(super) fn note_asked_to_wait(&self, stream: &Stream, wait: Duration) {
        lock(&self.asked_to_wait).note(stream, self.clock.now(), wait);
    }

    /// Whether the upstream asked for the stream to be left alone still.
    pub(super) fn is_asked_to_wait(&self, stream: &Stream) -> bool {
        lock(&self.asked_to_wait).hold(stream, self.clock.now())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
