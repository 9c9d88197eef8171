//! List prices of a machine: on demand, and for a commitment. Rates of one commitment, what is due at once and what is
//! due each hour, are one offer.

use std::collections::BTreeMap;

use super::coverage::{Coverage, NOTHING, Standing, shown};
use super::error::AskError;
use super::offer::{Kind, Offer, State, effective, month_of};
use super::question::{Question, When};
use super::rates::{COLUMNS, Rate, applying};
use crate::base::Time;
use crate::lake::store::Store;
use crate::tables::definitions::{LIST_PRICES, LIST_PRICES_CURRENT};
use crate::tables::scan::{Condition, Scan, Tally};

/// The plain rates of the machine that the lake has, in every state that the question needs, of all operating systems
/// and currencies.
pub(super) async fn read(
    store: &dyn Store,
    question: &Question,
    tally: &Tally,
) -> Result<Vec<Rate>, AskError> {
    let machine = Condition::is("instance_type", &question.instance_type);
    let with_change: Vec<&'static str> = COLUMNS.into_iter().chain(["change"]).collect();
    let (mut scan, has_changes) = match question.when {
        When::Latest => (Scan::of(&LIST_PRICES_CURRENT, &COLUMNS), false),
        When::At { .. } => (Scan::of(&LIST_PRICES, &with_change), true),
    };
    scan = scan.provider(question.provider.as_deref()).only(machine);
    if !question.regions.is_empty() {
        scan = scan.only(Condition::OneOf { column: "region_id", values: question.regions.clone() });
    }
    if let Some(known_at) = question.known_at() {
        // What was seen at that very moment was known.
        let before = known_at.checked_add_signed(chrono::TimeDelta::microseconds(1));
        scan = scan.only(Condition::Within { column: "observed_at", from: None, before });
    }
    Ok(scan.collect(store, tally, |row| Rate::read(row, has_changes)).await?)
}

/// What rates come to at the moment that is asked about.
pub(super) fn offers(rates: Vec<Rate>, coverage: &Coverage, question: &Question) -> Vec<Offer> {
    let mut unknown: BTreeMap<(String, String, Kind), Offer> = BTreeMap::new();
    let mut known: Vec<Rate> = Vec::new();
    for rate in rates {
        match moment_of(&rate, coverage, question) {
            Ok(_) => known.push(rate),
            Err(why) => {
                // One line says it for all the terms of a commitment.
                let key = (rate.provider.clone(), rate.region.clone(), rate.kind);
                let place = (rate.provider.as_str(), rate.region.as_str(), rate.system.as_str());
                unknown
                    .entry(key)
                    .or_insert_with(|| Offer::without_price(place, rate.kind, State::Unknown, why));
            }
        }
    }
    let moment = |rate: &Rate| moment_of(rate, coverage, question).ok();
    let mut offers: BTreeMap<(String, String, String, String), Offer> = BTreeMap::new();
    for rate in applying(known, moment) {
        let as_of = moment(&rate);
        let key = (rate.provider.clone(), rate.region.clone(), commitment(&rate), rate.currency.clone());
        let offer = offers.entry(key).or_insert_with(|| offer_of(&rate, as_of));
        if rate.unit_price.is_none() && rate.upfront.is_none() {
            offer.state = State::Unknown;
        }
        offer.hourly = offer.hourly.or(rate.unit_price);
        offer.upfront = offer.upfront.or(rate.upfront);
        offer.effective_from = offer.effective_from.max(rate.effective_from);
        offer.observed_at = offer.observed_at.max(Some(rate.observed_at));
    }
    let offers = offers.into_values().map(settle);
    offers.chain(unknown.into_values()).collect()
}

