//! Prices for people: a line for each region, cheapest first, on demand, reserved and spot side by side.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::ask::{Kind, Offer, Question, State, When};
use crate::base::units::counted;
use crate::base::{Price, Time};
use crate::cli::table::Table;

/// How many reasons are told why a price is not known.
const REASONS: usize = 10;

/// What one region has in one currency.
struct Line<'a> {
    region: &'a str,
    currency: &'a str,
    offers: Vec<&'a Offer>,
}

/// The whole text, with at most `limit` regions.
pub(super) fn render(offers: &[Offer], question: &Question, limit: usize) -> String {
    let lines = lines(offers);
    let mut text = String::new();
    let system = &question.operating_system;
    let _ = writeln!(text, "{}, {system}: per hour, and per month of 730 hours", question.instance_type);
    let _ = writeln!(text, "{}\n", moment(offers, question));
    text.push_str(&regions(lines.iter().take(limit)));
    if lines.len() > limit {
        let more = counted(lines.len() - limit, "more region");
        let _ = writeln!(text, "… and {more}: --limit {} shows them all", lines.len());
    }
    let places: BTreeSet<&str> = offers.iter().map(|offer| offer.region.as_str()).collect();
    if places.len() == 1 {
        text.push_str(&terms(offers));
    }
    text.push_str(&reasons(offers));
    text
}

fn lines(offers: &[Offer]) -> Vec<Line<'_>> {
    let mut currencies: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for offer in offers {
        let known = currencies.entry(&offer.region).or_default();
        known.extend(offer.currency.as_deref());
    }
    let mut lines: Vec<Line<'_>> = Vec::new();
    for (region, mut currencies) in currencies {
        if currencies.is_empty() {
            currencies.insert("");
        }
        for currency in currencies {
            // What is not known has no currency, and stands on every line of its region.
            let is_here = |offer: &&Offer| {
                let is_shown = offer.kind != Kind::LowPriority;
                is_shown
                    && offer.region == region
                    && offer.currency.as_deref().is_none_or(|known| known == currency)
            };
            let offers: Vec<&Offer> = offers.iter().filter(is_here).collect();
            if offers.iter().any(|offer| offer.state != State::Absent) {
                lines.push(Line { region, currency, offers });
            }
        }
    }
    lines.sort_by(|one, other| {
        let cheapest = |line: &Line<'_>| line.offers.iter().filter_map(|offer| offer.hourly).min();
        let by_price = match (cheapest(one), cheapest(other)) {
            (Some(one), Some(other)) => one.cmp(&other),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        };
        one.currency
            .is_empty()
            .cmp(&other.currency.is_empty())
            .then(one.currency.cmp(other.currency))
            .then(by_price)
    });
    lines
}

fn regions<'a>(lines: impl Iterator<Item = &'a Line<'a>>) -> String {
    let rows = lines.map(|line| {
        let cheapest =
            |wanted: &dyn Fn(&Offer) -> bool| cheapest(line.offers.iter().copied().filter(|it| wanted(it)));
        let on_demand = cheapest(&|offer| offer.kind == Kind::OnDemand);
        let committed = |years| {
            let is_commitment = |kind| matches!(kind, Kind::Reserved | Kind::SavingsPlan);
            cheapest(&|offer| is_commitment(offer.kind) && offer.term_years.is_none_or(|term| term == years))
        };
        let spot = cheapest(&|offer| offer.kind == Kind::Spot);
        [
            line.region.to_owned(),
            line.currency.to_owned(),
            hourly(on_demand),
            monthly(on_demand),
            hourly(committed(1)),
            hourly(committed(3)),
            hourly(spot),
            monthly(spot),
            zones(&line.offers),
        ]
    });
    let headings = [
        "region",
        "",
        "on demand",
        "a month",
        "1 year",
        "3 years",
        "spot",
        "a month",
        "spot by zone, cheapest first",
    ];
    let rows: Vec<[String; 9]> = rows.collect();
    // Zones are a list, which reads better from the left.
    let mut text = Table { headings, numbers: 9, rows }.render("");
    text.push('\n');
    text
}

/// The cheapest of what is known; else one of which it is told that it is not.
fn cheapest<'a>(offers: impl Iterator<Item = &'a Offer>) -> Option<&'a Offer> {
    offers.min_by(|one, other| {
        let rank = |offer: &Offer| match offer.state {
            State::Known => 0,
            State::Unknown => 1,
            State::Absent => 2,
        };
        rank(one).cmp(&rank(other)).then_with(|| one.by_price(other))
    })
}

fn hourly(offer: Option<&Offer>) -> String {
    cell(offer, |offer| offer.hourly)
}

