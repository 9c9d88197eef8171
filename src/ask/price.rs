//! What a machine costs, or cost: every offer, cheapest first.

use std::collections::BTreeSet;

use super::coverage::{Coverage, NOTHING};
use super::error::AskError;
use super::offer::{Kind, Offer, State};
use super::question::Question;
use super::unheard::{exists, unheard};
use super::{list_prices, spot};
use crate::lake::store::Store;
use crate::tables::scan::{ScanError, Tally};

/// The answer to a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Every offer, cheapest first within a currency.
    pub offers: Vec<Offer>,
    /// Why there is none, where there is none.
    pub why: Option<String>,
}

impl Answer {
    /// Whether nothing that was asked is known.
    pub fn is_unknown(&self) -> bool {
        self.offers.iter().all(|offer| offer.state == State::Unknown)
    }
}

/// Answers a question.
pub async fn price(store: &dyn Store, question: &Question, tally: &Tally) -> Result<Answer, AskError> {
    let coverage = Coverage::read(store, question, tally).await?;
    let rates = match list_prices::read(store, question, tally).await {
        // Which time is known is a matter of coverage alone.
        Err(AskError::Scan(ScanError::NotBuilt { .. })) => Vec::new(),
        rates => rates?,
    };
    let spot = spot::offers(store, &coverage, question, tally).await?;
    let is_heard_of =
        !rates.is_empty() || spot.iter().any(|offer| offer.zone.is_some() || offer.zone_id.is_some());
    if !is_heard_of && !exists(store, &question.instance_type, tally).await? {
        return Err(unheard(store, &question.instance_type, tally).await?);
    }
    let systems: BTreeSet<String> = rates
        .iter()
        .map(|rate| rate.system.clone())
        .chain(spot.iter().filter(|offer| offer.hourly.is_some()).map(|offer| offer.operating_system.clone()))
        .filter(|system| !system.is_empty())
        .collect();
    let has_system = systems.is_empty() || systems.iter().any(|system| question.asks_for_system(system));
    if !has_system {
        let (machine, asked) = (&question.instance_type, &question.operating_system);
        return Err(AskError::Unheard {
            message: format!("{machine} has no prices for {asked} in this lake"),
            hint: format!(
                "ask for one of these with --os: {}",
                systems.into_iter().collect::<Vec<_>>().join(", ")
            ),
        });
    }
    let rates = rates
        .into_iter()
        .filter(|rate| rate.system.is_empty() || question.asks_for_system(&rate.system))
        .filter(|rate| question.asks_for_currency(&rate.currency))
        .collect();
    let mut offers = list_prices::offers(rates, &coverage, question);
    offers.extend(spot.into_iter().filter(|offer| {
        let currency = offer.currency.as_deref();
        question.asks_for_system(&offer.operating_system)
            && currency.is_none_or(|it| question.asks_for_currency(it))
    }));
    complete(&mut offers, &coverage, question);
    offers.sort_by(Offer::by_price);
    let never = || question.moment().and_then(|moment| coverage.why_never(moment));
    let why = offers.is_empty().then(|| never().unwrap_or_else(|| NOTHING.to_owned()));
    Ok(Answer { offers, why })
}

/// Says of each region that is asked for, or that has one of the two, what is with its price on demand and its spot
/// prices: a price that is not there and one that nobody knows never look alike.
fn complete(offers: &mut Vec<Offer>, coverage: &Coverage, question: &Question) {
    let mut places: BTreeSet<(String, String)> =
        offers.iter().map(|offer| (offer.provider.clone(), offer.region.clone())).collect();
    for region in &question.regions {
        if !places.iter().any(|(_, known)| known == region) {
            let provider = question.provider.clone().unwrap_or_else(|| provider_of(region).to_owned());
            places.insert((provider, region.clone()));
        }
    }
    for (provider, region) in places {
        let has = |kind| {
            let here = |offer: &&Offer| offer.provider == provider && offer.region == region;
            offers.iter().filter(here).any(|offer| offer.kind == kind)
        };
        let mut missing = Vec::new();
        if !has(Kind::OnDemand) {
            missing.push((Kind::OnDemand, list_prices::nothing(coverage, question, &provider, &region)));
        }
        if provider == "aws" && !has(Kind::Spot) {
            missing.push((Kind::Spot, no_spot(coverage, question, &region)));
        }
        let place = (provider.as_str(), region.as_str(), question.operating_system.as_str());
        offers.extend(
            missing.into_iter().map(|(kind, (state, why))| Offer::without_price(place, kind, state, why)),
        );
    }
}

/// AWS's regions have hyphens (`us-east-1`), Azure's have none (`eastus`).
fn provider_of(region: &str) -> &'static str {
    if region.contains('-') { "aws" } else { "azure" }
}

fn no_spot(coverage: &Coverage, question: &Question, region: &str) -> (State, String) {
    let stream = format!("region={region}");
    // A region whose time is not known has an offer that says so already.
    if coverage.streams(spot::DATASET).any(|known| known == stream) {
        return (State::Absent, format!("{} has no spot price there", question.instance_type));
    }
    let why = question.moment().and_then(|moment| coverage.why_never(moment));
    (State::Unknown, why.unwrap_or_else(|| "this lake has no spot prices of the region".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_tells_whose_it_is() {
        for (region, provider) in [("us-east-1", "aws"), ("us-west-2-lax-1", "aws"), ("westeurope", "azure")]
        {
            assert_eq!(provider_of(region), provider, "{region}");
        }
    }
}
