//! Reading everything that a status is made from: side by side, and nothing but reading.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use chrono::TimeDelta;
use futures::future::try_join_all;
use futures::stream::BoxStream;
use futures::{StreamExt as _, TryStreamExt as _};
use tokio_util::task::AbortOnDropHandle;

use super::cost::{Cost, Place, Recent};
use super::expect::Expectation;
use super::judge::Judge;
use super::runs::Runs;
use super::{Status, Volume, days_before};
use crate::base::error::Hinted;
use crate::base::{Date, Time};
use crate::lake::backlog::Backlog;
use crate::lake::coverage::Coverage;
use crate::lake::identity::{Identity, IdentityError};
use crate::lake::key::{Key, Parsed, Prefix};
use crate::lake::slice::Stream;
use crate::lake::store::{Listed, Store, StoreError, StoreErrorKind};
use crate::sources::History;

/// How many listings are under way at once: each waits for the store most of its time.
const CONCURRENT_LISTINGS: usize = 32;
/// How many of the newest run logs are read: a week of hourly ticks.
const RUN_LOGS: usize = 200;
/// How many ended days tell how many objects a month brings.
const RECENT_DAYS: u64 = 30;

/// What a status is asked of.
#[derive(Debug)]
pub struct Request<'a> {
    /// The lake.
    pub store: Arc<dyn Store>,
    /// What may be expected of each dataset.
    pub expectations: &'a [Expectation],
    /// The root of the spool.
    pub spool_root: &'a Path,
    /// The byte budget of the spool.
    pub spool_limit: u64,
    /// Where the lake is, as far as that has a price.
    pub place: Place,
    /// The moment that is asked about.
    pub now: Time,
}

/// Why there is no status.
#[derive(Debug, thiserror::Error)]
pub enum StatusError {
    /// The lake cannot be read.
    #[error(transparent)]
    Lake(#[from] IdentityError),
    /// There is no lake.
    #[error("there is no lake in {url}")]
    NoLake {
        /// Where it was looked for.
        url: String,
    },
    /// A task of this process was lost.
    #[error("reading the lake broke off: {0}")]
    Lost(#[from] tokio::task::JoinError),
}

impl From<StoreError> for StatusError {
    fn from(error: StoreError) -> Self {
        Self::Lake(error.into())
    }
}

impl StatusError {
    /// Whether it may mend itself: the store is out of reach.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Lake(IdentityError::Store(error)) => error.kind == StoreErrorKind::Away,
            Self::Lake(_) | Self::NoLake { .. } => false,
            Self::Lost(_) => true,
        }
    }
}

impl Hinted for StatusError {
    fn hint(&self) -> Option<&str> {
        match self {
            Self::Lake(error) => error.hint(),
            Self::NoLake { .. } => {
                Some("name another one with --lake, or make it: `contrail crawler` does with its first run")
            }
            Self::Lost(_) => Some("this is a fault in Contrail: please report it"),
        }
    }
}

/// What the listings tell.
#[derive(Debug, Default)]
pub(super) struct Holdings {
    pub(super) coverage: Coverage,
    pub(super) volumes: BTreeMap<Stream, Volume>,
    all: Volume,
    tables: Volume,
    recent: u64,
    run_logs: Vec<(Time, Key)>,
}

/// Looks at a lake. Puts nothing.
pub async fn survey(request: &Request<'_>) -> Result<Status, StatusError> {
    let store = request.store.as_ref();
    let url = store.url();
    let Some(identity) = Identity::read(store).await? else { return Err(StatusError::NoLake { url }) };
    let grid = identity.grid()?;

    let days = recent_days(&identity, request.now);
    let (holdings, conditional) =
        futures::try_join!(list(store, days), async { store.probed().await.map_err(StatusError::from) })?;
    let mut logs = holdings.run_logs.clone();
    logs.sort_unstable_by(|one, two| two.cmp(one));
    let newest = logs.into_iter().take(RUN_LOGS).map(|(_, key)| key).collect();
    let runs = Runs::read(store, newest).await?;

    let (root, place, origin) = (request.spool_root.to_owned(), store.place(), identity.origin.clone());
    let backlog = tokio::task::spawn_blocking(move || Backlog::look(&root, &place, &origin)).await?;
    let backlog = backlog.inspect_err(
        |error| tracing::warn!(%error, spool = %request.spool_root.display(), "cannot look into the spool"),
    );

    let judge =
        Judge { now: request.now, created_at: identity.created_at, grid, holdings: &holdings, runs: &runs };
    let recent = Recent {
        objects: holdings.recent,
        days: days.map_or(0, |(first, last)| (last - first).num_days().unsigned_abs()),
    };
    let mut stored = holdings.all;
    stored.add_all(holdings.tables);
    Ok(Status {
        url: store.url(),
        now: request.now,
        datasets: judge.datasets(request.expectations),
        volume: holdings.all,
        tables: holdings.tables,
        conditional,
        spool: request.spool_root.to_owned(),
        spool_limit: request.spool_limit,
        backlog: backlog.ok(),
        cost: Cost::of(&request.place, stored, recent),
        identity,
    })
}