fn monthly(offer: Option<&Offer>) -> String {
    cell(offer, |offer| offer.monthly)
}

fn cell(offer: Option<&Offer>, price: fn(&Offer) -> Option<Price>) -> String {
    match offer.map(|offer| (offer.state, price(offer))) {
        Some((State::Known, Some(price))) => price.to_string(),
        Some((State::Known | State::Unknown, _)) => State::Unknown.as_str().to_owned(),
        Some((State::Absent, _)) | None => "-".to_owned(),
    }
}

fn zones(offers: &[&Offer]) -> String {
    let mut spot: Vec<&Offer> = offers.iter().copied().filter(|offer| offer.kind == Kind::Spot).collect();
    spot.sort_by(|one, other| one.by_price(other));
    let named = spot.iter().filter_map(|offer| {
        let zone = offer.zone_id.as_deref().or(offer.zone.as_deref())?;
        Some(format!("{zone} {}", hourly(Some(offer))))
    });
    named.collect::<Vec<_>>().join(", ")
}

/// Every way to have the machine in one region.
fn terms(offers: &[Offer]) -> String {
    let rows = offers.iter().filter(|offer| offer.state != State::Absent).map(|offer| {
        let years = offer.term_years.map(|years| format!("{years} y")).unwrap_or_default();
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let zone = offer.zone_id.as_ref().or(offer.zone.as_ref()).cloned().unwrap_or_default();
        [
            offer.kind.as_str().to_owned(),
            zone,
            years,
            text(&offer.payment_option),
            text(&offer.offering_class),
            text(&offer.currency),
            hourly(Some(offer)),
            monthly(Some(offer)),
            offer.upfront.map_or_else(|| "-".to_owned(), |upfront| upfront.to_string()),
        ]
    });
    let headings = ["", "zone", "term", "payment", "class", "", "an hour", "a month", "due at once"];
    let mut text = Table { headings, numbers: 6, rows: rows.collect() }.render("");
    if offers.iter().any(|offer| offer.is_effective) {
        text.push_str(
            "What is due at once is in the price of an hour, in equal shares, rounded to ten places; in that of a month likewise.\n",
        );
    }
    text.push('\n');
    text
}

/// Which moment the answer is about.
fn moment(offers: &[Offer], question: &Question) -> String {
    match question.when {
        When::At { moment, known_at: None } => format!("at {}", shown(moment)),
        When::At { moment, known_at: Some(known_at) } => {
            format!("at {}, as known by {}", shown(moment), shown(known_at))
        }
        When::Latest => {
            let until = |is_spot: bool| {
                let known = offers.iter().filter(|offer| offer.hourly.is_some());
                let moments = known.filter(|offer| has_zone(offer) == is_spot);
                let moments: BTreeSet<Time> = moments.filter_map(|offer| offer.as_of).collect();
                let (first, last) = moments.first().zip(moments.last())?;
                let of = if is_spot { "spot prices" } else { "list prices" };
                Some(if first == last {
                    format!("{of} as of {}", shown(*last))
                } else {
                    format!("{of} as of {} to {}", shown(*first), shown(*last))
                })
            };
            let told: Vec<String> = [until(false), until(true)].into_iter().flatten().collect();
            if told.is_empty() { "nothing is known".to_owned() } else { told.join(", ") }
        }
    }
}

/// Why prices are not known: each reason once, with what it is about.
fn reasons(offers: &[Offer]) -> String {
    let mut reasons: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for offer in offers.iter().filter(|offer| offer.state == State::Unknown) {
        let zone = offer.zone_id.as_deref().or(offer.zone.as_deref());
        let place = zone.map_or_else(|| offer.region.clone(), |zone| format!("{} {zone}", offer.region));
        let about = format!("{place} {}", offer.kind.as_str());
        reasons.entry(offer.why.as_deref().unwrap_or_default()).or_default().insert(about);
    }
    let mut text = String::new();
    for (why, about) in reasons.iter().take(REASONS) {
        let about: Vec<&str> = about.iter().map(String::as_str).collect();
        let more = about.len().saturating_sub(3);
        let mut named = about.into_iter().take(3).collect::<Vec<_>>().join(", ");
        if more > 0 {
            let _ = write!(named, " and {more} more");
        }
        let _ = writeln!(text, "unknown: {named}: {why}");
    }
    if reasons.len() > REASONS {
        let _ = writeln!(text, "… and {} more reasons: --format json tells all", reasons.len() - REASONS);
    }
    text
}

/// Spot prices of AWS have zones; those of Azure stand in its price list.
fn has_zone(offer: &Offer) -> bool {
    offer.zone_id.is_some() || offer.zone.is_some()
}

fn shown(time: Time) -> String {
    time.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}
