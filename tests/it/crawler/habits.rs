//! Sentinels: a change of an upstream's habits is told, by whichever process meets it, and what came is kept.

use std::time::Duration;

use contrail::lake::key::Key;
use contrail::lake::run_log::{Attempt, Outcome};
use contrail::sources::{FetchError, FetchErrorKind, Fields, Habits, Plan, Sentinel};

use crate::support::fake_source::{FakeSource, Reply, SLOTS, VERSIONS, slot, stream, version, window};
use crate::support::rig::Rig;
use crate::support::simulation::simulate;

fn habits(page_rows: u64, things: u64, fields: &str) -> Reply {
    Reply::Habits(Habits {
        page_rows: Some(page_rows),
        things: Some(things),
        fields: Fields::of_text(fields),
    })
}

/// The last line of the newest log.
async fn last_line(rig: &Rig) -> Attempt {
    rig.logs().await.pop().unwrap().pop().unwrap()
}

#[test]
fn a_process_that_starts_knows_the_habits_that_the_one_before_it_saw() {
    simulate(async {
        let rig = Rig::at("2026-11-21T01:15:00Z");
        let source = FakeSource::of_slots(&["a"]);
        source.on(&slot("a", 1), habits(1_000, 500, "meterId,retailPrice"));
        source.on(&slot("a", 2), habits(100, 400, "meterId,unitPrice"));
        rig.once(&[&source]).await;
        assert_eq!(last_line(&rig).await.sentinels, Vec::<String>::new(), "nothing is usual yet");
        let meta = rig.meta(Key::raw(&slot("a", 1)).as_str()).await;
        assert_eq!(meta.fields.as_deref(), Some("meterId,retailPrice"));

        rig.clock.advance(Duration::from_hours(1)).await;
        rig.once(&[&source]).await;
        let line = last_line(&rig).await;
        assert_eq!(line.outcome, Outcome::Stored, "it is kept all the same");
        assert_eq!(line.sentinels, ["page_size", "fewer", "field_appeared", "field_vanished"]);
        assert_eq!((line.warnings, line.warning_samples.len()), (4, 4));
        for told in ["100 rows", "400 things", "new field, unitPrice", "no field retailPrice"] {
            assert!(line.warning_samples.iter().any(|sample| sample.contains(told)), "{line:?}");
        }
    });
}

#[test]
fn a_crawler_that_goes_on_remembers_by_itself_and_tells_a_change_once() {
    simulate(async {
        let rig = Rig::at("2026-11-21T01:15:00Z");
        let source = FakeSource::of_slots(&["a"]);
        source.on(&slot("a", 1), habits(1_000, 500, "a"));
        source.otherwise(habits(100, 500, "a"));
        let daemon = rig.daemon(&[&source]).await;
        for _ in 0..3 {
            daemon.beat().await;
            rig.clock.advance(Duration::from_hours(1)).await;
        }
        daemon.end().await;
        let raised: Vec<_> = rig.logs().await.into_iter().flatten().map(|line| line.sentinels).collect();
        assert_eq!(raised, [vec![], vec!["page_size".to_owned()], vec![]]);
    });
}

#[test]
fn the_past_is_not_held_against_the_present() {
    simulate(async {
        let rig = Rig::at("2026-11-21T03:15:00Z");
        let source = FakeSource::of_windows(&["a"], "2026-11-21T00:00:00Z");
        // Fetched first, as the newest.
        source.on(&window("a", 2), habits(1_000, 500, "a"));
        source.on(&window("a", 0), habits(10, 5, "b"));
        source.on(&window("a", 1), habits(10, 5, "b"));
        source.on(&window("a", 3), habits(1_000, 500, "a"));
        rig.once(&[&source]).await;
        rig.clock.advance(Duration::from_hours(1)).await;
        rig.once(&[&source]).await;
        let raised: Vec<_> = rig.logs().await.into_iter().flatten().flat_map(|line| line.sentinels).collect();
        assert_eq!(raised, Vec::<String>::new());
    });
}

#[test]
fn versions_are_compared_with_the_one_before_them() {
    simulate(async {
        let rig = Rig::at("2026-11-21T03:15:00Z");
        let first = FakeSource::of_slices(&VERSIONS, vec![version("a", 19)]);
        first.on(&version("a", 19), habits(1, 1_000, "products,terms"));
        rig.once(&[&first]).await;
        rig.clock.advance(Duration::from_hours(1)).await;
        let second = FakeSource::of_slices(&VERSIONS, vec![version("a", 20)]);
        second.on(&version("a", 20), habits(1, 899, "products,terms"));
        rig.once(&[&second]).await;
        assert_eq!(last_line(&rig).await.sentinels, ["fewer"]);
    });
}

#[test]
fn a_stream_that_vanished_is_told_once_and_its_refusal_written_down_each_time() {
    simulate(async {
        let rig = Rig::at("2026-11-21T01:15:00Z");
        let source = FakeSource::planned_by(&SLOTS, |_| {
            let error = FetchError::new(FetchErrorKind::Refused, "region a is not enabled for this account");
            let closed = vec![(stream(&SLOTS, "a"), error.with_sentinel(Sentinel::StreamVanished))];
            Ok(Plan { closed, ..Plan::default() })
        });
        let daemon = rig.daemon(&[&source]).await;
        for _ in 0..3 {
            daemon.beat().await;
            rig.clock.advance(Duration::from_hours(1)).await;
        }
        daemon.end().await;
        let lines: Vec<_> = rig.logs().await.into_iter().flatten().collect();
        assert!(lines.iter().all(|line| line.outcome == Outcome::Refused));
        let raised: Vec<_> = lines.into_iter().map(|line| line.sentinels).collect();
        assert_eq!(raised, [vec!["stream_vanished".to_owned()], vec![], vec![]]);
    });
}
