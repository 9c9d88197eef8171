//! Ending well.

use std::sync::Arc;
use std::time::Duration;

use contrail::base::Clock as _;
use contrail::lake::run_log::Outcome;
use tokio::sync::Semaphore;

use crate::support::fake_source::{FakeSource, Reply, window};
use crate::support::rig::Rig;
use crate::support::simulation::simulate;

const SINCE: &str = "2026-11-21T00:00:00Z";

#[test]
fn the_first_signal_lets_running_work_end_and_starts_nothing_new() {
    simulate(async {
        let rig = Rig { concurrency: 2, ..Rig::at("2026-11-21T06:15:00Z") };
        let source = FakeSource::of_windows(&["a"], SINCE);
        let gate = Arc::new(Semaphore::new(0));
        source.otherwise(Reply::Wait(Arc::clone(&gate)));
        let run = rig.start_once(&[&source]).await;
        rig.clock.settle().await;
        rig.stop();
        rig.clock.advance(Duration::from_secs(19)).await;
        gate.add_permits(100);
        let report = rig.end(run).await;
        assert_eq!(source.fetches().len(), 2);
        assert_eq!(rig.stored().await.len(), 2, "what ran could end, and went up");
        assert_eq!(report.datasets["fake_windows"].left, 4);
        assert!(report.interrupted.is_some() && report.is_partial() && report.undelivered == 0);
        assert!(rig.spooled().is_empty());

        let report = rig.once(&[&source]).await;
        assert_eq!(rig.stored().await.len(), 6, "the next run completes it");
        assert!(!report.is_partial());
    });
}

#[test]
fn what_is_not_done_in_the_grace_period_is_cut_and_leaves_no_file() {
    simulate(async {
        let rig = Rig { concurrency: 2, ..Rig::at("2026-11-21T06:15:00Z") };
        let source = FakeSource::of_windows(&["a"], SINCE);
        source.on(&window("a", 0), Reply::Wait(Arc::new(Semaphore::new(0))));
        let run = rig.start_once(&[&source]).await;
        rig.clock.settle().await;
        let started = rig.clock.now();
        rig.stop();
        let report = rig.end(run).await;
        assert_eq!((rig.clock.now() - started).num_seconds(), 20);
        assert_eq!(source.running(), 0);
        assert!(report.interrupted.is_some() && report.is_partial());
        assert!(
            rig.happened().contains(&("a 00:00".to_owned(), Outcome::Interrupted)),
            "{:?}",
            rig.happened()
        );
        assert!(rig.spooled().iter().all(|file| !file.contains(".tmp")), "{:?}", rig.spooled());

        source.forget_fetches();
        rig.once(&[&source]).await;
        assert_eq!(rig.stored().await.len(), 6);
        assert!(rig.spooled().is_empty());
        assert!(source.fetched().contains(&"a 00:00".to_owned()));
    });
}

#[test]
fn an_upload_that_is_cut_waits_in_the_spool() {
    simulate(async {
        let rig = Rig::at("2026-11-21T03:15:00Z");
        let source = FakeSource::of_windows(&["a"], SINCE);
        let run = rig.start_once(&[&source]).await;
        rig.store.slow_down(Duration::from_hours(10));
        rig.clock.settle().await;
        rig.abort();
        let report = rig.end(run).await;
        assert_eq!(report.undelivered, 3);
        rig.store.slow_down(Duration::ZERO);
        rig.once(&[&source]).await;
        assert_eq!((rig.stored().await.len(), source.fetches().len()), (3, 3));
        assert!(rig.spooled().is_empty());
    });
}

#[test]
fn a_run_that_is_done_is_not_interrupted_by_a_late_signal() {
    simulate(async {
        let rig = Rig::at("2026-11-21T03:15:00Z");
        let source = FakeSource::of_windows(&["a"], SINCE);
        let crawler = rig.open(&[&source]).await.unwrap();
        rig.clock.finish(crawler.once()).await;
        rig.stop();
        let report = rig.clock.finish(crawler.once()).await;
        assert!(report.interrupted.is_none() && !report.is_partial(), "nothing was missing: {report:?}");
        rig.clock.finish(crawler.close()).await;
    });
}

#[test]
fn the_longest_duration_of_a_single_run_ends_it_like_a_signal() {
    simulate(async {
        let mut rig = Rig::at("2026-11-21T06:15:00Z");
        rig.options.max_duration = Some(Duration::from_mins(30));
        let source = FakeSource::of_windows(&["a"], SINCE);
        source.on(&window("a", 1), Reply::Wait(Arc::new(Semaphore::new(0))));
        let started = rig.clock.now();
        let report = rig.once(&[&source]).await;
        assert_eq!((rig.clock.now() - started).num_seconds(), 30 * 60 + 20);
        assert!(report.interrupted.is_some());
        assert_eq!(rig.stored().await, ["a 00:00", "a 05:00"]);
    });
}

#[test]
fn a_daemon_that_is_stopped_takes_up_what_it_has() {
    simulate(async {
        let rig = Rig::at("2026-11-21T06:15:00Z");
        let source = FakeSource::of_windows(&["a"], SINCE);
        let daemon = rig.daemon(&[&source]).await;
        rig.store.slow_down(Duration::from_secs(3));
        daemon.beat().await;
        daemon.end().await;
        assert_eq!(rig.stored().await.len(), 6);
        assert_eq!(rig.logs().await.len(), 1);
        assert!(rig.spooled().is_empty());
    });
}