/// The moment that is asked about, in the stream of a rate; else why nothing is known of it.
fn moment_of(rate: &Rate, coverage: &Coverage, question: &Question) -> Result<Time, String> {
    let (dataset, stream) = (rate.stream.0.as_str(), rate.stream.1.as_str());
    match question.when {
        When::Latest => coverage
            .latest(dataset, stream, question.now)
            .ok_or_else(|| coverage.why_nothing(dataset, stream)),
        When::At { moment, .. } => match coverage.at(dataset, stream, moment) {
            Standing::Known => Ok(moment),
            Standing::Unknown(why) => Err(why),
            Standing::Unheard => Err(NOTHING.to_owned()),
        },
    }
}

/// What rates have in common that are paid for one thing. AWS's rate codes name the SKU, the term and the rate of it.
fn commitment(rate: &Rate) -> String {
    match (rate.kind, rate.provider.as_str(), rate.price_id.rsplit_once('.')) {
        (Kind::Reserved, "aws", Some((term, _))) => term.to_owned(),
        _ => rate.price_id.clone(),
    }
}

fn offer_of(rate: &Rate, as_of: Option<Time>) -> Offer {
    Offer {
        provider: rate.provider.clone(),
        region: rate.region.clone(),
        zone: None,
        zone_id: None,
        operating_system: rate.system.clone(),
        kind: rate.kind,
        term_years: rate.term_years,
        payment_option: rate.payment_option.clone(),
        offering_class: rate.offering_class.clone(),
        hourly: None,
        monthly: None,
        is_effective: false,
        upfront: None,
        currency: Some(rate.currency.clone()),
        effective_from: None,
        observed_at: None,
        as_of,
        state: State::Known,
        why: None,
        source_key: Some(rate.source_key.clone()),
    }
}

/// Turns what is due at once into a share of each hour, and says what cannot be known.
fn settle(mut offer: Offer) -> Offer {
    offer.monthly = offer.hourly.and_then(month_of);
    if let Some((years, upfront)) = offer.term_years.zip(offer.upfront) {
        (offer.hourly, offer.monthly) = effective(offer.hourly, upfront, years).unzip();
        offer.is_effective = true;
    }
    if offer.hourly.is_none() || offer.state == State::Unknown {
        (offer.hourly, offer.monthly, offer.state) = (None, None, State::Unknown);
        offer.why = Some("the price list has a price that is no number, or that does not fit".to_owned());
    }
    offer
}

/// Why the lake has no list price of a region, and whether that is because there is none.
pub(super) fn nothing(
    coverage: &Coverage,
    question: &Question,
    provider: &str,
    region: &str,
) -> (State, String) {
    let (dataset, parts) = match provider {
        "azure" => ("azure_retail_prices", vec!["price_type=Consumption".to_owned()]),
        _ => ("aws_price_list", vec!["offer=AmazonEC2".to_owned(), format!("region={region}")]),
    };
    let has_parts = |stream: &&str| parts.iter().all(|part| stream.split('/').any(|known| known == part));
    // Other offers than AmazonEC2 have machines of their own, and which of them is sold where nobody knows.
    let is_told = provider == "azure" || question.instance_type.matches('.').count() == 1;
    let mut whys = Vec::new();
    for stream in coverage.streams(dataset).filter(has_parts).filter(|_| is_told) {
        let standing = match question.moment() {
            None if coverage.latest(dataset, stream, question.now).is_some() => Standing::Known,
            None => Standing::Unknown(coverage.why_nothing(dataset, stream)),
            Some(moment) => coverage.at(dataset, stream, moment),
        };
        match (standing, question.known_at()) {
            (Standing::Known, None) => {
                return (
                    State::Absent,
                    format!("{} has no such list price in {region}", question.instance_type),
                );
            }
            (Standing::Known, Some(known_at)) => {
                whys.push(format!("nothing was collected by {}", shown(known_at)));
            }
            (Standing::Unknown(why), _) => whys.push(why),
            (Standing::Unheard, _) => {}
        }
    }
    let never = || question.moment().and_then(|moment| coverage.why_never(moment));
    let why = whys.into_iter().next().or_else(never);
    (State::Unknown, why.unwrap_or_else(|| "this lake has no list prices of the region".to_owned()))
}
