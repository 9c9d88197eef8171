//! What run logs add to keys: when somebody last looked at what an upstream publishes, what could not be fetched, and who
//! was refused. They explain; what is there is told by keys alone.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use futures::{StreamExt as _, TryStreamExt as _};
use tokio::task::spawn_blocking;

use crate::base::clock::midnight;
use crate::base::{Date, Time};
use crate::lake::attempts::read_attempts;
use crate::lake::interval::{Interval, IntervalSet};
use crate::lake::run_log::{Attempt, Outcome};
use crate::lake::slice::{Stream, Version};
use crate::tables::holdings::{Holdings, LogObject};
use crate::tables::workshop::{MakeError, Workshop, broken};

/// How many logs are read at once.
const CONCURRENT_READS: usize = 16;
/// How many of the newest days are read at least: what could not be fetched is tried again with every look.
const LEAST_DAYS: usize = 2;

/// What the logs tell of streams of versions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Looks {
    /// When the newest run began in which the upstream answered for the stream: it then named everything that it had
    /// published until then, at least.
    pub looked: BTreeMap<Stream, Time>,
    /// Versions that are published and could not be fetched.
    pub failed: BTreeMap<Stream, BTreeSet<Version>>,
}

/// Who was refused on a day, and when.
pub type Refusals = BTreeMap<Stream, IntervalSet>;

/// What one log tells.
#[derive(Debug, Clone, Default)]
pub struct Told {
    started: Time,
    // The newest attempt at each stream: when it was over, and what came of it.
    last: BTreeMap<Stream, (Time, Outcome)>,
    answered: BTreeSet<Stream>,
    failed: BTreeMap<Stream, BTreeSet<Version>>,
}

impl Looks {
    /// Reads the logs from the newest day back, until they tell of every stream that is `sought` when it was looked at
    /// last, or there are no more. `told` is handed what was read, day by day.
    pub async fn read(
        workshop: &Workshop,
        holdings: &Holdings,
        mut sought: BTreeSet<&Stream>,
        mut told: impl FnMut(Date, Vec<Told>),
    ) -> Result<Self, MakeError> {
        let mut looks = Self::default();
        for (index, day) in days(holdings).enumerate() {
            if index >= LEAST_DAYS && sought.is_empty() {
                break;
            }
            let read = read_day(workshop, holdings, day).await?;
            for log in &read {
                looks.take(log);
            }
            sought.retain(|stream| !looks.looked.contains_key(stream));
            told(day, read);
        }
        Ok(looks)
    }

    /// Takes in what one log tells.
    pub fn take(&mut self, log: &Told) {
        for stream in &log.answered {
            let looked = self.looked.entry(stream.clone()).or_insert(log.started);
            *looked = log.started.max(*looked);
        }
        for (stream, versions) in &log.failed {
            self.failed.entry(stream.clone()).or_default().extend(versions.iter().cloned());
        }
    }

    /// When a stream of the dataset was looked at last.
    pub fn newest(&self, dataset: &str) -> Option<Time> {
        let of_it = self.looked.iter().filter(|(stream, _)| stream.dataset().as_str() == dataset);
        of_it.map(|(_, looked)| *looked).max()
    }
}

impl Told {
    /// By the log of the run that started then, which has no lines yet.
    pub fn by(started: Time) -> Self {
        Self { started, ..Self::default() }
    }

    /// Takes in one line.
    pub fn take(&mut self, attempt: &Attempt) {
        let Some(stream) = attempt.about() else { return };
        if let Some(version) = attempt.failed_version() {
            self.failed.entry(stream.clone()).or_default().insert(version);
        }
        if attempt.outcome.is_success() {
            self.answered.insert(stream.clone());
        }
        let known = self.last.entry(stream).or_insert((attempt.finished, attempt.outcome));
        if known.0 <= attempt.finished {
            *known = (attempt.finished, attempt.outcome);
        }
    }
}

/// Who was refused on `day` by its own logs, in any order: from a refusal until a run that was not refused, or the day
/// was over. A day that begins with a refusal was like that from its beginning: nobody had asked before.
pub fn refusals(day: Date, mut logs: Vec<Told>) -> Refusals {
    logs.sort_by_key(|log| log.started);
    let end = midnight(day.succ_opt().unwrap_or(day));
    // Of each stream that was attempted: since when it is refused, if it is.
    let mut since: BTreeMap<Stream, Option<Time>> = BTreeMap::new();
    let mut refusals = Refusals::new();
    let mut close = |stream: &Stream, from: Option<Time>, to| {
        if let Some(span) = from.and_then(|from| Interval::new(from, to)) {
            refusals.entry(stream.clone()).or_default().insert(span);
        }
    };
    for log in logs {
        for (stream, (_, outcome)) in log.last {
            if outcome.is_refusal() {
                let from = since.entry(stream).or_insert_with(|| Some(midnight(day)));
                *from = from.or(Some(log.started));
            } else {
                let from = since.insert(stream.clone(), None).flatten();
                close(&stream, from, log.started);
            }
        }
    }
    for (stream, from) in &since {
        close(stream, *from, end);
    }
    refusals
}

/// Reads the logs of a day.
pub async fn read_day(workshop: &Workshop, holdings: &Holdings, day: Date) -> Result<Vec<Told>, MakeError> {
    let reads: Vec<_> = holdings.logs_of(day).iter().map(|log| read(workshop, log)).collect();
    futures::stream::iter(reads).buffered(CONCURRENT_READS).try_collect().await
}

async fn read(workshop: &Workshop, log: &LogObject) -> Result<Told, MakeError> {
    let payload = workshop.fetch(&log.key).await?;
    let mut told = Told::by(log.started);
    let read = spawn_blocking(move || {
        let reader = payload.open()?;
        // A log that is damaged says less; the table of the runs names what cannot be read of it.
        let _ = read_attempts(reader, |_, attempt| {
            if let Ok(attempt) = &attempt {
                told.take(attempt);
            }
            Ok(())
        });
        Ok::<_, io::Error>(told)
    });
    Ok(read.await.map_err(broken)??)
}

/// The days that have logs, the newest first.
fn days(holdings: &Holdings) -> impl Iterator<Item = Date> {
    let days: BTreeSet<Date> = holdings.logs.iter().map(|log| log.started.date_naive()).collect();
    days.into_iter().rev()
}
