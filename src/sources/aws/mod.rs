//! Sources of Amazon Web Services.

mod caller;
mod errors;
pub mod price_list;
pub mod spot_advisor;
pub mod spot_prices;

use std::collections::BTreeSet;

use crate::base::Name;

/// Where AWS is asked when the configuration names no region.
const DEFAULT_REGION: &str = "us-east-1";

/// Which regions of a dataset are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Regions {
    /// Every region that the upstream names.
    All,
    /// These only.
    These(BTreeSet<Name>),
}

impl Regions {
    /// Whether `region` is wanted.
    pub fn hold(&self, region: &Name) -> bool {
        match self {
            Self::All => true,
            Self::These(regions) => regions.contains(region),
        }
    }

    /// The regions that were asked for by name.
    pub fn named(&self) -> impl Iterator<Item = &Name> {
        let named = match self {
            Self::All => None,
            Self::These(regions) => Some(regions),
        };
        named.into_iter().flatten()
    }
}
