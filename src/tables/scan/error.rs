//! Why a table could not be read, and what to do about it.

use crate::base::error::Hinted;
use crate::lake::store::StoreError;

/// Why a table could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// The store did not answer or refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nobody has built the table.
    #[error("the table {table} in {url} was never built")]
    NotBuilt {
        /// The table.
        table: &'static str,
        /// The lake.
        url: String,
    },
    /// The object has other columns than this release knows.
    #[error("{key} was written by another release of Contrail ({writer}): {difference}")]
    OtherRelease {
        /// The key of the object.
        key: String,
        /// Who wrote it, as it says itself.
        writer: String,
        /// How its columns differ from those that this release knows.
        difference: String,
        /// What to do about it.
        hint: String,
    },
    /// The object is no Parquet, or is damaged.
    #[error("{key} is damaged: {reason}")]
    Damaged {
        /// The key of the object.
        key: String,
        /// What is wrong with it.
        reason: String,
        /// What to do about it.
        hint: String,
    },
    /// The object was replaced again and again while it was read.
    #[error("{key} is replaced faster than it can be read")]
    Restless {
        /// The key of the object.
        key: String,
    },
    /// A fault of Contrail.
    #[error("reading a table broke off: {0}")]
    Broken(String),
}

impl Hinted for ScanError {
    fn hint(&self) -> Option<&str> {
        match self {
            Self::Store(error) => error.hint(),
            Self::NotBuilt { .. } => Some("build the tables of this lake: contrail tables build"),
            Self::OtherRelease { hint, .. } | Self::Damaged { hint, .. } => Some(hint),
            Self::Restless { .. } => {
                Some("ask again when the build of the tables that is under way has ended")
            }
            Self::Broken(_) => Some("this is a fault in Contrail: please report it"),
        }
    }
}
