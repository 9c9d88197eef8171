//! How prices of a machine went: of each spot pool the lowest, the highest and the mean price of each day, and every
//! change of its list prices.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::error::AskError;
use super::offer::Kind;
use super::question::Question;
use super::rates::{COLUMNS, Rate};
use super::spot::{POOL_COLUMNS, PoolName};
use super::unheard::{exists, unheard};
use crate::base::{Date, Price, Time};
use crate::lake::store::Store;
use crate::tables::definitions::{LIST_PRICES, SPOT_PRICES_DAILY};
use crate::tables::scan::{Condition, Part, Row, Scan, ScanError, Tally};

/// How prices of a machine went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// The days that are told, in order.
    pub days: Vec<Date>,
    /// Each pool of spot machines, the cheapest of late first.
    pub pools: Vec<Pool>,
    /// Changes of list prices, in the order in which they were told.
    pub changes: Vec<ListChange>,
}

/// How the price of one pool went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    /// The region.
    pub region: String,
    /// The zone, as the account that asked sees it.
    pub zone: Option<String>,
    /// The zone, the same for every account.
    pub zone_id: Option<String>,
    /// The product, as the cloud writes it.
    pub product: String,
    /// The currency of the prices.
    pub currency: String,
    /// One for each of the days of the history; `None` where nothing is known.
    pub days: Vec<Option<Day>>,
}

/// A pool on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    /// The lowest price.
    pub min: Price,
    /// The highest price.
    pub max: Price,
    /// The mean price over the seconds that are known, rounded to ten places.
    pub mean: Price,
    /// How many seconds of the day the price is known for.
    pub known_seconds: i64,
    /// How often the price changed.
    pub changes: i64,
}

/// A list price that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListChange {
    /// When the cloud told it: published, or seen first.
    pub told_at: Time,
    /// Since when it applies, as the cloud says.
    pub effective_from: Option<Time>,
    /// `new`, `changed` or `withdrawn`.
    pub change: String,
    /// `aws` or `azure`.
    pub provider: String,
    /// The region.
    pub region: String,
    /// On what terms.
    pub kind: Kind,
    /// The years of a commitment.
    pub term_years: Option<i64>,
    /// How a commitment is paid.
    pub payment_option: Option<String>,
    /// On what terms one is committed.
    pub offering_class: Option<String>,
    /// What an hour costs, without a share of what is due at once.
    pub hourly: Option<Price>,
    /// What is due at once.
    pub upfront: Option<Price>,
    /// The currency.
    pub currency: String,
}

/// Days to tell of.
pub type Stretch = RangeInclusive<Date>;

/// How prices of the machine went on `days`.
pub async fn history(
    store: &dyn Store,
    question: &Question,
    days: Stretch,
    tally: &Tally,
) -> Result<History, AskError> {
    let pools = pools(store, question, &days, tally).await?;
    let changes = changes(store, question, &days, tally).await?;
    if pools.is_empty() && changes.is_empty() && !exists(store, &question.instance_type, tally).await? {
        return Err(unheard(store, &question.instance_type, tally).await?);
    }
    Ok(History { days: every(&days), pools, changes })
}

