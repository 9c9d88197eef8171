//! Savings plans beside price lists in one lake: what their rates are for is read from there, and what they are made of says
//! from where.

use super::super::{Changes, Current};
use super::lake::{Lake, gzip};
use crate::lake::meta::ObjectMeta;

const PLANS: &str = include_str!("../../../../tests/fixtures/aws_savings_plans/compute.json");
const PLAN_KEY: &str =
    "raw/aws_savings_plans/dt=2026-11-05/plan=AWSComputeSavingsPlan/region=eu-west-1/20261105173000.json.gz";
const DAY: &str = "tables/list_prices/provider=aws/dt=2026-11-05/list_prices.parquet";
const SEEN: [&str; 8] = [
    "sku_price_id",
    "sku_id",
    "instance_type",
    "operating_system",
    "tenancy",
    "product_family",
    "meter",
    "service_name",
];

fn current(service: &str) -> String {
    format!("tables/list_prices_current/provider=aws/service={service}/list_prices_current.parquet")
}

async fn put(lake: &Lake, key: &str, body: &str) {
    let meta = ObjectMeta {
        fetched_at: "2026-11-06T00:00:00Z".parse().ok(),
        ..ObjectMeta::of_bytes(body.as_bytes())
    };
    lake.put(key, &gzip(body.as_bytes()), &meta).await;
}

/// A price list of two machines in Ireland, of which the second has the name that is told.
async fn list(lake: &Lake, version: &str, day: &str, windows: &str) {
    let product = |sku: &str, system: &str, usage: &str, operation: &str| {
        format!(
            r#""{sku}": {{"sku": "{sku}", "productFamily": "Compute Instance", "attributes": {{"instanceType": "q1.large",
                "operatingSystem": "{system}", "tenancy": "Shared", "preInstalledSw": "NA", "usagetype": "{usage}",
                "operation": "{operation}"}}}}"#
        )
    };
    let body = format!(
        r#"{{"offerCode": "AmazonEC2", "version": "{version}", "products": {{{}, {}}}, "terms": {{}}}}"#,
        product("MACHINE000000001", "Linux", "EU-BoxUsage:q1.large", "RunInstances"),
        product("MACHINE000000002", windows, "EU-BoxUsage:q1.large", "RunInstances:0002"),
    );
    put(lake, &list_key(version, day), &body).await;
}

fn list_key(version: &str, day: &str) -> String {
    format!("raw/aws_price_list/dt={day}/offer=AmazonEC2/region=eu-west-1/{version}.json.gz")
}

#[tokio::test]
async fn a_rate_says_what_it_is_for_and_one_that_joins_nothing_is_kept_and_counted() {
    let lake = Lake::new();
    put(&lake, PLAN_KEY, PLANS).await;
    list(&lake, "20261105120000", "2026-11-05", "Windows").await;
    let built = lake.build(Changes::default()).await;
    assert_eq!(built.parts, ["dt=2026-11-05"]);
    assert_eq!(built.problems, [""; 0], "nobody collects the lists of AmazonECS, and that is no fault");
    let machine = "q1.large Linux Shared";
    let expected = [
        format!(
            "FAMILY3YRALLUP00.MACHINE000000001 MACHINE000000001 {machine} EC2InstanceSavingsPlans EU-BoxUsage:q1.large/RunInstances AmazonEC2"
        ),
        "FLEXIBLE1YRNOUP0.CONTAINER0000001 CONTAINER0000001 - - - ComputeSavingsPlans EU-Fargate-vCPU-Hours:perCPU AmazonECS"
            .to_owned(),
        format!(
            "FLEXIBLE1YRNOUP0.MACHINE000000001 MACHINE000000001 {machine} ComputeSavingsPlans EU-BoxUsage:q1.large/RunInstances AmazonEC2"
        ),
        // By its meter: AWS does not say which SKU it is.
        "FLEXIBLE1YRNOUP0.MACHINE000000002 MACHINE000000002 q1.large Windows Shared ComputeSavingsPlans EU-BoxUsage:q1.large/RunInstances:0002 AmazonEC2"
            .to_owned(),
    ];
    assert_eq!(lake.columns(DAY, &SEEN).await, expected);

    let built = lake.build(Current::default()).await;
    assert_eq!(built.parts, ["service=AmazonEC2", "service=AmazonECS"]);
    assert_eq!(lake.columns(&current("AmazonEC2"), &SEEN).await.len(), 3);
    assert_eq!(lake.columns(&current("AmazonECS"), &SEEN).await, expected[1..2]);
    assert!(lake.build(Current::default()).await.parts.is_empty());
    assert!(lake.build(Changes::default()).await.parts.is_empty());
}

#[tokio::test]
async fn a_plan_without_price_lists_says_what_its_own_list_says() {
    let lake = Lake::new();
    put(&lake, PLAN_KEY, PLANS).await;
    let built = lake.build(Changes::default()).await;
    assert_eq!(built.problems, [""; 0]);
    let rows = lake.columns(DAY, &["sku_id", "instance_type", "operating_system"]).await;
    assert_eq!(
        rows,
        [
            "CONTAINER0000001 - -",
            "MACHINE000000001 q1.large -",
            "MACHINE000000001 q1.large -",
            "_not_found_ q1.large -"
        ]
    );
    lake.build(Current::default()).await;
    assert_eq!(lake.columns(&current("AmazonEC2"), &["sku_id"]).await.len(), 3);
}

