//! Spot prices of a machine, zone by zone, at one moment. The price of a pool is its last change before the moment, or
//! what the day opened with; it is known if the moment is, and if nothing between the two could have gone by unseen.
//!
//! After a gap a price is known only where its change was carried over, or where `spot_prices_daily` counts every second
//! that was collected as known: it looks at all rows of the window after the gap, which a question about one machine does
//! not. What it leaves out is unknown here.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use futures::{StreamExt as _, TryStreamExt as _};

use super::coverage::{Coverage, NOTHING, Standing, shown};
use super::error::AskError;
use super::offer::{Kind, Offer, State, month_of};
use super::question::{Question, When};
use crate::base::clock::{midnight, whole_second};
use crate::base::{Date, Name, Price, Time};
use crate::lake::interval::{Interval, IntervalSet};
use crate::lake::key::{Key, Parsed, Prefix};
use crate::lake::slice::Slice;
use crate::lake::store::Store;
use crate::tables::Table;
use crate::tables::definitions::{SPOT_PRICES, SPOT_PRICES_DAILY};
use crate::tables::scan::{Condition, Part, Row, Scan, ScanError, Tally};

pub(super) const DATASET: &str = "aws_spot_prices";
const PROVIDER: &str = "aws";
/// How many objects are looked up at once.
const CONCURRENT_LOOKUPS: usize = 16;

/// Machines of one kind in one place, which have one price.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PoolName {
    pub(super) region: String,
    pub(super) zone_id: Option<String>,
    pub(super) zone: Option<String>,
    pub(super) product: String,
    pub(super) system: String,
    pub(super) currency: String,
}

pub(super) const POOL_COLUMNS: [&str; 6] = [
    "region_id",
    "availability_zone_id",
    "availability_zone",
    "product_description",
    "operating_system",
    "currency",
];

impl PoolName {
    pub(super) fn read(row: &Row<'_>) -> Option<Self> {
        let text = |column: &str| row.text(column).map(str::to_owned);
        Some(Self {
            region: text("region_id")?,
            zone_id: text("availability_zone_id"),
            zone: text("availability_zone"),
            product: text("product_description")?,
            system: text("operating_system")?,
            currency: text("currency")?,
        })
    }
}

/// A price from a moment on.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Change {
    at: Time,
    price: Option<Price>,
    source: String,
}

/// What a day says of a pool.
#[derive(Debug, Clone, Copy, Default)]
struct Opening {
    open: Option<Price>,
    close: Option<Price>,
    changes: i64,
    known_seconds: i64,
}

/// The changes and the openings of the pools of one day.
#[derive(Debug, Default)]
struct Pools {
    changes: BTreeMap<PoolName, Vec<Change>>,
    openings: BTreeMap<PoolName, Opening>,
}

/// Which time of one region was collected.
#[derive(Debug, Default)]
struct Seen {
    /// By now.
    ever: IntervalSet,
    /// By the moment whose knowledge counts.
    then: IntervalSet,
}

/// Spot prices of the machine in every region that the question is about, of all operating systems.
pub(super) async fn offers(
    store: &dyn Store,
    coverage: &Coverage,
    question: &Question,
    tally: &Tally,
) -> Result<Vec<Offer>, AskError> {
    if !question.asks_for_provider(PROVIDER) {
        return Ok(Vec::new());
    }
    let regions: Vec<(&str, &str)> = coverage
        .streams(DATASET)
        .filter_map(|stream| Some((stream, stream.strip_prefix("region=")?)))
        .filter(|(_, region)| question.asks_for_region(region))
        .collect();
    let moments: Vec<Result<Time, String>> =
        regions.iter().map(|(stream, _)| moment_of(coverage, stream, question)).collect();
    let days: BTreeSet<Date> = moments.iter().flatten().map(Time::date_naive).collect();
    let pools = read(store, &days, question, tally).await?;
    let fetched = match question.known_at() {
        Some(known_at) => Some(fetched_by(store, &days, question, known_at).await?),
        None => None,
    };
    let mut offers = Vec::new();
    for ((stream, region), moment) in regions.into_iter().zip(moments) {
        let unknown = |why| {
            Offer::without_price(
                (PROVIDER, region, &question.operating_system),
                Kind::Spot,
                State::Unknown,
                why,
            )
        };
        let moment = match moment {
            Ok(moment) => moment,
            Err(why) => {
                offers.push(unknown(why));
                continue;
            }
        };
        let ever = coverage.known(DATASET, stream);
        let mut seen = Seen { then: ever.clone(), ever };
        if let Some(fetched) = &fetched {
            seen.then = fetched.windows.get(region).cloned().unwrap_or_default();
            if seen.then.part_at(whole_second(moment)).is_none() {
                offers.push(unknown(format!("it was not collected by {}", shown(fetched.by))));
                continue;
            }
        }
        let Some(pools) = pools.get(&moment.date_naive()) else { continue };
        for name in pools.changes.keys().chain(pools.openings.keys()).collect::<BTreeSet<_>>() {
            if name.region == region {
                offers.push(offer(name, pools, &seen, fetched.as_ref(), moment, question));
            }
        }
    }
    Ok(offers)
}

