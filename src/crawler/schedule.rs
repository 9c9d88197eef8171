//! When a source is due. tokio-cron-scheduler beats the time once a second (in UTC) and decides nothing: a
//! source is due when one of its moments lies between its last start and now, so a machine that slept through
//! three of them catches up with one tick.

use std::str::FromStr;
use std::time::Duration;

use chrono::TimeDelta;
use croner::Cron;
use tokio::sync::mpsc;
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};

use crate::base::Time;

/// The moments at which a source is crawled.
#[derive(Debug, Clone)]
pub enum Schedule {
    /// Every `period`, counted from midnight UTC of 1970-01-01, `offset` later.
    Every {
        /// The distance between two moments.
        period: TimeDelta,
        /// How long after the round moment: an upstream settles first.
        offset: TimeDelta,
    },
    /// A cron expression with seconds, in UTC.
    Cron(Box<Cron>),
}

impl Schedule {
    /// Reads a cron expression whose first field is the second.
    pub fn cron(expression: &str) -> Result<Self, croner::errors::CronError> {
        let parser = croner::parser::CronParser::builder()
            .seconds(croner::parser::Seconds::Required)
            // As the configuration reads it: a day of the month and a weekday must both fit.
            .dom_and_dow(true)
            .build();
        Ok(Self::Cron(Box::new(parser.parse(expression)?)))
    }

    /// The first moment after `time`; `None` when a cron expression has none left.
    pub fn next_after(&self, time: Time) -> Option<Time> {
        match self {
            Self::Every { period, offset } => {
                let period = period.num_milliseconds().max(1);
                let since = (time - *offset).timestamp_millis();
                let next = (since.div_euclid(period) + 1).checked_mul(period)?;
                Some(Time::from_timestamp_millis(next)? + *offset)
            }
            Self::Cron(cron) => cron.find_next_occurrence(&time, false).ok(),
        }
    }

    /// The longest time between two moments that follow each other: over the next 200 of a cron expression, which
    /// is a weekend more than a week of hours.
    pub fn longest_gap(&self, after: Time) -> TimeDelta {
        if let Self::Every { period, .. } = self {
            return *period;
        }
        let mut moments =
            std::iter::successors(self.next_after(after), |last| self.next_after(*last)).take(200);
        let Some(mut last) = moments.next() else { return TimeDelta::zero() };
        let gaps = moments.map(|moment| moment - std::mem::replace(&mut last, moment));
        gaps.max().unwrap_or_default()
    }
}

impl FromStr for Schedule {
    type Err = croner::errors::CronError;

    fn from_str(expression: &str) -> Result<Self, Self::Err> {
        Self::cron(expression)
    }
}

/// Keeps the pace of one source: when it started last, and how much later than the schedule it starts.
#[derive(Debug)]
pub struct Pace {
    schedule: Schedule,
    started: Option<Time>,
    next: Option<Time>,
    pause: TimeDelta,
}

/// How soon after a tick that failed the next one starts, at first; it doubles with each that fails too.
const FIRST_PAUSE: TimeDelta = TimeDelta::minutes(5);
const LONGEST_PAUSE: TimeDelta = TimeDelta::hours(1);

impl Pace {
    /// A source that is due at once: whatever it missed while nothing ran is caught up with one tick.
    pub fn due_now(schedule: Schedule, now: Time) -> Self {
        Self { schedule, started: None, next: Some(now), pause: FIRST_PAUSE }
    }

    /// Whether the source is due. It is, too, when the clock was put back to before the last start: the next moment
    /// was counted by a clock that was wrong, and may be far away.
    pub fn is_due(&self, now: Time) -> bool {
        self.next.is_some_and(|next| next <= now) || self.started.is_some_and(|started| now < started)
    }

    /// Notes a start at `now`; the next one is `jitter` after the schedule's next moment.
    pub fn started(&mut self, now: Time, jitter: Duration) {
        let jitter = TimeDelta::from_std(jitter).unwrap_or_default();
        self.started = Some(now);
        // Counted from the moment without jitter, or a late start would skip the next moment.
        self.next = self.schedule.next_after(now).map(|next| next + jitter);
    }

    /// Notes how a tick ended at `now`. After a failure the source is due again soon, not only at the schedule's
    /// next moment: by then a feed without a memory has forgotten.
    pub fn ended(&mut self, now: Time, clean: bool) {
        if clean {
            self.pause = FIRST_PAUSE;
            return;
        }
        let again = now + self.pause;
        self.next = Some(self.next.map_or(again, |next| next.min(again)));
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }

    /// The next start.
    pub fn next(&self) -> Option<Time> {
        self.next
    }
}

/// Beats until it is stopped: the crawler looks at its schedules with each beat.
pub struct Heartbeat {
    beats: mpsc::Receiver<()>,
    scheduler: Option<JobScheduler>,
}

impl Heartbeat {
    /// Starts beating once a second.
    pub async fn start() -> Result<Self, JobSchedulerError> {
        let (sender, beats) = mpsc::channel(1);
        let scheduler = JobScheduler::new().await?;
        let job = Job::new("* * * * * *", move |_, _| {
            // A full channel means that the last beat has not been heard yet: one is enough.
            let _ = sender.try_send(());
        })?;
        scheduler.add(job).await?;
        scheduler.start().await?;
        Ok(Self { beats, scheduler: Some(scheduler) })
    }

