//! How the uploader is doing, for whoever waits for it or is asked about it. What to do about it is decided elsewhere.

use super::report::Problem;
use crate::base::Time;

/// How the uploader is doing.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    /// Entries that are not up yet.
    pub(super) waiting: u64,
    /// Why nothing goes up; `None` while the store answers.
    pub(super) trouble: Option<Trouble>,
    /// Of those that wait, how many failed while others went up.
    pub(super) stuck: u64,
    /// Why the last one of them failed; `None` when there are none.
    pub(super) stuck_by: Option<Trouble>,
}

impl State {
    /// What keeps anything from going up.
    pub(super) fn problem(&self) -> Option<&Trouble> {
        self.trouble.as_ref().or(self.stuck_by.as_ref())
    }

    /// What keeps everything that still waits from going up.
    pub(super) fn holdup(&self) -> Option<&Trouble> {
        let all_stuck = self.waiting <= self.stuck;
        self.trouble.as_ref().or_else(|| self.stuck_by.as_ref().filter(|_| all_stuck))
    }
}

/// Why nothing goes up, or one object does not.
#[derive(Debug, Clone)]
pub(super) struct Trouble {
    /// Whether it may mend itself; otherwise a person must act.
    pub(super) passing: bool,
    /// What it is.
    pub(super) problem: Problem,
    /// When it began.
    pub(super) since: Time,
}
