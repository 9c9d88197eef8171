//! The price lists of savings plans, from scripted servers and from recorded answers of the real one.

use std::sync::Arc;

use contrail::base::error::Hinted as _;
use contrail::crawler::Tally;
use contrail::lake::key::{Key, Mark};
use contrail::lake::run_log::Outcome;
use contrail::lake::slice::{Slice, Stream, Version};
use contrail::sources::aws::savings_plans::{self, Options};
use contrail::sources::aws::{Names, Regions, price_list::Partition};
use contrail::sources::{FetchErrorKind, Plan, Sentinel};
use serde_json::{Value, json};

use crate::support::payloads::payload;
use crate::support::place::Place;
use crate::support::price_list::{Crawl, Site, V1, V2, V3, name, unpacked};
use crate::support::server::{Server, ok, status};

const COMPUTE: &str = "AWSComputeSavingsPlan";
const DATABASE: &str = "AWSDatabaseSavingsPlans";
const OFFERS: &str = "/offers/v1.0/aws/index.json";

fn slice(plan: &str, version: &str, region: &str) -> Slice {
    let stream = Stream::new("aws_savings_plans", &[("plan", plan), ("region", region)]).unwrap();
    Slice::Version { stream, version: Version::new(version).unwrap() }
}

fn path(plan: &str, rest: &str) -> String {
    format!("/savingsPlan/v1.0/aws/{plan}/{rest}")
}

fn file(version: &str, region: &str) -> String {
    let products = json!([{"sku": "P", "productFamily": "ComputeSavingsPlans"}, {"sku": "Q"}]);
    let list =
        json!({"version": version, "regionCode": region, "products": products, "terms": {"savingsPlan": []}});
    serde_json::to_string_pretty(&list).unwrap()
}

/// Publishes an offer index that leads to plans.
fn offers(site: &Site, plans: &[&str]) {
    let offer = |(number, plan): (usize, &&str)| {
        let link = path(plan, "current/region_index.json");
        (format!("Offer{number}"), json!({"currentSavingsPlanIndexUrl": link}))
    };
    let mut offers: serde_json::Map<String, Value> = plans.iter().enumerate().map(offer).collect();
    offers.insert("AmazonS3".to_owned(), json!({"offerCode": "AmazonS3"}));
    site.put(OFFERS, json!({"offers": offers}).to_string());
}

/// Publishes a plan: its versions, of which each region has the last, and their lists.
fn publish(site: &Site, plan: &str, versions: &[&str], regions: &[&str]) {
    let link = |version: &str, rest: &str| path(plan, &format!("{version}/{rest}index.json"));
    let current = versions.last().unwrap();
    let entry =
        |region: &&str| json!({"regionCode": region, "versionUrl": link(current, &format!("{region}/"))});
    let regional: Vec<Value> = regions.iter().map(entry).collect();
    site.put(&path(plan, "current/region_index.json"), json!({"regions": regional}).to_string());
    let entry = |version: &&str| json!({"offerVersionUrl": link(version, "")});
    let all: Vec<Value> = versions.iter().rev().map(entry).collect();
    site.put(&path(plan, "current/index.json"), json!({"versions": all}).to_string());
    for version in versions {
        for region in regions {
            site.put(&link(version, &format!("{region}/")), file(version, region));
        }
    }
}

fn options(server: &Server) -> Options {
    Options {
        plans: Names::All,
        regions: Regions::All,
        partitions: vec![Partition::Aws],
        base_url: Some(server.url()),
    }
}

fn crawl(server: &Server) -> Crawl<'_> {
    let options = options(server);
    Crawl::of(server, |client| savings_plans::source(options, client))
}

fn quiet(plan: &Plan) -> bool {
    plan.lost.is_empty() && plan.closed.is_empty() && plan.failures.is_empty() && plan.warnings.is_empty()
}

