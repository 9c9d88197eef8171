//! `contrail price` over a lake that the built binary crawled from the sandbox and made tables of, against what the raw
//! objects of the same lake say.

mod plans;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::support::lake_reader::LakeReader;
use crate::support::program::Home;

const MACHINE: &str = "m5.large";

/// The price of each Linux pool of the machine, by region and zone id, after its last change.
fn last_prices(lake: &Path) -> BTreeMap<(String, String), String> {
    let mut last: BTreeMap<(String, String), (String, String)> = BTreeMap::new();
    for (key, object) in LakeReader::of_directory(lake).raw("aws_spot_prices") {
        let region = key.split('/').find_map(|part| part.strip_prefix("region=")).unwrap();
        for row in object.rows() {
            let field = |name: &str| row[name].as_str().unwrap().to_owned();
            if field("InstanceType") != MACHINE || field("ProductDescription") != "Linux/UNIX" {
                continue;
            }
            let change = (field("Timestamp"), field("SpotPrice"));
            let entry = last.entry((region.to_owned(), field("AvailabilityZoneId"))).or_default();
            if entry.0 < change.0 {
                *entry = change;
            }
        }
    }
    let plain = |price: String| price.trim_end_matches('0').trim_end_matches('.').to_owned();
    last.into_iter().map(|(pool, (_, price))| (pool, plain(price))).collect()
}

/// What on-demand Linux costs in each region, as the newest offer file of each says.
fn listed_prices(lake: &Path) -> BTreeMap<String, String> {
    let mut newest: BTreeMap<String, Value> = BTreeMap::new();
    for (key, object) in LakeReader::of_directory(lake).raw("aws_price_list") {
        if key.contains("/offer=AmazonEC2/") {
            let region = key.split('/').find_map(|part| part.strip_prefix("region=")).unwrap();
            // Keys are in the order of versions.
            newest.insert(region.to_owned(), serde_json::from_slice(&object.payload()).unwrap());
        }
    }
    let mut prices = BTreeMap::new();
    for (region, offer) in newest {
        for (sku, product) in offer["products"].as_object().unwrap() {
            let attribute = |name: &str| product["attributes"][name].as_str().unwrap_or_default();
            let is_plain = attribute("instanceType") == MACHINE
                && attribute("operatingSystem") == "Linux"
                && attribute("tenancy") == "Shared"
                && attribute("preInstalledSw") == "NA"
                && attribute("capacitystatus") == "Used";
            let Some(term) = offer["terms"]["OnDemand"][sku].as_object().filter(|_| is_plain) else {
                continue;
            };
            let dimension = term.values().next().unwrap()["priceDimensions"].as_object().unwrap();
            let price = dimension.values().next().unwrap()["pricePerUnit"]["USD"].as_str().unwrap();
            let plain = price.trim_end_matches('0').trim_end_matches('.').to_owned();
            assert_eq!(prices.insert(region.clone(), plain), None, "one plain price in {region}");
        }
    }
    prices
}

#[test]
fn what_a_machine_costs_is_what_the_clouds_said() {
    let home = Home::shared("price");
    home.run(&["crawler", "--sandbox", "--once"]).with(0);
    home.run(&["tables", "build"]).with(0);
    let told = home.run(&["price", MACHINE, "--format", "json"]).with(0);
    let offers: Vec<Value> = serde_json::from_str(&told.stdout).unwrap();
    let text = |offer: &Value, name: &str| offer[name].as_str().unwrap_or_default().to_owned();
    let of = |category: &str| {
        let is_known = |offer: &&Value| offer["category"] == category && offer["state"] == "known";
        offers.iter().filter(is_known).cloned().collect::<Vec<Value>>()
    };
    let spot: BTreeMap<(String, String), String> = of("spot")
        .iter()
        .map(|offer| ((text(offer, "region"), text(offer, "zone_id")), text(offer, "price_hour")))
        .collect();
    assert!(!spot.is_empty(), "{}", told.stdout);
    assert_eq!(spot, last_prices(&home.lake()));
    let listed: BTreeMap<String, String> =
        of("on-demand").iter().map(|offer| (text(offer, "region"), text(offer, "price_hour"))).collect();
    assert!(!listed.is_empty(), "{}", told.stdout);
    assert_eq!(listed, listed_prices(&home.lake()));
    assert!(of("reserved").iter().any(|offer| offer["is_effective"] == true), "{}", told.stdout);

    let region = listed.keys().next().unwrap();
    let table = home.run(&["price", MACHINE, "--region", region]).with(0).stdout;
    for wanted in ["list prices as of", "on demand", "3 years", "All Upfront", region.as_str()] {
        assert!(table.contains(wanted), "{wanted}\n{table}");
    }
    let history = home.run(&["price", MACHINE, "--history", "3d"]).with(0).stdout;
    assert!(history.contains('▁') || history.contains('▄'), "{history}");
    let csv = home.run(&["price", MACHINE, "--history", "3d", "--format", "csv"]).with(0).stdout;
    let heading = "region,zone,zone_id,product_description,currency,dt,min,mean,max,changes,known_seconds";
    assert_eq!(csv.lines().next(), Some(heading));

    let old = home.run(&["price", MACHINE, "--at", "2001-01-01"]).with(3);
    assert!(old.stdout.contains("this lake knows nothing before"), "{}", old.stdout);
    let unheard = home.run(&["price", "m5.lrge"]).with(2);
    assert!(unheard.stderr.contains("did you mean m5.large?"), "{}", unheard.stderr);
    let odd = home.run(&["price", MACHINE, "--os", "Plan9"]).with(2);
    assert!(odd.stderr.contains("--os: "), "{}", odd.stderr);
}

#[test]
fn a_lake_without_tables_says_how_to_build_them() {
    let home = Home::new();
    std::fs::create_dir(home.lake()).unwrap();
    let told = home.run(&["price", MACHINE]).with(2);
    assert!(
        told.stderr.contains("was never built") && told.stderr.contains("contrail tables build"),
        "{}",
        told.stderr
    );
}
