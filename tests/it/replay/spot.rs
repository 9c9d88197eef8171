//! Spot prices: every change that the upstream ever told is in the lake once, in the window of its time or, if it
//! was told late, in the audit of its day.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use contrail::base::Time;
use contrail::crawler::Tally;
use contrail::lake::key::{Key, Parsed};
use contrail::lake::run_log::Outcome;
use contrail::lake::slice::Slice;
use contrail::net::HostLimits;
use contrail::sources::aws::spot_prices::{AwsSpotPrices, Options};
use serde::Deserialize;

use super::fixture;
use crate::spot::{options, sdk};
use crate::support::crawl::Crawl;
use crate::support::ec2::{Answer, Asked, Ec2, item, page, regions, zones};
use crate::support::payloads::payload;
use crate::support::place::Place;

const REGION: &str = "us-east-1";
/// The last recorded change is of 08:51.
const CREATED: &str = "2019-02-26T09:15:00Z";
/// The day of the last changes is over, and its audit is due.
const NEXT_DAY: &str = "2019-02-27T06:05:00Z";
/// Longer than what was recorded. Every window lists the last change of each pool before it, thousands of them, so
/// that a week of long windows tells as much as a quarter of short ones, and sooner.
const BACKFILL: &str = "7d";
const WINDOW: &str = "3h";
/// One in so many changes of the last day is told late.
const LATE: usize = 7;

/// A change as the AWS CLI prints it; what else was recorded with it is not the upstream's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Change {
    timestamp: Time,
    availability_zone: String,
    #[serde(default)]
    availability_zone_id: Option<String>,
    instance_type: String,
    product_description: String,
    spot_price: String,
}

impl Change {
    fn pool(&self) -> (&str, &str, &str) {
        (&self.availability_zone, &self.instance_type, &self.product_description)
    }

    fn item(&self) -> String {
        item(&[
            ("instanceType", &self.instance_type),
            ("productDescription", &self.product_description),
            ("spotPrice", &self.spot_price),
            ("timestamp", &self.timestamp.format("%Y-%m-%dT%H:%M:%S.000Z").to_string()),
            ("availabilityZone", &self.availability_zone),
        ])
    }
}

/// The zones of the account, under the names that only it has for them.
fn zone_ids() -> BTreeMap<String, String> {
    ["a", "b", "c", "d", "e", "f"]
        .iter()
        .zip([6, 1, 2, 4, 3, 5])
        .map(|(letter, number)| (format!("{REGION}{letter}"), format!("use1-az{number}")))
        .collect()
}

/// The history as the upstream tells it: newest first, and some of it late.
struct History {
    changes: Vec<Change>,
    told_late: BTreeSet<Change>,
    all_told: AtomicBool,
}

impl History {
    fn new(recorded: &[u8]) -> Self {
        let mut changes: Vec<Change> = serde_json::from_slice(recorded).unwrap();
        changes.sort();
        changes.reverse();
        let last_day = changes[0].timestamp.date_naive();
        let of_last_day = changes.iter().filter(|change| change.timestamp.date_naive() == last_day);
        let told_late = of_last_day.step_by(LATE).cloned().collect();
        Self { changes, told_late, all_told: AtomicBool::new(false) }
    }

    fn answer(&self, asked: &Asked) -> Answer {
        match asked.action() {
            "DescribeRegions" => regions(&[(REGION, "opt-in-not-required")]),
            "DescribeAvailabilityZones" => {
                let ids = zone_ids();
                zones(&ids.iter().map(|(name, id)| (name.as_str(), id.as_str())).collect::<Vec<_>>())
            }
            "DescribeSpotPriceHistory" => self.page(asked),
            action => Answer::error(400, "InvalidAction", action),
        }
    }

    /// A page of the changes in `[StartTime, EndTime]` and of the last one of each pool before. Pages are shorter
    /// than what was asked for, and of different lengths, as the real ones are.
    fn page(&self, asked: &Asked) -> Answer {
        let moment = |name: &str| asked.parameters[name].parse::<Time>().unwrap();
        let (start, end) = (moment("StartTime"), moment("EndTime"));
        let mut carried = BTreeSet::new();
        let all_told = self.all_told.load(Ordering::Relaxed);
        let listed = self.changes.iter().filter(|change| all_told || !self.told_late.contains(*change));
        let items: Vec<_> = listed
            .filter(|change| change.timestamp <= end)
            .filter(|change| change.timestamp >= start || carried.insert(change.pool()))
            .map(Change::item)
            .collect();
        let from: usize = asked.token().map_or(0, |token| token.parse().unwrap());
        let most: usize = asked.parameters["MaxResults"].parse().unwrap();
        let to = (from + most - from % 100 - 1).min(items.len());
        page(&items[from..to], (to < items.len()).then(|| to.to_string()).as_deref())
    }
}

