//! Azure's retail prices as rates. An item is one rate; an item with savings plans is one more for each of their terms.
//!
//! - A rate is told from others by meter, meter name, SKU, type, term, tier, currency, region and the moment from which it
//!   applies, each to the letter. So a price and the one that is announced to follow it are two rates.
//! - `sku_price_id` is `<meterId>/<type>[/<term>]/<tier>`, such as `8f…/Reservation/3 Years/0` or
//!   `8f…/Consumption/savings plan 1 Year/0`: within a SKU, a region and a moment no two rates have the same.
//! - `product_family` is the product: it is what tells Windows from Linux, and hosts from machines, where the service
//!   family (`Compute`) says no more than the service.
//! - A reservation's price is what the whole term costs, although its unit says an hour (documentation of the API). Azure
//!   takes it at once or by the month, for the same total, and does not say which: the payment option is unknown.
//! - White space around names, which Azure has here and there, is left out where people compare, and kept in what tells
//!   rates apart.

mod item;
mod tiers;
mod words;

use std::io::{self, BufRead};

use super::rate::{Category, Rate};
use crate::lake::slice::{Slice, Stream};
use crate::tables::lines::Lines;
use crate::tables::packed::Packer;
use crate::tables::problems::{PAYLOAD, Problems};
use crate::tables::sort::Sorter;
use crate::tables::workshop::Payload;

use item::{Item, Plan};
use tiers::Tiers;
use words::Machine;

/// Parts the pieces of an identity.
const PART: char = '\u{1f}';

/// Reads the items of a slot of `azure_retail_prices`, and pushes their rates as [`Rate::pack`] packs them.
pub(in crate::tables) fn read_rates(
    payload: &Payload,
    slice: &Slice,
    packer: &mut Packer,
    rates: &mut Sorter,
    problems: &mut Problems,
) -> io::Result<()> {
    let tiers = Tiers::read(payload.open()?)?;
    read_items(payload.open()?, slice.stream(), &tiers, problems, |rate| rates.push(rate.pack(packer)))
}

fn read_items(
    listing: impl BufRead,
    stream: &Stream,
    tiers: &Tiers,
    problems: &mut Problems,
    mut take: impl FnMut(&Rate<'_>) -> io::Result<()>,
) -> io::Result<()> {
    let mut lines = Lines::of(listing);
    while let Some(line) = lines.next()? {
        let mut note = |reason: String| problems.note(format_args!("line {}", line.number), reason);
        match line.text {
            Ok(json) => {
                if let Some(item) = Item::read(json, &mut note) {
                    push(&item, stream, tiers, &mut note, &mut take)?;
                }
            }
            Err(why) => note(why.to_owned()),
        }
        if !line.is_whole {
            problems.note(PAYLOAD, "its last line is cut");
        }
    }
    Ok(())
}

/// What is paid for, and how.
enum Deal<'a> {
    AsOneGoes,
    Reserved(&'a str),
    Planned(&'a Plan<'a>),
}

impl Deal<'_> {
    /// What tells it from other deals for the same meter.
    fn term(&self) -> String {
        match self {
            Self::AsOneGoes => String::new(),
            Self::Reserved(term) => (*term).to_owned(),
            Self::Planned(plan) => format!("savings plan {}", plan.term),
        }
    }
}

