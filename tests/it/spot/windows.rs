//! What belongs into a window, and what an audit adds to a day.

use chrono::TimeDelta;
use contrail::lake::interval::Interval;
use contrail::lake::slice::Slice;
use contrail::sources::FetchErrorKind;

use super::{CREATED, change, failure, fetch, hour, lake, row, stream, window};
use crate::support::ec2::{Answer, Asked, Ec2, page};
use crate::support::lake::{Lake, lines, time};

/// What the upstream lists for the hour: the hour's change, one carried over, one at the end.
fn with_carry_over(_: &Asked) -> Answer {
    let changes = [
        change("a", "2026-11-22T19:00:00.000Z", "0.4"),
        change("a", "2026-11-22T18:30:00.000Z", "0.3"),
        change("a", "2026-11-22T18:30:00.000Z", "0.3"),
        change("a", "2026-11-22T17:59:59.000Z", "0.2"),
        change("b", "2026-11-22T15:30:00.000Z", "0.1"),
    ];
    page(&changes, None)
}

async fn timestamps(ec2: &Ec2, lake: &Lake, slice: &Slice) -> Vec<String> {
    let rows = lines(fetch(ec2, lake, slice).await.unwrap().draft);
    let rows = rows.iter().map(|row| serde_json::from_str::<serde_json::Value>(row).unwrap());
    rows.map(|row| time(row["Timestamp"].as_str().unwrap()).format("%H:%M").to_string()).collect()
}

#[tokio::test]
async fn a_window_holds_its_own_changes_each_once() {
    let ec2 = Ec2::start(with_carry_over).await;
    let mut lake = lake();
    assert_eq!(timestamps(&ec2, &lake, &hour()).await, ["18:30"], "the hour before will be fetched");
    lake.store(&window("2026-11-22T17:00:00Z", "2026-11-22T18:00:00Z"), &[]);
    assert_eq!(timestamps(&ec2, &lake, &hour()).await, ["18:30"], "the hour before is stored");
}

#[tokio::test]
async fn a_window_after_lost_time_holds_what_changed_in_it() {
    let ec2 = Ec2::start(with_carry_over).await;
    let mut lake = lake();
    lake.store(&window("2026-11-22T15:00:00Z", "2026-11-22T16:00:00Z"), &[]);
    lake.lose(&window("2026-11-22T16:00:00Z", "2026-11-22T17:00:00Z"));
    lake.lose(&window("2026-11-22T17:00:00Z", "2026-11-22T18:00:00Z"));
    assert_eq!(timestamps(&ec2, &lake, &hour()).await, ["18:30", "17:59"], "15:30 is in a window of its own");
}

#[tokio::test]
async fn the_first_window_within_memory_holds_what_was_before() {
    let ec2 = Ec2::start(with_carry_over).await;
    // Ninety days before is a quarter past five.
    let lake = Lake::new(CREATED, "2027-02-20T17:15:00Z");
    assert_eq!(timestamps(&ec2, &lake, &hour()).await, ["18:30", "17:59", "15:30"]);
    let lake = Lake::new(CREATED, "2027-02-20T16:15:00Z");
    assert_eq!(timestamps(&ec2, &lake, &hour()).await, ["18:30"], "the hour before can still be fetched");
}

#[tokio::test]
async fn what_the_upstream_begins_to_forget_is_left_to_the_next_plan() {
    let ec2 = Ec2::start(with_carry_over).await;
    let lake = Lake::new(CREATED, "2027-02-20T18:00:01Z");
    let error = failure(&ec2, &lake, &hour()).await;
    assert_eq!(error.kind, FetchErrorKind::Retry { after: None }, "{error}");
    assert!(ec2.asked().is_empty());
}

/// A lake whose second day is stored, with two rows in it.
fn day_to_audit() -> (Lake, Slice) {
    let mut lake = Lake::new(CREATED, "2026-11-23T07:00:00Z");
    for hour in 0..24 {
        let from = time("2026-11-22T00:00:00Z") + TimeDelta::hours(hour);
        let span = Interval::new(from, from + TimeDelta::hours(1)).unwrap();
        let rows = match hour {
            17 => vec![row("a", "2026-11-22T17:59:59.000Z", "0.2")],
            18 => vec![row("a", "2026-11-22T18:30:00.000Z", "0.3"), row("c", "odd", "0.5")],
            _ => vec![],
        };
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        lake.store(&Slice::Window { stream: stream("us-east-1"), span }, &rows);
    }
    (lake, Slice::Audit { stream: stream("us-east-1"), day: "2026-11-22".parse().unwrap() })
}

#[tokio::test]
async fn an_audit_finds_the_late_row_and_nothing_else() {
    let ec2 = Ec2::start(|_| {
        let changes = [
            change("a", "2026-11-23T00:00:00.000Z", "0.6"),
            change("c", "odd", "0.5"),
            change("a", "2026-11-22T18:30:00+00:00", "0.3"),
            change("b", "2026-11-22T18:20:00.000Z", "0.25"),
            change("a", "2026-11-22T17:59:59.000Z", "0.2"),
            change("b", "2026-11-21T23:59:59.000Z", "0.1"),
        ];
        page(&changes, None)
    })
    .await;
    let (lake, audit) = day_to_audit();
    let fetched = fetch(&ec2, &lake, &audit).await.unwrap();
    assert_eq!(lines(fetched.draft), [row("b", "2026-11-22T18:20:00.000Z", "0.25")]);
    let parameters = &ec2.asked()[0].parameters;
    assert_eq!(parameters["StartTime"], "2026-11-22T00:00:00Z");
    assert_eq!(parameters["EndTime"], "2026-11-23T00:00:00Z");
}

#[tokio::test]
async fn an_audit_stops_at_an_object_that_it_cannot_read() {
    let ec2 = Ec2::start(|_| page(&[], None)).await;
    let (lake, audit) = day_to_audit();
    let key =
        "raw/aws_spot_prices/dt=2026-11-22/region=us-east-1/20261122T180000Z-20261122T190000Z.ndjson.gz";
    for damage in [true, false] {
        {
            let mut objects = lake.objects.0.lock().unwrap();
            let object = objects.remove(key);
            if damage {
                objects.insert(key.to_owned(), object.unwrap().slice(..30));
            }
        }
        let error = failure(&ec2, &lake, &audit).await;
        // Not a matter of this machine, which would hold up the other regions too.
        assert_eq!(error.kind, FetchErrorKind::Upstream, "{error}");
        assert!(error.to_string().contains(key), "{error}");
    }
    assert!(ec2.asked().is_empty());
}
