//! Azure's retail prices over plain HTTP.

use std::collections::HashSet;

use contrail::sandbox::Sandbox;
use serde_json::Value;

use super::{NOW, at, calm, get, get_json};

const PREVIEW: &str = "api-version=2023-01-01-preview";

/// The raw texts of all items of one walk, and how many each page had.
async fn walk(sandbox: &Sandbox, query: &str) -> (Vec<String>, Vec<usize>) {
    let mut url = format!("{}/api/retail/prices?{query}", sandbox.endpoints().azure);
    let (mut items, mut pages) = (Vec::new(), Vec::new());
    loop {
        let page = get_json(&url).await;
        let found = page["Items"].as_array().unwrap();
        assert_eq!(page["Count"], found.len());
        pages.push(found.len());
        items.extend(found.iter().map(Value::to_string));
        match page["NextPageLink"].as_str() {
            Some(link) => link.clone_into(&mut url),
            None => return (items, pages),
        }
    }
}

fn of_type(price_type: &str) -> String {
    format!("{PREVIEW}&currencyCode='USD'&$filter=priceType%20eq%20'{price_type}'")
}

#[tokio::test]
async fn a_walk_over_each_type_has_each_item_once() {
    let sandbox = calm().await;
    let mut all = HashSet::new();
    let mut count = 0;
    for price_type in ["Consumption", "DevTestConsumption", "Reservation"] {
        let (items, pages) = walk(&sandbox, &of_type(price_type)).await;
        assert!(pages.iter().rev().skip(1).all(|rows| *rows == 1_000), "{pages:?}");
        assert!(items.iter().all(|item| item.contains(&format!("\"type\":\"{price_type}\""))));
        count += items.len();
        all.extend(items);
    }
    assert_eq!(all.len(), count);
    let (unfiltered, _) = walk(&sandbox, PREVIEW).await;
    assert_eq!(unfiltered.into_iter().collect::<HashSet<_>>(), all);
    assert!((5_900..6_100).contains(&count), "{count}");
}

#[tokio::test]
async fn the_envelope_and_the_link_are_those_of_the_real_service() {
    let sandbox = calm().await;
    let base = &sandbox.endpoints().azure;
    let page = get_json(&format!("{base}/api/retail/prices?{}", of_type("Consumption"))).await;
    assert_eq!(page["BillingCurrency"], "USD");
    assert_eq!(page["CustomerEntityId"], "Default");
    assert_eq!(page["CustomerEntityType"], "Retail");
    let link = page["NextPageLink"].as_str().unwrap();
    let query = format!("{PREVIEW}&currencyCode='USD'&$filter=priceType eq 'Consumption'&$skip=1000");
    assert_eq!(link, format!("{base}/api/retail/prices?{query}"));
    let beyond = get_json(&format!("{base}/api/retail/prices?{}&$skip=999000", of_type("Consumption"))).await;
    assert_eq!((&beyond["Count"], &beyond["NextPageLink"]), (&Value::from(0), &Value::Null));
}

#[tokio::test]
async fn items_have_the_fields_and_types_of_real_ones() {
    let sandbox = calm().await;
    let (items, _) = walk(&sandbox, PREVIEW).await;
    let mut optional = HashSet::new();
    for item in items {
        let item: Value = serde_json::from_str(&item).unwrap();
        for field in [
            "currencyCode",
            "armRegionName",
            "location",
            "effectiveStartDate",
            "meterId",
            "meterName",
            "productId",
            "skuId",
            "productName",
            "skuName",
            "serviceName",
            "serviceId",
            "serviceFamily",
            "unitOfMeasure",
            "type",
            "armSkuName",
        ] {
            assert!(item[field].is_string(), "{field}: {item}");
        }
        assert!(item["isPrimaryMeterRegion"].is_boolean() && item["tierMinimumUnits"].is_f64());
        assert!(item["retailPrice"].as_f64().unwrap() > 0.0 && item["unitPrice"] == item["retailPrice"]);
        for field in ["reservationTerm", "effectiveEndDate", "savingsPlan"] {
            if item.get(field).is_some() {
                optional.insert(field);
            }
        }
    }
    assert_eq!(optional.len(), 3);
}

