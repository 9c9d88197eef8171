//! What a lake is, and which crawlers may write to it.

use contrail::base::error::Hinted as _;
use contrail::lake::identity::Identity;
use contrail::lake::key::{Key, Prefix};
use contrail::lake::meta::ObjectMeta;
use contrail::lake::store::{Store as _, StoreErrorKind};
use futures::future::join;

use crate::support::fake_source::FakeSource;
use crate::support::heard::Heard;
use crate::support::rig::Rig;
use crate::support::simulation::simulate;

const NOW: &str = "2026-11-21T03:15:00Z";

async fn write_identity(rig: &Rig, text: &str) {
    let file = rig.spool.path().join("lake.json");
    std::fs::write(&file, text).unwrap();
    rig.memory.put_if_absent(&Key::identity(), &file, &ObjectMeta::of_bytes(text.as_bytes())).await.unwrap();
    std::fs::remove_file(file).unwrap();
}

/// Why a crawler does not start: the message and the hint.
async fn refusal(rig: &Rig) -> (String, String) {
    let error = rig.open(&[]).await.unwrap_err();
    assert!(
        rig.spooled().is_empty(),
        "a crawler that does not start leaves nothing behind: {:?}",
        rig.spooled()
    );
    assert!(rig.keys(&Prefix::all_raw()).await.is_empty());
    (error.to_string(), error.hint().unwrap().to_owned())
}

#[test]
fn two_first_crawlers_agree_on_one_lake() {
    simulate(async {
        let one = Rig::at(NOW);
        let mut two = one.beside();
        two.wanted.created_at = "2026-11-20T00:00:00Z".parse().unwrap();
        one.store.slow_down(std::time::Duration::from_secs(2));
        two.store.slow_down(std::time::Duration::from_secs(1));
        let source = || FakeSource::of_windows(&["a"], "2026-11-21T00:00:00Z");
        let (first, second) = (source(), source());
        join(one.once(&[&first]), two.once(&[&second])).await;
        let identity = Identity::read(&one.memory).await.unwrap().unwrap();
        assert_eq!(identity, two.wanted, "the quicker one made it");
        assert_eq!(one.store.puts()[0], "_contrail/lake.json", "and the other one tried to");
        assert_eq!(one.stored().await.len(), 3);
    });
}

#[test]
fn a_lake_of_another_origin_is_refused() {
    simulate(async {
        let rig = Rig::at(NOW);
        rig.once(&[]).await;
        let mut other = rig.beside();
        other.wanted.origin = "sandbox:42:0.01".to_owned();
        let (message, hint) = refusal(&other).await;
        assert!(message.contains("\"upstream\"") && message.contains("\"sandbox:42:0.01\""), "{message}");
        assert!(hint.contains("choose another one with --lake"), "{hint}");
    });
}

#[test]
fn a_lake_of_another_format_is_refused_whatever_else_it_says() {
    simulate(async {
        for (text, expected, hint) in [
            (
                r#"{"format":0,"origin":"upstream"}"#,
                "is a lake of format 0",
                "the release that made this lake",
            ),
            (r#"{"format":2,"streams":["a"]}"#, "format 2, made by a newer release", "newer release"),
            (r#"{"format":"x"}"#, "lake.json is damaged", "restore it from a backup"),
            ("", "lake.json is damaged", "restore it from a backup"),
        ] {
            let rig = Rig::at(NOW);
            write_identity(&rig, text).await;
            let (message, told) = refusal(&rig).await;
            assert!(message.contains(expected), "{message}");
            assert!(told.contains(hint), "{told}");
        }
    });
}

#[test]
fn the_spot_window_of_the_lake_wins_over_the_configured_one() {
    simulate(async {
        let (heard, _guard) = Heard::start();
        let rig = Rig::at(NOW);
        rig.once(&[]).await;
        let mut other = rig.beside();
        other.wanted.spot_window = "30m".parse().unwrap();
        let source = FakeSource::of_windows(&["a"], "2026-11-21T00:00:00Z");
        other.once(&[&source]).await;
        assert_eq!(rig.stored().await, ["a 00:00", "a 01:00", "a 02:00"]);
        assert_eq!(heard.count("the spot window was fixed when the lake was made"), 1);
    });
}

#[test]
fn a_store_that_ignores_conditions_is_warned_of_once() {
    simulate(async {
        let (heard, _guard) = Heard::start();
        let rig = Rig::at(NOW);
        rig.store.ignore_conditions();
        let source = FakeSource::of_windows(&["a", "b"], "2026-11-21T00:00:00Z");
        rig.once(&[&source]).await;
        assert_eq!(heard.count("ignores If-None-Match"), 1);
        assert_eq!(rig.stored().await.len(), 6);
    });
}

#[test]
fn a_store_that_refuses_at_the_start_is_an_error() {
    simulate(async {
        let rig = Rig::at(NOW);
        rig.store.fail(StoreErrorKind::Config);
        let (message, hint) = refusal(&rig).await;
        assert_eq!((message.as_str(), hint.as_str()), ("the store fails: Config", "mend the store"));
    });
}

#[test]
fn a_lake_that_turns_out_to_be_another_one_takes_nothing() {
    simulate(async {
        let rig = Rig::at(NOW);
        rig.store.fail(StoreErrorKind::Away);
        let source = FakeSource::of_windows(&["a"], "2026-11-21T00:00:00Z");
        let run = rig.start_once(&[&source]).await;
        rig.clock.settle().await;
        write_identity(
            &rig,
            &serde_json::to_string(&Identity { origin: "sandbox:1:1".to_owned(), ..rig.wanted.clone() })
                .unwrap(),
        )
        .await;
        rig.store.mend();
        let report = rig.end(run).await;
        assert!(rig.stored().await.is_empty());
        assert_eq!(report.undelivered, 1);
        assert!(report.store_problem.unwrap().message.contains("sandbox:1:1"));
    });
}
