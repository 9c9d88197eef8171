//! Time, injected. This is the only file that may ask the machine what time it is or wait for it to pass;
//! everything else takes a [`Clock`], so that tests decide both.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, SubsecRound, TimeDelta, Utc};
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

/// The moment that an HTTP `Date` header tells; `None` when it is none.
pub fn http_date(text: &str) -> Option<Time> {
    DateTime::parse_from_rfc2822(text).ok().map(|date| date.to_utc())
}

/// How far this machine is ahead of a server that told its time, in whole seconds, between `before` and `after`. The
/// answer may have been made at any moment between the two, and told without the fraction of its second: what that
/// explains is no skew.
pub fn skew(before: Time, after: Time, told: Time) -> TimeDelta {
    let next = told + TimeDelta::seconds(1);
    if before > next {
        before - next
    } else if after < told {
        after - told
    } else {
        TimeDelta::zero()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_way_explains_is_no_skew() {
        let time = |text: &str| text.parse::<Time>().unwrap();
        let (before, after) = (time("2026-11-21T20:00:00.900Z"), time("2026-11-21T20:00:03.100Z"));
        for (told, seconds) in [
            ("2026-11-21T20:00:00Z", 0),
            ("2026-11-21T20:00:03Z", 0),
            ("2026-11-21T19:58:00Z", 119),
            ("2026-11-21T20:05:00Z", -296),
        ] {
            assert_eq!(skew(before, after, time(told)).num_seconds(), seconds, "{told}");
        }
    }

    #[test]
    fn a_date_of_http_is_a_moment() {
        let told = http_date("Sat, 21 Nov 2026 20:00:03 GMT").unwrap();
        assert_eq!(told.to_rfc3339(), "2026-11-21T20:00:03+00:00");
        assert_eq!(http_date("yesterday"), None);
    }
}
