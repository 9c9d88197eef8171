//! What the built binary prints and writes.

use std::path::Path;

use contrail::lake::store::LocalStore;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::lake::small;
use crate::support::program::Home;

const CHANGES: &str =
    "SELECT dt, instance_type, unit_price, effective_from FROM spot_prices ORDER BY effective_from";

async fn home() -> Home {
    let home = Home::new();
    let store = LocalStore::new(home.lake());
    store.open().await.unwrap();
    small(&store).await;
    home
}

#[tokio::test]
async fn an_answer_is_a_table_for_people() {
    let told = home().await.run(&["query", CHANGES]).with(0);
    let expected = "\
dt          instance_type  unit_price  effective_from
2026-11-20  m5.large            0.035  2026-11-20T01:00:00Z
2026-11-20  m5.large            0.041  2026-11-20T02:00:00.500Z
2026-11-20  c5.large             NULL  2026-11-20T03:00:00Z
2026-11-21  m5.large                0  2026-11-21T01:00:00Z
(4 rows)
";
    assert_eq!(told.stdout, expected);
    assert_eq!(told.stderr, "");
}

#[tokio::test]
async fn an_answer_is_csv_or_json_for_machines() {
    let home = home().await;
    let csv = "\
dt,instance_type,unit_price,effective_from\r
2026-11-20,m5.large,0.035,2026-11-20T01:00:00Z\r
2026-11-20,m5.large,0.041,2026-11-20T02:00:00.500Z\r
2026-11-20,c5.large,,2026-11-20T03:00:00Z\r
2026-11-21,m5.large,0,2026-11-21T01:00:00Z\r
";
    // The harness reads lines, and a line may end in either way.
    assert_eq!(home.run(&["query", CHANGES, "--format", "csv"]).with(0).stdout, csv.replace('\r', ""));
    let json = r#"{"dt":"2026-11-20","instance_type":"m5.large","unit_price":"0.035","effective_from":"2026-11-20T01:00:00Z"}
{"dt":"2026-11-20","instance_type":"m5.large","unit_price":"0.041","effective_from":"2026-11-20T02:00:00.500Z"}
{"dt":"2026-11-20","instance_type":"c5.large","unit_price":null,"effective_from":"2026-11-20T03:00:00Z"}
{"dt":"2026-11-21","instance_type":"m5.large","unit_price":"0","effective_from":"2026-11-21T01:00:00Z"}
"#;
    assert_eq!(home.run(&["query", CHANGES, "--format", "json"]).with(0).stdout, json);

    for (name, expected) in [("answer.csv", csv), ("answer.ndjson", json), ("answer.json", json)] {
        assert_eq!(home.run(&["query", CHANGES, "--output", name]).with(0).stdout, "");
        assert_eq!(std::fs::read_to_string(home.path(name)).unwrap(), expected);
    }
}

#[tokio::test]
async fn an_answer_is_parquet_with_its_types() {
    let home = home().await;
    std::fs::write(home.path("answer.parquet"), "what was there").unwrap();
    home.run(&["query", CHANGES, "--output", "answer.parquet"]).with(0);
    let file = std::fs::File::open(home.path("answer.parquet")).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let types: Vec<String> =
        reader.schema().fields().iter().map(|field| field.data_type().to_string()).collect();
    assert_eq!(types[0], "Date32");
    assert_eq!(types[2], "Decimal128(20, 10)");
    assert!(types[3].starts_with("Timestamp(µs, \"UTC\")"), "{types:?}");
    assert_eq!(reader.build().unwrap().map(|batch| batch.unwrap().num_rows()).sum::<usize>(), 4);
    let left: Vec<_> =
        std::fs::read_dir(home.path("")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().starts_with(".contrail-query")), "{left:?}");
}

#[tokio::test]
async fn raw_lines_are_text_as_they_came() {
    let sql = "SELECT InstanceType, SpotPrice, timestamp, availabilityzoneid, region, source_key FROM raw_aws_spot_prices";
    let told = home().await.run(&["query", sql, "--format", "csv"]).with(0).stdout;
    let key =
        "raw/aws_spot_prices/dt=2026-11-21/region=us-east-1/20261121T000000Z-20261121T010000Z.ndjson.gz";
    let expected = format!(
        "instancetype,spotprice,timestamp,availabilityzoneid,region,source_key\n\
         m5.large,0.0350,2026-11-21T00:10:00+00:00,,us-east-1,{key}\n\
         m6.large,0.10,,,us-east-1,{key}\n\
         ,,,,us-east-1,{key}\n"
    );
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_query_is_read_from_a_file_and_answers_with_its_headings_when_there_is_nothing() {
    let home = home().await;
    std::fs::write(home.path("q.sql"), format!("-- one day\n{CHANGES};\n")).unwrap();
    assert!(home.run(&["query", "--file", "q.sql"]).with(0).stdout.ends_with("(4 rows)\n"));
    let none = "SELECT dt, region_id FROM spot_prices WHERE dt = '2020-01-01'";
    assert_eq!(home.run(&["query", none]).with(0).stdout, "dt  region_id\n(0 rows)\n");
    assert_eq!(home.run(&["query", none, "--format", "csv"]).with(0).stdout, "dt,region_id\n");
    assert_eq!(home.run(&["query", none, "--format", "json"]).with(0).stdout, "");
}

#[tokio::test]
async fn a_long_chain_of_conditions_fits_every_stack() {
    let home = home().await;
    let chain: Vec<_> = (0..249).map(|number| format!("unit_price + 1 > {number}.5")).collect();
    let sql = format!("SELECT count(*) AS n FROM spot_prices WHERE {}", chain.join(" OR "));
    let told = home.run(&["query", &sql.replace("+ 1 >", ">"), "--format", "csv"]).with(0);
    assert_eq!(told.stdout, "n\n0\n");
    let (error, _) = home.run(&["query", &sql]).usage_error();
    assert_eq!(error, "the query has more than 500 operators");
}

#[tokio::test]
async fn an_error_shows_the_place_and_writes_no_file() {
    let home = home().await;
    let told = home.run(&["query", "SELECT unit_prize FROM spot_prices", "--output", "a.parquet"]).with(2);
    assert_eq!(
        told.stderr,
        "error: there is no column unit_prize, at line 1, column 8\n  SELECT unit_prize FROM spot_prices\n         ^^^^^^^^^^\nhint: did you mean unit_price?\n"
    );
    assert_eq!(told.stdout, "");
    assert!(!home.path("a.parquet").exists());

    let (error, hint) = home.run(&["query", "SELECT 1", "--output", "a.xlsx"]).usage_error();
    assert_eq!(error, "the name a.xlsx does not say how to write the answer");
    assert_eq!(hint, "end it in .parquet, .csv, .json or .ndjson");
    let (error, _) = home.run(&["query", "SELECT 1", "--output", "contrail-lake/tables/a.csv"]).usage_error();
    assert!(error.ends_with("is inside the lake"), "{error}");
    let (error, _) = home.run(&["query", "--file", "nothing.sql"]).usage_error();
    assert!(error.starts_with("failed to read the query from nothing.sql: "), "{error}");
    let told = home.run(&["query", "SELECT 1", "--output", "no/such/place.csv"]).with(2);
    assert!(told.stderr.contains("hint: check that the directory is there"), "{}", told.stderr);
}

#[tokio::test]
async fn a_place_without_a_lake_stays_without_one() {
    let home = Home::new();
    let (error, _) = home.run(&["query", "SELECT 1"]).usage_error();
    assert!(error.starts_with("there is no lake at file://"), "{error}");
    assert!(!Path::new(&home.lake()).exists());
}
