//! The store is away, refuses, is full, or forgets to answer: nothing is lost, nothing is fetched twice, and
//! nobody storms.

use std::time::Duration;

use contrail::base::Clock as _;
use contrail::lake::key::Prefix;
use contrail::lake::run_log::Outcome;
use contrail::lake::slice::Slice;
use contrail::lake::store::StoreErrorKind;
use contrail::sources::{FetchErrorKind, Plan};

use crate::support::fake_source::{FakeSource, Reply, VERSIONS, version};
use crate::support::heard::Heard;
use crate::support::rig::Rig;
use crate::support::simulation::simulate;

const SINCE: &str = "2026-11-21T00:00:00Z";

fn raw(puts: Vec<String>) -> Vec<String> {
    puts.into_iter()
        .filter(|put| put.starts_with("raw/"))
        .map(|put| crate::support::rig::slice_label(&put))
        .collect()
}

#[test]
fn while_the_store_is_away_results_wait_in_the_spool_and_go_up_in_order_when_it_is_back() {
    simulate(async {
        let rig = Rig::at("2026-11-21T08:15:00Z");
        let source = FakeSource::of_windows(&["a", "b"], SINCE);
        let run = rig.start_once(&[&source]).await;
        rig.store.fail_puts(StoreErrorKind::Away);
        rig.clock.advance(Duration::from_mins(2)).await;
        assert_eq!(source.fetches().len(), 16, "crawling goes on");
        assert!(rig.stored().await.is_empty());
        rig.store.forget_tries();
        rig.store.mend();

        let report = rig.end(run).await;
        let (puts, mut fetched) = (raw(rig.store.puts()), source.fetched());
        // The one that finds the store back may be another than the oldest.
        fetched.retain(|slice| *slice != puts[0]);
        assert_eq!(puts[1..], fetched, "as they were fetched");
        assert_eq!(source.fetches().len(), 16, "and none was fetched twice");
        assert_eq!(report.datasets["fake_windows"].count(Outcome::Stored), 16);
        assert!(!report.is_partial() && report.undelivered == 0);
        assert_eq!(rig.logs().await[0].len(), 16, "the run log went up too");
    });
}

#[test]
fn a_store_that_is_away_is_tried_with_one_object_at_a_time_at_growing_distances() {
    simulate(async {
        let rig = Rig { concurrency: 8, ..Rig::at("2026-11-21T08:15:00Z") };
        let source = FakeSource::of_windows(&["a", "b", "c"], SINCE);
        let run = rig.start_once(&[&source]).await;
        rig.store.slow_down(Duration::from_secs(1));
        rig.clock.advance(Duration::from_secs(1)).await;
        assert_eq!(rig.store.most_running(), 8, "the first one went up, and now many are on their way");
        rig.store.fail_puts(StoreErrorKind::Away);
        rig.clock.advance(Duration::from_secs(1)).await;
        let failed = rig.clock.now();
        rig.store.slow_down(Duration::ZERO);
        rig.store.forget_tries();
        rig.clock.advance(Duration::from_mins(9)).await;

        let mut times = vec![failed];
        times.extend(rig.store.tries().into_iter().map(|(at, _)| at));
        let gaps: Vec<f64> = times.windows(2).map(|pair| (pair[1] - pair[0]).as_seconds_f64()).collect();
        let longest = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0].into_iter().chain(std::iter::repeat(60.0));
        for (gap, longest) in gaps.iter().zip(longest) {
            assert!((longest / 2.0..=longest).contains(gap), "eight failures at once count as one: {gaps:?}");
        }
        assert!((12..=24).contains(&gaps.len()), "{} tries in 9 minutes", gaps.len());
        rig.store.mend();
        rig.end(run).await;
        assert_eq!(rig.stored().await.len(), 24);
    });
}

#[test]
fn trouble_and_its_end_are_said_once_each() {
    simulate(async {
        let (heard, _guard) = Heard::start();
        let rig = Rig { concurrency: 8, ..Rig::at("2026-11-21T08:15:00Z") };
        let source = FakeSource::of_windows(&["a", "b"], SINCE);
        let run = rig.start_once(&[&source]).await;
        rig.store.fail_puts(StoreErrorKind::Away);
        rig.clock.advance(Duration::from_mins(3)).await;
        rig.store.mend();
        rig.end(run).await;
        assert_eq!(heard.count("the store fails: Away"), 1);
        assert_eq!(heard.count("the store is back"), 1);
    });
}

#[test]
fn an_upload_whose_answer_was_lost_is_known_as_our_own() {
    simulate(async {
        let rig = Rig::at("2026-11-21T03:15:00Z");
        let source = FakeSource::of_windows(&["a"], SINCE);
        let run = rig.start_once(&[&source]).await;
        rig.store.lose_answers(1);
        let report = rig.end(run).await;
        let tally = &report.datasets["fake_windows"];
        assert_eq!((tally.count(Outcome::Stored), tally.count(Outcome::Exists)), (3, 0));
        assert_eq!(raw(rig.store.puts()).len(), 4, "one was put twice");
    });
}

