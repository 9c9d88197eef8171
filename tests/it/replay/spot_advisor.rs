//! The feed of the Spot Instance Advisor: each edition is in the lake once, byte for byte, and a slot in which it said
//! the same is a mark, whatever the order in which it said it.

use std::sync::{Arc, Mutex};

use axum::response::IntoResponse as _;
use contrail::crawler::Tally;
use contrail::lake::run_log::Outcome;
use contrail::sources::aws::spot_advisor::SpotAdvisor;

use super::fixture;
use crate::support::crawl::Crawl;
use crate::support::http::Served;
use crate::support::payloads::payload;
use crate::support::place::Place;

/// The first edition; the same in another order; one that says something else; one without its first region; and one that
/// has lost more than a tenth of what it says.
struct Editions {
    first: String,
    same: String,
    other: String,
    /// The region that the next one lacks.
    region: &'static str,
    /// What each of them advises, in the order in which they are crawled.
    rows: [u64; 4],
}

impl Editions {
    fn invented() -> Self {
        let edition =
            |number| String::from_utf8(fixture(&format!("aws_spot_advisor/edition_{number}.json"))).unwrap();
        Self {
            first: edition(1),
            same: edition(2),
            other: edition(3),
            region: "us-east-1",
            rows: [8, 8, 3, 8],
        }
    }

    /// The numbers are those of `[.spot_advisor[][] | length] | add` by `jq`, also of `del(.spot_advisor["us-east-1"])`.
    fn recorded() -> Option<Self> {
        let first = String::from_utf8(payload("aws-spot-advisor/spot-advisor-data_2025-07.json")?).unwrap();
        // Members are sorted by their names: another order than the recorded one.
        let same = serde_json::from_str::<serde_json::Value>(&first).unwrap().to_string();
        assert_ne!(first, same);
        let other = first.replacen("\"s\": 66", "\"s\": 67", 1);
        assert_ne!(first, other);
        Some(Self { first, same, other, region: "us-east-1", rows: [25_323, 25_323, 23_824, 25_323] })
    }

    fn without_region(&self) -> String {
        let mut feed: serde_json::Value = serde_json::from_str(&self.other).unwrap();
        feed["spot_advisor"].as_object_mut().unwrap().remove(self.region).unwrap();
        feed.to_string()
    }
}

async fn tick(crawl: &Crawl<'_>, server: &Served) -> Tally {
    crawl.once(Arc::new(SpotAdvisor::new(&server.url, &crawl.client()))).await
}

fn key(slot: &str) -> String {
    format!("raw/aws_spot_advisor/dt=2026-11-{}/202611{slot}0000Z.json.gz", slot.get(..2).unwrap())
}

async fn replay(editions: &Editions, place: &Place) {
    let now = Arc::new(Mutex::new(editions.first.clone()));
    let served = Arc::clone(&now);
    let server = Served::start(move |asked| {
        assert_eq!(asked.url.path(), "/spot-advisor-data.json");
        served.lock().unwrap().clone().into_response()
    })
    .await;
    let crawl = Crawl::new(place, "2026-11-21T18:20:00Z");
    let (without, first, same, other) =
        (editions.without_region(), &editions.first, &editions.same, &editions.other);
    for (at, edition, outcome) in [
        ("21T18:20", first, Outcome::Stored),
        ("22T00:20", first, Outcome::Unchanged),
        ("22T06:20", same, Outcome::Unchanged),
        ("22T12:20", other, Outcome::Stored),
        (
            "22T18:20",
            &without,
            if editions.rows[2] * 10 < editions.rows[1] * 9 { Outcome::Suspect } else { Outcome::Stored },
        ),
        ("23T00:20", other, Outcome::Stored),
    ] {
        edition.clone_into(&mut now.lock().unwrap());
        crawl.set_time(&format!("2026-11-{at}:00Z"));
        let tally = tick(&crawl, &server).await;
        assert_eq!((tally.outcomes.values().sum::<u64>(), tally.count(outcome)), (1, 1), "{at}: {tally:?}");
        let before = server.asked().len();
        assert!(tick(&crawl, &server).await.outcomes.is_empty(), "a slot that is known is not asked for");
        assert_eq!(server.asked().len(), before);
    }
    // Two slots are slept through.
    crawl.set_time("2026-11-23T19:00:00Z");
    let tally = tick(&crawl, &server).await;
    assert_eq!((tally.count(Outcome::Lost), tally.count(Outcome::Unchanged)), (2, 1), "{tally:?}");

    let lake = place.lake().await;
    let objects = lake.raw("aws_spot_advisor");
    let expected = [("21T18", first), ("22T12", other), ("22T18", &without), ("23T00", other)];
    assert!(objects.keys().copied().eq(expected.iter().map(|(slot, _)| key(slot))), "{:?}", objects.keys());
    for ((slot, edition), rows) in expected.into_iter().zip(editions.rows) {
        let object = objects[key(slot).as_str()];
        assert!(object.payload() == edition.as_bytes(), "{slot} in {} is not what was served", place.name);
        let meta = object.meta.as_ref().unwrap();
        assert_eq!((meta.rows, meta.things, meta.complete), (Some(rows), Some(rows), Some(true)), "{slot}");
        assert_eq!(meta.rows_hash.as_ref().map(String::len), Some(32));
    }
    let mark = |slot: &str, mark| format!("_contrail/marks/{}.{mark}.json", key(slot));
    let marks = [
        ("22T00", "unchanged"),
        ("22T06", "unchanged"),
        ("23T06", "lost"),
        ("23T12", "lost"),
        ("23T18", "unchanged"),
    ];
    assert!(lake.marks().into_iter().eq(marks.map(|(slot, word)| mark(slot, word))), "{:?}", lake.marks());
    let attempts = lake.attempts();
    let raised: Vec<_> = attempts.iter().filter(|attempt| !attempt.sentinels.is_empty()).collect();
    let [vanished] = raised.as_slice() else { panic!("{raised:?}") };
    assert_eq!(vanished.key.as_deref(), Some(key("22T18").as_str()));
    assert!(vanished.sentinels.iter().any(|raised| raised == "stream_vanished"), "{vanished:?}");
    let told = format!("region {} is named no more", editions.region);
    assert!(vanished.warning_samples.contains(&told), "{vanished:?}");
}

#[tokio::test]
async fn recorded_advice_comes_out_byte_for_byte_and_once() {
    let Some(editions) = Editions::recorded() else { return };
    for place in Place::everywhere("recorded-spot-advice").await {
        replay(&editions, &place).await;
    }
}

#[tokio::test]
async fn invented_advice_comes_out_byte_for_byte_and_once() {
    for place in Place::everywhere("invented-spot-advice").await {
        replay(&Editions::invented(), &place).await;
    }
}
