//! The price list over plain HTTP.

use std::collections::HashSet;
use std::sync::Arc;

use contrail::sandbox::{Sandbox, SandboxOptions};
use serde_json::Value;

use super::{NOW, at, calm, get, get_json};
use crate::support::clock::TestClock;

const EC2: &str = "/offers/v1.0/aws/AmazonEC2";

async fn regions(sandbox: &Sandbox, offer: &str) -> Vec<(String, String)> {
    let url = format!("{}{offer}/current/region_index.json", sandbox.endpoints().price_list);
    let index = get_json(&url).await;
    let regions = index["regions"].as_object().unwrap();
    let url = |region: &Value| region["currentVersionUrl"].as_str().unwrap().to_owned();
    regions.iter().map(|(code, region)| (code.clone(), url(region))).collect()
}

#[tokio::test]
async fn the_offer_index_leads_to_every_other_file() {
    let sandbox = calm().await;
    let base = &sandbox.endpoints().price_list;
    let index = get_json(&format!("{base}/offers/v1.0/aws/index.json")).await;
    assert_eq!(index["formatVersion"], "v1.0");
    let offers = index["offers"].as_object().unwrap();
    for code in ["AmazonEC2", "AmazonS3", "AmazonRDS", "AmazonElastiCache"] {
        let offer = &offers[code];
        assert_eq!(offer["offerCode"], code);
        let versions = get_json(&format!("{base}{}", offer["versionIndexUrl"].as_str().unwrap())).await;
        let regions = get_json(&format!("{base}{}", offer["currentRegionIndexUrl"].as_str().unwrap())).await;
        let current = versions["currentVersion"].as_str().unwrap();
        for (code, region) in regions["regions"].as_object().unwrap() {
            let url = region["currentVersionUrl"].as_str().unwrap();
            assert!(url.contains(&format!("/{current}/{code}/")), "{url}");
        }
        let file = get_json(&format!("{base}{}", offer["currentVersionUrl"].as_str().unwrap())).await;
        assert_eq!(
            (&file["offerCode"], &file["version"]),
            (&offer["offerCode"], &versions["currentVersion"])
        );
    }
}

#[tokio::test]
async fn the_version_index_is_unordered_and_one_version_is_open() {
    let sandbox = calm().await;
    let (status, text) = get(&format!("{}{EC2}/index.json", sandbox.endpoints().price_list)).await;
    assert_eq!(status, 200);
    let index: Value = serde_json::from_str(&text).unwrap();
    let versions = index["versions"].as_object().unwrap();
    assert!(versions.len() > 90, "{}", versions.len());
    let open: Vec<&String> = versions
        .iter()
        .filter(|(_, version)| version["versionEffectiveEndDate"] == "")
        .map(|(id, _)| id)
        .collect();
    assert_eq!(open, [index["currentVersion"].as_str().unwrap()]);
    let places: Vec<usize> =
        versions.keys().map(|id| text.find(&format!("\"{id}\" : {{")).unwrap()).collect();
    assert!(!places.is_sorted(), "the order of the file is not the order of time");
    assert!(versions.keys().all(|id| id.len() == 14 && id.as_str() < "20261121201705"));
}

#[tokio::test]
async fn an_offer_file_has_the_shape_of_a_real_one() {
    let sandbox = calm().await;
    let base = &sandbox.endpoints().price_list;
    let found = regions(&sandbox, EC2).await;
    assert!(found.iter().any(|(code, _)| code == "us-west-2-lax-1"));
    assert!(found.iter().any(|(code, _)| code.starts_with("us-gov-")));
    for (code, url) in found {
        let (_, text) = get(&format!("{base}{url}")).await;
        assert!((50_000..1_500_000).contains(&text.len()), "{code}: {}", text.len());
        let file: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(file["offerCode"], "AmazonEC2");
        assert!(file["attributesList"].is_object());
        let products: HashSet<&String> = file["products"].as_object().unwrap().keys().collect();
        let (mut upfront, mut zero) = (0, 0);
        for term_type in ["OnDemand", "Reserved"] {
            for (sku, terms) in file["terms"][term_type].as_object().unwrap() {
                assert!(products.contains(sku));
                for (code, term) in terms.as_object().unwrap() {
                    assert_eq!(*code, format!("{sku}.{}", term["offerTermCode"].as_str().unwrap()));
                    for (rate, dimension) in term["priceDimensions"].as_object().unwrap() {
                        assert!(rate.starts_with(code.as_str()) && dimension["rateCode"] == **rate);
                        let price = dimension["pricePerUnit"]["USD"].as_str().unwrap();
                        zero += i32::from(price == "0.0000000000");
                        if dimension["unit"] == "Quantity" {
                            upfront += 1;
                            assert!(dimension.get("beginRange").is_none() && !price.contains('.'));
                        } else {
                            assert_eq!(price.split_once('.').unwrap().1.len(), 10);
                        }
                    }
                }
            }
        }
        assert!(upfront > 0 && zero > 0, "{code}");
    }
}

