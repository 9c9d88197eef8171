//! Azure's Retail Prices API: `GET /api/retail/prices`, 1,000 items a page, NextPageLink to the next.

use std::fmt::Write;
use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::header::{CONTENT_TYPE, HOST};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::SecondsFormat;

use super::Cloud;
use super::market::azure_catalog::{AzureCatalog, Item, PriceType};
use super::market::money::Money;
use crate::base::{Date, Time};

const PAGE: u64 = 1_000;
/// With `$top` the real listing ends here, however much there is.
const TOP_TOTAL: u64 = 1_000;
/// Another host, which nobody should follow.
const OFFSITE: &str = "http://prices.offsite.invalid:80";
/// Only this version knows savings plans.
const PREVIEW: &str = "2023-01-01-preview";
/// Currencies and what a dollar costs in them, in thousandths.
const CURRENCIES: [(&str, u64); 17] = [
    ("USD", 1_000),
    ("AUD", 1_530),
    ("BRL", 5_420),
    ("CAD", 1_370),
    ("CHF", 880),
    ("CNY", 7_120),
    ("DKK", 6_440),
    ("EUR", 863),
    ("GBP", 752),
    ("INR", 85_700),
    ("JPY", 147_000),
    ("KRW", 1_386_000),
    ("NOK", 10_100),
    ("NZD", 1_680),
    ("RUB", 79_000),
    ("SEK", 9_560),
    ("TWD", 29_500),
];

/// What a throttled caller gets.
pub(crate) fn throttled() -> Response {
    (
        StatusCode::TOO_MANY_REQUESTS,
        [
            ("content-type", "application/json; charset=utf-8"),
            ("x-ms-ratelimit-remaining-retailPrices-requests", "0"),
            ("x-ms-ratelimit-retailPrices-retry-after", "1"),
        ],
        r#"{"error":{"code":"429","message":"Too many requests. Please retry after 1 seconds."}}"#,
    )
        .into_response()
}

/// Answers one page.
pub(crate) async fn serve(
    State(cloud): State<Arc<Cloud>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let raw = query.unwrap_or_default();
    // The link leads back to the address that was asked, which is not always the one that is listened on.
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).filter(|host| host.contains(':'));
    let base = host.map_or_else(|| cloud.base.clone(), |host| format!("http://{host}"));
    let page = match Query::read(&raw) {
        Ok(query) => query.page(&cloud, &base, &raw),
        Err(message) => {
            let body = format!(r#"{{"error":{{"code":"BadRequest","message":{}}}}}"#, quoted(&message));
            return (StatusCode::BAD_REQUEST, [(CONTENT_TYPE, "application/json; charset=utf-8")], body)
                .into_response();
        }
    };
    ([(CONTENT_TYPE, "application/json; charset=utf-8")], page).into_response()
}

/// What a page is asked for.
#[derive(Debug)]
struct Query {
    currency: (&'static str, u64),
    preview: bool,
    skip: u64,
    top: Option<u64>,
    /// `field eq 'value'`, joined by `and`.
    terms: Vec<(String, String)>,
    primary_only: bool,
}

impl Query {
    fn read(raw: &str) -> Result<Self, String> {
        let mut query = Self {
            currency: CURRENCIES[0],
            preview: false,
            skip: 0,
            top: None,
            terms: Vec::new(),
            primary_only: false,
        };
        let number = |name: &str, value: &str| {
            value.parse::<u64>().map_err(|_| format!("{name} must be a whole number, not {value:?}"))
        };
        for (name, value) in url::form_urlencoded::parse(raw.as_bytes()) {
            match name.as_ref() {
                "api-version" => query.preview = value == PREVIEW,
                "currencyCode" => {
                    let code = value.trim_matches('\'');
                    let known = CURRENCIES.into_iter().find(|(currency, _)| *currency == code);
                    query.currency = known.ok_or_else(|| format!("currency {code:?} is not supported"))?;
                }
                "$skip" => query.skip = number("$skip", &value)?,
                "$top" => query.top = Some(number("$top", &value)?.clamp(1, PAGE)),
                "meterRegion" => query.primary_only = value.trim_matches('\'') == "primary",
                "$filter" => query.terms = read_filter(&value)?,
                _ => {}
            }
        }
        Ok(query)
    }

