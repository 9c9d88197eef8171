//! What is odd about an item. It is kept as it came all the same; this only tells people. Pure.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde_json::value::RawValue;

/// The fields without which an item tells no price, as raw text.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item<'a> {
    #[serde(borrow)]
    meter_id: Option<&'a RawValue>,
    sku_id: Option<&'a RawValue>,
    effective_start_date: Option<&'a RawValue>,
    currency_code: Option<&'a RawValue>,
    r#type: Option<&'a RawValue>,
    retail_price: Option<&'a RawValue>,
    unit_price: Option<&'a RawValue>,
    tier_minimum_units: Option<&'a RawValue>,
}

/// The first oddity of an item.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Oddity {
    meter: String,
    what: Cow<'static, str>,
}

impl fmt::Display for Oddity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the item of meter {}: {}", self.meter, self.what)
    }
}

/// What is odd about the item `json` in the listing of `currency` and `price_type`; `None` for nothing.
pub(super) fn oddity(json: &str, currency: &str, price_type: &str) -> Option<Oddity> {
    let odd = |meter: Option<&str>, what: Cow<'static, str>| {
        let meter = meter.unwrap_or("(none)").trim_matches('"').chars().take(40).collect();
        Some(Oddity { meter, what })
    };
    let Ok(item) = serde_json::from_str::<Item<'_>>(json) else {
        return odd(None, "a field is there twice".into());
    };
    let meter = item.meter_id.map(RawValue::get);
    for (field, value) in [
        ("meterId", item.meter_id),
        ("skuId", item.sku_id),
        ("effectiveStartDate", item.effective_start_date),
    ] {
        if !value.is_some_and(|value| is_text(value.get())) {
            return odd(meter, format!("{field} is missing or no text").into());
        }
    }
    for (field, value) in [
        ("retailPrice", item.retail_price),
        ("unitPrice", item.unit_price),
        ("tierMinimumUnits", item.tier_minimum_units),
    ] {
        if !value.is_some_and(|value| is_number(value.get())) {
            return odd(meter, format!("{field} is missing or no number").into());
        }
    }
    for (field, value, asked) in
        [("currencyCode", item.currency_code, currency), ("type", item.r#type, price_type)]
    {
        if value.and_then(|value| unquoted(value.get())) != Some(asked) {
            return odd(meter, format!("{field} is not {asked}").into());
        }
    }
    None
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

    #[test]
    fn a_sound_item_is_not_odd() {
        assert_eq!(oddity(SOUND, "USD", "Consumption"), None);
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
            let told_now = oddity(&item, "USD", "Consumption").unwrap().to_string();
            assert!(told_now.ends_with(told), "{told_now} for {item}");
        }
    }
}
