//! Why a query gave no answer, in words for who asked it.

use std::fmt;

use crate::base::error::{Hinted, one_line};
use crate::base::units::ByteSize;
use crate::lake::identity::IdentityError;
use crate::lake::key::Key;
use crate::lake::store::{StoreError, StoreErrorKind};

use super::place::Place;

/// Why a query gave no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum QueryError {
    /// The query is wrong: what, where and what was meant.
    #[error("{message}{}", shown(place.as_ref()))]
    Wrong {
        /// What is wrong with it.
        message: String,
        /// Where in the text.
        place: Option<Place>,
        /// What to do about it.
        hint: String,
    },
    /// The query met a value that it cannot work with.
    #[error("the query failed: {0}")]
    Failed(String),
    /// The store did not answer, or refused.
    #[error("{message}")]
    Store {
        /// What kind of trouble it has.
        kind: StoreErrorKind,
        /// What failed.
        message: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// The lake cannot be read by this release.
    #[error("{message}")]
    Unfit {
        /// What does not fit.
        message: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// There is nothing at all.
    #[error("there is no lake at {0}")]
    NoLake(String),
    /// No object of it is in the lake.
    #[error("the lake holds nothing of {name} yet")]
    NeverMade {
        /// The name in SQL.
        name: &'static str,
        /// Whether it is a raw dataset.
        is_raw: bool,
    },
    /// An object is not what it should be.
    #[error("{} is damaged: {reason}", object.as_ref().map_or("an object that the query read", Key::as_str))]
    Damaged {
        /// Which one, where that is known.
        object: Option<Key>,
        /// What is wrong with it.
        reason: String,
    },
    /// It needs more memory than it may have.
    #[error("the query needs more than {} of memory, and cannot do this step on disk", ByteSize(*limit))]
    Memory {
        /// How much it may have, in bytes.
        limit: u64,
    },
    /// The disk with the scratch directory.
    #[error("failed to work on disk: {0}")]
    Disk(String),
    /// The answer could not be written.
    #[error("failed to write the answer: {0}")]
    Output(String),
    /// Who asked does not want the rest of the answer.
    #[error("nobody reads the rest of the answer")]
    Unwanted,
    /// A fault of Contrail or of its SQL engine.
    #[error("the query broke off: {0}")]
    Broken(String),
}

impl QueryError {
    /// Whether the one who asks, or who set the lake up, must act: it fails again otherwise.
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Wrong { .. } | Self::Unfit { .. } | Self::NoLake(_) => true,
            Self::Store { kind, .. } => *kind == StoreErrorKind::Config,
            _ => false,
        }
    }
}

impl Hinted for QueryError {
    fn hint(&self) -> Option<&str> {
        match self {
            Self::Wrong { hint, .. } => Some(hint),
            Self::Failed(_) => Some("cast or filter what the step cannot work with"),
            Self::Store { hint, .. } | Self::Unfit { hint, .. } => hint.as_deref(),
            Self::NoLake(_) => Some("name the lake with --lake, or crawl one first"),
            Self::NeverMade { is_raw: false, .. } => Some("run `contrail tables build`"),
            Self::NeverMade { is_raw: true, .. } => {
                Some("crawl it first; `contrail status` says what there is")
            }
            Self::Damaged { object: Some(key), .. } if key.is_derived() => {
                Some("run `contrail tables build --rebuild`: tables can be made again at any time")
            }
            Self::Damaged { .. } => {
                Some("run `contrail verify --deep`: it names every object that is damaged")
            }
            Self::Memory { .. } => {
                Some("give it more with --memory, or ask for fewer days, columns or groups")
            }
            Self::Disk(_) => {
                Some("check that the spool directory ([lake] spool_dir) can be written and has room")
            }
            Self::Output(_) => Some("check that the file can be written and its disk has room"),
            Self::Unwanted => None,
            Self::Broken(_) => Some("this is a fault in Contrail or its SQL engine: please report it"),
        }
    }
}

impl From<StoreError> for QueryError {
    fn from(error: StoreError) -> Self {
        Self::from(&error)
    }
}

impl From<&StoreError> for QueryError {
    fn from(error: &StoreError) -> Self {
        let hint = match error.kind {
            StoreErrorKind::Changed => Some("ask again: the table was built anew meanwhile"),
            _ => error.hint(),
        };
        Self::Store { kind: error.kind, message: error.to_string(), hint: hint.map(str::to_owned) }
    }
}

impl From<IdentityError> for QueryError {
    fn from(error: IdentityError) -> Self {
        match &error {
            IdentityError::Store(error) => error.into(),
            IdentityError::Unfit { .. } => {
                Self::Unfit { message: one_line(&error), hint: error.hint().map(str::to_owned) }
            }
        }
    }
}

impl From<datafusion::error::DataFusionError> for QueryError {
    /// Of what goes wrong before there is a text to point into.
    fn from(error: datafusion::error::DataFusionError) -> Self {
        super::explain::cause(&error).unwrap_or_else(|| Self::Broken(one_line(&error)))
    }
}

fn shown(place: Option<&Place>) -> String {
    place.map(ToString::to_string).unwrap_or_default()
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, ", at line {}, column {}\n{}", self.line, self.column, self.excerpt())
    }
}
