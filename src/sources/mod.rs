//! The sources: one file for each dataset, grouped by provider. A source knows what should exist and how to
//! fetch it. It never stores anything, never builds a key and never asks the machine what time it is.

pub mod aws;
pub mod azure;
mod backfill;
mod clock;
mod error;
mod fingerprints;
mod habits;
mod history;
pub mod inspect;
mod plan;
mod slots;
mod warnings;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;

use crate::base::check::Check;
use crate::base::{Clock, Time};
use crate::lake::coverage::Coverage;
use crate::lake::draft::Draft;
use crate::lake::grid::Grid;
use crate::lake::slice::Slice;
use crate::lake::store::Store;
use crate::net::Meter;

pub use backfill::Backfill;
pub use error::{FetchError, FetchErrorKind};
pub use habits::{Fields, Habits};
pub use history::History;
pub use plan::Plan;
pub use warnings::{Sentinel, Warnings};

/// What is always true of a dataset, whatever its configuration.
#[derive(Debug, Clone, Copy)]
pub struct Dataset {
    /// The name in keys, in the configuration and on the command line.
    pub id: &'static str,
    /// One line for people.
    pub description: &'static str,
    /// What it needs beyond the network, for people; empty when it needs nothing.
    pub needs: &'static str,
    /// The IAM actions that it calls.
    pub permissions: &'static [&'static str],
    /// Whether its slices are windows of time, which are read from the ledger day by day.
    pub windows: bool,
    /// Whether its upstream publishes when it likes: then only the run log can tell that somebody looked.
    pub publishes: bool,
}

/// What a source is told when it plans.
#[derive(Debug, Clone, Copy)]
pub struct PlanContext<'a> {
    /// What the lake has of the dataset.
    pub coverage: &'a Coverage,
    /// What the lake has or will have of it, once the spool is empty.
    pub expected: &'a Coverage,
    /// The moment that the plan is made for.
    pub now: Time,
    /// When the lake was made.
    pub created_at: Time,
    /// How the lake cuts time.
    pub grid: Grid,
    /// What of the past is asked for, instead of what is due by itself.
    pub past: Option<Past>,
    /// Counts what planning costs.
    pub traffic: &'a Traffic,
}

/// A stretch of the past. What changed or was published in it is wanted as far as the upstream still has it,
/// whatever the configuration says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Past {
    /// Its beginning; `None` for all that the upstream still has.
    pub since: Option<Time>,
    /// Its end, which is not part of it.
    pub until: Time,
}

/// What a source is given to fetch with.
#[derive(Debug, Clone)]
pub struct FetchContext {
    /// The time, and how to wait for it to pass.
    pub clock: Arc<dyn Clock>,
    /// What the lake had of the dataset when the plan was made.
    pub coverage: Arc<Coverage>,
    /// The moment that the plan was made for.
    pub planned_at: Time,
    /// When the lake was made.
    pub created_at: Time,
    /// How the lake cuts time.
    pub grid: Grid,
    /// The lake, to read what is stored already.
    pub store: Arc<dyn Store>,
    /// Counts what the fetch costs.
    pub traffic: Arc<Traffic>,
}

/// What one fetch or plan cost upstream; shared, because retries happen in many places.
#[derive(Debug, Default)]
pub struct Traffic {
    requests: AtomicU64,
    retries: AtomicU64,
    pages: AtomicU64,
}

impl Traffic {
    /// Counts a request that goes out, the first or a repeated one.
    pub fn request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a request that had to be made again.
    pub fn retry(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a page of a listing that was read.
    pub fn page(&self) {
        self.pages.fetch_add(1, Ordering::Relaxed);
    }

    /// Requests, retries and pages so far.
    pub fn counted(&self) -> (u64, u64, u64) {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        (read(&self.requests), read(&self.retries), read(&self.pages))
    }
}

impl Meter for Traffic {
    fn request(&self) {
        self.request();
    }

    fn retry(&self) {
        self.retry();
    }
}

/// What a fetch brought home.
#[derive(Debug)]
pub struct Fetched {
    /// The payload, whole.
    pub draft: Draft,
    /// Where it came from, without secrets.
    pub source_url: String,
    /// The upstream's own entity tag.
    pub etag: Option<String>,
    /// The upstream's own modification time, as it wrote it.
    pub last_modified: Option<String>,
    /// The account that asked, where the answer depends on it.
    pub account: Option<String>,
    /// Of a slot: whether it says something by what is not in it. A document that is whole does; a listing that is no
    /// snapshot does when its last walk added nothing.
    pub complete: Option<bool>,
    /// What was odd about the payload, kept as it came all the same.
    pub warnings: Warnings,
    /// What the fetch shows of the upstream's habits. Empty where nobody watches them.
    pub habits: Habits,
}

/// Says what should exist, and fetches it.
#[async_trait]
pub trait Source: Send + Sync + std::fmt::Debug {
    /// What is always true of the dataset.
    fn dataset(&self) -> &'static Dataset;

    /// What is missing now. Called once a tick; streams that are closed to us, or whose index could not be
    /// read, are named in the plan and do not hold up the others.
    async fn plan(&self, context: &PlanContext<'_>) -> Result<Plan, FetchError>;

    /// Fetches one slice into `draft`, which it gives back whole. On an error nothing is kept.
    async fn fetch(&self, slice: &Slice, context: &FetchContext, draft: Draft)
    -> Result<Fetched, FetchError>;

    /// What `doctor` asks: the cheapest questions that prove that the source could do its work now. Nothing to ask,
    /// unless a source says otherwise.
    async fn check(&self) -> Vec<Check> {
        Vec::new()
    }
}
