//! What was found: a line each, of which so many are told as fit into memory.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use crate::base::error::printable;

/// How many are told. A lake with more than that has one fault, and it is another one.
const TOLD: usize = 10_000;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The lake does not keep a promise.
    Fault,
    /// It does; still, somebody may want to know.
    Note,
}

impl Severity {
    /// The word for people and for tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fault => "fault",
            Self::Note => "note",
        }
    }
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// Where: a key, or a path below the lake's root.
    pub key: String,
    /// How bad it is.
    pub severity: Severity,
    /// What it is; one line.
    pub found: String,
    /// What to do about it.
    pub hint: String,
}

/// Everything that was found so far. Shared between tasks.
#[derive(Debug, Default)]
pub struct Findings {
    told: Mutex<Vec<Finding>>,
    faults: AtomicU64,
    notes: AtomicU64,
}

impl Findings {
    pub(super) fn fault(&self, key: &str, found: impl Into<String>, hint: &str) {
        self.faults.fetch_add(1, Ordering::Relaxed);
        self.add(Severity::Fault, key, &found.into(), hint);
    }

    pub(super) fn note(&self, key: &str, found: impl Into<String>, hint: &str) {
        self.notes.fetch_add(1, Ordering::Relaxed);
        self.add(Severity::Note, key, &found.into(), hint);
    }

    fn add(&self, severity: Severity, key: &str, found: &str, hint: &str) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() < TOLD {
            // Names and rows may be of anybody.
            let (key, found) = (printable(key), printable(found));
            told.push(Finding { key, severity, found, hint: hint.to_owned() });
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.faults() + self.notes() == 0
    }

    /// How many faults there are, told or not.
    pub fn faults(&self) -> u64 {
        self.faults.load(Ordering::Relaxed)
    }

    /// How many notes there are, told or not.
    pub fn notes(&self) -> u64 {
        self.notes.load(Ordering::Relaxed)
    }

    /// Those that are told, in the order of their keys.
    pub fn told(&self) -> Vec<Finding> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner).clone();
        told.sort();
        told
    }
}
