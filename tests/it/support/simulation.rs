//! Simulated time: nothing waits, nothing races, and a deadlock fails a test instead of hanging it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};
use std::task::Poll;
use std::time::Duration;

use chrono::TimeDelta;
use contrail::base::{Clock, Time};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::sync::oneshot;

/// How often everything that can go on is let go on before time moves. Each round lets every task run and every
/// blocking job end, so this bounds how many jobs may follow from one another.
const ROUNDS: usize = 40;

/// Runs a test on one thread for tasks and one for blocking jobs, so that it takes the same course each time.
pub(crate) fn simulate<T>(test: impl Future<Output = T>) -> T {
    let runtime =
        tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).enable_all().build().unwrap();
    runtime.block_on(test)
}

/// Tells the time that the test sets. Sleepers wake in order when it passes over them.
#[derive(Debug)]
pub(crate) struct SimulatedClock {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    now: Time,
    sleepers: BTreeMap<(Time, u64), oneshot::Sender<()>>,
    next: u64,
}

impl SimulatedClock {
    /// A clock that stands at `now`.
    pub(crate) fn at(now: &str) -> Self {
        let state = State { now: now.parse().unwrap(), sleepers: BTreeMap::new(), next: 0 };
        Self { state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Lets everything go on that needs no time.
    pub(crate) async fn settle(&self) {
        for _ in 0..ROUNDS {
            breathe().await;
        }
    }

    /// Lets `duration` pass.
    pub(crate) async fn advance(&self, duration: Duration) {
        let end = self.now() + duration;
        loop {
            self.settle().await;
            if !self.wake_next(end) {
                break;
            }
        }
        self.state().now = end;
        self.settle().await;
    }

    /// Lets as much time pass as the future needs. Panics when it would wait for ever.
    pub(crate) async fn finish<T>(&self, future: impl Future<Output = T>) -> T {
        tokio::pin!(future);
        loop {
            for _ in 0..ROUNDS {
                if let Poll::Ready(output) = futures::poll!(future.as_mut()) {
                    return output;
                }
                breathe().await;
            }
            assert!(self.wake_next(Time::MAX_UTC), "deadlock: nobody runs and nobody sleeps");
        }
    }

    /// Moves to the first moment at which somebody wakes, if that is not after `end`.
    fn wake_next(&self, end: Time) -> bool {
        let mut state = self.state();
        state.sleepers.retain(|_, sleeper| !sleeper.is_closed());
        let Some(first) = state.sleepers.first_entry().filter(|first| first.key().0 <= end) else {
            return false;
        };
        let ((at, _), sleeper) = first.remove_entry();
        let _ = sleeper.send(());
        state.now = state.now.max(at);
        true
    }
}

/// Lets every task run that can, and every blocking job end that has begun.
async fn breathe() {
    for _ in 0..3 {
        tokio::task::yield_now().await;
    }
    tokio::task::spawn_blocking(|| ()).await.unwrap();
}

impl Clock for SimulatedClock {
    fn now(&self) -> Time {
        self.state().now
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        if duration.is_zero() {
            return std::future::ready(()).boxed();
        }
        let mut state = self.state();
        let (sleeper, woken) = oneshot::channel();
        let at = state.now + TimeDelta::from_std(duration).unwrap();
        let number = state.next;
        state.next += 1;
        state.sleepers.insert((at, number), sleeper);
        woken.map(|_| ()).boxed()
    }
}
