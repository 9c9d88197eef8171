//! A crawl as the product does it, from a real source through the spool into a real store, at a time that the test
//! chooses.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::TimeDelta;
use contrail::base::units::Period;
use contrail::base::{Chance, Clock, Time};
use contrail::crawler::{Crawler, LakeSetup, Options, Schedule, Scheduled, Shutdown, Silent, Tally};
use contrail::lake::identity::{FORMAT, Identity, UPSTREAM};
use contrail::net::{Client, HttpOptions};
use contrail::sources::Source;
use futures::future::BoxFuture;
use tempfile::TempDir;

use super::place::Place;

/// Shows the time that it was set to. Who waits, waits: the crawler's pauses are real.
#[derive(Debug)]
pub(crate) struct SetClock(Mutex<Time>);

impl Clock for SetClock {
    fn now(&self) -> Time {
        *self.0.lock().unwrap()
    }

    #[expect(clippy::disallowed_methods, reason = "a clock is what others wait by")]
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// Crawls into one place, each time with a crawler of its own, as a process that starts anew.
#[derive(Debug)]
pub(crate) struct Crawl<'a> {
    place: &'a Place,
    clock: Arc<SetClock>,
    spool: TempDir,
    spot_window: Period,
}

impl<'a> Crawl<'a> {
    /// A lake in `place` that will be made at `now`.
    pub(crate) fn new(place: &'a Place, now: &str) -> Self {
        let clock = Arc::new(SetClock(Mutex::new(now.parse().unwrap())));
        Self { place, clock, spool: TempDir::new().unwrap(), spot_window: "1h".parse().unwrap() }
    }

    /// With spot windows of another length.
    pub(crate) fn with_spot_window(self, spot_window: &str) -> Self {
        Self { spot_window: spot_window.parse().unwrap(), ..self }
    }

    /// Lets time pass, or not.
    pub(crate) fn set_time(&self, now: &str) {
        *self.clock.0.lock().unwrap() = now.parse().unwrap();
    }

    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock) as Arc<dyn Clock>
    }

    /// The HTTP client of the product.
    pub(crate) fn client(&self) -> Client {
        let options = HttpOptions {
            timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(5),
            max_connections_per_host: 4,
            user_agent: "contrail/test".to_owned(),
            proxy: contrail::net::Proxying::Direct,
        };
        Client::new(options, self.clock(), Arc::new(Chance::seeded(1))).unwrap()
    }

    /// One tick of `source`, until everything of it is in the lake and the spool is empty.
    pub(crate) async fn once(&self, source: Arc<dyn Source>) -> Tally {
        let dataset = source.dataset().id;
        let lake = LakeSetup {
            store: Arc::clone(&self.place.store),
            wanted: Identity {
                format: FORMAT,
                created_at: self.clock.now(),
                origin: UPSTREAM.to_owned(),
                spot_window: self.spot_window,
            },
            spool_root: self.spool.path().join("spool"),
            spool_limit: 1 << 30,
            gzip_level: 6,
        };
        let schedule = Schedule::Every { period: TimeDelta::hours(1), offset: TimeDelta::zero() };
        let options = Options {
            grace: Duration::from_secs(1),
            drain: Duration::from_mins(1),
            jitter: Duration::ZERO,
            max_duration: None,
        };
        let crawler = Crawler::open(
            lake,
            vec![Scheduled { source, schedule, concurrency: 4 }],
            options,
            self.clock(),
            Arc::new(Chance::from_entropy()),
            Arc::new(Silent),
            Shutdown::default(),
        );
        let crawler = crawler.await.unwrap();
        let mut report = crawler.once().await;
        crawler.close().await;
        assert_eq!((report.undelivered, &report.store_problem), (0, &None), "in {}", self.place.name);
        let left = std::fs::read_dir(self.spool.path()).unwrap().count();
        assert_eq!(left, 0, "something stayed in the spool of the lake in {}", self.place.name);
        report.datasets.remove(dataset).unwrap()
    }
}
