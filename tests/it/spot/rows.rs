//! Rows: kept as they came, each with the id of its zone.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::TimeDelta;
use contrail::base::Time;
use contrail::base::error::Hinted as _;
use contrail::lake::interval::Interval;
use contrail::lake::slice::Slice;
use contrail::sources::{FetchErrorKind, Source as _};

use super::{change, failure, fetch, hour, lake, row, source, stream};
use crate::support::ec2::{Answer, Asked, Ec2, item, page, zones};
use crate::support::lake::{Lake, lines, time};
use crate::support::payloads::payload;

#[tokio::test]
async fn odd_rows_are_kept_as_they_came() {
    let good = change("a", "2026-11-22T18:30:00.000Z", "0.1");
    let unknown = item(&[
        ("availabilityZoneId", "use1-az1"),
        ("instanceType", "m5.large"),
        ("productDescription", "Linux/UNIX & <more>"),
        ("spotPrice", "0.1000"),
        ("timestamp", "2026-11-22T18:31:00+00:00"),
        ("availabilityZone", "us-east-1a"),
        ("currencyCode", "USD"),
    ]);
    let odd = [
        good.clone(),
        unknown,
        change("b", "2026-11-22T18:30:00.000Z", "free"),
        change("c", "last Tuesday", "0.3"),
        item(&[("availabilityZoneId", "use1-az1"), ("timestamp", "2026-11-22T18:32:00.000Z")]),
    ];
    let ec2 = Ec2::start(move |_| page(&odd, None)).await;
    let lake = lake();
    let fetched = fetch(&ec2, &lake, &hour()).await.unwrap();
    assert_eq!(
        fetched.warnings.samples,
        [
            "a row has the SpotPrice \"free\"",
            "a row has the Timestamp \"last Tuesday\"",
            "a row has no AvailabilityZone",
        ]
    );
    assert_eq!(fetched.warnings.count, 3);
    assert_eq!(
        lines(fetched.draft),
        [
            row("a", "2026-11-22T18:30:00.000Z", "0.1"),
            r#"{"AvailabilityZoneId":"use1-az1","InstanceType":"m5.large","ProductDescription":"Linux/UNIX & <more>","SpotPrice":"0.1000","Timestamp":"2026-11-22T18:31:00+00:00","AvailabilityZone":"us-east-1a","CurrencyCode":"USD"}"#.to_owned(),
            row("b", "2026-11-22T18:30:00.000Z", "free"),
            row("c", "last Tuesday", "0.3"),
            r#"{"AvailabilityZoneId":"use1-az1","Timestamp":"2026-11-22T18:32:00.000Z"}"#.to_owned(),
        ]
    );
}

/// An item without a zone id, as the upstream wrote it for years.
fn old_change(zone: &str, timestamp: &str) -> String {
    item(&[
        ("instanceType", "m5.large"),
        ("productDescription", "Linux/UNIX"),
        ("spotPrice", "0.1"),
        ("timestamp", timestamp),
        ("availabilityZone", zone),
    ])
}

#[tokio::test]
async fn zone_ids_that_the_upstream_leaves_out_are_looked_up_once() {
    let ec2 = Ec2::start(|asked| match asked.action() {
        "DescribeAvailabilityZones" => zones(&[("us-east-1a", "use1-az6"), ("us-east-1b", "use1-az1")]),
        _ => page(&[old_change("us-east-1a", "2026-11-22T18:30:00.000Z")], None),
    })
    .await;
    let lake = lake();
    let source = source(&ec2.url, &lake);
    for _ in 0..2 {
        let fetched = source.fetch(&hour(), &lake.fetch_context(), lake.draft()).await.unwrap();
        assert_eq!(
            lines(fetched.draft),
            [
                r#"{"InstanceType":"m5.large","ProductDescription":"Linux/UNIX","SpotPrice":"0.1","Timestamp":"2026-11-22T18:30:00.000Z","AvailabilityZone":"us-east-1a","AvailabilityZoneId":"use1-az6"}"#
            ]
        );
    }
    let lookups: Vec<Asked> =
        ec2.asked().into_iter().filter(|asked| asked.action() == "DescribeAvailabilityZones").collect();
    assert_eq!(lookups.len(), 1);
    assert_eq!(lookups[0].parameters["AllAvailabilityZones"], "true");
    assert_eq!(lookups[0].region, "us-east-1");
}

#[tokio::test]
async fn a_zone_that_nobody_knows_keeps_its_row_and_is_asked_for_again() {
    let ec2 = Ec2::start(|asked| match asked.action() {
        "DescribeAvailabilityZones" => zones(&[("us-east-1a", "use1-az6")]),
        _ => page(&[old_change("us-east-1-new-1a", "2026-11-22T18:30:00.000Z")], None),
    })
    .await;
    let lake = lake();
    let source = source(&ec2.url, &lake);
    for _ in 0..2 {
        let fetched = source.fetch(&hour(), &lake.fetch_context(), lake.draft()).await.unwrap();
        let warning = "the zone \"us-east-1-new-1a\" is not among the zones of us-east-1";
        assert_eq!(fetched.warnings.samples, [warning]);
        assert_eq!(lines(fetched.draft).len(), 1);
    }
    let lookups = ec2.asked().iter().filter(|asked| asked.action() == "DescribeAvailabilityZones").count();
    assert_eq!(lookups, 2);
}

