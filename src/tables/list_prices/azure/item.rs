//! An item of the listing, read as far as tables need it. What is odd about it is noted; what can be kept is kept. Pure.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::base::{Price, Quantity, Time};

/// The fields as raw text: a field of an odd type spoils itself alone, and numbers never pass through a float.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fields<'a> {
    #[serde(borrow)]
    meter_id: Option<&'a RawValue>,
    meter_name: Option<&'a RawValue>,
    sku_id: Option<&'a RawValue>,
    sku_name: Option<&'a RawValue>,
    arm_sku_name: Option<&'a RawValue>,
    product_name: Option<&'a RawValue>,
    service_name: Option<&'a RawValue>,
    arm_region_name: Option<&'a RawValue>,
    r#type: Option<&'a RawValue>,
    reservation_term: Option<&'a RawValue>,
    currency_code: Option<&'a RawValue>,
    unit_of_measure: Option<&'a RawValue>,
    tier_minimum_units: Option<&'a RawValue>,
    retail_price: Option<&'a RawValue>,
    effective_start_date: Option<&'a RawValue>,
    effective_end_date: Option<&'a RawValue>,
    savings_plan: Option<&'a RawValue>,
}

/// One entry of an item's `savingsPlan`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PlanFields<'a> {
    #[serde(borrow)]
    term: Option<&'a RawValue>,
    retail_price: Option<&'a RawValue>,
}

/// An item. Text is to the letter as Azure writes it, whitespace included; `None` is what it does not say, or not readably.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item<'a> {
    pub(super) meter_id: Cow<'a, str>,
    pub(super) meter_name: Option<Cow<'a, str>>,
    pub(super) sku_id: Cow<'a, str>,
    pub(super) sku_name: Option<Cow<'a, str>>,
    pub(super) arm_sku_name: Option<Cow<'a, str>>,
    pub(super) product_name: Option<Cow<'a, str>>,
    pub(super) service_name: Option<Cow<'a, str>>,
    pub(super) region: Option<Cow<'a, str>>,
    /// `type`: `Consumption`, `DevTestConsumption`, `Reservation`.
    pub(super) price_type: Option<Cow<'a, str>>,
    pub(super) reservation_term: Option<Cow<'a, str>>,
    pub(super) currency: Option<Cow<'a, str>>,
    pub(super) unit: Option<Cow<'a, str>>,
    pub(super) tier_start: Option<Quantity>,
    pub(super) price: Option<Price>,
    pub(super) start: Option<Time>,
    pub(super) end: Option<Time>,
    pub(super) plans: Vec<Plan<'a>>,
}

/// The price of an item's unit for whoever has a savings plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan<'a> {
    /// `1 Year`, `3 Years`.
    pub(super) term: Cow<'a, str>,
    pub(super) price: Option<Price>,
}

/// Where it is told what is odd.
pub(super) type Note<'n> = dyn FnMut(String) + 'n;

impl<'a> Item<'a> {
    /// Reads the object `json`; `None` when it does not say what is sold.
    pub(super) fn read(json: &'a str, note: &mut Note<'_>) -> Option<Self> {
        let fields: Fields<'a> = match serde_json::from_str(json) {
            Ok(fields) => fields,
            Err(error) => {
                note(format!("is no item: {error}"));
                return None;
            }
        };
        let identity = |name, value, note: &mut Note<'_>| {
            let text = text(name, value, note).filter(|text| !text.is_empty());
            if text.is_none() {
                note(format!("{name} is missing: nobody can tell whose price it is"));
            }
            text
        };
        Some(Self {
            meter_id: identity("meterId", fields.meter_id, note)?,
            sku_id: identity("skuId", fields.sku_id, note)?,
            meter_name: always("meterName", fields.meter_name, note),
            sku_name: always("skuName", fields.sku_name, note),
            arm_sku_name: text("armSkuName", fields.arm_sku_name, note),
            product_name: always("productName", fields.product_name, note),
            service_name: always("serviceName", fields.service_name, note),
            region: text("armRegionName", fields.arm_region_name, note),
            price_type: always("type", fields.r#type, note),
            reservation_term: text("reservationTerm", fields.reservation_term, note),
            currency: always("currencyCode", fields.currency_code, note),
            unit: always("unitOfMeasure", fields.unit_of_measure, note),
            tier_start: number("tierMinimumUnits", fields.tier_minimum_units, Quantity::read, note),
            price: number("retailPrice", fields.retail_price, Price::read, note),
            start: moment("effectiveStartDate", fields.effective_start_date, note),
            end: fields.effective_end_date.and_then(|end| moment("effectiveEndDate", Some(end), note)),
            plans: plans(fields.savings_plan, note),
        })
    }
}

/// A text; `None` when it is missing, which is nothing odd, or no text.
fn text<'a>(name: &str, value: Option<&'a RawValue>, note: &mut Note<'_>) -> Option<Cow<'a, str>> {
    let json = value?.get();
    // Nearly all are plain: what stands between the quotes is what is meant.
    let plain = json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    if let Some(plain) = plain.filter(|plain| !plain.contains('\\')) {
        return Some(Cow::Borrowed(plain));
    }
    let read = serde_json::from_str(json).ok().map(Cow::Owned);
    if read.is_none() {
        note(format!("{name} is no text: {json}"));
    }
    read
}

/// A text that every item has.
fn always<'a>(name: &str, value: Option<&'a RawValue>, note: &mut Note<'_>) -> Option<Cow<'a, str>> {
    if value.is_none() {
        note(format!("{name} is missing"));
    }
    text(name, value, note)
}

/// A JSON number, exactly.
fn number<T>(
    name: &str,
    value: Option<&RawValue>,
    read: impl Fn(&str) -> Option<T>,
    note: &mut Note<'_>,
) -> Option<T> {
    let Some(json) = value.map(RawValue::get) else {
        note(format!("{name} is missing"));
        return None;
    };
    // The value is valid JSON, so its first character tells.
    let number = json.starts_with(|first: char| first == '-' || first.is_ascii_digit());
    let read = number.then(|| read(json)).flatten();
    if read.is_none() {
        let why = if number { "does not fit" } else { "is no number" };
        note(format!("{name} {why}: {json}"));
    }
    read
}

/// A date as Azure writes it. A few lack the zone (recorded payload of 2025-04); all of them are UTC.
fn moment(name: &str, value: Option<&RawValue>, note: &mut Note<'_>) -> Option<Time> {
    let text = always(name, value, note)?;
    let plain = || chrono::NaiveDateTime::parse_from_str(&text, "%Y-%m-%dT%H:%M:%S%.f").ok();
    let read = text.parse().ok().or_else(|| plain().map(|time| time.and_utc()));
    if read.is_none() {
        note(format!("{name} is no moment: {text}"));
    }
    read
}

fn plans<'a>(value: Option<&'a RawValue>, note: &mut Note<'_>) -> Vec<Plan<'a>> {
    let Some(json) = value.map(RawValue::get) else { return Vec::new() };
    let Ok(plans) = serde_json::from_str::<Vec<PlanFields<'a>>>(json) else {
        note(format!("savingsPlan is no list of plans: {json}"));
        return Vec::new();
    };
    let mut read = Vec::with_capacity(plans.len());
    for plan in plans {
        let price = number("retailPrice of a savings plan", plan.retail_price, Price::read, note);
        if let Some(term) = always("term of a savings plan", plan.term, note) {
            read.push(Plan { term, price });
        }
    }
    read
}
