//! `verify`: whether the lake is what its keys and its metadata say. Reads, and changes nothing.
//!
//! First every key is listed and judged by itself and with the others: this gives the coverage, in which a year of
//! windows of a region is one interval. Then the objects are looked at, directory by directory, and read if that was
//! asked for. Neither listings nor payloads are held; what is, is bounded: the coverage, the marks, the findings that
//! are told, and what [`inspect`](crate::sources::inspect) remembers of the days that are being read.

mod findings;
mod marks;
mod object;
mod survey;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZero;
use std::sync::Arc;

use futures::stream::{self, BoxStream, Stream, StreamExt as _, TryStreamExt as _};

use crate::base::error::Hinted;
use crate::base::{Clock, Date, Name};
use crate::lake::identity::{Identity, IdentityError};
use crate::lake::key::{Key, Parsed, Prefix, TablePart};
use crate::lake::store::{Listed, Store, StoreError};
use crate::sources::inspect::{Inspection, MOST_INSPECTORS, inspection};

pub use findings::{Finding, Findings, Severity};

/// How many directories are looked at at once, when their objects are not read.
const DIRECTORIES: usize = 16;

/// What is to be verified, and how.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Read every object, instead of its metadata only.
    pub deep: bool,
    /// Of this dataset only.
    pub dataset: Option<Name>,
    /// From this day on.
    pub since: Option<Date>,
    /// Before this day.
    pub until: Option<Date>,
}

impl Options {
    /// Whether what a key speaks of lies in the days that are asked for. What belongs to no day does.
    fn holds(&self, parsed: &Parsed) -> bool {
        let day = match parsed {
            Parsed::Raw(slice) | Parsed::Mark(slice, _) => slice.day(),
            Parsed::RunLog(started, _) => started.date_naive(),
            Parsed::Table(object) => match object.part() {
                TablePart::Day(day) => *day,
                TablePart::Service(_) => return true,
            },
            Parsed::Identity | Parsed::Probe => return true,
        };
        self.since.is_none_or(|since| since <= day) && self.until.is_none_or(|until| day < until)
    }

    /// The parts of the lake that are listed.
    fn prefixes(&self) -> Vec<Prefix> {
        match &self.dataset {
            Some(dataset) => vec![Prefix::raw(dataset), Prefix::marks(dataset)],
            None => vec![Prefix::everything()],
        }
    }
}

/// Hears how far it is.
pub trait Progress: Send + Sync {
    /// So many objects of so many bytes are to be looked at.
    fn listed(&self, objects: u64, bytes: u64);
    /// One more was looked at; it has so many bytes.
    fn verified(&self, bytes: u64);
}

/// What came of it.
#[derive(Debug)]
pub struct Report {
    /// How many objects were looked at.
    pub objects: u64,
    /// How many bytes they have, as they are stored.
    pub bytes: u64,
    /// What was found.
    pub findings: Findings,
}

/// The lake could not be verified.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The store did not answer, or refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The lake cannot be read by this release.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// There is nothing at all.
    #[error("there is no lake at {0}")]
    NoLake(String),
}

impl Hinted for VerifyError {
    fn hint(&self) -> Option<&str> {
        match self {
            Self::Store(error) => error.hint(),
            Self::Identity(error) => error.hint(),
            Self::NoLake(_) => Some("name the lake with --lake, or crawl one first"),
        }
    }
}

/// What everything is verified against.
struct Verifier<'a> {
    store: &'a dyn Store,
    options: &'a Options,
    inspections: BTreeMap<Name, Arc<dyn Inspection>>,
    findings: &'a Findings,
    progress: &'a dyn Progress,
    clock: &'a dyn Clock,
}

/// Verifies the lake in `store`.
pub async fn verify(
    store: Arc<dyn Store>,
    options: &Options,
    clock: &dyn Clock,
    progress: &dyn Progress,
) -> Result<Report, VerifyError> {
    let findings = Findings::default();
    let identity = Identity::read(store.as_ref()).await?;
    let grid = identity.as_ref().map(Identity::grid).transpose()?;
    let survey = survey::survey(store.as_ref(), options, grid, &findings).await?;
    if identity.is_none() {
        if survey.objects == 0 && findings.is_empty() {
            return Err(VerifyError::NoLake(store.url()));
        }
        let advice = "restore it from a backup: without it nobody knows how the lake cuts time";
        findings.fault(Key::identity().as_str(), "the lake does not say what it is: it is missing", advice);
    }
    let (objects, bytes) = (survey.objects, survey.bytes);
    progress.listed(objects, bytes);
    let coverage = &survey.coverage;
    let datasets: BTreeSet<Name> = coverage.streams().map(|(stream, _)| stream.dataset().clone()).collect();
    let inspections = datasets.into_iter().filter_map(|dataset| {
        let inspection = inspection(&dataset, coverage)?;
        Some((dataset, inspection))
    });
    let verifier = Verifier {
        store: store.as_ref(),
        options,
        inspections: inspections.collect(),
        findings: &findings,
        progress,
        clock,
    };
    let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
    let at_once = if options.deep { processors.min(MOST_INSPECTORS) } else { DIRECTORIES };
    for prefix in options.prefixes() {
        directories(store.list(&prefix))
            .map(|listed| async { verifier.directory(listed?).await })
            .buffer_unordered(at_once)
            .try_for_each(|()| std::future::ready(Ok::<_, StoreError>(())))
            .await?;
    }
    Ok(Report { objects, bytes, findings })
}

/// The listing in pieces, each of which holds all objects of one directory: those of one day of a stream, say.
fn directories(
    listing: BoxStream<'_, Result<Listed, StoreError>>,
) -> impl Stream<Item = Result<Vec<Listed>, StoreError>> {
    let state = (listing, None::<Listed>);
    stream::try_unfold(state, |(mut listing, mut next)| async move {
        let mut directory: Vec<Listed> = next.take().into_iter().collect();
        while let Some(listed) = listing.try_next().await? {
            if directory.first().is_some_and(|first| parent(&first.key) != parent(&listed.key)) {
                next = Some(listed);
                break;
            }
            directory.push(listed);
        }
        Ok((!directory.is_empty()).then_some((directory, (listing, next))))
    })
}

fn parent(key: &str) -> &str {
    key.rsplit_once('/').map_or("", |(parent, _)| parent)
}
