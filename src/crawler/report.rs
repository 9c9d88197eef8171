//! What a run came to, in numbers, and who is told while it happens.

use std::collections::BTreeMap;

use crate::base::error::{Hinted, one_line};
use crate::lake::run_log::{Attempt, Outcome};
use crate::lake::slice::Slice;

/// Is told what happens while it happens: a progress bar, a log, a test.
pub trait Observer: Send + Sync + std::fmt::Debug {
    /// A plan was made: `wanted` slices of the dataset will be fetched now.
    fn planned(&self, dataset: &str, wanted: usize) {
        let _ = (dataset, wanted);
    }
    /// The fetch of a slice has started.
    fn started(&self, slice: &Slice) {
        let _ = slice;
    }
    /// An attempt is over, and this is its line in the run log.
    fn attempted(&self, attempt: &Attempt) {
        let _ = attempt;
    }
    /// A run log is in the lake, and before it everything of its run: with a store that is away, long after the tick.
    fn logged(&self) {}
}

/// Tells nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {}

/// What came of the attempts at one dataset.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many attempts came to what.
    pub outcomes: BTreeMap<Outcome, u64>,
    /// Rows in new objects.
    pub rows: u64,
    /// Bytes of their payloads.
    pub raw_bytes: u64,
    /// Bytes of the objects.
    pub stored_bytes: u64,
    /// Requests made upstream.
    pub requests: u64,
    /// The first few errors, with their hints.
    pub errors: Vec<Problem>,
    /// How many more there were.
    pub more_errors: u64,
    /// Slices that are still missing and were not attempted: the crawler ended, or the spool was full.
    pub left: u64,
    /// Whether the tick ended because there was nothing more to do.
    pub finished: bool,
}

/// An error as people are told it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What failed, on what.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Problem {
    /// The error as people are told it.
    pub fn of<E: Hinted>(error: &E) -> Self {
        Self { message: one_line(error), hint: error.hint().map(str::to_owned) }
    }
}

impl Tally {
    /// How many errors are kept.
    const ERRORS: usize = 5;

    /// Takes in one attempt.
    pub fn add(&mut self, attempt: &Attempt) {
        *self.outcomes.entry(attempt.outcome).or_default() += 1;
        self.requests += attempt.requests;
        if matches!(attempt.outcome, Outcome::Stored | Outcome::Empty | Outcome::Suspect) {
            self.rows += attempt.rows.unwrap_or_default();
            self.raw_bytes += attempt.raw_bytes.unwrap_or_default();
            self.stored_bytes += attempt.stored_bytes.unwrap_or_default();
        }
    }

    /// Takes in an error; only the first few different ones are kept.
    pub fn problem(&mut self, problem: Problem) {
        if self.errors.contains(&problem) {
            return;
        }
        if self.errors.len() < Self::ERRORS {
            self.errors.push(problem);
        } else {
            self.more_errors += 1;
        }
    }

    /// How many attempts came to `outcome`.
    pub fn count(&self, outcome: Outcome) -> u64 {
        self.outcomes.get(&outcome).copied().unwrap_or_default()
    }

    /// Whether every attempt failed.
    pub fn is_fruitless(&self) -> bool {
        let failed = self.count(Outcome::Failed);
        failed > 0 && failed == self.outcomes.values().sum::<u64>()
    }

    /// Whether the lake has objects of the dataset, as far as this run can tell: where nothing was missing, it has.
    pub fn has_objects(&self) -> bool {
        let known = self.count(Outcome::Exists) + self.count(Outcome::Unchanged);
        self.new_objects() + known > 0 || (self.outcomes.is_empty() && self.left == 0)
    }

    /// Objects that are new in the lake.
    pub fn new_objects(&self) -> u64 {
        [Outcome::Stored, Outcome::Empty, Outcome::Suspect]
            .into_iter()
            .map(|outcome| self.count(outcome))
            .sum()
    }
}

/// Why a run ended before its plan was empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interruption {
    /// Somebody asked it to stop.
    Stopped,
    /// It had used up the time that it was given.
    OutOfTime,
}

/// What waits in the spool, for people.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Waiting {
    /// The root of the spool.
    pub spool: std::path::PathBuf,
    /// The first few keys.
    pub keys: Vec<String>,
}

/// What a run came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// By dataset.
    pub datasets: BTreeMap<String, Tally>,
    /// How many finished objects are still in the spool.
    pub undelivered: u64,
    /// The keys of the first few of them, and where the spool is.
    pub waiting: Waiting,
    /// Why the last upload failed.
    pub store_problem: Option<Problem>,
    /// Why the run ended before its plan was empty, if it did.
    pub interrupted: Option<Interruption>,
}

impl Report {
    /// The sum over all datasets of what `count` tells.
    pub fn total(&self, count: impl Fn(&Tally) -> u64) -> u64 {
        self.datasets.values().map(count).sum()
    }

    /// Whether anything went wrong that a person should hear about in the exit code.
    pub fn is_partial(&self) -> bool {
        let failed = |tally: &Tally| tally.count(Outcome::Failed) + tally.count(Outcome::Lost) + tally.left;
        let unfinished = self.datasets.values().any(|tally| !tally.finished);
        self.interrupted.is_some() || unfinished || self.total(failed) > 0
    }

    /// Whether nothing at all could be done.
    pub fn is_fruitless(&self) -> bool {
        let mut datasets = self.datasets.values().filter(|tally| !tally.outcomes.is_empty()).peekable();
        datasets.peek().is_some() && datasets.all(Tally::is_fruitless)
    }
}
