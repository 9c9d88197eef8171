//! What a failed fetch means for its slice, its stream and its source.

use std::time::Duration;

use contrail::lake::key::{Key, Mark, Prefix};
use contrail::lake::run_log::Outcome;
use contrail::sources::{FetchError, FetchErrorKind, Plan};

use crate::support::fake_source::{FakeSource, Reply, SLOTS, VERSIONS, WINDOWS, stream, version, window};
use crate::support::heard::Heard;
use crate::support::rig::Rig;
use crate::support::simulation::simulate;

const RETRY: FetchErrorKind = FetchErrorKind::Retry { after: None };
const SINCE: &str = "2026-11-21T00:00:00Z";

#[test]
fn a_panic_in_one_stream_stops_no_other() {
    simulate(async {
        let rig = Rig::at("2026-11-21T03:15:00Z");
        let source = FakeSource::of_windows(&["a", "b"], SINCE);
        source.on(&window("a", 2), Reply::Panic);
        let report = rig.once(&[&source]).await;

        assert_eq!(rig.stored().await, ["b 00:00", "b 01:00", "b 02:00"]);
        assert_eq!(source.fetched().iter().filter(|slice| slice.starts_with('a')).count(), 1, "a rests");
        let logs = rig.logs().await;
        let failed = logs[0].iter().find(|line| line.outcome == Outcome::Failed).unwrap();
        assert_eq!(failed.error_kind.as_deref(), Some("bug"));
        assert_eq!((failed.requests, failed.rows), (1, None));
        assert!(report.is_partial() && !report.is_fruitless());
        assert!(rig.spooled().is_empty(), "the panic left no draft behind");
    });
}

#[test]
fn a_panic_while_planning_fails_one_source_and_no_other() {
    simulate(async {
        let rig = Rig::at("2026-11-21T03:15:00Z");
        let bad = FakeSource::planned_by(&SLOTS, |_| panic!("told to panic"));
        let good = FakeSource::of_windows(&["a"], SINCE);
        let report = rig.once(&[&bad, &good]).await;
        assert_eq!(rig.stored().await.len(), 3);
        assert_eq!(report.datasets["fake_slots"].count(Outcome::Failed), 1);
        assert!(report.is_partial());
    });
}

#[test]
fn an_upstream_that_is_away_rests_its_stream_for_the_tick_while_others_go_on() {
    simulate(async {
        let rig = Rig::at("2026-11-21T03:15:00Z");
        let source = FakeSource::of_windows(&["a", "b"], SINCE);
        source.on(&window("a", 2), Reply::Fail(RETRY));
        rig.once(&[&source]).await;
        assert_eq!(source.fetched(), ["a 02:00", "b 02:00", "b 00:00", "b 01:00"]);

        source.forget_fetches();
        let report = rig.once(&[&source]).await;
        assert_eq!(source.fetched(), ["a 02:00", "a 00:00", "a 01:00"], "the next tick heals it");
        assert!(!report.is_partial());
    });
}

#[test]
fn an_upstream_that_asks_for_time_gets_it_over_the_next_ticks_too() {
    simulate(async {
        let rig = Rig::at("2026-11-21T03:15:00Z");
        let source = FakeSource::of_windows(&["a"], "2026-11-21T02:00:00Z");
        let after = Some(Duration::from_mins(90));
        source.on(&window("a", 2), Reply::Fail(FetchErrorKind::Retry { after }));
        let daemon = rig.daemon(&[&source]).await;
        daemon.beat().await;
        rig.clock.advance(Duration::from_mins(56)).await;
        daemon.beat().await;
        assert_eq!(source.fetched(), ["a 02:00"], "it is 04:11, and the upstream asked for 90 minutes");
        rig.clock.advance(Duration::from_hours(1)).await;
        daemon.beat().await;
        assert_eq!(source.fetched(), ["a 02:00", "a 04:00", "a 02:00", "a 03:00"]);
        daemon.end().await;
    });
}

#[test]
fn a_refusal_is_said_once_and_written_into_every_run_log() {
    simulate(async {
        let (heard, _guard) = Heard::start();
        let rig = Rig::at("2026-11-21T03:15:00Z");
        let source = FakeSource::of_windows(&["a", "b"], SINCE);
        for _ in 0..3 {
            for hour in 0..6 {
                source.on(&window("a", hour), Reply::Fail(FetchErrorKind::Refused));
            }
        }
        let daemon = rig.daemon(&[&source]).await;
        for _ in 0..3 {
            daemon.beat().await;
            rig.clock.advance(Duration::from_hours(1)).await;
        }
        let report = daemon.end().await;

        assert_eq!(heard.count("told to fail: refused"), 1);
        let logs = rig.logs().await;
        assert_eq!(logs.len(), 3);
        for log in &logs {
            let refused: Vec<_> = log.iter().filter(|line| line.outcome == Outcome::Refused).collect();
            assert_eq!(refused.len(), 1, "one try each tick, and no storm");
            assert_eq!(refused[0].error_kind.as_deref(), Some("refused"));
        }
        assert_eq!(rig.stored().await.len(), 5, "b goes on");
        assert!(!report.is_partial());
    });
}

#[test]
fn a_stream_that_only_refuses_us_is_no_failure() {
    simulate(async {
        let rig = Rig::at("2026-11-21T03:15:00Z");
        let source = FakeSource::of_windows(&["a"], SINCE);
        source.otherwise(Reply::Fail(FetchErrorKind::Refused));
        let report = rig.once(&[&source]).await;
        assert_eq!(report.datasets["fake_windows"].count(Outcome::Refused), 1);
        assert!(!report.is_partial() && !report.is_fruitless());
    });
}

