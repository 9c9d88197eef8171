//! What is refused, and how it is said: what is wrong, where in the text, and what was meant.

use std::sync::Arc;

use contrail::base::error::Hinted as _;
use contrail::lake::store::MemoryStore;

use super::lake::{ask, small};

/// What a person reads, and the hint.
async fn told(sql: &str) -> (String, String) {
    let store = MemoryStore::new();
    small(&store).await;
    let error = ask(Arc::new(store), sql).await.expect_err(sql);
    assert!(error.is_usage(), "{error}");
    (error.to_string(), error.hint().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_column_that_is_not_there_is_shown_in_its_place() {
    let (message, hint) = told("SELECT dt,\n  instanc_type\nFROM spot_prices").await;
    assert_eq!(
        message,
        "there is no column instanc_type, at line 2, column 3\n    instanc_type\n    ^^^^^^^^^^^^"
    );
    assert_eq!(hint, "did you mean instance_type?");

    let (message, hint) = told("SELECT count(*) FROM spot_prices s WHERE s.regoin_id = 'x'").await;
    assert!(message.starts_with("there is no column regoin_id in s, at line 1, column 4"), "{message}");
    assert_eq!(hint, "did you mean region_id?");

    let (message, hint) = told("SELECT \"SpotPrice\" FROM raw_aws_spot_prices").await;
    assert!(message.starts_with("there is no column SpotPrice, at line 1, column 8"), "{message}");
    assert_eq!(hint, "did you mean spotprice?");

    let (message, hint) = told("SELECT zzzz FROM coverage").await;
    assert!(message.starts_with("there is no column zzzz, at line 1, column 8"), "{message}");
    assert_eq!(hint, "the columns are dataset, stream, from_time, to_time, state, dt");
}

#[tokio::test]
async fn a_table_that_is_not_there_is_shown_in_its_place() {
    let (message, hint) = told("SELECT * FROM spot_price").await;
    assert_eq!(
        message,
        "there is no table spot_price, at line 1, column 15\n  SELECT * FROM spot_price\n                ^^^^^^^^^^"
    );
    assert_eq!(hint, "did you mean spot_prices?");
    let (message, hint) = told("SELECT * FROM '/etc/passwd'").await;
    assert!(message.starts_with("there is no table /etc/passwd"), "{message}");
    assert!(hint.starts_with("the tables are spot_prices, "), "{hint}");
}

#[tokio::test]
async fn a_function_that_is_not_there_is_shown_in_its_place() {
    let (message, hint) = told("SELECT summ(unit_price) FROM spot_prices").await;
    assert!(message.starts_with("there is no function summ, at line 1, column 8"), "{message}");
    assert!(hint.starts_with("did you mean sum?"), "{hint}");
    for sql in ["SELECT * FROM read_csv('/etc/passwd')", "SELECT * FROM read_parquet('s3://x/y')"] {
        let (message, _) = told(sql).await;
        assert!(message.contains("read_"), "{message}");
    }
}

#[tokio::test]
async fn what_is_no_sql_is_shown_in_its_place() {
    let (message, _) = told("SELECT instance_type\nFROM spot_prices WHERE AND dt").await;
    assert!(message.starts_with("this is no SQL: ") && message.contains(", at line 2, column "), "{message}");
    let (message, _) = told("SELECT 'open").await;
    assert!(
        message.contains("unterminated string literal, at line 1, column 8\n  SELECT 'open\n"),
        "{message}"
    );
    let (message, hint) = told("SELEKT 1").await;
    assert!(message.contains(", at line 1, column 1\n  SELEKT 1\n  ^"), "{message}");
    assert_eq!(hint, "did you mean SELECT?");
    let (message, _) = told(&format!("SELECT {}1{}", "(".repeat(500), ")".repeat(500))).await;
    assert!(message.contains("nested too deep"), "{message}");
}

#[tokio::test]
async fn what_does_not_only_read_is_refused_with_what_may_be_asked() {
    for (sql, verb) in [
        ("COPY (SELECT 1) TO '/tmp/contrail-query-must-not-exist.csv'", "COPY"),
        ("CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'", "CREATE"),
        ("SET datafusion.execution.batch_size = 1", "SET"),
        ("DROP TABLE spot_prices", "DROP"),
        ("INSERT INTO spot_prices SELECT * FROM spot_prices", "INSERT"),
        ("EXPLAIN ANALYZE COPY (SELECT 1) TO '/tmp/contrail-query-must-not-exist.csv'", "EXPLAIN"),
    ] {
        let (message, hint) = told(sql).await;
        assert!(message.starts_with(&format!("{verb} is refused, at line 1, column 1\n")), "{message}");
        assert!(hint.starts_with("ask with SELECT,"), "{hint}");
    }
    assert!(!std::path::Path::new("/tmp/contrail-query-must-not-exist.csv").exists());
}

#[tokio::test]
async fn what_the_engine_will_not_plan_is_told_in_a_line() {
    for (sql, part) in [
        ("SELECT dt, count(*) FROM spot_prices", "dt"),
        (
            "SELECT a.dt FROM spot_prices a JOIN spot_prices b ON dt = dt",
            "dt could be a column of several tables",
        ),
        ("SELECT unit_price + region_id FROM spot_prices", ""),
        ("SELECT 1 AS x, 2 AS x", "x"),
    ] {
        let (message, hint) = told(sql).await;
        assert!(message.contains(part), "{message}");
        assert!(message.lines().count() <= 3 && !message.contains("DataFusion"), "{message}");
        assert!(!hint.is_empty());
    }
}
