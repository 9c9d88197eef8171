//! Time, injected. This is the only file that may ask the machine what time it is or wait for it to pass;
//! everything else takes a [`Clock`], so that tests decide both.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, SubsecRound, Utc};
use futures::future::BoxFuture;

/// A moment, always UTC.
pub type Time = DateTime<Utc>;
/// A day, always UTC.
pub type Date = NaiveDate;

/// Tells the time and waits for it to pass.
pub trait Clock: std::fmt::Debug + Send + Sync {
    /// The current moment.
    fn now(&self) -> Time;
    /// Completes when `duration` has passed.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
}

/// The machine's clock and tokio's timer.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl SystemClock {
    /// The machine's clock behind the trait object that the rest of the house takes.
    pub fn shared() -> Arc<dyn Clock> {
        Arc::new(Self)
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn now(&self) -> Time {
        Utc::now()
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that waits")]
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// Runs `future` for at most `limit`; `None` when the time was up first.
pub async fn within<F: Future>(clock: &dyn Clock, limit: Duration, future: F) -> Option<F::Output> {
    tokio::select! {
        biased;
        output = future => Some(output),
        () = clock.sleep(limit) => None,
    }
}

/// The whole second that `time` lies in. Keys carry seconds, nothing finer.
pub fn whole_second(time: Time) -> Time {
    time.trunc_subsecs(0)
}

/// Midnight (UTC) at which `date` starts.
pub fn midnight(date: Date) -> Time {
    date.and_time(chrono::NaiveTime::MIN).and_utc()
}
