//! Time that passes when the course of events says so, and clocks that show it wrong.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::TimeDelta;
use contrail::base::{Clock, Time};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::sync::oneshot;

/// The true time, and everybody who waits for it to pass.
#[derive(Debug)]
pub(super) struct Timeline {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    now: Time,
    sleepers: BTreeMap<(Time, u64), oneshot::Sender<()>>,
    next: u64,
}

impl Timeline {
    pub(super) fn starting(now: Time) -> Arc<Self> {
        Arc::new(Self { state: Mutex::new(State { now, sleepers: BTreeMap::new(), next: 0 }) })
    }

    pub(super) fn now(&self) -> Time {
        self.state.lock().unwrap().now
    }

    /// When the first sleeper wakes.
    pub(super) fn next_waking(&self) -> Option<Time> {
        let mut state = self.state.lock().unwrap();
        state.sleepers.retain(|_, sleeper| !sleeper.is_closed());
        state.sleepers.first_key_value().map(|((at, _), _)| *at)
    }

    /// Moves to `time` and wakes all whose time has come, as after a nap of the machine.
    pub(super) fn move_to(&self, time: Time) {
        let mut state = self.state.lock().unwrap();
        state.now = state.now.max(time);
        let later = state.sleepers.split_off(&(time, u64::MAX));
        for (_, sleeper) in std::mem::replace(&mut state.sleepers, later) {
            let _ = sleeper.send(());
        }
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        if duration.is_zero() {
            return std::future::ready(()).boxed();
        }
        let mut state = self.state.lock().unwrap();
        let (sleeper, woken) = oneshot::channel();
        let at = state.now + TimeDelta::from_std(duration).unwrap();
        let number = state.next;
        state.next += 1;
        state.sleepers.insert((at, number), sleeper);
        woken.map(|_| ()).boxed()
    }
}

/// The clock of one machine, which may be wrong. Waiting is not: it goes by the true time.
#[derive(Debug)]
pub(super) struct MachineClock {
    timeline: Arc<Timeline>,
    error: Mutex<TimeDelta>,
}

impl MachineClock {
    pub(super) fn right(timeline: &Arc<Timeline>) -> Arc<Self> {
        Arc::new(Self { timeline: Arc::clone(timeline), error: Mutex::new(TimeDelta::zero()) })
    }

    /// Lets the clock jump: from now on it shows the true time and this much more.
    pub(super) fn jump_to(&self, error: TimeDelta) {
        *self.error.lock().unwrap() = error;
    }
}

impl Clock for MachineClock {
    fn now(&self) -> Time {
        self.timeline.now() + *self.error.lock().unwrap()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.timeline.sleep(duration)
    }
}
