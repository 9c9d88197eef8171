//! The build: asks each maker what its table should consist of, makes what is not made of the same already, and puts it
//! into the lake whole. It holds no state: what is to do is read from the lake each time. A part that cannot be made is
//! told and holds up no other.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::{StreamExt as _, TryStreamExt as _};
use tokio::task::spawn_blocking;

use super::holdings::Holdings;
use super::make::{Made, Maker};
use super::problems::{Problem, Problems};
use super::release::is_newer;
use super::scratch::Scratch;
use super::workshop::{MakeError, Workshop, broken};
use super::writer::{TableWriter, Written};
use crate::base::error::{Hinted, one_line};
use crate::base::{Clock, Date};
use crate::lake::identity::{Identity, IdentityError};
use crate::lake::key::{Key, TableObject, TablePart};
use crate::lake::meta::ObjectMeta;
use crate::lake::notice::Notice;
use crate::lake::store::{Found, Replaced, Store, StoreError, StoreErrorKind};

/// How many objects are asked for what they are made of at once.
const CONCURRENT_LOOKS: usize = 16;
/// How often a part is made again because somebody else had replaced it meanwhile.
const TRIES: u32 = 3;
/// How many problems are told of a table.
const TOLD: usize = 10;

/// What is to be built.
#[derive(Debug, Clone)]
pub struct Options {
    /// The tables, by name; all if there is none.
    pub tables: Vec<String>,
    /// Whether to make everything anew, whatever it is made of.
    pub rebuild: bool,
    /// The first day that may have changed; all days if there is none.
    pub since: Option<Date>,
    /// How many bytes of memory sorting may take.
    pub memory: usize,
    /// How many raw objects are decoded side by side.
    pub threads: usize,
}

/// What came of a build.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Of each table, in order.
    pub tables: Vec<TableReport>,
}

/// What came of the build of one table.
#[derive(Debug, Clone)]
pub struct TableReport {
    /// The table.
    pub table: &'static str,
    /// Objects that were made.
    pub built: u64,
    /// Objects that were made of the same before.
    pub unchanged: u64,
    /// Rows of the objects that were made.
    pub rows: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How many pieces of raw objects could not be decoded.
    pub problems: u64,
    /// The first of them.
    pub told: Vec<Problem>,
    /// What raw objects show beside others and was not noticed before. It is in the run log.
    pub news: Vec<Notice>,
    /// The parts that were not made: the key, why, and what to do about it.
    pub failed: Vec<Failure>,
}

/// A part that was not made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The key of its object.
    pub key: String,
    /// Why, in one line.
    pub error: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Report {
    /// Whether every part was made, now or before.
    pub fn is_whole(&self) -> bool {
        self.tables.iter().all(|table| table.failed.is_empty())
    }
}

/// Is told how a build goes on.
pub trait Progress: Send + Sync {
    /// A table is looked at, which has so many parts.
    fn table(&self, table: &'static str, parts: u64) {
        let _ = (table, parts);
    }
    /// A part is done.
    fn part(&self, key: &Key, rows: Option<u64>) {
        let _ = (key, rows);
    }
}

/// Tells nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {}

/// Why nothing was built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The lake is not there, or of another format.
    #[error(transparent)]
    Lake(#[from] IdentityError),
    /// There is no lake.
    #[error("there is no lake in {0}")]
    NoLake(String),
    /// The lake cannot be listed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Building broke off.
    #[error(transparent)]
    Make(#[from] MakeError),
}

impl BuildError {
    /// Whether it may mend itself: the store is out of reach.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Lake(IdentityError::Store(error))
            | Self::Store(error)
            | Self::Make(MakeError::Store(error)) => error.kind == StoreErrorKind::Away,
            Self::Make(_) => true,
            Self::Lake(_) | Self::NoLake(_) => false,
        }
    }
}

impl Hinted for BuildError {
    fn hint(&self) -> Option<&str> {
        match self {
            Self::Lake(error) => error.hint(),
            Self::Store(error) => error.hint(),
            Self::Make(error) => error.hint(),
            Self::NoLake(_) => {
                Some("name another one with --lake, or make it: `contrail crawler` does with its first run")
            }
        }
    }
}

/// Builds the tables of the lake in `store`.
pub async fn build(
    store: Arc<dyn Store>,
    scratch: Scratch,
    options: &Options,
    clock: &dyn Clock,
    progress: &dyn Progress,
) -> Result<Report, BuildError> {
    if Identity::read(store.as_ref()).await?.is_none() {
        return Err(BuildError::NoLake(store.url()));
    }
    // Where a server ignores conditions, replacing looks first and then writes.
    store.probe().await?;
    let makers = super::makers(clock.now());
    let wanted = |name: &str| options.tables.is_empty() || options.tables.iter().any(|table| table == name);
    let workshop = Workshop { store, scratch, memory: options.memory, threads: options.threads };
    let mut run = Run { clock, holdings: list(&workshop, options).await?, workshop, options, progress };
    let mut report = Report::default();
    for mut maker in makers {
        if wanted(maker.table().name) {
            report.tables.push(run.table(maker.as_mut()).await?);
        }
    }
    Ok(report)
}

async fn list(workshop: &Workshop, options: &Options) -> Result<Holdings, StoreError> {
    Holdings::list(workshop.store.as_ref(), options.since, super::is_windows).await
}

/// One build.
struct Run<'a> {
    clock: &'a dyn Clock,
    workshop: Workshop,
    holdings: Holdings,
    options: &'a Options,
    progress: &'a dyn Progress,
}

/// What came of one part.
enum Part {
    Kept,
    Built(Written, Vec<Problems>, Vec<Notice>),
}

