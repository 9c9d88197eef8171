//! Sources of Amazon Web Services.

pub mod bulk;
mod caller;
mod errors;
pub mod price_list;
pub mod savings_plans;
pub mod spot_advisor;
pub mod spot_prices;

use std::collections::BTreeSet;

use crate::base::Name;

/// Where AWS is asked when the configuration names no region.
const DEFAULT_REGION: &str = "us-east-1";

/// Which regions of a dataset are wanted.
pub type Regions = Names;

/// Which of the things of one sort that an upstream names are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Names {
    /// Every one that the upstream names.
    All,
    /// These only.
    These(BTreeSet<Name>),
}

impl Names {
    /// Whether `name` is wanted.
    pub fn hold(&self, name: &Name) -> bool {
        match self {
            Self::All => true,
            Self::These(names) => names.contains(name),
        }
    }

    /// Those that were asked for by name.
    pub fn named(&self) -> impl Iterator<Item = &Name> {
        let named = match self {
            Self::All => None,
            Self::These(names) => Some(names),
        };
        named.into_iter().flatten()
    }
}