#[test]
fn an_object_that_the_store_only_claims_to_have_is_not_given_up() {
    simulate(async {
        let rig = Rig::at("2026-11-21T03:15:00Z");
        let source = FakeSource::of_windows(&["a"], SINCE);
        let run = rig.start_once(&[&source]).await;
        rig.store.claim_to_have(2);
        let report = rig.end(run).await;
        assert_eq!(report.datasets["fake_windows"].count(Outcome::Stored), 3);
        assert_eq!(rig.stored().await.len(), 3);
    });
}

#[test]
fn a_mark_whose_answer_was_lost_is_known_as_our_own() {
    simulate(async {
        let rig = Rig::at("2026-11-21T03:15:00Z");
        let source = FakeSource::of_slices(&VERSIONS, vec![version("a", 1)]);
        source.otherwise(Reply::Fail(FetchErrorKind::Gone));
        let run = rig.start_once(&[&source]).await;
        rig.store.lose_answers(1);
        let report = rig.end(run).await;
        assert_eq!(report.datasets["fake_versions"].count(Outcome::Lost), 1);
    });
}

#[test]
fn a_store_that_refuses_ends_the_wait_at_once() {
    for kind in [StoreErrorKind::Config, StoreErrorKind::Full] {
        simulate(async {
            let rig = Rig::at("2026-11-21T06:15:00Z");
            let source = FakeSource::of_windows(&["a"], SINCE);
            let run = rig.start_once(&[&source]).await;
            rig.store.fail_puts(kind);
            let started = rig.clock.now();
            let report = rig.end(run).await;
            assert_eq!(rig.clock.now(), started, "{kind:?}");
            assert!(report.undelivered > 0 && report.store_problem.is_some());
            assert_eq!(source.fetches().len(), 6, "crawling went on into the spool");
        });
    }
}

#[test]
fn a_full_spool_holds_crawling_up_until_there_is_room_and_no_slice_is_lost() {
    simulate(async {
        let rig = Rig { concurrency: 2, spool_limit: 1, ..Rig::at("2026-11-21T08:15:00Z") };
        let source = FakeSource::of_windows(&["a"], SINCE);
        let run = rig.start_once(&[&source]).await;
        rig.store.fail_puts(StoreErrorKind::Away);
        rig.clock.advance(Duration::from_mins(2)).await;
        assert_eq!(source.fetches().len(), 2, "those that were on their way when it became full");
        rig.store.mend();
        let report = rig.end(run).await;
        assert_eq!(rig.stored().await.len(), 8);
        assert_eq!(source.fetches().len(), 8);
        assert!(!report.is_partial());
    });
}

#[test]
fn a_single_run_with_a_full_spool_and_no_store_ends_after_the_drain_time() {
    simulate(async {
        let rig = Rig { concurrency: 2, spool_limit: 1, ..Rig::at("2026-11-21T08:15:00Z") };
        let source = FakeSource::of_windows(&["a"], SINCE);
        let run = rig.start_once(&[&source]).await;
        rig.store.fail_puts(StoreErrorKind::Away);
        let started = rig.clock.now();
        let report = rig.end(run).await;
        assert_eq!((rig.clock.now() - started).num_minutes(), 10);
        assert_eq!(report.datasets["fake_windows"].left, 6);
        assert_eq!(report.undelivered, 2);
        assert!(report.is_partial());
    });
}

#[test]
fn a_daemon_with_a_full_spool_waits_for_as_long_as_it_takes() {
    simulate(async {
        let rig = Rig { spool_limit: 1, ..Rig::at("2026-11-21T08:15:00Z") };
        let (heard, _guard) = Heard::start();
        let source = FakeSource::of_windows(&["a"], SINCE);
        let daemon = rig.daemon(&[&source]).await;
        rig.store.fail_puts(StoreErrorKind::Config);
        daemon.beat().await;
        rig.clock.advance(Duration::from_hours(5)).await;
        assert_eq!(source.fetches().len(), 1);
        assert_eq!(heard.count("the spool is full: crawling waits until the store takes something up"), 1);
        let (well, health) = daemon.crawler.health();
        assert!(!well, "{health}");
        assert_eq!(health["store_trouble"], "the store fails: Config");
        rig.store.mend();
        rig.clock.advance(Duration::from_mins(2)).await;
        assert_eq!(rig.stored().await.len(), 13, "the plan of the morning, and what has come since");
        assert!(daemon.crawler.health().0);
        daemon.end().await;
    });
}

