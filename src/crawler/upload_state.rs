//! How the uploader is doing, for whoever waits for it or is asked about it. What to do about it is decided elsewhere.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

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

/// The state, and whoever waits for it to change. They wake in the order in which they came: a `watch` channel wakes
/// them as chance has it, and then no simulated course is like another.
#[derive(Debug, Default)]
pub(super) struct Watched {
    state: Mutex<State>,
    changed: Notify,
}

impl Watched {
    /// How things are.
    pub(super) fn now(&self) -> State {
        self.lock().clone()
    }

    /// Changes how things are, and tells all who wait.
    pub(super) fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_waiters();
    }

    /// Completes with the first change after this call.
    pub(super) fn changed(&self) -> impl Future<Output = ()> {
        self.changed.notified()
    }

    /// Completes once it `is` so.
    pub(super) async fn until(&self, is: impl Fn(&State) -> bool) {
        loop {
            let changed = self.changed();
            if is(&self.lock()) {
                return;
            }
            changed.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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