#[test]
fn three_payloads_in_a_row_that_are_not_what_they_claim_rest_a_stream() {
    simulate(async {
        let rig = Rig::at("2026-11-21T08:15:00Z");
        let source = FakeSource::of_windows(&["a", "b"], SINCE);
        for hour in [7, 0, 1, 2, 3] {
            source.on(&window("a", hour), Reply::Fail(FetchErrorKind::Upstream));
        }
        for hour in [7, 0, 2, 3] {
            source.on(&window("b", hour), Reply::Fail(FetchErrorKind::Upstream));
        }
        rig.once(&[&source]).await;
        assert_eq!(
            source.fetches().iter().filter(|slice| slice.stream().part("region") == Some("a")).count(),
            3
        );
        assert_eq!(
            rig.stored().await,
            ["b 01:00", "b 04:00", "b 05:00", "b 06:00"],
            "b is only odd at times"
        );
    });
}

#[test]
fn what_a_person_must_mend_blocks_its_source_with_one_message() {
    simulate(async {
        let (heard, _guard) = Heard::start();
        let rig = Rig { concurrency: 4, ..Rig::at("2026-11-21T08:15:00Z") };
        let regions = ["a", "b", "c", "d", "e", "f"];
        let bad = FakeSource::of_windows(&regions, SINCE);
        bad.otherwise(Reply::Fail(FetchErrorKind::Config));
        let good = FakeSource::of_slices(&VERSIONS, vec![version("a", 1)]);
        let report = rig.once(&[&bad, &good]).await;

        assert_eq!(heard.count("told to fail: config"), 1);
        assert_eq!(report.datasets["fake_windows"].errors.len(), 1);
        assert_eq!(report.datasets["fake_windows"].errors[0].hint.as_deref(), Some("tell it otherwise"));
        assert!(bad.fetches().len() <= 4, "none but those that were on their way");
        assert_eq!(rig.stored().await, ["a version 20261101000000"], "another source goes on");
        assert!(report.is_partial());
    });
}

#[test]
fn what_is_gone_is_marked_lost_once_and_not_fetched_again() {
    simulate(async {
        let rig = Rig::at("2026-11-21T03:15:00Z");
        let source = FakeSource::of_windows(&["a"], SINCE);
        source.on(&window("a", 0), Reply::Fail(FetchErrorKind::Gone));
        let report = rig.once(&[&source]).await;
        rig.once(&[&source]).await;

        assert_eq!(source.fetches().len(), 3);
        let marks = rig.keys(&Prefix::marks(stream(&WINDOWS, "a").dataset())).await;
        assert_eq!(marks, [Key::mark(&window("a", 0), Mark::Lost).as_str()]);
        assert!(rig.text(&marks[0]).await.contains("told to fail: gone"));
        let lost: Vec<_> =
            rig.logs().await.into_iter().flatten().filter(|line| line.outcome == Outcome::Lost).collect();
        assert_eq!(lost.len(), 1);
        assert_eq!(lost[0].requests, 1, "the line knows what the attempt cost");
        assert!(report.is_partial());
    });
}

#[test]
fn what_a_plan_gives_up_is_marked_lost_once_even_if_the_plan_is_made_again() {
    simulate(async {
        let rig = Rig::at("2026-11-21T03:15:00Z");
        let source = FakeSource::planned_by(&WINDOWS, |context| {
            let missing = |hours: std::ops::Range<u32>| {
                hours.map(|hour| window("a", hour)).filter(|slice| !context.coverage.has(slice)).collect()
            };
            Ok(Plan { lost: missing(0..1), wanted: missing(1..3), ..Plan::default() })
        });
        rig.once(&[&source]).await;
        rig.once(&[&source]).await;
        assert!(source.plans().len() >= 3);
        let lost = rig.lines().await.into_iter().filter(|(_, outcome)| *outcome == Outcome::Lost).count();
        assert_eq!(lost, 1);
    });
}

#[test]
fn a_stream_that_a_plan_closes_is_left_alone_and_the_plans_failures_are_said_once() {
    simulate(async {
        let (heard, _guard) = Heard::start();
        let rig = Rig::at("2026-11-21T03:15:00Z");
        let source = FakeSource::planned_by(&WINDOWS, |context| {
            let slices = [window("a", 1), window("b", 1), window("b", 2)];
            Ok(Plan {
                wanted: slices.into_iter().filter(|slice| !context.coverage.has(slice)).collect(),
                closed: vec![(
                    stream(&WINDOWS, "a"),
                    FetchError::new(FetchErrorKind::Refused, "a is closed"),
                )],
                failures: vec![FetchError::retry("one index is away")],
                warnings: vec!["one entry is odd".to_owned()],
                ..Plan::default()
            })
        });
        let report = rig.once(&[&source]).await;
        assert!(source.plans().len() > 1, "it is planned again after windows");
        assert_eq!(rig.stored().await, ["b 01:00", "b 02:00"]);
        for said in ["a is closed", "one index is away", "one entry is odd"] {
            assert_eq!(heard.count(said), 1, "{said}");
        }
        let tally = &report.datasets["fake_windows"];
        assert_eq!((tally.count(Outcome::Refused), tally.count(Outcome::Failed)), (1, 1));
    });
}

#[test]
fn a_source_that_cannot_plan_says_so_and_others_go_on() {
    simulate(async {
        let rig = Rig::at("2026-11-21T03:15:00Z");
        let bad = FakeSource::planned_by(&SLOTS, |_| Err(FetchError::retry("the index is away")));
        let good = FakeSource::of_windows(&["a"], SINCE);
        let report = rig.once(&[&bad, &good]).await;
        assert_eq!(report.datasets["fake_slots"].errors[0].message, "the index is away");
        assert_eq!(rig.stored().await.len(), 3);
        assert!(report.is_partial() && !report.is_fruitless());
    });
}