#[test]
fn an_audit_waits_until_the_windows_of_its_day_are_up() {
    simulate(async {
        let mut rig = Rig { concurrency: 4, ..Rig::at("2026-11-22T02:30:00Z") };
        rig.wanted.created_at = SINCE.parse().unwrap();
        let source = FakeSource::of_windows(&["a"], SINCE);
        let daemon = rig.daemon(&[&source]).await;
        rig.store.fail_puts(StoreErrorKind::Away);
        daemon.beat().await;
        for _ in 0..2 {
            rig.clock.advance(Duration::from_hours(1)).await;
            daemon.beat().await;
        }
        assert_eq!(source.fetches().len(), 28, "26 windows, two more, and no audit");
        rig.store.mend();
        rig.clock.advance(Duration::from_hours(1)).await;
        daemon.beat().await;
        daemon.end().await;
        assert_eq!(source.fetched().last().unwrap(), "a audit of 2026-11-21");
        assert!(rig.happened().iter().all(|(_, outcome)| *outcome == Outcome::Stored));
    });
}

#[test]
fn an_upload_that_panics_loses_nothing() {
    simulate(async {
        let rig = Rig::at("2026-11-21T03:15:00Z");
        let source = FakeSource::of_windows(&["a"], SINCE);
        let run = rig.start_once(&[&source]).await;
        rig.store.panic_once();
        let report = rig.end(run).await;
        assert!(report.undelivered > 0 && report.store_problem.unwrap().message.contains("panicked"));
        rig.once(&[&source]).await;
        assert_eq!((rig.stored().await.len(), source.fetches().len()), (3, 3));
    });
}

#[test]
fn an_object_that_fails_while_others_go_up_holds_up_no_other() {
    simulate(async {
        let (heard, _guard) = Heard::start();
        let rig = Rig::at("2026-11-21T08:15:00Z");
        let source = FakeSource::of_windows(&["a", "b"], SINCE);
        rig.store.poison("region=a/20261121T070000Z");
        let daemon = rig.daemon(&[&source]).await;
        daemon.beat().await;
        rig.clock.advance(Duration::from_mins(10)).await;
        assert_eq!(rig.stored().await.len(), 15, "all but the one");
        assert_eq!(heard.count("an object cannot be stored, while others can"), 1);
        assert_eq!(daemon.crawler.health().1["store_trouble"], "the store fails: Config");

        rig.clock.advance(Duration::from_hours(1)).await;
        daemon.beat().await;
        assert_eq!(rig.stored().await.len(), 17, "the next hour goes up at once");
        rig.store.mend();
        rig.clock.advance(Duration::from_mins(2)).await;
        assert_eq!(rig.stored().await.len(), 18);
        daemon.end().await;
        assert!(rig.spooled().is_empty());
    });
}

#[test]
fn a_restart_whose_oldest_object_fails_takes_the_others_up() {
    simulate(async {
        let rig = Rig::at("2026-11-21T08:15:00Z");
        let source = FakeSource::of_windows(&["a", "b"], SINCE);
        let run = rig.start_once(&[&source]).await;
        rig.store.fail_puts(StoreErrorKind::Away);
        let report = rig.end(run).await;
        assert_eq!(report.undelivered, 16);
        rig.store.mend();
        let fetched = source.fetched();
        let (region, hour) = fetched[0].split_once(' ').unwrap();
        rig.store.poison(&format!("region={region}/20261121T{}00Z", hour.replace(':', "")));
        let report = rig.once(&[&source]).await;
        assert_eq!((rig.stored().await.len(), report.undelivered), (15, 1));
    });
}

#[test]
fn an_object_whose_file_has_gone_from_the_spool_holds_up_no_other() {
    simulate(async {
        let rig = Rig::at("2026-11-21T03:15:00Z");
        let source = FakeSource::of_windows(&["a"], SINCE);
        let run = rig.start_once(&[&source]).await;
        rig.store.fail_puts(StoreErrorKind::Away);
        rig.clock.settle().await;
        rig.lose_first_body();
        rig.store.mend();
        let report = rig.end(run).await;
        assert_eq!(rig.stored().await, ["a 00:00", "a 01:00"]);
        assert_eq!(report.datasets["fake_windows"].count(Outcome::Failed), 1);
        assert!(report.undelivered == 0 && rig.spooled().is_empty());
        rig.once(&[&source]).await;
        assert_eq!(rig.stored().await.len(), 3, "the next run heals it");
    });
}

