//! `[sources.azure_retail_prices]`: the retail prices of Azure.

use super::check::{base_url, currency, each, one_of};
use super::schedule::Schedule;
use super::section::Section;
use crate::base::units::Period;

/// What Azure calls the ways to pay.
const PRICE_TYPES: [&str; 3] = ["Consumption", "Reservation", "DevTestConsumption"];

/// `[sources.azure_retail_prices]`
#[derive(Debug, Clone, PartialEq)]
pub struct AzureRetailPrices {
    /// Whether it is crawled.
    pub enabled: bool,
    /// When.
    pub schedule: Schedule,
    /// Currencies by their ISO 4217 code; each is a listing of its own.
    pub currencies: Vec<String>,
    /// Ways to pay, as Azure spells them; each is a listing of its own.
    pub price_types: Vec<String>,
    /// Where the retail prices are.
    pub base_url: String,
    /// How often a listing is walked at least: it is no snapshot, and a walk may miss items.
    pub walks: u32,
    /// How often at most, while walks still add items.
    pub max_walks: u32,
    /// How many listings are walked at the same time.
    pub concurrency: usize,
}

impl Default for AzureRetailPrices {
    fn default() -> Self {
        Self {
            enabled: true,
            schedule: Schedule::Every(Self::EVERY),
            currencies: vec!["USD".to_owned()],
            price_types: PRICE_TYPES.map(str::to_owned).to_vec(),
            base_url: "https://prices.azure.com".to_owned(),
            walks: 2,
            max_walks: 5,
            concurrency: 3,
        }
    }
}

impl AzureRetailPrices {
    const EVERY: Period = Period::seconds(24 * 3_600);

    pub(super) fn read(section: &mut Section<'_, '_>) -> Self {
        let default = Self::default();
        let source = Self {
            enabled: section.flag("enabled", default.enabled),
            schedule: Schedule::read(section, Self::EVERY),
            currencies: section.value("currencies", default.currencies, each(currency)),
            price_types: section.value("price_types", default.price_types, each(one_of(&PRICE_TYPES))),
            base_url: section.value("base_url", default.base_url, base_url),
            walks: section.number("walks", default.walks, 1, 10),
            max_walks: section.number("max_walks", default.max_walks, 1, 10),
            concurrency: section.number("concurrency", default.concurrency, 1, 16),
        };
        if source.walks > source.max_walks {
            let predicate = format!("must be at most max_walks ({}), not {}", source.max_walks, source.walks);
            section.at_odds("walks", "max_walks", &predicate, "lower walks or raise max_walks");
        }
        source
    }
}
