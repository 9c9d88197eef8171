//! The price lists of savings plans over plain HTTP.

use std::collections::{BTreeMap, BTreeSet};

use contrail::sandbox::Sandbox;
use serde_json::Value;

use super::{NOW, at, calm, get, get_json};

async fn file(sandbox: &Sandbox, link: &Value) -> Value {
    get_json(&format!("{}{}", sandbox.endpoints().price_list, link.as_str().unwrap())).await
}

/// The plans that the offer index leads to: links to their region indexes, by plan.
async fn plans(sandbox: &Sandbox) -> BTreeMap<String, Value> {
    let url = format!("{}/offers/v1.0/aws/index.json", sandbox.endpoints().price_list);
    let index = get_json(&url).await;
    let links =
        index["offers"].as_object().unwrap().values().map(|offer| &offer["currentSavingsPlanIndexUrl"]);
    let named = |link: &Value| (link.as_str().unwrap().split('/').nth(4).unwrap().to_owned(), link.clone());
    links.filter(|link| link.is_string()).map(named).collect()
}

#[tokio::test]
async fn the_offer_index_leads_to_plans_whose_rates_are_shares_of_prices_on_demand() {
    let sandbox = calm().await;
    let plans = plans(&sandbox).await;
    assert_eq!(plans.keys().collect::<Vec<_>>(), ["AWSComputeSavingsPlan", "AWSDatabaseSavingsPlans"]);
    let regions = file(&sandbox, &plans["AWSComputeSavingsPlan"]).await;
    let of_region = regions["regions"].as_array().unwrap().iter().find(|it| it["regionCode"] == "us-east-1");
    let link = &of_region.unwrap()["versionUrl"];
    let list = file(&sandbox, link).await;
    assert_eq!(link.as_str().unwrap().split('/').nth(5), list["version"].as_str());
    assert_eq!(list["regionCode"], "us-east-1");
    assert_eq!(list, file(&sandbox, link).await, "the same each time");

    let versions = format!(
        "{}/savingsPlan/v1.0/aws/AWSComputeSavingsPlan/current/index.json",
        sandbox.endpoints().price_list
    );
    let versions = get_json(&versions).await;
    let all = versions["versions"].as_array().unwrap();
    assert!(all.len() > 90 && all[0]["offerVersionUrl"] == versions["currentOfferVersionUrl"]);

    // Each plan that is sold has its rates, and each rate that names a product costs less than that on demand.
    let offers = get_json(&format!(
        "{}/offers/v1.0/aws/AmazonEC2/current/us-east-1/index.json",
        sandbox.endpoints().price_list
    ))
    .await;
    let on_demand = |sku: &str| -> Option<f64> {
        let term = offers["terms"]["OnDemand"][sku].as_object()?.values().next()?;
        let dimension = term["priceDimensions"].as_object()?.values().next()?;
        dimension["pricePerUnit"]["USD"].as_str()?.parse().ok()
    };
    let (mut joined, mut gaps, mut services) = (0, 0, BTreeSet::new());
    let terms = list["terms"]["savingsPlan"].as_array().unwrap();
    assert_eq!(terms.len(), list["products"].as_array().unwrap().len());
    for rate in terms.iter().flat_map(|term| term["rates"].as_array().unwrap()) {
        let sku = rate["discountedSku"].as_str().unwrap();
        services.insert(rate["discountedServiceCode"].as_str().unwrap().to_owned());
        gaps += usize::from(sku == "_not_found_");
        if let Some(full) = on_demand(sku) {
            let price: f64 = rate["discountedRate"]["price"].as_str().unwrap().parse().unwrap();
            assert!(price < full && price > full / 4.0, "{rate} of {full}");
            joined += 1;
        }
    }
    assert!(joined > 100 && gaps > 0 && gaps < joined / 20, "{joined} and {gaps}");
    assert_eq!(services, ["AmazonEC2", "AmazonECS"].map(str::to_owned).into());
}

#[tokio::test]
async fn a_stale_index_names_a_list_that_is_not_there_and_throttling_is_503() {
    let stale = at(NOW, "stale_index").await;
    let plans = plans(&stale).await;
    let regions = file(&stale, &plans["AWSDatabaseSavingsPlans"]).await;
    let link = regions["regions"][0]["versionUrl"].as_str().unwrap();
    assert_eq!(get(&format!("{}{link}", stale.endpoints().price_list)).await.0, 404);
    let busy = at(NOW, "throttle=100%").await;
    assert_eq!(get(&format!("{}{link}", busy.endpoints().price_list)).await.0, 503);
}

#[tokio::test]
async fn what_there_is_not_is_not_found() {
    let sandbox = calm().await;
    for path in [
        "aws/AWSComputeSavingsPlan",
        "aws/Other/current/index.json",
        "aws/AWSComputeSavingsPlan/20010101000000/us-east-1/index.json",
        "aws/AWSComputeSavingsPlan/current/mars-1/index.json",
        "eu/AWSComputeSavingsPlan/current/index.json",
    ] {
        let url = format!("{}/savingsPlan/v1.0/{path}", sandbox.endpoints().price_list);
        assert_eq!(get(&url).await.0, 404, "{path}");
    }
}