impl Run<'_> {
    async fn table(&mut self, maker: &mut dyn Maker) -> Result<TableReport, MakeError> {
        let table = maker.table();
        maker.survey(&self.holdings, self.options.since, &self.workshop).await?;
        let parts: Vec<TableObject> =
            maker.parts(&self.holdings).into_iter().filter(|part| self.is_wanted(part)).collect();
        self.progress.table(table.name, parts.len() as u64);
        let mut found = self.look(&parts).await?;
        maker.prepare(parts.first(), &self.workshop).await?;
        let mut report = TableReport {
            table: table.name,
            built: 0,
            unchanged: 0,
            rows: 0,
            bytes: 0,
            problems: 0,
            told: Vec::new(),
            news: Vec::new(),
            failed: Vec::new(),
        };
        for part in parts {
            let key = Key::table(&part);
            let before = found.remove(key.as_str());
            match self.part(maker, &part, &key, before).await {
                Ok(Part::Kept) => {
                    report.unchanged += 1;
                    self.progress.part(&key, None);
                }
                Ok(Part::Built(written, problems, news)) => {
                    report.built += 1;
                    report.rows += written.rows;
                    report.bytes += written.bytes;
                    report.take(&problems);
                    report.news.extend(news);
                    self.progress.part(&key, Some(written.rows));
                }
                // Where the store does not answer or refuses us, the next part would fare no better.
                Err(error) if error.ends_all() => return Err(error),
                Err(error) => {
                    let (error, hint) = (one_line(&error), error.hint().map(str::to_owned));
                    report.failed.push(Failure { key: key.to_string(), error, hint });
                }
            }
        }
        if !report.news.is_empty() {
            // The tables of the run log are to have them, too.
            self.holdings = list(&self.workshop, self.options).await?;
        }
        Ok(report)
    }

    /// Writes down what was noticed. Answers what is news.
    async fn note(&self, notices: Vec<Notice>) -> Result<Vec<Notice>, MakeError> {
        let (store, directory) = (self.workshop.store.as_ref(), self.workshop.scratch.path());
        let mut news = Vec::new();
        for notice in notices {
            if notice.put(store, directory, self.clock.now()).await? {
                news.push(notice);
            }
        }
        Ok(news)
    }

    fn is_wanted(&self, part: &TableObject) -> bool {
        match (self.options.since, part.part()) {
            (Some(since), TablePart::Day(day)) => *day >= since,
            _ => true,
        }
    }

    /// What the lake has of the parts, by key.
    async fn look(&self, parts: &[TableObject]) -> Result<BTreeMap<String, Found>, StoreError> {
        futures::stream::iter(parts)
            .map(|part| async move {
                let key = Key::table(part);
                Ok::<_, StoreError>(
                    self.workshop.store.find(&key).await?.map(|found| (key.to_string(), found)),
                )
            })
            .buffer_unordered(CONCURRENT_LOOKS)
            .try_filter_map(|found| std::future::ready(Ok(found)))
            .try_collect()
            .await
    }

    async fn part(
        &mut self,
        maker: &mut dyn Maker,
        part: &TableObject,
        key: &Key,
        mut before: Option<Found>,
    ) -> Result<Part, MakeError> {
        let mut news = Vec::new();
        for _ in 0..TRIES {
            let inputs = maker.inputs(part, &self.holdings).digest(maker.table());
            let meta = before.as_ref().and_then(|found| found.meta.as_ref());
            if let Some(meta) = meta.filter(|meta| !self.options.rebuild && is_settled(meta, &inputs)) {
                maker.kept(part, meta);
                return Ok(Part::Kept);
            }
            let file = self.workshop.scratch.named()?;
            let rows = TableWriter::new(maker.table(), file.reopen()?)?;
            let (Made { problems, notices, closes }, rows) =
                maker.make(part, &self.holdings, &self.workshop, rows).await?;
            let written = spawn_blocking(|| rows.finish()).await.map_err(broken)??;
            let meta = ObjectMeta {
                sha256: written.sha256.clone(),
                bytes: written.bytes,
                rows: Some(written.rows),
                version: Some(env!("CARGO_PKG_VERSION").to_owned()),
                inputs: Some(inputs),
                closes,
                ..ObjectMeta::default()
            };
            // Before the object: whoever finds that made does not make it again, and would not notice.
            news.extend(self.note(notices).await?);
            let expected = before.as_ref().map(|found| &found.etag);
            match self.workshop.store.replace(key, file.path(), &meta, expected).await? {
                Replaced::Done(_) => return Ok(Part::Built(written, problems, news)),
                Replaced::Changed => {}
            }
            // Somebody else builds too, and may know more than we do.
            self.holdings = list(&self.workshop, self.options).await?;
            before = self.workshop.store.find(key).await?;
        }
        Err(StoreError::new(
            StoreErrorKind::Foreign,
            format!("{key} was replaced by somebody else {TRIES} times"),
        )
        .with_hint("one build at a time is enough: they do the same")
        .into())
    }
}

/// Whether there is nothing to do: it is made of the same, or by a newer release, which knows better.
fn is_settled(meta: &ObjectMeta, inputs: &str) -> bool {
    meta.inputs.as_deref() == Some(inputs)
        || meta.version.as_deref().is_some_and(|version| is_newer(version, env!("CARGO_PKG_VERSION")))
}

impl TableReport {
    fn take(&mut self, problems: &[Problems]) {
        for problems in problems {
            self.problems += problems.count();
            let room = TOLD.saturating_sub(self.told.len());
            self.told.extend(problems.told().iter().take(room).cloned());
        }
    }
}

#[cfg(test)]
mod tests;
