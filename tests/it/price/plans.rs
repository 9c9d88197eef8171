//! Savings plans from end to end: crawled from the sandbox, joined in the tables to the price lists of the same lake, and
//! told by `contrail price` beside reservations; against what the raw objects say.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::MACHINE;
use crate::support::lake_reader::LakeReader;
use crate::support::program::Home;

/// Region, kind of plan, years, payment.
type Way = (String, String, i64, String);

/// What an hour of Linux costs under each plan, by the newest lists of the lake: SKUs are looked up in the offer files, and
/// where a plan names none the meter is compared.
fn planned_prices(lake: &Path) -> BTreeMap<Way, String> {
    let lake = LakeReader::of_directory(lake);
    let mut offers: BTreeMap<String, Value> = BTreeMap::new();
    let region_of =
        |key: &str| key.split('/').find_map(|part| part.strip_prefix("region=")).unwrap().to_owned();
    for (key, object) in lake.raw("aws_price_list") {
        offers.insert(region_of(key), serde_json::from_slice(&object.payload()).unwrap());
    }
    let mut plans: BTreeMap<String, Value> = BTreeMap::new();
    for (key, object) in lake.raw("aws_savings_plans") {
        if key.contains("plan=AWSComputeSavingsPlan/") {
            plans.insert(region_of(key), serde_json::from_slice(&object.payload()).unwrap());
        }
    }
    let mut prices = BTreeMap::new();
    for (region, list) in &plans {
        let Some(offer) = offers.get(region) else { continue };
        let plain: Vec<(&String, &Value)> = offer["products"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(sku, product)| (sku, &product["attributes"]))
            .filter(|(_, it)| {
                it["instanceType"] == MACHINE
                    && it["operatingSystem"] == "Linux"
                    && it["tenancy"] == "Shared"
                    && it["preInstalledSw"] == "NA"
                    && it["capacitystatus"] == "Used"
            })
            .collect();
        let is_plain = |rate: &Value| {
            plain.iter().any(|(sku, it)| {
                rate["discountedSku"] == ***sku
                    || rate["discountedSku"] == "_not_found_"
                        && rate["discountedUsageType"] == it["usagetype"]
                        && rate["discountedOperation"] == it["operation"]
            })
        };
        let products = list["products"].as_array().unwrap();
        for term in list["terms"]["savingsPlan"].as_array().unwrap() {
            let product = products.iter().find(|product| product["sku"] == term["sku"]).unwrap();
            for rate in term["rates"].as_array().unwrap().iter().filter(|rate| is_plain(rate)) {
                let way = (
                    region.clone(),
                    product["productFamily"].as_str().unwrap().to_owned(),
                    term["leaseContractLength"]["duration"].as_i64().unwrap(),
                    product["attributes"]["purchaseOption"].as_str().unwrap().to_owned(),
                );
                let price = rate["discountedRate"]["price"].as_str().unwrap().to_owned();
                assert_eq!(prices.insert(way, price), None, "one plain rate");
            }
        }
    }
    prices
}

#[test]
fn savings_plans_stand_beside_reservations_at_the_prices_of_their_lists() {
    let home = Home::shared("price-plans");
    home.run(&["crawler", "--sandbox", "--once", "--only", "aws_price_list,aws_savings_plans"]).with(0);
    let built = home.run(&["tables", "build"]).with(0);
    assert!(!built.stderr.contains("WARN"), "nobody collects the lists of containers: {}", built.stderr);
    let told = home.run(&["price", MACHINE, "--format", "json"]).with(0);
    let offers: Vec<Value> = serde_json::from_str(&told.stdout).unwrap();
    let text = |offer: &Value, name: &str| offer[name].as_str().unwrap_or_default().to_owned();
    let of_plans = offers.iter().filter(|offer| offer["category"] == "savings plan");
    let planned: BTreeMap<Way, String> = of_plans
        .map(|offer| {
            let way = (
                text(offer, "region"),
                text(offer, "offering_class"),
                offer["term_years"].as_i64().unwrap(),
                text(offer, "payment_option"),
            );
            assert_eq!((&offer["state"], &offer["is_effective"]), (&"known".into(), &false.into()));
            (way, text(offer, "price_hour"))
        })
        .collect();
    let expected = planned_prices(&home.lake());
    assert!(expected.len() >= 12, "{expected:?}");
    assert_eq!(planned, expected);
    assert!(offers.iter().any(|offer| offer["category"] == "reserved"), "{}", told.stdout);

    let table = home.run(&["price", MACHINE, "--region", "us-east-1"]).with(0).stdout;
    for wanted in ["savings plan", "ComputeSavingsPlans", "EC2InstanceSavingsPlans", "reserved"] {
        assert!(table.contains(wanted), "{wanted}\n{table}");
    }
    // A second build finds nothing to do, and a new one makes the same.
    let again = home.run(&["tables", "build"]).with(0);
    assert!(!again.stderr.contains("INFO built "), "{}", again.stderr);
    home.run(&["verify"]).with(0);
}
