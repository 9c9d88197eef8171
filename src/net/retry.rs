//! Patience: the one place that decides whether and when plain HTTP is tried again.

use std::time::Duration;

use reqwest::header::{HeaderMap, RETRY_AFTER};

use super::{Meter, NetError, NetErrorKind};
use crate::base::{Chance, Clock, Time};

/// Who asks for more than this is not believed.
const LONGEST_RETRY_AFTER: Duration = Duration::from_hours(24);

/// How patient we are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryTimes {
    /// The longest wait before the second try; it doubles from try to try.
    pub initial: Duration,
    /// Where doubling ends.
    pub longest: Duration,
    /// How often an operation is tried, the first time included.
    pub tries: u32,
    /// How long all waits of an operation may last together. The requests themselves are not counted: a body of
    /// a gigabyte may rightly take longer than any sensible wait.
    pub total: Duration,
    /// How many tries may end in [`NetErrorKind::Refused`] before it is believed. One, unless the server is known
    /// to say 403 when it means 429.
    pub refusals: u32,
}

impl Default for RetryTimes {
    fn default() -> Self {
        Self {
            initial: Duration::from_secs(1),
            longest: Duration::from_secs(30),
            tries: 6,
            total: Duration::from_mins(5),
            refusals: 1,
        }
    }
}

impl RetryTimes {
    /// The upper bound of the wait after the try that is the `failed`th to fail (from 1).
    fn bound(&self, failed: u32) -> Duration {
        let doublings = failed.saturating_sub(1).min(30);
        self.initial.saturating_mul(1 << doublings).min(self.longest)
    }
}

/// The patience that one operation has left: exponential backoff with full jitter, never less than what the
/// server asked for.
#[derive(Debug)]
pub struct Retry<'a> {
    times: RetryTimes,
    clock: &'a dyn Clock,
    chance: &'a Chance,
    failed: u32,
    refused: u32,
    waited: Duration,
}

impl<'a> Retry<'a> {
    pub(super) fn new(times: RetryTimes, clock: &'a dyn Clock, chance: &'a Chance) -> Self {
        Self { times, clock, chance, failed: 0, refused: 0, waited: Duration::ZERO }
    }

    /// Returns when the operation should be tried again. Gives `error` back when it cannot pass by itself or
    /// when patience is spent.
    pub async fn after(&mut self, error: NetError, meter: &dyn Meter) -> Result<(), NetError> {
        let asked = match error.kind {
            NetErrorKind::Away { after } => after.unwrap_or_default(),
            NetErrorKind::Refused if self.refused + 1 < self.times.refusals => {
                self.refused += 1;
                Duration::ZERO
            }
            _ => return Err(error),
        };
        self.failed += 1;
        let wait = self.chance.up_to(self.times.bound(self.failed)).max(asked);
        if self.failed >= self.times.tries || self.waited + wait > self.times.total {
            return Err(error);
        }
        tracing::debug!(%error, failed = self.failed, wait_ms = wait.as_millis(), "trying again after a wait");
        self.waited += wait;
        self.clock.sleep(wait).await;
        meter.retry();
        Ok(())
    }
}

/// How long the server asked us to wait, in either form of RFC 9110 §10.2.3: seconds or a date. At most a day.
pub(super) fn retry_after(headers: &HeaderMap, now: Time) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let asked = if let Ok(seconds) = text.parse() {
        Duration::from_secs(seconds)
    } else {
        let date = chrono::DateTime::parse_from_rfc2822(text).ok()?;
        (date.to_utc() - now).to_std().unwrap_or_default()
    };
    Some(asked.min(LONGEST_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let times = RetryTimes::default();
        let bounds: Vec<u64> = (1..=8).map(|failed| times.bound(failed).as_secs()).collect();
        assert_eq!(bounds, [1, 2, 4, 8, 16, 30, 30, 30]);
        assert_eq!(times.bound(u32::MAX), times.longest);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now: Time = "2026-11-21T08:49:30Z".parse().unwrap();
        let read = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, text.parse().unwrap());
            retry_after(&headers, now)
        };
        assert_eq!(read("120"), Some(Duration::from_mins(2)));
        assert_eq!(read("Sat, 21 Nov 2026 08:49:37 GMT"), Some(Duration::from_secs(7)));
        assert_eq!(read("9999999999999"), Some(LONGEST_RETRY_AFTER));
        assert_eq!(read("Sat, 21 Nov 2026 08:00:00 GMT"), Some(Duration::ZERO), "a date that has passed");
        for odd in ["soon", "-1", "", "99999999999999999999"] {
            assert_eq!(read(odd), None, "{odd:?}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }
}