    /// A heart that beats when it is told to: for simulations, whose time is not the machine's.
    pub fn by_hand() -> (mpsc::Sender<()>, Self) {
        let (sender, beats) = mpsc::channel(1);
        (sender, Self { beats, scheduler: None })
    }

    /// Waits for the next beat; `None` when there will be none any more.
    pub async fn beat(&mut self) -> Option<()> {
        self.beats.recv().await
    }

    /// Stops beating.
    pub async fn stop(self) {
        let Some(mut scheduler) = self.scheduler else { return };
        if let Err(error) = scheduler.shutdown().await {
            tracing::debug!(%error, "the scheduler did not stop cleanly");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Time {
        text.parse().unwrap()
    }

    fn hourly() -> Schedule {
        Schedule::Every { period: TimeDelta::hours(1), offset: TimeDelta::minutes(10) }
    }

    #[test]
    fn every_hour_means_after_the_window_has_settled() {
        let next = |now| hourly().next_after(time(now)).unwrap().to_rfc3339();
        assert_eq!(next("2026-11-21T20:00:00Z"), "2026-11-21T20:10:00+00:00");
        assert_eq!(next("2026-11-21T20:10:00Z"), "2026-11-21T21:10:00+00:00");
        assert_eq!(next("2026-11-21T20:09:59.999Z"), "2026-11-21T20:10:00+00:00");
    }

    #[test]
    fn a_cron_expression_is_read_in_utc_with_seconds() {
        let schedule = Schedule::cron("0 12 * * * *").unwrap();
        assert_eq!(schedule.next_after(time("2026-11-21T20:12:00Z")), Some(time("2026-11-21T21:12:00Z")));
        assert!(Schedule::cron("12 * * * *").is_err(), "without seconds it would mean something else");
        assert!(Schedule::cron("every hour").is_err());
    }

    #[test]
    fn the_longest_gap_of_a_schedule_is_known() {
        let gap = |schedule: Schedule| schedule.longest_gap(time("2026-11-21T20:00:00Z")).num_hours();
        assert_eq!(gap(hourly()), 1);
        assert_eq!(gap(Schedule::cron("0 0 18 * * *").unwrap()), 24);
        assert_eq!(gap(Schedule::cron("0 12 * * * MON-FRI").unwrap()), 49, "over the weekend");
    }

    #[test]
    fn a_machine_that_slept_catches_up_with_one_tick() {
        let mut pace = Pace::due_now(hourly(), time("2026-11-21T20:00:00Z"));
        assert!(pace.is_due(time("2026-11-21T20:00:00Z")));
        pace.started(time("2026-11-21T20:00:00Z"), Duration::from_secs(30));
        assert!(!pace.is_due(time("2026-11-21T20:10:29Z")));
        assert!(pace.is_due(time("2026-11-21T20:10:30Z")));
        assert!(pace.is_due(time("2026-11-22T09:00:00Z")), "slept through the night");
        pace.started(time("2026-11-22T09:00:00Z"), Duration::ZERO);
        assert!(!pace.is_due(time("2026-11-22T09:00:01Z")), "once, not thirteen times");
        assert_eq!(pace.next(), Some(time("2026-11-22T09:10:00Z")));
    }

    #[test]
    fn a_clock_that_is_put_back_does_not_stop_the_crawl() {
        let mut pace = Pace::due_now(hourly(), time("2027-01-01T00:00:00Z"));
        pace.started(time("2027-01-01T00:00:00Z"), Duration::ZERO);
        let put_back = time("2026-11-21T20:00:00Z");
        assert!(pace.is_due(put_back), "not only next year");
        pace.started(put_back, Duration::ZERO);
        assert!(!pace.is_due(put_back));
        assert_eq!(pace.next(), Some(time("2026-11-21T20:10:00Z")));
    }

    #[test]
    fn a_failed_tick_is_tried_again_soon_and_ever_later() {
        let daily = Schedule::Every { period: TimeDelta::hours(24), offset: TimeDelta::zero() };
        let mut now = time("2026-11-21T00:00:10Z");
        let mut pace = Pace::due_now(daily, now);
        for minutes in [5, 10, 20, 40, 60, 60] {
            pace.started(now, Duration::ZERO);
            pace.ended(now, false);
            now += TimeDelta::minutes(minutes);
            assert_eq!(pace.next(), Some(now));
        }
        pace.started(now, Duration::ZERO);
        pace.ended(now, true);
        assert_eq!(pace.next(), Some(time("2026-11-22T00:00:00Z")));
        pace.started(now, Duration::ZERO);
        pace.ended(now, false);
        assert_eq!(pace.next(), Some(now + TimeDelta::minutes(5)), "what went well is forgotten trouble");
    }

    #[tokio::test]
    async fn the_heart_beats() {
        let mut heartbeat = Heartbeat::start().await.unwrap();
        assert_eq!(heartbeat.beat().await, Some(()));
        heartbeat.stop().await;
    }
}