#[tokio::test]
async fn plans_are_found_and_each_version_is_fetched_once_byte_for_byte() {
    let site = Site::default();
    offers(&site, &[COMPUTE, COMPUTE, DATABASE]);
    publish(&site, COMPUTE, &[V1], &["eu-west-1", "us-east-1"]);
    publish(&site, DATABASE, &[V1], &["us-east-1"]);
    let server = site.serve().await;
    let mut crawl = crawl(&server);
    let plan = crawl.plan().await;
    assert!(quiet(&plan), "{plan:?}");
    let wanted =
        [slice(COMPUTE, V1, "eu-west-1"), slice(COMPUTE, V1, "us-east-1"), slice(DATABASE, V1, "us-east-1")];
    assert_eq!(plan.wanted, wanted);
    for slice in &wanted {
        let draft = crawl.fetch(slice).await;
        assert_eq!(unpacked(&draft), file(V1, slice.stream().part("region").unwrap()).as_bytes());
        assert_eq!(draft.rows, 2, "plans that are sold");
    }
    server.asked();
    assert_eq!(crawl.plan().await.wanted, []);
    assert_eq!(server.asked().len(), 5, "the offer index, and two indexes of each plan");

    // A plan that nobody knew, and a version between two ticks.
    offers(&site, &[COMPUTE, DATABASE, "AWSNewPlans"]);
    publish(&site, "AWSNewPlans", &[V1], &["us-east-1"]);
    publish(&site, COMPUTE, &[V1, V2, V3], &["eu-west-1"]);
    let plan = crawl.plan().await;
    assert_eq!(
        plan.wanted,
        [
            slice(COMPUTE, V2, "eu-west-1"),
            slice(COMPUTE, V3, "eu-west-1"),
            slice("AWSNewPlans", V1, "us-east-1")
        ]
    );
    let (stream, error) = &plan.closed[0];
    assert_eq!(stream.part("region"), Some("us-east-1"), "it has no Compute plan any more");
    assert_eq!(error.sentinel, Some(Sentinel::StreamVanished));
}

#[tokio::test]
async fn plans_that_are_named_need_no_offer_index() {
    let site = Site::default();
    publish(&site, DATABASE, &[V1], &["us-east-1"]);
    let server = site.serve().await;
    let named = |plan: &str| {
        let options = Options { plans: Names::These([name(plan)].into()), ..options(&server) };
        Crawl::of(&server, |client| savings_plans::source(options, client))
    };
    assert_eq!(named(DATABASE).plan().await.wanted, [slice(DATABASE, V1, "us-east-1")]);
    assert!(!server.asked().contains(&OFFERS.to_owned()));

    offers(&site, &[DATABASE]);
    let error = &named("AWSDatabaseSavingsPlan").plan().await.failures[0];
    assert_eq!(error.kind, FetchErrorKind::Config);
    assert_eq!(error.to_string(), "partition aws has no plan AWSDatabaseSavingsPlan");
    assert_eq!(
        error.hint(),
        Some("did you mean AWSDatabaseSavingsPlans in [sources.aws_savings_plans] plans?")
    );
}

