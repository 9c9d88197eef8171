//! No more is listed and read than the conditions of a query leave.

use std::sync::Arc;

use contrail::lake::store::Store;

use super::lake::{Watched, ask, found, put_raw, put_spot, spot_key};

/// Twelve days, of two changes each.
async fn twelve_days() -> Watched {
    let watched = Watched::default();
    found(&watched).await;
    for day in 10..22 {
        let (day, time) = (format!("2026-11-{day}"), format!("2026-11-{day}T01:00:00Z"));
        let changes =
            [("m5.large", "us-east-1", &*time, Some("0.1")), ("c5.large", "us-east-1", &*time, Some("0.2"))];
        put_spot(&watched, &day, &changes).await;
    }
    watched.asked();
    watched
}

async fn count(watched: &Watched, conditions: &str) -> u64 {
    let sql = format!("SELECT count(unit_price) AS n FROM spot_prices WHERE {conditions}");
    ask(Arc::new(watched.clone()), &sql).await.unwrap()[0]["n"].as_u64().unwrap()
}

#[tokio::test]
async fn two_of_twelve_days_are_two_listings_and_two_objects() {
    let watched = twelve_days().await;
    for conditions in [
        "dt = '2026-11-12' OR dt = '2026-11-15'",
        "dt IN ('2026-11-12', '2026-11-15')",
        "dt BETWEEN '2026-11-12' AND DATE '2026-11-15' AND dt NOT IN ('2026-11-13', '2026-11-14')",
        "dt::varchar LIKE '2026-11-1%' AND extract(day from dt) IN (12, 15) AND extract(year from dt) = 2026",
    ] {
        assert_eq!(count(&watched, conditions).await, 4, "{conditions}");
        let asked = watched.asked();
        let prefixes = ["tables/spot_prices/dt=2026-11-12/", "tables/spot_prices/dt=2026-11-15/"];
        assert_eq!(asked.listed, prefixes, "{conditions}");
        assert_eq!(asked.folders, [""; 0]);
        let keys = ["2026-11-12", "2026-11-15"].map(|day| spot_key(day).to_string());
        assert_eq!(asked.read(), keys, "{conditions}");
        assert!(asked.pieces.len() <= 4, "{:?}", asked.pieces);
    }
}

#[tokio::test]
async fn many_days_are_one_listing_and_only_those_that_match_are_read() {
    let watched = twelve_days().await;
    assert_eq!(count(&watched, "dt >= '2026-11-20'").await, 4);
    let asked = watched.asked();
    assert_eq!((asked.listed, asked.folders), (vec!["tables/spot_prices/".to_owned()], vec![]));
    assert_eq!(
        asked.pieces.iter().filter(|(key, _)| !key.contains("-20/") && !key.contains("-21/")).count(),
        0
    );

    assert_eq!(count(&watched, "instance_type = 'm5.large'").await, 12);
    assert_eq!(watched.asked().listed, ["tables/spot_prices/"]);
}

#[tokio::test]
async fn a_day_without_an_object_has_no_rows_and_reads_nothing() {
    let watched = twelve_days().await;
    assert_eq!(count(&watched, "dt = '2026-12-24'").await, 0);
    assert_eq!(watched.asked().read(), [""; 0]);
    assert_eq!(count(&watched, "dt = '2026-11-12' AND dt = '2026-11-13'").await, 0);
    assert_eq!(watched.asked().read(), [""; 0]);
}

#[tokio::test]
async fn to_describe_and_to_explain_opens_nothing() {
    let watched = twelve_days().await;
    let store: Arc<dyn Store> = Arc::new(watched.clone());
    let columns = ask(Arc::clone(&store), "DESCRIBE spot_prices").await.unwrap();
    let named = |name: &str| columns.iter().find(|column| column["column_name"] == name).unwrap();
    assert_eq!(named("unit_price")["data_type"], "Decimal128(20, 10)");
    assert_eq!(named("dt")["data_type"], "Date32");
    let tables = ask(Arc::clone(&store), "SHOW TABLES").await.unwrap();
    for name in ["spot_prices", "list_prices", "coverage", "raw_aws_spot_prices"] {
        assert!(tables.iter().any(|table| table["table_name"] == name), "{name}: {tables:?}");
    }
    assert_eq!(watched.asked().listed, [""; 0]);
    ask(store, "EXPLAIN SELECT * FROM spot_prices WHERE dt = '2026-11-12'").await.unwrap();
    let asked = watched.asked();
    assert_eq!((asked.listed.len(), asked.read()), (1, vec![]));
}

#[tokio::test]
async fn of_a_large_object_only_the_pages_of_a_machine_are_read() {
    let watched = Watched::default();
    found(&watched).await;
    let mut texts = Vec::new();
    let mut state = 7_u64;
    for machine in 0..60 {
        for change in 0..2_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let price = format!("0.{:09}", (state >> 33) % 1_000_000_000);
            let time = format!("2026-11-21T{:02}:{:02}:{:02}Z", change % 24, change / 60 % 60, change % 60);
            texts.push((format!("m{machine:02}.large"), time, price));
        }
    }
    let changes: Vec<_> = texts
        .iter()
        .map(|(machine, time, price)| (&**machine, "us-east-1", &**time, Some(&**price)))
        .collect();
    put_spot(&watched, "2026-11-21", &changes).await;
    let bytes = watched.find(&spot_key("2026-11-21")).await.unwrap().unwrap().bytes;
    watched.asked();

    assert_eq!(count(&watched, "dt = '2026-11-21' AND instance_type = 'm33.large'").await, 2_000);
    let asked = watched.asked();
    let read: u64 = asked.pieces.iter().map(|(_, bytes)| bytes).sum();
    assert!(read * 2 < bytes, "{read} of {bytes} bytes were read: {:?}", asked.pieces);
    assert!(asked.pieces.len() < 10, "{:?}", asked.pieces);

    // No machine of that name: the statistics say so, and nothing but the footer is read.
    assert_eq!(count(&watched, "dt = '2026-11-21' AND instance_type = 'zz.large'").await, 0);
    assert_eq!(watched.asked().pieces.len(), 1);
}

#[tokio::test]
async fn of_raw_objects_only_those_of_the_day_and_the_region_are_read() {
    let watched = Watched::default();
    found(&watched).await;
    for day in ["20", "21"] {
        for region in ["eu-west-1", "us-east-1"] {
            let key = format!(
                "raw/aws_spot_prices/dt=2026-11-{day}/region={region}/202611{day}T000000Z-202611{day}T010000Z.ndjson.gz"
            );
            put_raw(&watched, &key, &[r#"{"InstanceType":"m5.large"}"#]).await;
        }
    }
    watched.asked();
    let ask = async |conditions: &str| {
        let sql = format!("SELECT dt, region, instancetype FROM raw_aws_spot_prices WHERE {conditions}");
        super::lake::ask(Arc::new(watched.clone()), &sql).await.unwrap()
    };
    let rows = ask("dt = '2026-11-21' AND region = 'us-east-1'").await;
    let expected = serde_json::json!({"dt": "2026-11-21", "region": "us-east-1", "instancetype": "m5.large"});
    assert_eq!(rows, [expected]);
    let asked = watched.asked();
    assert_eq!(asked.listed, ["raw/aws_spot_prices/dt=2026-11-21/"]);
    assert_eq!(asked.read().len(), 1);

    assert_eq!(ask("region LIKE 'eu-%'").await.len(), 2);
    let asked = watched.asked();
    assert_eq!((asked.folders.len(), asked.read().len()), (1, 2));
}
