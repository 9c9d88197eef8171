//! A clock that never waits.

use std::sync::Mutex;
use std::time::Duration;

use contrail::base::{Clock, Time};
use futures::FutureExt as _;
use futures::future::BoxFuture;

/// Tells the time that it was set to; waiting moves it on at once and is written down.
#[derive(Debug)]
pub(crate) struct TestClock {
    now: Mutex<Time>,
    slept: Mutex<Vec<Duration>>,
}

impl TestClock {
    /// A clock that stands at `now`.
    pub(crate) fn at(now: &str) -> Self {
        Self { now: Mutex::new(now.parse().unwrap()), slept: Mutex::default() }
    }

    /// Every wait so far.
    pub(crate) fn slept(&self) -> Vec<Duration> {
        self.slept.lock().unwrap().clone()
    }
}

impl Clock for TestClock {
    fn now(&self) -> Time {
        *self.now.lock().unwrap()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        *self.now.lock().unwrap() += duration;
        self.slept.lock().unwrap().push(duration);
        futures::future::ready(()).boxed()
    }
}
