//! The daemon: when a source is crawled.

use std::sync::Arc;
use std::time::Duration;

use contrail::base::Time;
use tokio::sync::Semaphore;

use crate::support::fake_source::{FakeSource, Reply, hour_of, slot, window};
use crate::support::rig::Rig;
use crate::support::simulation::simulate;

#[test]
fn a_source_is_crawled_at_the_start_and_then_by_its_schedule() {
    simulate(async {
        let rig = Rig::at("2026-11-21T03:15:00Z");
        let source = FakeSource::of_slots(&["a"]);
        let daemon = rig.daemon(&[&source]).await;
        for _ in 0..12 {
            daemon.beat().await;
            rig.clock.advance(Duration::from_mins(15)).await;
        }
        daemon.end().await;
        let plans: Vec<String> = source.plans().iter().map(|at| at.format("%H:%M").to_string()).collect();
        assert_eq!(plans, ["03:15", "04:15", "05:15"], "at the first beat after ten past");
    });
}

#[test]
fn a_machine_that_slept_catches_up_with_one_tick() {
    simulate(async {
        let rig = Rig::at("2026-11-21T03:15:00Z");
        let source = FakeSource::of_slots(&["a"]);
        let daemon = rig.daemon(&[&source]).await;
        daemon.beat().await;
        rig.clock.advance(Duration::from_hours(7)).await;
        for _ in 0..5 {
            daemon.beat().await;
        }
        assert_eq!(source.plans().len(), 2);
        daemon.end().await;
    });
}

#[test]
fn a_source_never_overlaps_with_itself_and_begins_with_the_present_when_it_is_due_again() {
    simulate(async {
        let rig = Rig::at("2026-11-21T05:15:00Z");
        let source = FakeSource::of_windows(&["a"], "2026-11-21T00:00:00Z");
        let gate = Arc::new(Semaphore::new(0));
        source.on(&window("a", 0), Reply::Wait(Arc::clone(&gate)));
        let daemon = rig.daemon(&[&source]).await;
        daemon.beat().await;
        assert_eq!(source.fetched(), ["a 04:00", "a 00:00"]);
        rig.clock.advance(Duration::from_hours(1)).await;
        for _ in 0..3 {
            daemon.beat().await;
        }
        assert_eq!((source.plans().len(), source.running()), (1, 1), "it is due, but it is still at it");

        gate.add_permits(1);
        rig.clock.settle().await;
        assert_eq!(source.fetched(), ["a 04:00", "a 00:00", "a 05:00", "a 01:00", "a 02:00", "a 03:00"]);
        assert_eq!(source.most_running(), 1);
        daemon.end().await;
        assert_eq!(rig.logs().await.len(), 1, "all in one tick");
    });
}

#[test]
fn a_slot_that_became_due_while_the_one_before_was_fetched_is_not_missed() {
    simulate(async {
        let rig = Rig::at("2026-11-21T05:15:00Z");
        let source = FakeSource::of_slots(&["a"]);
        let gate = Arc::new(Semaphore::new(0));
        source.on(&slot("a", 5), Reply::Wait(Arc::clone(&gate)));
        let daemon = rig.daemon(&[&source]).await;
        daemon.beat().await;
        rig.clock.advance(Duration::from_mins(58)).await;
        daemon.beat().await;
        gate.add_permits(1);
        rig.clock.settle().await;
        assert_eq!(source.fetched(), ["a 05:00", "a 06:00"]);
        daemon.end().await;
    });
}

#[test]
fn the_present_is_fetched_in_time_even_while_the_store_is_away() {
    simulate(async {
        let rig = Rig::at("2026-11-21T05:15:00Z");
        let source = FakeSource::of_windows(&["a"], "2026-11-21T00:00:00Z");
        let gate = Arc::new(Semaphore::new(0));
        source.on(&window("a", 0), Reply::Wait(Arc::clone(&gate)));
        let daemon = rig.daemon(&[&source]).await;
        rig.store.fail_puts(contrail::lake::store::StoreErrorKind::Away);
        daemon.beat().await;
        rig.clock.advance(Duration::from_hours(1)).await;
        daemon.beat().await;
        gate.add_permits(1);
        rig.clock.settle().await;
        assert_eq!(source.fetched().get(2).map(String::as_str), Some("a 05:00"));
        assert_eq!(source.fetches().len(), 6);
        daemon.end().await;
    });
}

#[test]
fn jitter_starts_a_source_late_but_never_early_and_never_twice() {
    simulate(async {
        let mut rig = Rig::at("2026-11-21T00:00:00Z");
        rig.options.jitter = Duration::from_mins(3);
        let source = FakeSource::of_slots(&["a"]);
        let daemon = rig.daemon(&[&source]).await;
        for _ in 0..60 * 8 {
            daemon.beat().await;
            rig.clock.advance(Duration::from_mins(1)).await;
        }
        daemon.end().await;
        let late: Vec<i64> =
            source.plans().iter().skip(1).map(|at| (*at - hour_of(*at)).num_minutes() - 10).collect();
        let hours: Vec<Time> = source.plans().iter().skip(1).map(|at| hour_of(*at)).collect();
        assert_eq!(hours.len(), 8, "each hour once");
        assert!(hours.windows(2).all(|pair| pair[0] < pair[1]), "{hours:?}");
        assert!(late.iter().all(|minutes| (0..=3).contains(minutes)), "{late:?}");
        assert!(late.iter().any(|minutes| *minutes != late[0]), "not always the same: {late:?}");
    });
}

#[test]
fn a_heart_that_stops_beating_ends_the_crawler_with_an_error() {
    simulate(async {
        let rig = Rig::at("2026-11-21T05:15:00Z");
        let source = FakeSource::of_slots(&["a"]);
        let daemon = rig.daemon(&[&source]).await;
        daemon.beat().await;
        let error = daemon.lose_heart().await.unwrap_err();
        assert_eq!(error.to_string(), "the schedule has stopped beating");
        assert_eq!(rig.stored().await, ["a 05:00"]);
    });
}
