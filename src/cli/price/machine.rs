//! Prices for machines: JSON and CSV with the same fields, amounts as exact decimal text.

use serde::Serialize;
use serde_json::{Value, json};

use crate::ask::{History, ListChange, Offer, Pool};
use crate::base::{Price, Time};
use crate::cli::exit::CliError;
use crate::cli::format;
use crate::cli::table::Table;

/// An offer, flat. What does not apply is empty.
#[derive(Serialize)]
struct Row<'a> {
    provider: &'a str,
    region: &'a str,
    zone: Option<&'a str>,
    zone_id: Option<&'a str>,
    operating_system: &'a str,
    category: &'static str,
    term_years: Option<i64>,
    payment_option: Option<&'a str>,
    offering_class: Option<&'a str>,
    price_hour: Option<String>,
    price_month: Option<String>,
    /// The prices have a share of what is due at once, rounded to ten places.
    is_effective: bool,
    upfront: Option<String>,
    currency: Option<&'a str>,
    effective_from: Option<String>,
    observed_at: Option<String>,
    as_of: Option<String>,
    state: &'static str,
    why: Option<&'a str>,
    source_key: Option<&'a str>,
}

const HEADINGS: [&str; 20] = [
    "provider",
    "region",
    "zone",
    "zone_id",
    "operating_system",
    "category",
    "term_years",
    "payment_option",
    "offering_class",
    "price_hour",
    "price_month",
    "is_effective",
    "upfront",
    "currency",
    "effective_from",
    "observed_at",
    "as_of",
    "state",
    "why",
    "source_key",
];

fn row(offer: &Offer) -> Row<'_> {
    Row {
        provider: &offer.provider,
        region: &offer.region,
        zone: offer.zone.as_deref(),
        zone_id: offer.zone_id.as_deref(),
        operating_system: &offer.operating_system,
        category: offer.kind.as_str(),
        term_years: offer.term_years,
        payment_option: offer.payment_option.as_deref(),
        offering_class: offer.offering_class.as_deref(),
        price_hour: offer.hourly.map(amount),
        price_month: offer.monthly.map(amount),
        is_effective: offer.is_effective,
        upfront: offer.upfront.map(amount),
        currency: offer.currency.as_deref(),
        effective_from: offer.effective_from.map(time),
        observed_at: offer.observed_at.map(time),
        as_of: offer.as_of.map(time),
        state: offer.state.as_str(),
        why: offer.why.as_deref(),
        source_key: offer.source_key.as_deref(),
    }
}

/// Every offer, in their order.
pub(super) fn json(offers: &[Offer]) -> Result<String, CliError> {
    format::json(&offers.iter().map(row).collect::<Vec<_>>())
}

/// Every offer, in their order.
pub(super) fn csv(offers: &[Offer]) -> String {
    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
    let rows = offers.iter().map(row).map(|row| {
        [
            row.provider.to_owned(),
            row.region.to_owned(),
            text(row.zone),
            text(row.zone_id),
            row.operating_system.to_owned(),
            row.category.to_owned(),
            row.term_years.map(|years| years.to_string()).unwrap_or_default(),
            text(row.payment_option),
            text(row.offering_class),
            row.price_hour.unwrap_or_default(),
            row.price_month.unwrap_or_default(),
            row.is_effective.to_string(),
            row.upfront.unwrap_or_default(),
            text(row.currency),
            row.effective_from.unwrap_or_default(),
            row.observed_at.unwrap_or_default(),
            row.as_of.unwrap_or_default(),
            row.state.to_owned(),
            text(row.why),
            text(row.source_key),
        ]
    });
    Table { headings: HEADINGS, numbers: 20, rows: rows.collect() }.csv()
}

/// A history: of each pool every day, and the changes of list prices.
pub(super) fn history_json(history: &History) -> Result<String, CliError> {
    let days = |pool: &Pool| -> Vec<Value> {
        let of_day = |(date, day): (&crate::base::Date, &Option<crate::ask::Day>)| {
            let amount = |of: fn(&crate::ask::Day) -> Price| day.as_ref().map(of).map(amount);
            json!({
                "dt": date.to_string(),
                "min": amount(|day| day.min),
                "mean": amount(|day| day.mean),
                "max": amount(|day| day.max),
                "changes": day.map(|day| day.changes),
                "known_seconds": day.map_or(0, |day| day.known_seconds),
            })
        };
        history.days.iter().zip(&pool.days).map(of_day).collect()
    };
    let pools: Vec<Value> = history
        .pools
        .iter()
        .map(|pool| {
            json!({
                "region": pool.region,
                "zone": pool.zone,
                "zone_id": pool.zone_id,
                "product_description": pool.product,
                "currency": pool.currency,
                "days": days(pool),
            })
        })
        .collect();
    let changes: Vec<Value> = history.changes.iter().map(change).collect();
    format::json(&json!({ "spot": pools, "list_price_changes": changes }))
}

fn change(change: &ListChange) -> Value {
    json!({
        "told_at": time(change.told_at),
        "effective_from": change.effective_from.map(time),
        "change": change.change,
        "provider": change.provider,
        "region": change.region,
        "category": change.kind.as_str(),
        "term_years": change.term_years,
        "payment_option": change.payment_option,
        "offering_class": change.offering_class,
        "price_hour": change.hourly.map(amount),
        "upfront": change.upfront.map(amount),
        "currency": change.currency,
    })
}

/// The days of the pools, one a line. Changes of list prices have other columns: they are in the JSON.
pub(super) fn history_csv(history: &History) -> String {
    let rows = history.pools.iter().flat_map(|pool| {
        history.days.iter().zip(&pool.days).map(move |(date, day)| {
            let amount =
                |of: fn(&crate::ask::Day) -> Price| day.as_ref().map(of).map(amount).unwrap_or_default();
            [
                pool.region.clone(),
                pool.zone.clone().unwrap_or_default(),
                pool.zone_id.clone().unwrap_or_default(),
                pool.product.clone(),
                pool.currency.clone(),
                date.to_string(),
                amount(|day| day.min),
                amount(|day| day.mean),
                amount(|day| day.max),
                day.map(|day| day.changes.to_string()).unwrap_or_default(),
                day.map_or(0, |day| day.known_seconds).to_string(),
            ]
        })
    });
    let headings = [
        "region",
        "zone",
        "zone_id",
        "product_description",
        "currency",
        "dt",
        "min",
        "mean",
        "max",
        "changes",
        "known_seconds",
    ];
    Table { headings, numbers: 11, rows: rows.collect() }.csv()
}

fn amount(price: Price) -> String {
    price.to_string()
}

fn time(time: Time) -> String {
    time.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}