async fn tick(crawl: &Crawl<'_>, ec2: &Ec2) -> Tally {
    let options = Options { backfill: BACKFILL.parse().unwrap(), ..options(&ec2.url) };
    let source = AwsSpotPrices::new(options, sdk(true), HostLimits::new(4, crawl.clock()), crawl.clock());
    crawl.once(Arc::new(source)).await
}

async fn replay(recorded: &[u8], place: &Place) {
    let history = Arc::new(History::new(recorded));
    let told = Arc::clone(&history);
    let ec2 = Ec2::start(move |asked| told.answer(asked)).await;
    let crawl = Crawl::new(place, CREATED).with_spot_window(WINDOW);
    let late = history.told_late.len() as u64;

    let tally = tick(&crawl, &ec2).await;
    assert_eq!(tally.rows, history.changes.len() as u64 - late, "{tally:?}");
    history.all_told.store(true, Ordering::Relaxed);
    crawl.set_time(NEXT_DAY);
    let tally = tick(&crawl, &ec2).await;
    assert_eq!(
        (tally.rows, tally.count(Outcome::Stored)),
        (late, 1),
        "the audit, and nothing else: {tally:?}"
    );
    let before = ec2.asked().len();
    let tally = tick(&crawl, &ec2).await;
    assert_eq!((tally.outcomes.len(), ec2.asked().len() - before), (0, 1), "a look at the regions");

    let mut out = Vec::new();
    let (mut empty, mut audits) = (0, 0);
    for (key, object) in place.lake().await.all_raw() {
        let lines = object.lines();
        empty += usize::from(lines.is_empty());
        let rows: Vec<Change> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        match Key::parse(key).unwrap().1 {
            Parsed::Raw(Slice::Window { span, .. }) => {
                assert!(
                    rows.iter().all(|row| span.from() <= row.timestamp && row.timestamp < span.to()),
                    "{key}"
                );
            }
            Parsed::Raw(Slice::Audit { day, .. }) => {
                audits += 1;
                assert!(rows.iter().all(|row| row.timestamp.date_naive() == day), "{key}");
                assert!(rows.is_empty() || rows.len() as u64 == late, "{key}");
            }
            other => panic!("{other:?}"),
        }
        out.extend(rows);
    }
    // Four days before the first change, the six windows after the last, and the audit of the day before.
    assert_eq!((empty, audits), (4 + 6 + 1, 2));
    out.sort();
    let ids = zone_ids();
    let mut expected = history.changes.clone();
    for change in &mut expected {
        change.availability_zone_id = Some(ids[&change.availability_zone].clone());
    }
    expected.sort();
    assert_eq!(expected.iter().collect::<BTreeSet<_>>().len(), expected.len());
    assert!(out == expected, "{} rows are in {}, of {}", out.len(), place.name, expected.len());
}

fn recorded() -> Option<Vec<u8>> {
    payload("aws-spot-history/contrail_spot_enriched_us-east-1_2019-02-26.json.gz")
}

/// Crawls the recordings into a new lake; `None` where there are none.
pub(super) async fn crawl_recorded(place: &Place) -> Option<()> {
    replay(&recorded()?, place).await;
    Some(())
}

#[tokio::test]
async fn recorded_spot_prices_come_out_once_each() {
    let Some(recorded) = recorded() else { return };
    assert_eq!(serde_json::from_slice::<Vec<Change>>(&recorded).unwrap().len(), 3_653);
    for place in Place::everywhere("recorded-spot-prices").await {
        replay(&recorded, &place).await;
    }
}

#[tokio::test]
async fn invented_spot_prices_come_out_once_each() {
    let invented = fixture("aws_spot_prices/history.json");
    for place in Place::everywhere("invented-spot-prices").await {
        replay(&invented, &place).await;
    }
}