#[tokio::test]
async fn the_list_that_describes_is_the_newest_by_then_and_a_nearer_one_makes_the_day_anew() {
    let systems = |rows: Vec<String>| {
        let of_rates = rows.into_iter().filter(|row| row.starts_with("FLEXIBLE1YRNOUP0.MACHINE000000002"));
        of_rates.collect::<Vec<_>>()
    };
    let lake = Lake::new();
    put(&lake, PLAN_KEY, PLANS).await;
    list(&lake, "20261108120000", "2026-11-08", "Later").await;
    list(&lake, "20261109120000", "2026-11-09", "Latest").await;
    lake.build(Changes::default()).await;
    let seen = ["sku_price_id", "operating_system"];
    let named = |system: &str| [format!("FLEXIBLE1YRNOUP0.MACHINE000000002 {system}")];
    assert_eq!(systems(lake.columns(DAY, &seen).await), named("Later"), "all are younger: the nearest");
    lake.build(Current::default()).await;

    // Newer lists change nothing; one from before the plans does.
    list(&lake, "20261110120000", "2026-11-10", "Newest").await;
    assert_eq!(lake.build(Changes::default()).await.parts, ["dt=2026-11-10"]);
    list(&lake, "20261101120000", "2026-11-01", "Earlier").await;
    list(&lake, "20261105170000", "2026-11-05", "Windows").await;
    let built = lake.build(Changes::default()).await;
    assert_eq!(built.parts, ["dt=2026-11-01", "dt=2026-11-05", "dt=2026-11-08"]);
    assert_eq!(systems(lake.columns(DAY, &seen).await), named("Windows"));
    assert_eq!(lake.build(Current::default()).await.parts, ["service=AmazonEC2", "service=AmazonECS"]);
    assert_eq!(systems(lake.columns(&current("AmazonEC2"), &seen).await), named("Windows"));

    // A lake that was built once, in the end, has the same bytes.
    let once = Lake::new();
    put(&once, PLAN_KEY, PLANS).await;
    for (version, day, windows) in [
        ("20261101120000", "2026-11-01", "Earlier"),
        ("20261105170000", "2026-11-05", "Windows"),
        ("20261108120000", "2026-11-08", "Later"),
        ("20261109120000", "2026-11-09", "Latest"),
        ("20261110120000", "2026-11-10", "Newest"),
    ] {
        list(&once, version, day, windows).await;
    }
    once.build(Changes::default()).await;
    once.build(Current::default()).await;
    assert_eq!(once.bytes(DAY).await, lake.bytes(DAY).await);
    for service in ["AmazonEC2", "AmazonECS"] {
        assert_eq!(once.bytes(&current(service)).await, lake.bytes(&current(service)).await, "{service}");
    }
}

#[tokio::test]
async fn a_new_list_of_plans_tells_what_changed_and_what_went() {
    let lake = Lake::new();
    put(&lake, PLAN_KEY, PLANS).await;
    list(&lake, "20261105120000", "2026-11-05", "Windows").await;
    let next = PLANS
        .replace("20261105173000", "20261112173000")
        .replace("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z")
        .replace("0.0762", "0.0700")
        .replace("0.0411", "0.04110")
        .replace("FLEXIBLE1YRNOUP0.CONTAINER0000001", "FLEXIBLE1YRNOUP0.CONTAINER0000002");
    let key = PLAN_KEY.replace("20261105173000", "20261112173000").replace("dt=2026-11-05", "dt=2026-11-12");
    put(&lake, &key, &next).await;
    lake.build(Changes::default()).await;
    assert_eq!(
        lake.changes("aws", "2026-11-12").await,
        [
            "changed MACHINE000000001 0.07 seen 06T00:00 of 12",
            "new CONTAINER0000001 0.0315744 seen 06T00:00 of 12",
            "withdrawn CONTAINER0000001 0.0315744 until 12T17:30 seen 06T00:00 of 12",
        ],
        "a new effective date is no change"
    );
}

#[tokio::test]
async fn a_list_that_is_damaged_describes_as_far_as_it_can_be_read() {
    let lake = Lake::new();
    put(&lake, PLAN_KEY, PLANS).await;
    let cut = r#"{"offerCode": "AmazonEC2", "products": {"MACHINE000000001": {"attributes": {"operatingSystem": "Linux"}}, "MACH"#;
    put(&lake, &list_key("20261105120000", "2026-11-05"), cut).await;
    let built = lake.build(Changes::default()).await;
    let rows = lake.columns(DAY, &["sku_id", "operating_system"]).await;
    assert_eq!(
        rows,
        ["CONTAINER0000001 -", "MACHINE000000001 Linux", "MACHINE000000001 Linux", "_not_found_ -"]
    );
    assert_eq!(built.problems.len(), 2, "the list's own, and what it lacks: {:?}", built.problems);
    let lacks = "rates: 1 of 4 are for nothing that a price list of the lake has: AmazonEC2 1";
    assert!(built.problems.iter().any(|problem| problem == lacks), "{:?}", built.problems);
}