#[test]
fn a_slow_store_gets_several_objects_at_once() {
    simulate(async {
        let rig = Rig { concurrency: 4, ..Rig::at("2026-11-21T08:15:00Z") };
        rig.store.slow_down(Duration::from_secs(5));
        let source = FakeSource::of_windows(&["a", "b", "c"], SINCE);
        let started = rig.clock.now();
        rig.once(&[&source]).await;
        assert_eq!(rig.store.most_running(), 8);
        assert!((rig.clock.now() - started).num_seconds() < 60, "24 objects of 5 s each");
        assert_eq!(rig.stored().await.len(), 24);
    });
}

#[test]
fn what_goes_up_while_the_lake_is_listed_is_not_fetched_again() {
    simulate(async {
        let rig = Rig::at("2026-11-21T03:15:00Z");
        let source = FakeSource::of_slices(&VERSIONS, (1..4).map(|day| version("a", day)).collect());
        let run = rig.start_once(&[&source]).await;
        rig.store.fail_puts(StoreErrorKind::Away);
        rig.end(run).await;
        rig.store.mend();
        // The listing is made before the spool goes up, and is there only after that.
        rig.store.slow_listings_down(Duration::from_mins(1));
        rig.once(&[&source]).await;
        assert_eq!(rig.stored().await.len(), 3);
        assert_eq!(source.fetches().len(), 3);
    });
}

#[test]
fn a_mark_that_another_crawler_set_is_as_good_as_ours() {
    simulate(async {
        let rig = Rig::at("2026-11-21T03:15:00Z");
        let source = FakeSource::planned_by(&VERSIONS, |_| {
            Ok(Plan { wanted: vec![version("a", 1)], ..Default::default() })
        });
        source.otherwise(Reply::Fail(FetchErrorKind::Gone));
        rig.once(&[&source]).await;
        rig.clock.advance(Duration::from_mins(5)).await;
        rig.once(&[&source]).await;
        let logs = rig.logs().await;
        assert_eq!((logs[0][0].outcome, logs[0][0].differs), (Outcome::Lost, None));
        assert_eq!((logs[1][0].outcome, logs[1][0].differs), (Outcome::Exists, Some(false)));
        assert_eq!(rig.keys(&Prefix::system()).await.iter().filter(|key| key.contains("lost")).count(), 1);
        assert!(rig.keys(&Prefix::all_raw()).await.is_empty());
    });
}

#[test]
fn hours_without_the_store_are_crawled_into_the_spool_and_drain_in_order() {
    simulate(async {
        let rig = Rig::at("2026-11-21T04:15:00Z");
        let source = FakeSource::of_windows(&["a", "b", "c"], SINCE);
        let daemon = rig.daemon(&[&source]).await;
        daemon.beat().await;
        rig.clock.advance(Duration::from_mins(20)).await;
        rig.store.fail_puts(StoreErrorKind::Away);
        rig.store.forget_tries();
        source.forget_fetches();
        for _ in 0..8 {
            rig.clock.advance(Duration::from_mins(15)).await;
            daemon.beat().await;
        }
        // Neither in the order of their keys nor in that of their streams.
        let fetched = ["a 04:00", "b 04:00", "c 04:00", "a 05:00", "b 05:00", "c 05:00"];
        assert_eq!(source.fetched(), fetched, "crawling goes on");
        // Nothing is to be put before 05:20; from then on there are at least 30 s between two tries.
        assert!(rig.store.puts().len() < 160, "{} tries: no storm", rig.store.puts().len());
        rig.store.forget_tries();
        rig.store.mend();
        rig.clock.advance(Duration::from_mins(2)).await;
        daemon.end().await;
        let mut puts = raw(rig.store.puts());
        assert_eq!(puts.len(), fetched.len(), "each goes up once");
        // The one that finds the store back may be another than the oldest.
        let first = puts.remove(0);
        let rest: Vec<&str> = fetched.into_iter().filter(|slice| **slice != first).collect();
        assert_eq!(puts, rest, "as they were fetched");
        assert!(rig.spooled().is_empty());
    });
}

#[test]
fn marking_what_is_lost_holds_up_the_past_and_not_the_present() {
    simulate(async {
        let rig = Rig::at("2026-11-21T03:15:00Z");
        let source = FakeSource::planned_by(&VERSIONS, |context| {
            let missing = |slice: &Slice| !context.coverage.has(slice);
            let lost = (1..10).map(|day| version("a", day)).filter(missing).collect();
            let wanted = [20, 19].map(|day| version("a", day)).into_iter().filter(missing).collect();
            Ok(Plan { wanted, lost, ..Plan::default() })
        });
        let report = rig.once(&[&source]).await;
        assert_eq!(report.datasets["fake_versions"].count(Outcome::Lost), 9);
        let puts = rig.store.puts();
        let put = |part: &str| puts.iter().position(|put| put.contains(part)).unwrap();
        let marked = put("20261101000000.json.gz.lost");
        assert!(put("20261120000000.json.gz") < marked && marked < put("20261119000000.json.gz"), "{puts:?}");
    });
}