/// The ended days that tell how many objects a month brings: the last ones since the lake was made. From the first
/// to before the second; `None` when there is none yet.
fn recent_days(identity: &Identity, now: Time) -> Option<(Date, Date)> {
    let today = now.date_naive();
    // The day on which the lake was made brought its first fill as well.
    let first = identity.created_at.checked_add_signed(TimeDelta::days(1))?.date_naive();
    let first = first.max(days_before(today, RECENT_DAYS));
    (first < today).then_some((first, today))
}

/// Lists the lake: what Contrail keeps about itself, the tables, and every dataset by the folders that there are.
async fn list(store: &dyn Store, recent: Option<(Date, Date)>) -> Result<Holdings, StatusError> {
    let datasets = store.folders(&Prefix::all_raw()).await?;
    let folders = datasets.into_iter().map(|dataset| async move {
        // Windows are many a day; of other slices there are few, and a listing for each day would be a waste.
        match History::of(dataset.name()) {
            Some(History::Windows { .. }) => store.folders(&dataset).await,
            Some(History::Versions | History::Slots { .. }) | None => Ok(vec![dataset]),
        }
    });
    let mut prefixes = vec![Prefix::system(), Prefix::all_tables()];
    prefixes.extend(try_join_all(folders).await?.into_iter().flatten());
    let mut all = Holdings::default();
    // On tasks of their own: to read 300,000 keys is work for more than one processor.
    let mut parts = futures::stream::iter(prefixes)
        .map(|prefix| AbortOnDropHandle::new(tokio::spawn(read(store.list(&prefix), recent))))
        .buffer_unordered(CONCURRENT_LISTINGS);
    while let Some(part) = parts.next().await {
        all.merge(part??);
    }
    Ok(all)
}

async fn read(
    mut listing: BoxStream<'static, Result<Listed, StoreError>>,
    recent: Option<(Date, Date)>,
) -> Result<Holdings, StoreError> {
    let mut holdings = Holdings::default();
    while let Some(listed) = listing.try_next().await? {
        holdings.add(&listed, recent);
    }
    Ok(holdings)
}

impl Holdings {
    pub(super) fn add(&mut self, listed: &Listed, recent: Option<(Date, Date)>) {
        let parsed = Key::parse(&listed.key);
        let is_table = matches!(parsed, Ok((_, Parsed::Table(_))));
        let volume = if is_table { &mut self.tables } else { &mut self.all };
        volume.add(listed.bytes);
        // Whoever put it there, it says nothing about coverage; `verify` names such objects.
        let Ok((key, parsed)) = parsed else { return };
        let is_recent = |day: Date| recent.is_some_and(|(first, last)| first <= day && day < last);
        let day = match &parsed {
            Parsed::Raw(slice) => {
                self.volumes.entry(slice.stream().clone()).or_default().add(listed.bytes);
                Some(slice.day())
            }
            Parsed::Mark(slice, _) => Some(slice.day()),
            Parsed::RunLog(started, _) => {
                self.run_logs.push((*started, key));
                Some(started.date_naive())
            }
            // How often it was put is not known: only its last version is there.
            Parsed::Table(_) | Parsed::Identity | Parsed::Probe => None,
        };
        self.recent += u64::from(day.is_some_and(is_recent));
        self.coverage.insert(&parsed);
    }

    fn merge(&mut self, other: Self) {
        self.coverage.merge(&other.coverage);
        for (stream, volume) in other.volumes {
            self.volumes.entry(stream).or_default().add_all(volume);
        }
        self.all.add_all(other.all);
        self.tables.add_all(other.tables);
        self.recent += other.recent;
        self.run_logs.extend(other.run_logs);
    }

    /// The stream's objects.
    pub(super) fn volume(&self, stream: &Stream) -> Volume {
        self.volumes.get(stream).copied().unwrap_or_default()
    }
}