fn push(
    item: &Item<'_>,
    stream: &Stream,
    tiers: &Tiers,
    note: &mut item::Note<'_>,
    take: &mut impl FnMut(&Rate<'_>) -> io::Result<()>,
) -> io::Result<()> {
    let told = Told {
        price_type: item.price_type.as_deref().or(stream.part("price_type")).unwrap_or_default(),
        currency: item.currency.as_deref().or(stream.part("currency")).unwrap_or_default(),
    };
    let tier_end = tiers.end_of(item);
    let term = item.reservation_term.as_deref();
    let deal = if words::is_reservation(told.price_type) {
        if term.is_none() {
            note("reservationTerm is missing".to_owned());
        }
        Deal::Reserved(term.unwrap_or_default())
    } else {
        Deal::AsOneGoes
    };
    for deal in std::iter::once(deal).chain(item.plans.iter().map(Deal::Planned)) {
        let years = match &deal {
            Deal::AsOneGoes | Deal::Reserved("") => None,
            Deal::Reserved(term) => told_years(term, note),
            Deal::Planned(plan) => told_years(&plan.term, note),
        };
        let (identity, sku_price_id) = names(item, &told, &deal.term());
        take(&Rate { tier_end, term_years: years, ..rate(item, &told, &deal, &identity, &sku_price_id) })?;
    }
    Ok(())
}

/// What the item says of itself, or, where it does not, its stream.
struct Told<'a> {
    price_type: &'a str,
    currency: &'a str,
}

fn told_years(term: &str, note: &mut item::Note<'_>) -> Option<i64> {
    let years = words::years(term);
    if years.is_none() {
        note(format!("the term {term} is no number of years"));
    }
    years
}

/// The identity of a rate, and what it is called.
fn names(item: &Item<'_>, told: &Told<'_>, term: &str) -> (String, String) {
    let tier = item.tier_start.map(|tier| tier.to_string()).unwrap_or_default();
    let start = item.start.map(|start| start.to_rfc3339()).unwrap_or_default();
    let text = |value: &'_ Option<std::borrow::Cow<'_, str>>| value.as_deref().unwrap_or_default().to_owned();
    let parts = [
        item.meter_id.as_ref(),
        &text(&item.meter_name),
        item.sku_id.as_ref(),
        told.price_type,
        term,
        &tier,
        told.currency,
        &text(&item.region),
        &start,
    ];
    let identity = parts.map(|part| part.replace(PART, "\u{fffd}")).join(&PART.to_string());
    let called = [item.meter_id.as_ref(), told.price_type, term, &tier];
    let called: Vec<&str> = called.into_iter().filter(|part| !part.is_empty()).collect();
    (identity, called.join("/"))
}

/// The rate, as far as the item by itself tells.
fn rate<'a>(
    item: &'a Item<'_>,
    told: &'a Told<'_>,
    deal: &Deal<'_>,
    identity: &'a str,
    sku_price_id: &'a str,
) -> Rate<'a> {
    let named = |value: &'a Option<std::borrow::Cow<'_, str>>| {
        value.as_deref().map(str::trim).filter(|name| !name.is_empty())
    };
    let machine = Machine::of(item);
    let (list_unit_price, upfront_price) = match deal {
        Deal::AsOneGoes => (item.price, None),
        Deal::Reserved(_) => (None, item.price),
        Deal::Planned(plan) => (plan.price, None),
    };
    Rate {
        identity,
        provider_name: "azure",
        service_name: named(&item.service_name).unwrap_or_default(),
        region_id: named(&item.region),
        sku_id: &item.sku_id,
        sku_price_id,
        instance_type: named(&item.arm_sku_name),
        operating_system: machine.operating_system(item),
        tenancy: machine.tenancy(),
        pre_installed_software: None,
        product_family: named(&item.product_name),
        meter: named(&item.meter_name),
        pricing_category: match deal {
            Deal::AsOneGoes if words::is_dynamic(item) => Category::Dynamic,
            Deal::AsOneGoes => Category::Standard,
            Deal::Reserved(_) | Deal::Planned(_) => Category::Committed,
        },
        term_years: None,
        payment_option: None,
        offering_class: match deal {
            Deal::Reserved(_) => Some("reservation"),
            Deal::Planned(_) => Some("savings plan"),
            Deal::AsOneGoes => words::is_dev_test(told.price_type).then_some("dev/test"),
        },
        pricing_unit: named(&item.unit),
        currency: told.currency,
        list_unit_price,
        upfront_price,
        tier_start: item.tier_start,
        tier_end: None,
        effective_from: item.start,
        effective_to: item.end,
    }
}

#[cfg(test)]
mod tests;
