//! What may be expected of a dataset: by its nature, and by how it is configured. Pure.

use chrono::TimeDelta;

use crate::sources::History;

/// What may be expected of one dataset.
#[derive(Debug, Clone)]
pub struct Expectation {
    /// Its name.
    pub dataset: &'static str,
    /// What its upstream keeps.
    pub history: History,
    /// Whether it is crawled.
    pub is_crawled: bool,
    /// Whether it is a fault that nothing is there yet.
    pub is_required: bool,
    /// The longest time between two looks at it.
    pub every: TimeDelta,
    /// How long after its end a window is fetched.
    pub settle: TimeDelta,
}

impl Expectation {
    /// How long after the end of its newest slice a stream falls behind, when windows last `window`.
    ///
    /// Windows: when two looks in a row have come to nothing. Slots: the same, but not longer than a slot lasts,
    /// because by then one is lost (unless looks are rarer still). Versions: `None`, for an upstream publishes when
    /// it likes.
    pub fn patience(&self, window: TimeDelta) -> Option<TimeDelta> {
        match self.history {
            History::Windows { .. } => Some(self.every * 2 + self.settle + window),
            History::Slots { interval } => Some((self.every * 2).min(interval).max(self.every)),
            History::Versions => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dataset_of_this_release_has_its_history() {
        for dataset in crate::config::SOURCES {
            assert!(History::of(dataset).is_some(), "{dataset}");
        }
    }

    #[test]
    fn patience_is_two_looks_and_never_a_lost_slot_more() {
        let patience = |history, every| {
            let expectation = Expectation {
                dataset: "d",
                history,
                is_crawled: true,
                is_required: true,
                every: TimeDelta::hours(every),
                settle: TimeDelta::minutes(10),
            };
            expectation.patience(TimeDelta::hours(1)).map(|patience| patience.num_minutes())
        };
        assert_eq!(patience(History::Windows { memory: TimeDelta::days(90) }, 1), Some(3 * 60 + 10));
        let daily = History::Slots { interval: TimeDelta::hours(24) };
        assert_eq!(patience(daily, 1), Some(2 * 60));
        assert_eq!(patience(daily, 24), Some(24 * 60));
        assert_eq!(patience(daily, 72), Some(72 * 60));
        assert_eq!(patience(History::Versions, 12), None);
    }
}
