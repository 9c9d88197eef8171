//! Slots: what a payload means in the light of the slots before it.

use std::time::Duration;

use contrail::lake::key::{Key, Mark, Prefix};
use contrail::lake::run_log::Outcome;
use contrail::lake::store::StoreErrorKind;

use crate::support::fake_source::{FakeSource, Reply, SLOTS, slot, stream};
use crate::support::rig::Rig;
use crate::support::simulation::simulate;

async fn an_hour_passes(rig: &Rig) {
    rig.clock.advance(Duration::from_hours(1)).await;
}

#[test]
fn the_same_rows_again_are_a_mark_and_no_second_object() {
    simulate(async {
        let rig = Rig::at("2026-11-21T01:15:00Z");
        let source = FakeSource::of_slots(&["a"]);
        source.on(&slot("a", 1), Reply::Rows(vec!["{\"x\":1}".to_owned(), "{\"x\":2}".to_owned()]));
        source.on(&slot("a", 2), Reply::Rows(vec!["{\"x\":2}".to_owned(), "{\"x\":1}".to_owned()]));
        rig.once(&[&source]).await;
        an_hour_passes(&rig).await;
        let report = rig.once(&[&source]).await;

        assert_eq!(rig.stored().await, ["a 01:00"]);
        let marks = rig.keys(&Prefix::marks(stream(&SLOTS, "a").dataset())).await;
        assert_eq!(marks, [Key::mark(&slot("a", 2), Mark::Unchanged).as_str()]);
        let mark = rig.text(&marks[0]).await;
        assert!(mark.contains(Key::raw(&slot("a", 1)).as_str()), "it says which object has the rows: {mark}");
        assert_eq!(report.datasets["fake_slots"].count(Outcome::Unchanged), 1);

        rig.once(&[&source]).await;
        assert_eq!(source.fetches().len(), 2, "a mark is coverage");
    });
}

#[test]
fn a_slot_is_suspect_below_nine_tenths_of_the_last_sound_one_whatever_lies_between() {
    simulate(async {
        let rig = Rig::at("2026-11-21T00:15:00Z");
        let source = FakeSource::of_slots(&["a"]);
        let incomplete = |numbers: std::ops::Range<u32>| {
            Reply::Incomplete(numbers.map(|number| format!("{{\"row\":{number}}}")).collect())
        };
        let course = [
            (Reply::rows(0..100), Outcome::Stored),
            (Reply::rows(0..100), Outcome::Unchanged),
            (Reply::rows(0..50), Outcome::Suspect),
            (Reply::rows(0..50), Outcome::Unchanged),
            (Reply::rows(0..89), Outcome::Suspect),
            (incomplete(0..95), Outcome::Stored),
            (Reply::rows(1..90), Outcome::Suspect),
            (Reply::rows(0..90), Outcome::Stored),
            // The measure is 90 rows now.
            (Reply::rows(0..81), Outcome::Stored),
        ];
        for (hour, (reply, outcome)) in (0..).zip(course) {
            source.on(&slot("a", hour), reply);
            let report = rig.once(&[&source]).await;
            assert_eq!(report.datasets["fake_slots"].count(outcome), 1, "slot {hour} is {outcome:?}");
            an_hour_passes(&rig).await;
        }
        for (hour, suspect) in [(0, false), (2, true), (5, false), (7, false)] {
            let meta = rig.meta(Key::raw(&slot("a", hour)).as_str()).await;
            assert_eq!(meta.suspect, Some(suspect), "slot {hour}");
        }
    });
}

#[test]
fn slots_that_nobody_fetched_are_lost_once() {
    simulate(async {
        let rig = Rig::at("2026-11-21T01:15:00Z");
        let source = FakeSource::of_slots(&["a"]);
        rig.once(&[&source]).await;
        rig.clock.advance(Duration::from_hours(3)).await;
        rig.once(&[&source]).await;
        rig.once(&[&source]).await;
        let mut lost: Vec<_> =
            rig.lines().await.into_iter().filter(|(_, outcome)| *outcome == Outcome::Lost).collect();
        // Both went up at once.
        lost.sort();
        let expected = ["a 02:00 lost", "a 03:00 lost"].map(|slice| (slice.to_owned(), Outcome::Lost));
        assert_eq!(lost, expected);
    });
}

#[test]
fn a_slot_is_not_called_unchanged_while_the_one_before_it_waits_in_the_spool() {
    simulate(async {
        let rig = Rig::at("2026-11-21T01:15:00Z");
        let source = FakeSource::of_slots(&["a"]);
        source.on(&slot("a", 2), Reply::rows(0..2));
        rig.once(&[&source]).await;
        an_hour_passes(&rig).await;
        rig.store.fail_puts(StoreErrorKind::Away);
        rig.once(&[&source]).await;
        an_hour_passes(&rig).await;
        // As at 01:00 once more, but not as at 02:00.
        rig.once(&[&source]).await;
        rig.store.mend();
        rig.once(&[&source]).await;
        assert_eq!(rig.stored().await, ["a 01:00", "a 02:00", "a 03:00"]);
    });
}