#[tokio::test]
async fn rows_without_zone_ids_are_not_stored_when_the_zones_are_refused() {
    let ec2 = Ec2::start(|asked| match asked.action() {
        "DescribeAvailabilityZones" => Answer::error(403, "UnauthorizedOperation", "You are not authorized."),
        _ => page(&[old_change("us-east-1a", "2026-11-22T18:30:00.000Z")], None),
    })
    .await;
    let lake = lake();
    let error = failure(&ec2, &lake, &hour()).await;
    assert_eq!(error.kind, FetchErrorKind::Refused);
    assert!(error.hint().unwrap().contains("ec2:DescribeAvailabilityZones"), "{:?}", error.hint());
}

#[tokio::test]
async fn many_windows_at_once_ask_for_the_zones_once() {
    let ec2 = Ec2::start(|asked| match asked.action() {
        "DescribeAvailabilityZones" => zones(&[("us-east-1a", "use1-az6")]).after(Duration::from_millis(20)),
        _ => page(&[old_change("us-east-1a", "2026-11-22T18:30:00.000Z")], None),
    })
    .await;
    let lake = lake();
    let (source, slice, context) = (source(&ec2.url, &lake), hour(), lake.fetch_context());
    let fetches = (0..8).map(|_| source.fetch(&slice, &context, lake.draft()));
    futures::future::try_join_all(fetches).await.unwrap();
    let lookups = ec2.asked().iter().filter(|asked| asked.action() == "DescribeAvailabilityZones").count();
    assert_eq!(lookups, 1);
}

#[tokio::test]
async fn real_rows_come_out_as_they_went_in() {
    const FIELDS: [&str; 5] =
        ["AvailabilityZone", "InstanceType", "ProductDescription", "SpotPrice", "Timestamp"];
    let file = "aws-spot-history/contrail_spot_enriched_us-east-1_2019-02-26.json.gz";
    let Some(captured) = payload(file) else { return };
    let captured: Vec<serde_json::Map<String, serde_json::Value>> =
        serde_json::from_slice(&captured).unwrap();
    let captured: Vec<[String; 5]> =
        captured.iter().map(|row| FIELDS.map(|field| row[field].as_str().unwrap().to_owned())).collect();
    assert_eq!(captured.len(), 3_653);

    let items: Vec<String> = captured
        .iter()
        .map(|row| {
            item(&[
                ("instanceType", &row[1]),
                ("productDescription", &row[2]),
                ("spotPrice", &row[3]),
                ("timestamp", &row[4]),
                ("availabilityZone", &row[0]),
            ])
        })
        .collect();
    let ec2 = Ec2::start(move |asked| {
        if asked.action() == "DescribeAvailabilityZones" {
            let ids = ["a", "b", "c", "d", "e", "f"]
                .map(|zone| (format!("us-east-1{zone}"), format!("use1-az-{zone}")));
            let ids: Vec<(&str, &str)> = ids.iter().map(|(name, id)| (name.as_str(), id.as_str())).collect();
            return zones(&ids);
        }
        let start: usize = asked.token().map_or(0, |token| token.parse().unwrap());
        let end = (start + 1_000).min(items.len());
        page(&items[start..end], (end < items.len()).then(|| end.to_string()).as_deref())
    })
    .await;
    // The capture reaches back 38 hours; a lake made long after it fetches whole days.
    let lake = Lake::new("2019-03-10T00:00:00Z", "2019-03-10T10:00:00Z");
    let mut rows: Vec<[String; 5]> = Vec::new();
    for day in ["2019-02-24", "2019-02-25", "2019-02-26"] {
        let from: Time = time(&format!("{day}T00:00:00Z"));
        let span = Interval::new(from, from + TimeDelta::days(1)).unwrap();
        let slice = Slice::Window { stream: stream("us-east-1"), span };
        let fetched = fetch(&ec2, &lake, &slice).await.unwrap();
        assert_eq!(fetched.warnings.count, 0, "{:?}", fetched.warnings);
        for line in lines(fetched.draft) {
            let row: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&line).unwrap();
            assert_eq!(row.len(), 6, "{line}");
            let zone = row["AvailabilityZone"].as_str().unwrap();
            assert_eq!(row["AvailabilityZoneId"], zone.replace("us-east-1", "use1-az-"));
            rows.push(FIELDS.map(|field| row[field].as_str().unwrap().to_owned()));
        }
    }
    assert_eq!(rows.len(), captured.len(), "none is missing and none is there twice");
    let (went_in, came_out): (BTreeSet<_>, BTreeSet<_>) =
        (captured.into_iter().collect(), rows.into_iter().collect());
    assert_eq!(went_in, came_out);
}