async fn pools(
    store: &dyn Store,
    question: &Question,
    days: &Stretch,
    tally: &Tally,
) -> Result<Vec<Pool>, AskError> {
    if !question.asks_for_provider("aws") {
        return Ok(Vec::new());
    }
    let measures = ["min_price", "max_price", "time_weighted_avg", "known_seconds", "changes"];
    let scan = asked(Scan::of(&SPOT_PRICES_DAILY, &[&POOL_COLUMNS[..], &measures].concat()), question, days);
    let parts = existing(scan.parts(store, tally).await)?;
    let read = |row: &Row<'_>| {
        let name = PoolName::read(row)?;
        let (min, max) = row.price("min_price").zip(row.price("max_price"))?;
        let day = Day {
            min,
            max,
            mean: row.price("time_weighted_avg")?,
            known_seconds: row.integer("known_seconds")?,
            changes: row.integer("changes")?,
        };
        let is_asked = question.asks_for_system(&name.system) && question.asks_for_currency(&name.currency);
        is_asked.then_some((name, day))
    };
    let found = scan.gather(store, &parts, tally, |rows: &mut Vec<_>, row| rows.extend(read(row))).await?;
    let all = every(days);
    let mut pools: BTreeMap<PoolName, Vec<Option<Day>>> = BTreeMap::new();
    for (part, rows) in parts.iter().zip(found) {
        let Some(index) = part.day().and_then(|day| all.iter().position(|known| *known == day)) else {
            continue;
        };
        for (name, day) in rows {
            let days = pools.entry(name).or_insert_with(|| vec![None; all.len()]);
            days.get_mut(index).into_iter().for_each(|place| *place = Some(day));
        }
    }
    let mut pools: Vec<Pool> = pools.into_iter().map(|(name, days)| pool(name, days)).collect();
    pools.sort_by_key(|pool| {
        let last = pool.last().map(|day| day.mean);
        (last.is_none(), pool.currency.clone(), last, pool.region.clone(), pool.zone_id.clone())
    });
    Ok(pools)
}

fn pool(name: PoolName, days: Vec<Option<Day>>) -> Pool {
    let PoolName { region, zone_id, zone, product, currency, .. } = name;
    Pool { region, zone, zone_id, product, currency, days }
}

impl Pool {
    /// The last day of which something is known.
    pub fn last(&self) -> Option<Day> {
        self.days.iter().rev().flatten().next().copied()
    }

    /// The lowest and the highest price of all days.
    pub fn bounds(&self) -> Option<(Price, Price)> {
        let known = self.days.iter().flatten();
        known.clone().map(|day| day.min).min().zip(known.map(|day| day.max).max())
    }
}

async fn changes(
    store: &dyn Store,
    question: &Question,
    days: &Stretch,
    tally: &Tally,
) -> Result<Vec<ListChange>, AskError> {
    let columns: Vec<&'static str> = COLUMNS.into_iter().chain(["change"]).collect();
    let scan = asked(Scan::of(&LIST_PRICES, &columns), question, days).provider(question.provider.as_deref());
    let parts = existing(scan.parts(store, tally).await)?;
    let read = |row: &Row<'_>| {
        let rate = Rate::read(row, true)?;
        let is_asked = (rate.system.is_empty() || question.asks_for_system(&rate.system))
            && question.asks_for_currency(&rate.currency);
        is_asked.then(|| Some((rate, row.text("change")?.to_owned())))?
    };
    let found = scan.gather(store, &parts, tally, |rows: &mut Vec<_>, row| rows.extend(read(row))).await?;
    let mut changes: Vec<ListChange> =
        found.into_iter().flatten().map(|(rate, change)| list_change(rate, change)).collect();
    changes.sort_by(|one, other| {
        let order = |it: &ListChange| {
            (it.told_at, it.region.clone(), it.kind, it.term_years, it.payment_option.clone())
        };
        order(one).cmp(&order(other))
    });
    Ok(changes)
}

fn list_change(rate: Rate, change: String) -> ListChange {
    ListChange {
        told_at: rate.said_at,
        effective_from: rate.effective_from,
        change,
        provider: rate.provider,
        region: rate.region,
        kind: rate.kind,
        term_years: rate.term_years,
        payment_option: rate.payment_option,
        offering_class: rate.offering_class,
        hourly: rate.unit_price,
        upfront: rate.upfront,
        currency: rate.currency,
    }
}

fn asked(scan: Scan, question: &Question, days: &Stretch) -> Scan {
    let scan = scan.days(days.clone()).only(Condition::is("instance_type", &question.instance_type));
    if question.regions.is_empty() {
        return scan;
    }
    scan.only(Condition::OneOf { column: "region_id", values: question.regions.clone() })
}

/// A table that is not there has no rows.
fn existing(parts: Result<Vec<Part>, ScanError>) -> Result<Vec<Part>, AskError> {
    match parts {
        Err(ScanError::NotBuilt { .. }) => Ok(Vec::new()),
        parts => Ok(parts?),
    }
}

fn every(days: &Stretch) -> Vec<Date> {
    days.start().iter_days().take_while(|day| day <= days.end()).collect()
}
