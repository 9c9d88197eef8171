//! A tick when nothing goes wrong.

use contrail::lake::key::Prefix;
use contrail::lake::run_log::Outcome;
use futures::future::join;

use crate::support::fake_source::{FakeSource, Reply, VERSIONS, WINDOWS, version, window};
use crate::support::rig::Rig;
use crate::support::simulation::simulate;

#[test]
fn one_slice_is_one_put_under_the_key_of_the_slice() {
    simulate(async {
        let rig = Rig::at("2026-11-21T03:15:00Z");
        let source = FakeSource::of_windows(&["a"], "2026-11-21T00:00:00Z");
        let report = rig.once(&[&source]).await;

        let key = |hour: u32| {
            let next = hour + 1;
            format!(
                "raw/fake_windows/dt=2026-11-21/region=a/20261121T{hour:02}0000Z-20261121T{next:02}0000Z.ndjson.gz"
            )
        };
        assert_eq!(rig.keys(&Prefix::all_raw()).await, [key(0), key(1), key(2)]);
        let mut puts = rig.store.puts();
        puts.retain(|put| put.starts_with("raw/"));
        puts.sort();
        assert_eq!(puts, [key(0), key(1), key(2)], "each was put once");
        assert_eq!(rig.text(&key(0)).await, "{\"row\":0}\n");
        assert!(report.datasets["fake_windows"].finished);
        assert!(!report.is_partial() && !report.is_fruitless() && report.undelivered == 0);
        assert!(rig.spooled().is_empty(), "the spool is given back");
    });
}

#[test]
fn a_second_run_finds_nothing_to_do() {
    simulate(async {
        let rig = Rig::at("2026-11-21T03:15:00Z");
        let source = FakeSource::of_windows(&["a", "b"], "2026-11-21T00:00:00Z");
        rig.once(&[&source]).await;
        let objects = rig.keys(&Prefix::all_raw()).await;
        source.forget_fetches();
        rig.store.forget_tries();

        let report = rig.once(&[&source]).await;
        assert!(source.fetches().is_empty());
        assert!(rig.store.puts().is_empty(), "not even a run log");
        assert_eq!(rig.keys(&Prefix::all_raw()).await, objects);
        assert_eq!(report.datasets["fake_windows"].outcomes.len(), 0);
        assert!(!report.is_partial());
    });
}

#[test]
fn the_newest_of_each_stream_comes_first_and_then_the_oldest() {
    simulate(async {
        let rig = Rig::at("2026-11-21T03:15:00Z");
        let source = FakeSource::of_windows(&["a", "b"], "2026-11-21T00:00:00Z");
        rig.once(&[&source]).await;
        assert_eq!(source.fetched(), ["a 02:00", "b 02:00", "a 00:00", "b 00:00", "a 01:00", "b 01:00"]);
    });
}

#[test]
fn a_source_fetches_no_more_slices_at_once_than_it_may() {
    simulate(async {
        let rig = Rig { concurrency: 3, ..Rig::at("2026-11-21T08:15:00Z") };
        let windows = FakeSource::of_windows(&["a", "b"], "2026-11-21T00:00:00Z");
        let versions = FakeSource::of_slices(&VERSIONS, (1..20).map(|day| version("a", day)).collect());
        rig.once(&[&windows, &versions]).await;
        assert_eq!(windows.most_running(), 3);
        assert_eq!(versions.most_running(), 3, "the bound is each source's own");
        assert_eq!(rig.stored().await.len(), 16 + 19);
    });
}

#[test]
fn a_day_whose_windows_are_all_up_is_audited_in_the_same_run() {
    simulate(async {
        let mut rig = Rig { concurrency: 4, ..Rig::at("2026-11-22T02:30:00Z") };
        rig.wanted.created_at = "2026-11-21T00:00:00Z".parse().unwrap();
        let source = FakeSource::of_windows(&["a"], "2026-11-21T00:00:00Z");
        let report = rig.once(&[&source]).await;
        assert_eq!(source.fetches().len(), 26 + 1);
        assert_eq!(source.fetched().last().unwrap(), "a audit of 2026-11-21");
        assert_eq!(report.datasets["fake_windows"].count(Outcome::Failed), 0, "its windows could be read");
        assert_eq!(rig.stored().await.len(), 27);
        assert!(!report.is_partial());
    });
}

#[test]
fn two_crawlers_on_one_lake_make_one_lake() {
    simulate(async {
        let (one, two) = {
            let one = Rig::at("2026-11-21T06:15:00Z");
            let two = one.beside();
            (one, two)
        };
        let source = || FakeSource::of_windows(&["a", "b"], "2026-11-21T00:00:00Z");
        let (first, second) = (source(), source());
        // They saw the upstream a row apart.
        second.otherwise(Reply::rows(0..2));
        let reports = join(one.once(&[&first]), two.once(&[&second])).await;

        assert_eq!(one.stored().await.len(), 12);
        let tally = |report: &contrail::crawler::Report| report.datasets["fake_windows"].clone();
        let (mine, theirs) = (tally(&reports.0), tally(&reports.1));
        let new = mine.new_objects() + theirs.new_objects();
        assert_eq!(new, 12, "each object was made by exactly one of them");
        let met = mine.count(Outcome::Exists) + theirs.count(Outcome::Exists);
        assert!(met > 0, "they never met: this test shows nothing");
        assert!(!reports.0.is_partial() && !reports.1.is_partial());
        assert_eq!(one.logs().await.len(), 2, "each has its own run log");
    });
}

#[test]
fn what_another_crawler_stored_stands_whether_it_differs_or_not() {
    simulate(async {
        let rig = Rig::at("2026-11-21T06:15:00Z");
        let source = FakeSource::planned_by(&WINDOWS, |_| {
            let wanted = vec![window("a", 1), window("a", 2)];
            Ok(contrail::sources::Plan { wanted, ..Default::default() })
        });
        rig.once(&[&source]).await;
        rig.clock.advance(std::time::Duration::from_mins(5)).await;
        source.on(&window("a", 2), Reply::rows(0..7));
        rig.once(&[&source]).await;

        let logs = rig.logs().await;
        let met: Vec<_> =
            logs[1].iter().map(|line| (line.slice.clone().unwrap(), line.outcome, line.differs)).collect();
        assert_eq!(
            met,
            [
                ("2026-11-21T02:00:00Z..2026-11-21T03:00:00Z".to_owned(), Outcome::Exists, Some(true)),
                ("2026-11-21T01:00:00Z..2026-11-21T02:00:00Z".to_owned(), Outcome::Exists, Some(false)),
            ]
        );
        for key in rig.keys(&Prefix::all_raw()).await {
            assert_eq!(rig.text(&key).await, "{\"row\":0}\n", "the first one stands");
        }
    });
}

#[test]
fn a_dry_run_names_what_is_missing_in_order_and_writes_nothing() {
    simulate(async {
        let rig = Rig::at("2026-11-21T03:15:00Z");
        let source = FakeSource::of_windows(&["a"], "2026-11-21T00:00:00Z");
        let planned = rig.dry_run(&[&source]).await;
        let labels: Vec<_> = planned[0].slices.iter().map(crate::support::fake_source::short).collect();
        assert_eq!(labels, ["a 02:00", "a 00:00", "a 01:00"]);
        assert!(rig.keys(&Prefix::system()).await.is_empty() && rig.stored().await.is_empty());
        assert!(rig.store.puts().is_empty() && source.fetches().is_empty() && rig.spooled().is_empty());

        rig.once(&[&source]).await;
        assert!(rig.dry_run(&[&source]).await[0].slices.is_empty());
    });
}
