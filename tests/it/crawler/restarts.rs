//! Processes that are killed: what they finished goes up with the next one.

use std::time::Duration;

use contrail::lake::run_log::Outcome;
use contrail::lake::store::StoreErrorKind;
use contrail::sources::FetchErrorKind;

use crate::support::fake_source::{FakeSource, Reply, window};
use crate::support::rig::Rig;
use crate::support::simulation::simulate;

const SINCE: &str = "2026-11-21T00:00:00Z";

#[test]
fn what_a_killed_process_had_finished_goes_up_with_its_lines_and_its_log_says_interrupted() {
    let rig = Rig::at("2026-11-21T03:15:00Z");
    let source = FakeSource::of_windows(&["a", "b"], SINCE);
    source.on(&window("b", 2), Reply::Fail(FetchErrorKind::Retry { after: None }));
    // The end of the runtime ends everything in the middle, as a kill does.
    simulate(async {
        let _run = rig.start_once(&[&source]).await;
        rig.store.fail_puts(StoreErrorKind::Away);
        rig.clock.advance(Duration::from_secs(20)).await;
        assert_eq!(source.fetches().len(), 4);
    });
    assert!(rig.spooled().iter().any(|file| file.ends_with(".run.ndjson")), "{:?}", rig.spooled());

    rig.store.mend();
    source.forget_fetches();
    simulate(async {
        let report = rig.once(&[&source]).await;
        assert_eq!(source.fetched(), ["b 02:00", "b 00:00", "b 01:00"], "a is in the spool already");
        assert_eq!(rig.stored().await.len(), 6);
        assert!(!report.is_partial() && rig.spooled().is_empty());

        let logs = rig.logs().await;
        assert_eq!(logs.len(), 3, "the killed run's, what was taken up, and the new run's");
        let killed =
            logs.iter().find(|log| log.iter().any(|line| line.outcome == Outcome::Interrupted)).unwrap();
        let outcomes: Vec<_> = killed.iter().map(|line| line.outcome).collect();
        assert_eq!(outcomes, [Outcome::Failed, Outcome::Interrupted]);
        let taken_up = logs
            .iter()
            .find(|log| log.iter().all(|line| line.stream.as_deref() == Some("region=a")))
            .unwrap();
        assert_eq!(taken_up.len(), 3);
        assert!(taken_up.iter().all(|line| line.outcome == Outcome::Stored && line.run == killed[0].run));
    });
}

#[test]
fn a_process_that_is_killed_again_and_again_loses_nothing_and_doubles_nothing() {
    let rig = Rig { concurrency: 3, ..Rig::at("2026-11-21T12:15:00Z") };
    let source = FakeSource::of_windows(&["a", "b"], SINCE);
    for life in 0..12_u64 {
        simulate(async {
            let _run = rig.start_once(&[&source]).await;
            if life % 3 == 1 {
                rig.store.fail_puts(StoreErrorKind::Away);
            } else {
                rig.store.mend();
            }
            // Each life is cut at another point.
            for _ in 0..life * 5 {
                tokio::task::yield_now().await;
            }
        });
    }
    rig.store.mend();
    simulate(async {
        let report = rig.once(&[&source]).await;
        assert_eq!(rig.stored().await.len(), 24);
        assert!(!report.is_partial() && report.undelivered == 0);
        assert!(rig.spooled().is_empty(), "{:?}", rig.spooled());
        for (_, outcome) in rig.lines().await {
            assert_ne!(outcome, Outcome::Failed);
        }
    });
}

#[test]
fn a_killed_process_that_left_nothing_finished_leaves_nothing_behind() {
    let rig = Rig::at("2026-11-21T03:15:00Z");
    let source = FakeSource::of_windows(&["a"], SINCE);
    source.otherwise(Reply::Wait(std::sync::Arc::new(tokio::sync::Semaphore::new(0))));
    simulate(async {
        let _run = rig.start_once(&[&source]).await;
        rig.clock.settle().await;
    });
    source.otherwise(Reply::rows(0..1));
    simulate(async {
        rig.once(&[&source]).await;
        assert_eq!(rig.stored().await.len(), 3);
        assert_eq!(rig.logs().await.len(), 1);
        assert!(rig.spooled().is_empty());
    });
}
