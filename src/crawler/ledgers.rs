//! What this process knows of each dataset: what the lake was found to have, and what still waits in the spool.
//! The two are kept apart. Plans are made from the lake alone, because an audit reads what is up; what waits in
//! the spool is left out of them afterwards, because it needs no second fetch.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{Days, TimeDelta};

use crate::base::{Name, Time};
use crate::lake::coverage::Coverage;
use crate::lake::grid::Grid;
use crate::lake::key::{Key, Parsed};
use crate::lake::ledger::{self, Extent};
use crate::lake::slice::Slice;
use crate::lake::spool::Entry;
use crate::lake::store::{Store, StoreError};

/// How long a full reading of the lake is good for; in between only the last days are read again.
const FULL_READING: TimeDelta = TimeDelta::hours(24);
/// The days that are read again at every tick.
const RECENT_DAYS: u64 = 2;

/// What is known of every dataset.
#[derive(Debug, Default)]
pub(super) struct Ledgers {
    datasets: Mutex<HashMap<Name, Ledger>>,
}

#[derive(Debug, Default)]
struct Ledger {
    /// What the lake was found to have, and what went up since.
    stored: Coverage,
    /// What waits in the spool.
    spooled: BTreeMap<Key, Parsed>,
    /// When the lake was last read whole.
    read_at: Option<Time>,
}

/// What is known of one dataset.
#[derive(Debug, Default)]
pub(super) struct Holdings {
    /// What the lake has.
    pub(super) stored: Coverage,
    /// What the lake has or will have, once everything is up.
    pub(super) coverage: Coverage,
    /// The slices that wait in the spool, as objects or as marks.
    pub(super) spooled: BTreeSet<Slice>,
}

impl Ledgers {
    /// Notes that something is in the spool.
    pub(super) fn note_spooled(&self, entry: &Entry) {
        if let Some(slice) = slice_of(&entry.parsed) {
            let mut datasets = self.lock();
            let ledger = datasets.entry(slice.stream().dataset().clone()).or_default();
            ledger.spooled.insert(entry.key.clone(), entry.parsed.clone());
        }
    }

    /// Notes that something is in the spool no more: it is in the lake now, or can never be.
    pub(super) fn note_settled(&self, entry: &Entry, in_lake: bool) {
        if let Some(slice) = slice_of(&entry.parsed) {
            let mut datasets = self.lock();
            let ledger = datasets.entry(slice.stream().dataset().clone()).or_default();
            ledger.spooled.remove(&entry.key);
            if in_lake {
                ledger.stored.insert(&entry.parsed);
            }
        }
    }

    /// Whether the lake was ever read by this process.
    pub(super) fn was_read(&self, dataset: &Name) -> bool {
        self.lock().get(dataset).is_some_and(|ledger| ledger.read_at.is_some())
    }

    /// What is known. Windows that do not fit `grid` count for nothing: they will not enter the lake.
    pub(super) fn holdings(&self, dataset: &Name, grid: Grid) -> Holdings {
        let mut datasets = self.lock();
        let ledger = datasets.entry(dataset.clone()).or_default();
        let mut coverage = ledger.stored.clone();
        ledger
            .spooled
            .values()
            .filter(|parsed| fits(grid, parsed))
            .for_each(|parsed| coverage.insert(parsed));
        let spooled = ledger.spooled.values().filter_map(slice_of).cloned().collect();
        Holdings { stored: ledger.stored.clone(), coverage, spooled }
    }

    /// Reads the lake: whole if that was long ago, else what is likely to have changed.
    pub(super) async fn refresh(
        &self,
        store: &dyn Store,
        dataset: &Name,
        windows: bool,
        grid: Grid,
        now: Time,
    ) -> Result<(), StoreError> {
        let (read_at, waiting) = {
            let mut datasets = self.lock();
            let ledger = datasets.entry(dataset.clone()).or_default();
            (ledger.read_at, ledger.spooled.clone())
        };
        let full = read_at.is_none_or(|read_at| now - read_at >= FULL_READING || now < read_at);
        let mut read = ledger::read(store, dataset, extent(windows, full, now)).await?;
        let mut datasets = self.lock();
        let ledger = datasets.entry(dataset.clone()).or_default();
        // What went up while the lake was listed may not be in the listing.
        for (key, parsed) in &waiting {
            if !ledger.spooled.contains_key(key) && fits(grid, parsed) {
                read.insert(parsed);
            }
        }
        if full {
            ledger.stored = read;
            ledger.read_at = Some(now);
        } else {
            ledger.stored.merge(&read);
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Name, Ledger>> {
        self.datasets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Which part of a dataset to read. Windows of recent days lie in known folders; what else there is may be of any
/// day.
pub(super) fn extent(windows: bool, full: bool, now: Time) -> Extent {
    let today = now.date_naive();
    match (windows, full) {
        (false, _) => Extent::All,
        (true, true) => Extent::ByDay,
        (true, false) => {
            let first = today.checked_sub_days(Days::new(RECENT_DAYS)).unwrap_or(today);
            Extent::Days(first, today.succ_opt().unwrap_or(today))
        }
    }
}

/// Whether something may enter a lake that cuts time by `grid`. A window that was fetched before the lake could
/// be read may be cut otherwise.
pub(super) fn fits(grid: Grid, parsed: &Parsed) -> bool {
    match parsed {
        Parsed::Raw(Slice::Window { span, .. }) => grid.holds(*span),
        _ => true,
    }
}

fn slice_of(parsed: &Parsed) -> Option<&Slice> {
    match parsed {
        Parsed::Raw(slice) | Parsed::Mark(slice, _) => Some(slice),
        Parsed::Table(_) | Parsed::RunLog(..) | Parsed::Identity | Parsed::Probe => None,
    }
}
