//! What the upstream of a dataset keeps of its past, whatever the configuration: what follows for coverage is the
//! business of whoever asks. Pure.

use chrono::TimeDelta;

use super::aws::{price_list, savings_plans, spot_advisor, spot_prices};
use super::azure::retail_prices;

/// What an upstream keeps of its past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum History {
    /// What changed, in windows, for so long.
    Windows {
        /// How far back it remembers.
        memory: TimeDelta,
    },
    /// What it published, by version.
    Versions,
    /// Nothing: a slot that is over is gone.
    Slots {
        /// How often a slot starts.
        interval: TimeDelta,
    },
}

impl History {
    /// What the upstream of a dataset keeps; `None` for a dataset that this release does not know.
    pub fn of(dataset: &str) -> Option<Self> {
        match dataset {
            id if id == spot_prices::DATASET.id => Some(Self::Windows { memory: spot_prices::RETENTION }),
            id if [price_list::DATASET.id, savings_plans::DATASET.id].contains(&id) => Some(Self::Versions),
            id if id == spot_advisor::DATASET.id => {
                Some(Self::Slots { interval: spot_advisor::SLOT.delta() })
            }
            id if id == retail_prices::DATASET.id => {
                Some(Self::Slots { interval: retail_prices::SLOT.delta() })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dataset_that_this_release_does_not_know_has_no_history() {
        assert!(History::of(price_list::DATASET.id).is_some());
        assert_eq!(History::of("gcp_skus"), None);
    }
}
