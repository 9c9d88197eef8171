//! What every part of a running crawler shares.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{Days, TimeDelta};
use tokio::sync::Mutex as AsyncMutex;

use super::report::Observer;
use super::schedule::Schedule;
use super::shutdown::Shutdown;
use crate::base::{Chance, Clock, Date, Name, Time};
use crate::lake::coverage::Coverage;
use crate::lake::identity::{Identity, IdentityError};
use crate::lake::key::Parsed;
use crate::lake::ledger::{self, Extent};
use crate::lake::slice::Stream;
use crate::lake::spool::Spool;
use crate::lake::store::{Conditional, Store, StoreError, StoreErrorKind};
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

/// How long a full reading of the ledger is good for; in between only the last days are read again.
const FULL_READING: TimeDelta = TimeDelta::hours(24);
/// The days that are read again at every tick.
const RECENT_DAYS: u64 = 2;
/// Windows reach back 90 days before the lake was made, and one more for the one that lies across the edge.
pub(super) const HISTORY_DAYS: u64 = 91;

/// Shared by ticks and the uploader.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) store: Arc<dyn Store>,
    pub(super) spool: Spool,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) chance: Arc<Chance>,
    pub(super) observer: Arc<dyn Observer>,
    pub(super) shutdown: Shutdown,
    wanted: Identity,
    identity: AsyncMutex<Option<Identity>>,
    ledgers: Mutex<HashMap<Name, Ledger>>,
    refused: Mutex<BTreeSet<Stream>>,
}

#[derive(Debug, Default)]
struct Ledger {
    coverage: Coverage,
    // What is in the spool and not yet in the lake: kept apart, so that a full reading does not forget it.
    pending: Coverage,
    read_at: Option<Time>,
}

/// What a tick may rely on.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) identity: Identity,
    pub(super) coverage: Arc<Coverage>,
    /// The moment at which this was known, and that the plan is made for.
    pub(super) planned_at: Time,
    /// The store never answered: nobody knows what the lake has, so only the newest slices are fetched.
    pub(super) blind: bool,
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
            wanted: lake.wanted.clone(),
            identity: AsyncMutex::new(None),
            ledgers: Mutex::default(),
            refused: Mutex::default(),
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
        let identity = match self.identity().await {
            Ok(identity) => identity,
            Err(IdentityError::Store(error)) if error.kind == StoreErrorKind::Away => {
                return Ok(Known {
                    identity: Identity { created_at: now, ..self.wanted.clone() },
                    coverage: self.coverage(dataset),
                    planned_at: now,
                    blind: true,
                });
            }
            Err(error) => return Err(error),
        };
        let blind = match self.refresh(dataset, windows, identity.created_at.date_naive(), now).await {
            Ok(()) => false,
            Err(error) => {
                let never_read =
                    self.lock_ledgers().get(dataset).is_none_or(|ledger| ledger.read_at.is_none());
                if never_read && error.kind != StoreErrorKind::Away {
                    return Err(error.into());
                }
                // Whatever is wrong with the store, the upstreams forget meanwhile: go on into the spool.
                tracing::warn!(dataset = %dataset, %error, "the lake cannot be read: going on with what is known");
                never_read
            }
        };
        Ok(Known { identity, coverage: self.coverage(dataset), planned_at: now, blind })
    }

    async fn refresh(
        &self,
        dataset: &Name,
        windows: bool,
        created: Date,
        now: Time,
    ) -> Result<(), StoreError> {
        let read_at = self.lock_ledgers().get(dataset).and_then(|ledger| ledger.read_at);
        let full = read_at.is_none_or(|read_at| now - read_at >= FULL_READING || now < read_at);
        let today = now.date_naive();
        let tomorrow = today.succ_opt().unwrap_or(today);
        let days_before = |day: Date, days| day.checked_sub_days(Days::new(days)).unwrap_or(day);
        let extent = match (windows, full) {
            (false, _) => Extent::All,
            (true, true) => Extent::Days(days_before(created, HISTORY_DAYS), tomorrow),
            (true, false) => Extent::Days(days_before(today, RECENT_DAYS), tomorrow),
        };
        let read = ledger::read(self.store.as_ref(), dataset, extent).await?;
        let mut ledgers = self.lock_ledgers();
        let ledger = ledgers.entry(dataset.clone()).or_default();
        if full {
            ledger.coverage = read;
            ledger.read_at = Some(now);
        } else {
            ledger.coverage.merge(&read);
        }
        Ok(())
    }

    fn coverage(&self, dataset: &Name) -> Arc<Coverage> {
        let mut ledgers = self.lock_ledgers();
        let ledger = ledgers.entry(dataset.clone()).or_default();
        let mut all = ledger.coverage.clone();
        all.merge(&ledger.pending);
        Arc::new(all)
    }

    /// Notes that something is in the spool.
    pub(super) fn note_spooled(&self, parsed: &Parsed) {
        if let Some(dataset) = dataset_of(parsed) {
            self.lock_ledgers().entry(dataset).or_default().pending.insert(parsed);
        }
    }

    /// Notes that something is in the lake.
    pub(super) fn note_committed(&self, parsed: &Parsed) {
        if let Some(dataset) = dataset_of(parsed) {
            self.lock_ledgers().entry(dataset).or_default().coverage.insert(parsed);
        }
    }

    /// Forgets what was noted as spooled, once nothing is in the spool any more.
    pub(super) fn note_drained(&self) {
        for ledger in self.lock_ledgers().values_mut() {
            ledger.pending = Coverage::default();
        }
    }

    /// Whether this is the first refusal of the stream in this process: it is said once.
    pub(super) fn is_first_refusal(&self, stream: &Stream) -> bool {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).insert(stream.clone())
    }

    fn lock_ledgers(&self) -> std::sync::MutexGuard<'_, HashMap<Name, Ledger>> {
        self.ledgers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn dataset_of(parsed: &Parsed) -> Option<Name> {
    match parsed {
        Parsed::Raw(slice) | Parsed::Mark(slice, _) => Some(slice.stream().dataset().clone()),
        Parsed::RunLog(..) | Parsed::Identity | Parsed::Probe => None,
    }
}
