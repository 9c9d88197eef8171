//! Why a question has no answer at all.

use crate::base::error::Hinted;
use crate::lake::store::{StoreError, StoreErrorKind};
use crate::tables::scan::ScanError;

/// Why a question has no answer at all.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// A table cannot be read.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// The store did not answer or refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The lake has nothing of what was asked for.
    #[error("{message}")]
    Unheard {
        /// What the lake does not have.
        message: String,
        /// What it has instead.
        hint: String,
    },
}

impl AskError {
    /// Whether it may be gone when the question is asked again as it is.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Scan(ScanError::Store(error)) | Self::Store(error) => error.kind != StoreErrorKind::Config,
            Self::Scan(ScanError::Restless { .. } | ScanError::Broken(_) | ScanError::Damaged { .. }) => true,
            Self::Scan(ScanError::NotBuilt { .. } | ScanError::OtherRelease { .. })
            | Self::Unheard { .. } => false,
        }
    }
}

impl Hinted for AskError {
    fn hint(&self) -> Option<&str> {
        match self {
            Self::Scan(error) => error.hint(),
            Self::Store(error) => error.hint(),
            Self::Unheard { hint, .. } => Some(hint),
        }
    }
}
