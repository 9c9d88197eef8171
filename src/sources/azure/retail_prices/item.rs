//! An item of the listing, as far as it is looked at: who it is, what it costs, and what is odd about it. It is kept
//! as it came all the same; this only tells people. Pure.

use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::decimal::Decimal;

/// How much of a value is told.
const SHOWN: usize = 60;

/// The fields that are looked at, as raw text.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Item<'a> {
    #[serde(borrow)]
    meter_id: Option<&'a RawValue>,
    sku_id: Option<&'a RawValue>,
    effective_start_date: Option<&'a RawValue>,
    currency_code: Option<&'a RawValue>,
    r#type: Option<&'a RawValue>,
    reservation_term: Option<&'a RawValue>,
    arm_region_name: Option<&'a RawValue>,
    unit_of_measure: Option<&'a RawValue>,
    tier_minimum_units: Option<&'a RawValue>,
    retail_price: Option<&'a RawValue>,
    unit_price: Option<&'a RawValue>,
    meter_name: Option<&'a RawValue>,
    product_name: Option<&'a RawValue>,
}

/// The first oddity of an item.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Oddity {
    meter: String,
    what: String,
}

impl fmt::Display for Oddity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the item of meter {}: {}", self.meter, self.what)
    }
}

impl<'a> Item<'a> {
    /// Reads the object `json`. A field that is there twice says nothing, and is odd.
    pub(super) fn read(json: &'a str) -> Result<Self, Oddity> {
        let twice = |_| Oddity { meter: "(none)".to_owned(), what: "a field is there twice".to_owned() };
        serde_json::from_str(json).map_err(twice)
    }

    /// A hash of what tells the item from all others, today and on other days; `None` when the item does not say it.
    ///
    /// A meter is sold in several regions, under several SKUs, and for several terms and tiers. The unit is part of it,
    /// because a price for a hundred hours is no leap from that for one. When the price takes effect is not: a price and
    /// the one that follows it are of the same item. Nor are names, which Azure mends now and then.
    pub(super) fn identity(&self) -> Option<u64> {
        let told = [self.meter_id?, self.sku_id?].map(RawValue::get);
        let tier = Decimal::read(self.tier_minimum_units?.get())?;
        let others = [
            self.currency_code,
            self.r#type,
            self.reservation_term,
            self.arm_region_name,
            self.unit_of_measure,
        ];
        let mut hasher = DefaultHasher::new();
        (told, tier, others.map(|value| value.map(RawValue::get))).hash(&mut hasher);
        Some(hasher.finish())
    }

    /// What it costs; `None` when that is no price, or none of this world.
    pub(super) fn price(&self) -> Option<Decimal> {
        Decimal::read(self.retail_price?.get())
    }

    /// That its price leaps, for people.
    pub(super) fn told_leap(&self, last: Decimal) -> String {
        let shown = |value: Option<&RawValue>| -> String {
            value.map_or("none", RawValue::get).chars().take(SHOWN).collect()
        };
        let price = self.price().map_or_else(|| shown(self.retail_price), |price| price.to_string());
        format!(
            "the price of {} ({}) in {} leaps from {last} to {price}: meter {}, SKU {}",
            shown(self.meter_name),
            shown(self.product_name),
            shown(self.arm_region_name),
            shown(self.meter_id),
            shown(self.sku_id),
        )
    }

    /// What is odd about it in the listing of `currency` and `price_type`; `None` for nothing.
    pub(super) fn oddity(&self, currency: &str, price_type: &str) -> Option<Oddity> {
        let odd = |what: String| {
            let meter = self.meter_id.map_or("(none)", RawValue::get).trim_matches('"');
            Some(Oddity { meter: meter.chars().take(40).collect(), what })
        };
        for (field, value) in [
            ("meterId", self.meter_id),
            ("skuId", self.sku_id),
            ("effectiveStartDate", self.effective_start_date),
        ] {
            if !value.is_some_and(|value| is_text(value.get())) {
                return odd(format!("{field} is missing or no text"));
            }
        }
        for (field, value) in [
            ("retailPrice", self.retail_price),
            ("unitPrice", self.unit_price),
            ("tierMinimumUnits", self.tier_minimum_units),
        ] {
            if !value.is_some_and(|value| is_number(value.get())) {
                return odd(format!("{field} is missing or no number"));
            }
        }
        for (field, value, asked) in
            [("currencyCode", self.currency_code, currency), ("type", self.r#type, price_type)]
        {
            if value.and_then(|value| unquoted(value.get())) != Some(asked) {
                return odd(format!("{field} is not {asked}"));
            }
        }
        None
    }
}

fn unquoted(json: &str) -> Option<&str> {
    json.strip_prefix('"')?.strip_suffix('"')
}

fn is_text(json: &str) -> bool {
    unquoted(json).is_some_and(|text| !text.is_empty())
}

/// The value is valid JSON, so its first character tells.
fn is_number(json: &str) -> bool {
    json.starts_with(|c: char| c == '-' || c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: &str = r#"{"currencyCode":"USD","tierMinimumUnits":0.0,"retailPrice":0.376740,"unitPrice":1E-7,"meterId":"m","skuId":"s","effectiveStartDate":"2024-11-01T00:00:00Z","type":"Consumption","new":{}}"#;

    fn oddity(json: &str) -> Option<Oddity> {
        Item::read(json).map_or_else(Some, |item| item.oddity("USD", "Consumption"))
    }

    #[test]
    fn a_sound_item_is_not_odd() {
        assert_eq!(oddity(SOUND), None);
    }

    #[test]
    fn each_oddity_is_told_with_its_meter() {
        for (from, to, told) in [
            ("0.376740", "\"free\"", "meter m: retailPrice is missing or no number"),
            ("1E-7", "null", "meter m: unitPrice is missing or no number"),
            ("\"m\"", "7", "meter 7: meterId is missing or no text"),
            ("\"m\"", "null", "meter (none): meterId is missing or no text"),
            ("\"skuId\"", "\"sku\"", "meter m: skuId is missing or no text"),
            ("\"USD\"", "\"EUR\"", "meter m: currencyCode is not USD"),
            ("\"Consumption\"", "\"consumption\"", "meter m: type is not Consumption"),
            ("\"new\"", "\"type\"", "meter (none): a field is there twice"),
        ] {
            let item = SOUND.replace(from, to);
            let told_now = oddity(&item).unwrap().to_string();
            assert!(told_now.ends_with(told), "{told_now} for {item}");
        }
    }
}