#[tokio::test]
async fn an_index_that_is_none_or_leads_nowhere_is_told_and_closes_what_it_is_of() {
    for (index, says) in [
        ("<html>Sign in</html>", "offer index is HTML or XML, not JSON"),
        (r#"{"offers": {"AmazonEC2""#, "offer index cannot be read"),
        (r#"{"offers": {"AmazonS3": {}}}"#, "leads to no plan"),
    ] {
        let site = Site::default();
        site.put(OFFERS, index);
        let server = site.serve().await;
        let mut crawl = crawl(&server);
        let plan = crawl.plan().await;
        assert_eq!((plan.failures.len(), plan.wanted.len()), (1, 0));
        assert!(plan.failures[0].to_string().contains(says), "{}", plan.failures[0]);
        assert!(plan.failures[0].hint().is_some());
        crawl.hold(&slice(COMPUTE, V1, "us-east-1"));
        let plan = crawl.plan().await;
        assert_eq!((plan.failures.len(), plan.closed.len()), (0, 1), "the stream says it");
    }
    let server = Server::start(|_, _| status(404)).await;
    assert_eq!(crawl(&server).plan().await.failures.len(), 1);

    // One plan's index does not spoil another's.
    for bad in ["<html></html>", r#"{"regions": []}"#, r#"{"regions": {}}"#, ""] {
        let site = Site::default();
        offers(&site, &[COMPUTE, DATABASE]);
        publish(&site, COMPUTE, &[V1], &["us-east-1"]);
        site.put(&path(DATABASE, "current/region_index.json"), bad);
        let server = site.serve().await;
        let plan = crawl(&server).plan().await;
        assert_eq!(plan.wanted, [slice(COMPUTE, V1, "us-east-1")], "{bad}");
        assert_eq!(plan.failures.len(), 1, "{bad}: {plan:?}");
    }
}

#[tokio::test]
async fn a_plan_that_the_offer_index_leads_to_no_more_has_vanished() {
    let site = Site::default();
    offers(&site, &[COMPUTE]);
    publish(&site, COMPUTE, &[V1], &["us-east-1"]);
    let server = site.serve().await;
    let mut crawl = crawl(&server);
    crawl.hold(&slice(DATABASE, V1, "us-east-1"));
    let plan = crawl.plan().await;
    assert_eq!(plan.wanted, [slice(COMPUTE, V1, "us-east-1")]);
    let [(stream, error)] = &plan.closed[..] else { panic!("{plan:?}") };
    assert_eq!(stream.part("plan"), Some(DATABASE));
    assert_eq!((error.kind, error.sentinel), (FetchErrorKind::Refused, Some(Sentinel::StreamVanished)));
}

#[tokio::test]
async fn a_body_that_is_not_what_was_promised_is_not_kept() {
    let good = file(V1, "us-east-1");
    for (body, says) in [
        ("<!DOCTYPE html><html>Sign in</html>".to_owned(), "HTML"),
        (r#"{"message": "Internal error"}"#.to_owned(), "no version"),
        (file(V2, "us-east-1"), V2),
        (file(V1, "us-west-1"), "us-west-1"),
        (format!("{good}{good}"), "more data follows"),
        ("[1, 2]".to_owned(), "no JSON object"),
    ] {
        let server = Server::start(move |_, _| ok(body.clone())).await;
        let (error, cost) = crawl(&server).fail(&slice(COMPUTE, V1, "us-east-1")).await;
        assert_eq!((error.kind, cost), (FetchErrorKind::Upstream, (1, 0)), "{error}");
        assert!(error.to_string().contains(says), "{says}: {error}");
    }
    // A body that is cut is the network's, and may come whole next time.
    let half = good.split_at(good.len() / 2).0.to_owned();
    let server =
        Server::start(move |_, before| ok(if before < 2 { half.clone() } else { good.clone() })).await;
    let (fetched, cost) = crawl(&server).try_fetch(&slice(COMPUTE, V1, "us-east-1")).await;
    assert_eq!((fetched.unwrap().draft.rows(), cost), (2, (3, 2)));

    let server = Server::start(|_, _| status(403)).await;
    let (error, _) = crawl(&server).fail(&slice(COMPUTE, V1, "us-east-1")).await;
    assert_eq!(error.kind, FetchErrorKind::Refused);
    assert!(error.hint().unwrap().contains("[sources.aws_savings_plans] concurrency"), "{:?}", error.hint());
}

#[tokio::test]
async fn the_newest_version_may_come_later_but_an_older_one_is_gone() {
    let site = Site::default();
    offers(&site, &[COMPUTE]);
    publish(&site, COMPUTE, &[V1, V2], &["us-east-1"]);
    for version in [V1, V2] {
        site.remove(&path(COMPUTE, &format!("{version}/us-east-1/index.json")));
    }
    let server = site.serve().await;
    let mut crawl = crawl(&server);
    crawl.plan().await;
    let newest = crawl.fail(&slice(COMPUTE, V2, "us-east-1")).await.0;
    assert_eq!(newest.kind, FetchErrorKind::Retry { after: None });
    let old = slice(COMPUTE, V1, "us-east-1");
    assert_eq!(crawl.fail(&old).await.0.kind, FetchErrorKind::Gone);
    crawl.coverage.insert(&Key::parse(Key::mark(&old, Mark::Lost).as_str()).unwrap().1);
    assert_eq!(crawl.plan().await.wanted, [slice(COMPUTE, V2, "us-east-1")]);
}

/// Counted with Python's `json`: 265 offers, of which 15 lead to three plans; 36 regions of one version.
#[tokio::test]
async fn the_real_indexes_lead_to_their_plans_and_regions() {
    let Some(index) = payload("aws-price-list/2026/aws-service-list-index.json") else { return };
    let Some(regions) = payload("aws-savings-plans/AWSDatabaseSavingsPlans-region_index.json") else {
        return;
    };
    let site = Site::default();
    site.put(OFFERS, index);
    site.put(&path(DATABASE, "current/region_index.json"), regions);
    let server = site.serve().await;
    let plan = crawl(&server).plan().await;
    assert_eq!(plan.wanted.len(), 36);
    for region in ["ap-south-2", "us-gov-east-1"] {
        assert!(plan.wanted.contains(&slice(DATABASE, "20260422194203", region)), "{region}");
    }
    let asked = server.asked();
    for found in [COMPUTE, "AWSMachineLearningSavingsPlans", DATABASE] {
        assert!(asked.contains(&path(found, "current/region_index.json")), "{found}: {asked:?}");
    }
    // Of the other two there is no region index here, although the offer index leads to them.
    assert_eq!((plan.failures.len(), plan.closed.len()), (2, 0), "{plan:?}");
}

/// The lists lie under the version that they say, and not under `current`, where they were recorded.
async fn crawl_recorded(place: &Place) -> Option<(Tally, usize)> {
    let recorded = |rest: &str| payload(&format!("aws-savings-plans/ligoj/{rest}"));
    let lists = [(COMPUTE, "20200220220300"), (DATABASE, "20260722233041")];
    let site = Site::default();
    site.put(OFFERS, recorded("offers/v1.0/aws/index.json")?);
    let mut bodies = Vec::new();
    for (plan, version) in lists {
        let body = recorded(&format!("savingsPlan/v1.0/aws/{plan}/current/eu-west-1/index.json"))?;
        publish(&site, plan, &[version], &["eu-west-1"]);
        site.put(&path(plan, &format!("{version}/eu-west-1/index.json")), body.clone());
        bodies.push((Key::raw(&slice(plan, version, "eu-west-1")).to_string(), body));
    }
    let server = site.serve().await;
    let crawl = crate::support::crawl::Crawl::new(place, "2026-08-01T00:00:00Z");
    let source = || Arc::new(savings_plans::source(options(&server), &crawl.client()));
    let tally = crawl.once(source()).await;
    let again = crawl.once(source()).await;
    assert_eq!(again.outcomes.get(&Outcome::Stored), None, "nothing is fetched twice");
    let lake = place.lake().await;
    let objects = lake.raw("aws_savings_plans");
    assert_eq!(objects.len(), bodies.len());
    for (key, body) in bodies {
        assert!(objects[key.as_str()].payload() == body, "{key} is not what was published");
    }
    Some((tally, objects.len()))
}

#[tokio::test]
async fn recorded_lists_come_out_byte_for_byte_and_are_fetched_once() {
    for place in Place::everywhere("recorded-savings-plans").await {
        let Some((tally, objects)) = crawl_recorded(&place).await else { return };
        assert_eq!(tally.outcomes.get(&Outcome::Stored), Some(&(objects as u64)), "{:?}", tally.errors);
    }
}

/// The recorded region indexes name `current` or an empty file where a version should be: no region of theirs can be
/// fetched, and each says so.
#[tokio::test]
async fn links_that_name_no_version_close_their_regions() {
    let Some(index) = payload(
        "aws-savings-plans/ligoj/savingsPlan/v1.0/aws/AWSComputeSavingsPlan/current/region_index.json",
    ) else {
        return;
    };
    let site = Site::default();
    offers(&site, &[COMPUTE]);
    site.put(&path(COMPUTE, "current/region_index.json"), index);
    let server = site.serve().await;
    let plan = crawl(&server).plan().await;
    assert_eq!((plan.wanted.len(), plan.closed.len()), (0, 3), "{plan:?}");
    assert!(plan.closed.iter().all(|(_, error)| error.kind == FetchErrorKind::Upstream));
}