#[tokio::test]
async fn savings_plans_are_known_to_the_preview_only() {
    let sandbox = calm().await;
    let url = |query: &str| format!("{}/api/retail/prices?{query}", sandbox.endpoints().azure);
    assert!(get(&url(PREVIEW)).await.1.contains("savingsPlan"));
    assert!(!get(&url("")).await.1.contains("savingsPlan"));
}

#[tokio::test]
async fn other_currencies_are_the_same_items_at_other_prices() {
    let sandbox = calm().await;
    let url =
        |currency: &str| format!("{}/api/retail/prices?currencyCode='{currency}'", sandbox.endpoints().azure);
    let (dollars, euros) = (get_json(&url("USD")).await, get_json(&url("EUR")).await);
    assert_eq!(euros["BillingCurrency"], "EUR");
    for (one, other) in dollars["Items"].as_array().unwrap().iter().zip(euros["Items"].as_array().unwrap()) {
        assert_eq!((&one["meterId"], &other["currencyCode"]), (&other["meterId"], &Value::from("EUR")));
        let ratio = other["retailPrice"].as_f64().unwrap() / one["retailPrice"].as_f64().unwrap();
        assert!((ratio - 0.863).abs() < 0.001, "{ratio}");
    }
    assert_eq!(get(&url("XXX")).await.0, 400);
}

#[tokio::test]
async fn filters_are_case_sensitive_and_an_unknown_type_finds_nothing() {
    let sandbox = calm().await;
    for filter in ["priceType eq 'consumption'", "priceType eq 'Nothing'", "currencyCode eq 'USD'"] {
        let (items, _) = walk(&sandbox, &format!("{PREVIEW}&$filter={filter}")).await;
        assert!(items.is_empty(), "{filter}");
    }
    let filter = "serviceName eq 'Virtual Machines' and armRegionName eq 'westeurope'";
    let (items, _) = walk(&sandbox, &format!("{PREVIEW}&$filter={filter}")).await;
    assert!(!items.is_empty());
    assert!(items.iter().all(|item| item.contains("westeurope") && item.contains("Virtual Machines")));
    let bad = format!("{}/api/retail/prices?$filter=priceType ne 'x'", sandbox.endpoints().azure);
    assert_eq!(get(&bad).await.0, 400);
}

#[tokio::test]
async fn asking_for_a_number_of_items_truncates_the_listing() {
    let sandbox = calm().await;
    let (items, pages) = walk(&sandbox, &format!("{PREVIEW}&$top=100")).await;
    assert_eq!((items.len(), pages), (1_000, vec![100; 10]));
}

#[tokio::test]
async fn the_catalogue_changes_a_little_from_day_to_day() {
    let (today, tomorrow) = (calm().await, at("2026-11-22T20:00:00Z", "").await);
    let query = of_type("Consumption");
    let (one, _) = walk(&today, &query).await;
    let (other, _) = walk(&tomorrow, &query).await;
    let one: HashSet<String> = one.into_iter().collect();
    let new = other.iter().filter(|item| !one.contains(*item)).count();
    assert!((1..300).contains(&new), "{new}");
}

#[tokio::test]
async fn an_unstable_listing_repeats_and_drops_but_two_walks_are_complete() {
    let query = of_type("Consumption");
    let whole: HashSet<String> = walk(&calm().await, &query).await.0.into_iter().collect();
    let sandbox = at(NOW, "unstable_order").await;
    let mut previous = HashSet::new();
    let (mut repeats, mut drops) = (false, false);
    for number in 0..4 {
        let (items, _) = walk(&sandbox, &query).await;
        let found: HashSet<String> = items.iter().cloned().collect();
        repeats |= found.len() < items.len();
        drops |= found.len() < whole.len();
        if number > 0 {
            assert_eq!(found.union(&previous).cloned().collect::<HashSet<_>>(), whole);
        }
        previous = found;
    }
    assert!(repeats && drops);
}
