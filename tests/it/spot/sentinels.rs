//! What a listing shows of EC2's habits, and what in it a person should look at.

use contrail::sources::{Fields, Sentinel};

use super::{change, fetch, hour, lake};
use crate::support::ec2::{Ec2, item, page};
use crate::support::lake::lines;

#[tokio::test]
async fn a_listing_shows_the_size_of_its_pages_its_pools_and_its_fields() {
    let full =
        |timestamp, next| page(&["a", "b", "c"].map(|zone| change(zone, timestamp, "0.1")), Some(next));
    let ec2 = Ec2::start(move |asked| match asked.token() {
        None => full("2026-11-22T18:40:00.000Z", "first"),
        Some("first") => full("2026-11-22T18:30:00.000Z", "second"),
        // A page may be short without being the last.
        Some("second") => page(&[change("a", "2026-11-22T18:20:00.000Z", "0.2")], Some("last")),
        // What is carried over is listed too: it is no change of this hour, but the pool is there.
        _ => page(
            &[change("d", "2026-11-01T00:00:00.000Z", "0.1"), change("a", "2026-11-22T18:00:00.000Z", "0.1")],
            None,
        ),
    })
    .await;
    let lake = lake();
    let fetched = fetch(&ec2, &lake, &hour()).await.unwrap();
    assert_eq!((fetched.habits.page_rows, fetched.habits.things), (Some(3), Some(4)));
    let fields = "AvailabilityZone,AvailabilityZoneId,InstanceType,ProductDescription,SpotPrice,Timestamp";
    assert_eq!(fetched.habits.fields, Fields::of_text(fields));
    assert_eq!(fetched.warnings.count, 0);
    assert_eq!(lines(fetched.draft).len(), 8);
}

/// Every tenth listing had a short first page, and raised an alarm.
#[tokio::test]
async fn one_page_that_is_not_the_last_says_nothing_of_full_pages() {
    let ec2 = Ec2::start(|asked| match asked.token() {
        None => page(&[change("a", "2026-11-22T18:30:00.000Z", "0.1")], Some("last")),
        Some(_) => page(&[change("b", "2026-11-22T18:30:00.000Z", "0.1")], None),
    })
    .await;
    let lake = lake();
    assert_eq!(fetch(&ec2, &lake, &hour()).await.unwrap().habits.page_rows, None);
}

#[tokio::test]
async fn a_price_that_leaps_and_a_change_in_the_future_are_told_and_kept() {
    // It is 20:15.
    let ec2 = Ec2::start(|_| {
        page(
            &[
                change("a", "2026-11-22T18:30:00.000Z", "4.2"),
                change("a", "2026-11-01T00:00:00.000Z", "0.042"),
                change("b", "2026-11-22T20:30:00.000Z", "0.1"),
            ],
            None,
        )
    })
    .await;
    let lake = lake();
    let fetched = fetch(&ec2, &lake, &hour()).await.unwrap();
    assert_eq!(
        fetched.warnings.sentinels.iter().copied().collect::<Vec<_>>(),
        [Sentinel::Future, Sentinel::Price]
    );
    assert_eq!(lines(fetched.draft).len(), 1, "each in its own window");
}

#[tokio::test]
async fn the_zone_id_that_we_add_is_no_field_of_the_upstream() {
    let ec2 = Ec2::start(|asked| match asked.action() {
        "DescribeAvailabilityZones" => crate::support::ec2::zones(&[("us-east-1a", "use1-az1")]),
        _ => page(
            &[item(&[
                ("availabilityZone", "us-east-1a"),
                ("instanceType", "m5.large"),
                ("productDescription", "Linux/UNIX"),
                ("spotPrice", "0.1"),
                ("timestamp", "2026-11-22T18:30:00.000Z"),
            ])],
            None,
        ),
    })
    .await;
    let fetched = fetch(&ec2, &lake(), &hour()).await.unwrap();
    let fields = "AvailabilityZone,InstanceType,ProductDescription,SpotPrice,Timestamp";
    assert_eq!(fetched.habits.fields, Fields::of_text(fields));
}
