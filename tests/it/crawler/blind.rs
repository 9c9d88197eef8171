//! The store is away from the start: nobody knows what the lake has, so only the newest of each stream is fetched.

use std::time::Duration;

use contrail::base::Clock as _;
use contrail::lake::run_log::Outcome;
use contrail::lake::store::StoreErrorKind;

use crate::support::fake_source::{FakeSource, VERSIONS};
use crate::support::rig::Rig;
use crate::support::simulation::simulate;

const SINCE: &str = "2026-11-21T00:00:00Z";

#[test]
fn a_store_that_is_away_from_the_start_is_not_stormed_either() {
    simulate(async {
        let regions: Vec<String> = (0..30).map(|number| format!("r{number}")).collect();
        let regions: Vec<&str> = regions.iter().map(String::as_str).collect();
        let rig = Rig { concurrency: 16, ..Rig::at("2026-11-21T08:15:00Z") };
        rig.store.fail(StoreErrorKind::Away);
        let run = rig.start_once(&[&FakeSource::of_windows(&regions, SINCE)]).await;
        rig.clock.settle().await;
        // One at the start, one for the plan, and one for the first of thirty uploads.
        assert_eq!(rig.store.tries().len(), 3, "{:?}", rig.store.tries());
        rig.clock.advance(Duration::from_mins(5)).await;
        assert!(rig.store.tries().len() < 20, "{:?}", rig.store.tries());
        rig.store.mend();
        rig.end(run).await;
        assert_eq!(rig.stored().await.len(), 240);
    });
}

#[test]
fn a_store_that_is_away_at_the_start_gets_the_newest_of_each_stream_and_no_more() {
    simulate(async {
        let rig = Rig::at("2026-11-21T06:15:00Z");
        rig.store.fail(StoreErrorKind::Away);
        let source = FakeSource::of_windows(&["a", "b"], SINCE);
        let daemon = rig.daemon(&[&source]).await;
        daemon.beat().await;
        assert_eq!(source.fetched(), ["a 05:00", "b 05:00"]);
        rig.clock.advance(Duration::from_hours(1)).await;
        daemon.beat().await;
        assert_eq!(source.fetched(), ["a 05:00", "b 05:00", "a 06:00", "b 06:00"]);

        rig.store.mend();
        rig.clock.advance(Duration::from_hours(1)).await;
        daemon.beat().await;
        daemon.end().await;
        assert_eq!(rig.stored().await.len(), 16, "it is made up for");
        assert_eq!(source.fetches().len(), 16, "and nothing was fetched twice");
        let blind: Vec<_> =
            rig.lines().await.into_iter().filter(|(what, _)| what == "fake_windows").collect();
        assert_eq!(blind.len(), 2, "the run logs say why so little was fetched: {blind:?}");
    });
}

#[test]
fn a_single_run_whose_store_comes_back_in_time_completes_its_plan() {
    simulate(async {
        let rig = Rig::at("2026-11-21T06:15:00Z");
        rig.store.fail(StoreErrorKind::Away);
        let source = FakeSource::of_windows(&["a"], SINCE);
        let run = rig.start_once(&[&source]).await;
        rig.clock.advance(Duration::from_mins(5)).await;
        assert_eq!(source.fetches().len(), 1);
        rig.store.mend();
        let report = rig.end(run).await;
        assert_eq!(rig.stored().await.len(), 6);
        assert!(!report.is_partial() && report.undelivered == 0);
    });
}

#[test]
fn a_single_run_whose_store_stays_away_ends_after_the_drain_time_and_names_what_is_left() {
    simulate(async {
        let rig = Rig::at("2026-11-21T06:15:00Z");
        rig.store.fail(StoreErrorKind::Away);
        let source = FakeSource::of_windows(&["a", "b"], SINCE);
        let started = rig.clock.now();
        let report = rig.once(&[&source]).await;
        let took = rig.clock.now() - started;
        assert_eq!(took.num_minutes(), 10, "{took}");
        assert_eq!(report.undelivered, 2);
        assert_eq!(report.store_problem.unwrap().hint.as_deref(), Some("mend the store"));

        rig.store.mend();
        source.forget_fetches();
        let report = rig.once(&[&source]).await;
        assert_eq!(source.fetches().len(), 10, "what waited in the spool is not fetched again");
        assert_eq!(rig.stored().await.len(), 12);
        assert!(!report.is_partial() && report.undelivered == 0 && rig.spooled().is_empty());
    });
}

#[test]
fn a_single_run_that_never_saw_the_lake_does_not_say_that_all_is_well() {
    simulate(async {
        let rig = Rig::at("2026-11-21T06:15:00Z");
        rig.store.fail(StoreErrorKind::Away);
        let source = FakeSource::of_slices(&VERSIONS, vec![]);
        let report = rig.once(&[&source]).await;
        assert!(report.is_partial(), "{report:?}");
    });
}

#[test]
fn windows_that_were_fetched_blindly_and_do_not_fit_the_lake_are_dropped_and_fetched_as_the_lake_cuts_them() {
    simulate(async {
        let older = Rig::at("2026-11-21T00:15:00Z");
        let mut rig = older.beside();
        rig.wanted.spot_window = "2h".parse().unwrap();
        older.once(&[]).await;
        rig.clock.advance(Duration::from_hours(4)).await;

        rig.store.fail(StoreErrorKind::Away);
        let source = FakeSource::of_windows(&["a"], SINCE);
        let run = rig.start_once(&[&source]).await;
        rig.clock.advance(Duration::from_secs(10)).await;
        assert_eq!(source.fetches().len(), 1, "02:00 to 04:00, as this crawler would cut it");
        rig.store.mend();
        let report = rig.end(run).await;

        assert_eq!(rig.stored().await, ["a 00:00", "a 01:00", "a 02:00", "a 03:00"]);
        let logs = rig.logs().await;
        let unfit = logs[0].iter().find(|line| line.outcome == Outcome::Failed).unwrap();
        assert_eq!(unfit.error_kind.as_deref(), Some("unfit"));
        assert!(unfit.error.as_ref().unwrap().contains("20261121T020000Z-20261121T040000Z"));
        assert!(report.undelivered == 0 && rig.spooled().is_empty());
    });
}