#[tokio::test]
async fn a_version_is_the_same_bytes_each_time_and_in_each_process() {
    let sandbox = calm().await;
    let (_, url) = regions(&sandbox, EC2).await.swap_remove(0);
    let first = reqwest::get(format!("{}{url}", sandbox.endpoints().price_list)).await.unwrap();
    let header = |name: &str| first.headers()[name].to_str().unwrap().to_owned();
    let (length, tag, modified) = (header("content-length"), header("etag"), header("last-modified"));
    let body = first.bytes().await.unwrap();
    assert_eq!(length, body.len().to_string());
    assert!(tag.starts_with('"') && modified.ends_with(" GMT"), "{tag} {modified}");
    let other = at("2027-02-03T00:00:00Z", "").await;
    let second = reqwest::get(format!("{}{url}", other.endpoints().price_list)).await.unwrap();
    assert_eq!(second.headers()["etag"], tag.as_str());
    assert_eq!(second.bytes().await.unwrap(), body);
    let known = reqwest::Client::new()
        .get(format!("{}{url}", sandbox.endpoints().price_list))
        .header("if-none-match", tag)
        .send()
        .await
        .unwrap();
    assert_eq!(known.status(), 304);
}

#[tokio::test]
async fn another_version_differs_at_least_in_its_version() {
    let (today, later) = (calm().await, at("2027-03-01T00:00:00Z", "").await);
    let urls = [regions(&today, EC2).await.swap_remove(0).1, regions(&later, EC2).await.swap_remove(0).1];
    assert_ne!(urls[0], urls[1]);
    let base = &later.endpoints().price_list;
    let files =
        [get_json(&format!("{base}{}", urls[0])).await, get_json(&format!("{base}{}", urls[1])).await];
    assert_ne!(files[0]["version"], files[1]["version"]);
}

#[tokio::test]
async fn china_sells_in_its_own_currency_under_its_own_terms() {
    let sandbox = calm().await;
    let base = &sandbox.endpoints().price_list_cn;
    let index = get_json(&format!("{base}/offers/v1.0/cn/AmazonEC2/current/region_index.json")).await;
    let regions = index["regions"].as_object().unwrap();
    assert_eq!(regions.keys().collect::<Vec<_>>(), ["cn-north-1", "cn-northwest-1"]);
    let url = regions["cn-north-1"]["currentVersionUrl"].as_str().unwrap();
    assert!(url.starts_with("/offers/v1.0/cn/"), "{url}");
    let (_, text) = get(&format!("{base}{url}")).await;
    assert!(text.contains("\"CNY\" : \"") && !text.contains("USD") && !text.contains("JRTCKXETXF"));
}

#[tokio::test]
async fn what_does_not_exist_is_not_found() {
    let sandbox = calm().await;
    let base = &sandbox.endpoints().price_list;
    for path in [
        "/offers/v1.0/aws/AmazonNothing/index.json",
        "/offers/v1.0/other/index.json",
        "/offers/v1.0/aws/AmazonEC2/20010101000000/us-east-1/index.json",
        "/offers/v1.0/aws/AmazonEC2/current/nowhere-1/index.json",
        "/offers/v1.0/aws/AmazonEC2/current/us-east-1/index.csv",
        "/offers/v1.0/aws/AmazonS3/current/us-west-2-lax-1/index.json",
    ] {
        assert_eq!(get(&format!("{base}{path}")).await.0, 404, "{path}");
    }
}

#[tokio::test]
async fn the_full_market_has_one_hundred_and_one_codes() {
    let mut options = SandboxOptions::new(Arc::new(TestClock::at(NOW)));
    options.scale = 1.0;
    let sandbox = Sandbox::start(options).await.unwrap();
    assert_eq!(regions(&sandbox, EC2).await.len(), 101);
}