    fn page(&self, cloud: &Cloud, base: &str, raw: &str) -> String {
        let day = cloud.clock.now().date_naive();
        let size = self.top.unwrap_or(PAGE);
        let shift = if cloud.faults.unstable_order { self.shift(cloud, raw) } else { 0 };
        let from = self.skip.saturating_add_signed(shift);
        let listing = Listing { catalog: &cloud.market.azure, query: self, day };
        let items = listing.slice(from, size);
        let end = self.skip.saturating_add(size);
        let more = !listing.slice(end, 1).is_empty() && (self.top.is_none() || end < TOP_TOTAL);
        let mut json = String::with_capacity(items.len() * 800 + 512);
        let _ = write!(
            json,
            r#"{{"BillingCurrency":"{}","CustomerEntityId":"Default","CustomerEntityType":"Retail","Items":["#,
            self.currency.0
        );
        for (index, item) in items.iter().enumerate() {
            json.push_str(if index > 0 { "," } else { "" });
            self.write_item(&mut json, item);
        }
        let base = if cloud.faults.offsite_link { OFFSITE } else { base };
        let link = if more { quoted(&next_link(base, raw, end)) } else { "null".to_owned() };
        let _ = write!(json, r#"],"NextPageLink":{link},"Count":{}}}"#, items.len());
        json
    }

    /// How far this page is off its place in an unstable listing. In one walk the even pages are off, in the next
    /// the odd ones: so a walk repeats and drops rows, and any two in a row have them all.
    fn shift(&self, cloud: &Cloud, raw: &str) -> i64 {
        let listing = without_skip(raw).join("&");
        let walk = cloud.walk(cloud.seed.text(&listing).bits(), self.skip == 0);
        let page = self.skip / PAGE;
        let draw = cloud.seed.text("shift").text(&listing).at(walk).at(page);
        let off = 1 + draw.seconds_below(30);
        match (page % 2 == walk % 2, page > 0 && draw.at(1).permille(500)) {
            (false, _) => 0,
            (true, true) => -off,
            (true, false) => off,
        }
    }

    fn write_item(&self, json: &mut String, item: &Item) {
        let convert = |price: Money| price.times_exactly(self.currency.1, 1_000).shortest();
        let price = convert(item.price);
        let _ = write!(json, r#"{{"currencyCode":"{}""#, self.currency.0);
        let _ = write!(json, r#","tierMinimumUnits":{}.0"#, item.tier_minimum_units);
        if let Some(term) = item.reservation_term {
            let _ = write!(json, r#","reservationTerm":"{term}""#);
        }
        let _ = write!(json, r#","retailPrice":{price},"unitPrice":{price}"#);
        let mut text = |name: &str, value: &str| {
            let _ = write!(json, ",\"{name}\":{}", quoted(value));
        };
        text("armRegionName", item.arm_region);
        text("location", item.location);
        text("effectiveStartDate", &stamp(item.start));
        if let Some(end) = item.end {
            text("effectiveEndDate", &stamp(end));
        }
        text("meterId", &item.meter_id);
        text("meterName", &item.meter_name);
        text("productId", &item.product_id);
        text("skuId", &item.sku_id);
        text("productName", &item.product_name);
        text("skuName", &item.sku_name);
        text("serviceName", item.service_name);
        text("serviceId", item.service_id);
        text("serviceFamily", item.service_family);
        text("unitOfMeasure", item.unit);
        text("type", item.price_type.as_str());
        let _ = write!(
            json,
            r#","isPrimaryMeterRegion":{},"armSkuName":{}"#,
            item.is_primary,
            quoted(&item.arm_sku)
        );
        if self.preview && !item.savings_plan.is_empty() {
            let plan = item.savings_plan.iter().map(|(term, price)| {
                let price = convert(*price);
                format!(r#"{{"unitPrice":{price},"retailPrice":{price},"term":"{term}"}}"#)
            });
            let _ = write!(json, r#","savingsPlan":[{}]"#, plan.collect::<Vec<_>>().join(","));
        }
        json.push('}');
    }
}

/// The items that a query is about, in order.
struct Listing<'a> {
    catalog: &'a AzureCatalog,
    query: &'a Query,
    day: Date,
}

impl Listing<'_> {
    /// Up to `count` items from position `from` on.
    fn slice(&self, from: u64, count: u64) -> Vec<Item> {
        let is_type = |(field, _): &&(String, String)| field == "priceType";
        let types = PriceType::ALL.into_iter().filter(|price_type| {
            self.query.terms.iter().filter(is_type).all(|(_, value)| value == price_type.as_str())
        });
        let plain = !self.query.primary_only && self.query.terms.iter().all(|term| is_type(&term));
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        if !plain {
            let all = types.flat_map(|price_type| self.items(price_type, 0));
            let from = usize::try_from(from).unwrap_or(usize::MAX);
            return all.filter(|item| self.query.fits(item)).skip(from).take(count).collect();
        }
        // Every position counts, so those before `from` need not be made.
        let mut skip = from;
        let mut items = Vec::new();
        for price_type in types {
            let start = skip.min(self.catalog.count(price_type));
            skip -= start;
            items.extend(self.items(price_type, start).take(count - items.len()));
        }
        items
    }

    fn items(&self, price_type: PriceType, start: u64) -> impl Iterator<Item = Item> {
        (start..self.catalog.count(price_type)).map(move |at| self.catalog.item(price_type, at, self.day))
    }
}

const FIELDS: [&str; 13] = [
    "armRegionName",
    "armSkuName",
    "currencyCode",
    "location",
    "meterId",
    "meterName",
    "priceType",
    "productId",
    "productName",
    "serviceFamily",
    "serviceId",
    "serviceName",
    "skuName",
];

impl Query {
    fn fits(&self, item: &Item) -> bool {
        let field = |name: &str| match name {
            "armRegionName" => item.arm_region,
            "armSkuName" => &item.arm_sku,
            "location" => item.location,
            "meterId" => &item.meter_id,
            "meterName" => &item.meter_name,
            "priceType" => item.price_type.as_str(),
            "productId" => &item.product_id,
            "productName" => &item.product_name,
            "serviceFamily" => item.service_family,
            "serviceId" => item.service_id,
            "serviceName" => item.service_name,
            "skuName" => &item.sku_name,
            // A currency in the filter, of all things, finds nothing.
            _ => "",
        };
        (!self.primary_only || item.is_primary) && self.terms.iter().all(|(name, value)| field(name) == value)
    }
}

/// `priceType eq 'Consumption' and armRegionName eq 'eastus'`. Values are case-sensitive.
fn read_filter(text: &str) -> Result<Vec<(String, String)>, String> {
    let wrong = || "Invalid OData parameters supplied".to_owned();
    let mut terms = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (field, after) = rest.split_once(char::is_whitespace).ok_or_else(wrong)?;
        let after = after.trim_start().strip_prefix("eq").ok_or_else(wrong)?;
        let after = after.trim_start().strip_prefix('\'').ok_or_else(wrong)?;
        let (value, after) = after.split_once('\'').ok_or_else(wrong)?;
        if !FIELDS.contains(&field) {
            return Err(wrong());
        }
        terms.push((field.to_owned(), value.to_owned()));
        let after = after.trim();
        rest = match after.strip_prefix("and ") {
            Some(after) if !after.trim().is_empty() => after.trim_start(),
            _ if after.is_empty() => "",
            _ => return Err(wrong()),
        };
    }
    Ok(terms)
}

fn without_skip(raw: &str) -> Vec<&str> {
    let is_skip =
        |pair: &&str| pair.starts_with("$skip=") || pair.to_ascii_lowercase().starts_with("%24skip=");
    raw.split('&').filter(|pair| !pair.is_empty() && !is_skip(pair)).collect()
}

/// The address of the page at `skip`: with an explicit port, and with the query's spaces, quotes and dollars raw,
/// as the real service writes it.
fn next_link(base: &str, raw: &str, skip: u64) -> String {
    let kept = without_skip(raw).join("&");
    let kept = kept.replace("%20", " ").replace('+', " ").replace("%27", "'").replace("%24", "$");
    let separator = if kept.is_empty() { "" } else { "&" };
    format!("{base}/api/retail/prices?{kept}{separator}$skip={skip}")
}

fn stamp(time: Time) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// `text` as a JSON string.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_of_equalities_are_read_and_others_refused() {
        assert_eq!(
            read_filter("priceType eq 'Consumption' and armRegionName eq 'eastus'").unwrap(),
            [
                ("priceType".to_owned(), "Consumption".to_owned()),
                ("armRegionName".to_owned(), "eastus".to_owned())
            ]
        );
        assert_eq!(read_filter("").unwrap(), []);
        for wrong in [
            "priceType",
            "priceType ne 'x'",
            "colour eq 'x'",
            "priceType eq 'x",
            "priceType eq 'x' or",
            "priceType eq 'x' and ",
        ] {
            assert!(read_filter(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_old_skip_leaves_the_link() {
        assert_eq!(
            without_skip("api-version=x&$skip=1000&currencyCode='EUR'"),
            ["api-version=x", "currencyCode='EUR'"]
        );
        assert_eq!(without_skip("%24skip=1000"), Vec::<&str>::new());
    }

    #[test]
    fn odd_parameters_get_an_error_that_names_them() {
        assert!(Query::read("$skip=many").unwrap_err().contains("$skip"));
        assert!(Query::read("currencyCode='XXX'").unwrap_err().contains("XXX"));
        assert_eq!(Query::read("currencyCode='EUR'&%24skip=5").unwrap().skip, 5);
    }
}