/// The moment that is asked about in a region, or why nothing is known of it.
fn moment_of(coverage: &Coverage, stream: &str, question: &Question) -> Result<Time, String> {
    match question.when {
        // The end of a stretch is not part of it.
        When::Latest => coverage
            .latest(DATASET, stream, question.now)
            .map(|end| end - TimeDelta::microseconds(1))
            .ok_or_else(|| coverage.why_nothing(DATASET, stream)),
        When::At { moment, .. } => match coverage.at(DATASET, stream, moment) {
            Standing::Known => Ok(moment),
            Standing::Unknown(why) => Err(why),
            Standing::Unheard => Err(NOTHING.to_owned()),
        },
    }
}

async fn read(
    store: &dyn Store,
    days: &BTreeSet<Date>,
    question: &Question,
    tally: &Tally,
) -> Result<BTreeMap<Date, Pools>, AskError> {
    let mut pools: BTreeMap<Date, Pools> = BTreeMap::new();
    let columns = |more: &[&'static str]| [&POOL_COLUMNS, more].concat();
    let changes = columns(&["unit_price", "effective_from", "source_key"]);
    let found = of_days(store, &SPOT_PRICES, &changes, days, question, tally, |row| {
        let change = Change {
            at: row.moment("effective_from")?,
            price: row.price("unit_price"),
            source: row.text("source_key")?.to_owned(),
        };
        Some((PoolName::read(row)?, change))
    });
    for (day, (name, change)) in found.await? {
        pools.entry(day).or_default().changes.entry(name).or_default().push(change);
    }
    let openings = columns(&["open_price", "close_price", "changes", "known_seconds"]);
    let found = of_days(store, &SPOT_PRICES_DAILY, &openings, days, question, tally, |row| {
        let (open, close) = (row.price("open_price"), row.price("close_price"));
        let (changes, known_seconds) = row.integer("changes").zip(row.integer("known_seconds"))?;
        Some((PoolName::read(row)?, Opening { open, close, changes, known_seconds }))
    });
    for (day, (name, opening)) in found.await? {
        pools.entry(day).or_default().openings.insert(name, opening);
    }
    Ok(pools)
}

/// What `make` makes of the machine's rows in some days of a table. A table that is not there has no rows: which time is
/// known is a matter of coverage alone.
async fn of_days<T: Send>(
    store: &dyn Store,
    table: &'static Table,
    columns: &[&'static str],
    days: &BTreeSet<Date>,
    question: &Question,
    tally: &Tally,
    make: impl Fn(&Row<'_>) -> Option<T> + Sync,
) -> Result<Vec<(Date, T)>, AskError> {
    let Some((first, last)) = days.first().zip(days.last()) else { return Ok(Vec::new()) };
    let mut scan = Scan::of(table, columns)
        .days(*first..=*last)
        .only(Condition::is("instance_type", &question.instance_type));
    if !question.regions.is_empty() {
        scan = scan.only(Condition::OneOf { column: "region_id", values: question.regions.clone() });
    }
    let parts: Vec<(Date, Part)> = match scan.parts(store, tally).await {
        Ok(parts) => parts.into_iter().filter_map(|part| Some((part.day()?, part))).collect(),
        Err(ScanError::NotBuilt { .. }) => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let (dates, parts): (Vec<Date>, Vec<Part>) =
        parts.into_iter().filter(|(day, _)| days.contains(day)).unzip();
    let found = scan.gather(store, &parts, tally, |rows: &mut Vec<T>, row| rows.extend(make(row))).await?;
    let of_day = |(day, rows): (Date, Vec<T>)| rows.into_iter().map(move |row| (day, row));
    Ok(dates.into_iter().zip(found).flat_map(of_day).collect())
}

impl Opening {
    /// Whether the price is known for every second of the day that was collected, from the first price on: then no gap
    /// hides a change.
    fn knows_all(&self, changes: &[Change], collected: &IntervalSet, day: Time) -> bool {
        let first = changes.iter().map(|change| change.at.max(day)).min();
        let from =
            if self.open.is_some() { Some(day) } else { first.map(|first| after_gap(collected, first)) };
        let span = from.and_then(|from| Interval::new(whole_second(from), day + TimeDelta::days(1)));
        let seconds: u64 =
            span.map_or(0, |span| collected.within(span).into_iter().map(Interval::seconds).sum());
        // Changes may come at a fraction of a second.
        seconds > 0 && i64::try_from(seconds).is_ok_and(|seconds| seconds <= self.known_seconds + 1)
    }
}

/// The moment, or the end of the gap that it lies in.
fn after_gap(collected: &IntervalSet, moment: Time) -> Time {
    let second = whole_second(moment);
    if collected.part_at(second).is_some() {
        return moment;
    }
    collected.parts().iter().map(|part| part.from()).find(|from| *from > second).unwrap_or(moment)
}

/// The price of a pool at a moment that is known.
fn offer(
    name: &PoolName,
    pools: &Pools,
    seen: &Seen,
    fetched: Option<&Fetched>,
    moment: Time,
    question: &Question,
) -> Offer {
    let day = midnight(moment.date_naive());
    let all = pools.changes.get(name).map_or(&[][..], Vec::as_slice);
    let was_known = |change: &&Change| fetched.is_none_or(|fetched| fetched.keys.contains(&change.source));
    let last =
        all.iter().filter(was_known).filter(|change| change.at <= moment).max_by_key(|change| change.at);
    let opening = pools.openings.get(name).copied().unwrap_or_default();
    let stretch = seen.then.part_at(whole_second(moment));
    // The price, and since when nothing may have gone by unseen.
    let (price, since) = match (last, opening.open) {
        // A change in a gap was carried over: it is what was found after it.
        (Some(change), _) => (change.price, after_gap(&seen.then, change.at.max(day))),
        (None, Some(open)) => (Some(open), day),
        // What did not change all day had one price wherever it is known.
        (None, None) if opening.changes == 0 => (opening.close, stretch.map_or(day, |it| it.from().max(day))),
        (None, None) => (None, day),
    };
    let mut offer = Offer {
        zone: name.zone.clone(),
        zone_id: name.zone_id.clone(),
        currency: Some(name.currency.clone()),
        effective_from: last.map(|change| change.at),
        as_of: Some(if question.when == When::Latest { moment + TimeDelta::microseconds(1) } else { moment }),
        source_key: last.map(|change| change.source.clone()),
        ..Offer::without_price(
            (PROVIDER, &name.region, &name.system),
            Kind::Spot,
            State::Unknown,
            String::new(),
        )
    };
    let hides_nothing =
        |gap: &Interval| seen.ever.missing(*gap) == [*gap] && opening.knows_all(all, &seen.ever, day);
    let gap = Interval::new(whole_second(since), whole_second(moment) + TimeDelta::seconds(1))
        .and_then(|span| seen.then.missing(span).into_iter().find(|gap| !hides_nothing(gap)));
    offer.why = match (gap, price, last) {
        (Some(gap), ..) => Some(format!(
            "gap: {}..{} lies between the last change and then",
            shown(gap.from()),
            shown(gap.to())
        )),
        (None, None, Some(_)) => Some("its price is no number, or does not fit".to_owned()),
        (None, None, None) => Some("no change of it is known by then".to_owned()),
        (None, Some(_), _) => None,
    };
    if offer.why.is_none() {
        (offer.hourly, offer.monthly, offer.state) = (price, price.and_then(month_of), State::Known);
    }
    offer
}

/// What had been collected by a moment.
#[derive(Debug)]
struct Fetched {
    by: Time,
    keys: BTreeSet<String>,
    windows: BTreeMap<String, IntervalSet>,
}

/// Which raw objects of some days the lake had by a moment, as their metadata tells. What the days before had left open
/// counts as known.
async fn fetched_by(
    store: &dyn Store,
    days: &BTreeSet<Date>,
    question: &Question,
    by: Time,
) -> Result<Fetched, AskError> {
    let mut fetched = Fetched { by, keys: BTreeSet::new(), windows: BTreeMap::new() };
    let Ok(dataset) = Name::new("dataset", DATASET) else { return Ok(fetched) };
    for day in days {
        let listed: Vec<_> = store.list(&Prefix::raw_day(&dataset, *day)).try_collect().await?;
        let asked = listed.into_iter().filter_map(|listed| match Key::parse(&listed.key) {
            Ok((key, Parsed::Raw(slice))) => Some((key, slice)),
            _ => None,
        });
        let asked: Vec<(Key, Slice)> = asked
            .filter(|(_, slice)| slice.stream().part("region").is_some_and(|it| question.asks_for_region(it)))
            .collect();
        let found: Vec<_> = futures::stream::iter(asked.iter().map(|(key, _)| store.find(key)))
            .buffered(CONCURRENT_LOOKUPS)
            .try_collect()
            .await?;
        for ((key, slice), found) in asked.into_iter().zip(found) {
            let at = found.and_then(|found| found.meta).and_then(|meta| meta.fetched_at);
            if at.is_none_or(|at| at > by) {
                continue;
            }
            fetched.keys.insert(key.to_string());
            if let (Slice::Window { stream, span }, Some(region)) = (&slice, slice.stream().part("region")) {
                debug_assert_eq!(stream.dataset(), &dataset);
                fetched.windows.entry(region.to_owned()).or_default().insert(*span);
            }
        }
    }
    Ok(fetched)
}
