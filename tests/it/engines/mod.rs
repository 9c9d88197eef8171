//! Engines that people already have read the tables: each runs the statements that `contrail ddl` prints, or does what
//! is documented in their place, and gives the same counts, sums and answers about a moment as all the others.
//!
//! Spark reads directories only: it has no S3 without jars that Python does not bring. Athena itself is nowhere but at
//! AWS: what Hive understands of its statements runs in Spark with a metastore of Hive, and `tests/golden/ddl/` holds the
//! properties that only Athena understands.

mod ask;
mod examples;
mod grammar;
mod invented;
mod lakes;
mod questions;
mod s3;

use std::path::Path;

use contrail::base::{Clock as _, SystemClock};
use contrail::ddl::{Engine as Told, Lake, Place, Standing, statements};
use contrail::tables::TABLES;
use serde_json::{Value, json};

use self::ask::{Answered, Engine};
use self::lakes::Stage;
use self::questions::{Dialect, Questions, questions};
use crate::support::program::Home;

/// What `contrail ddl` prints for an engine.
fn ddl(engine: &str, lake: &Path) -> String {
    Home::new().run(&["ddl", engine, "--lake", lake.to_str().unwrap()]).with(0).stdout
}

fn asked(dialect: Dialect, stage: &Stage) -> Questions {
    questions(dialect, stage.at)
}

fn ask_duckdb(stage: &Stage) -> Option<Answered> {
    let engine = Engine::new("with_duckdb.py", "venv", "venv/bin/python", &[])?;
    Some(engine.ask(&ddl("duckdb", &stage.path), &asked(questions::DUCKDB, stage), &Value::Null))
}

/// The tables as Polars is told of them: it can scan no file that is not there.
fn scanned(lake: &str, is_built: impl Fn(&str) -> bool) -> Value {
    let tables = TABLES.into_iter().filter(|table| is_built(table.name));
    let tables: Vec<Value> =
        tables.map(|table| json!({ "name": table.name, "partitions": table.partitions.columns() })).collect();
    json!({ "lake": lake, "tables": tables })
}

/// Every question that `found` was asked has the answer that the others give, and every example has one, if the lake is
/// one of which examples ask.
fn assert_same(found: &Answered, expected: &Answered, stage: &Stage, examples: usize) {
    assert!(found.answers.len() > TABLES.len());
    for (question, rows) in &found.answers {
        assert_eq!(rows, &expected.answers[question], "{question} in {}", stage.name);
    }
    assert_eq!(found.examples.len(), examples);
    if stage.has_examples {
        for (number, rows) in found.examples.iter().enumerate() {
            assert!(!rows.is_empty(), "example {number} in {}", stage.name);
            assert_eq!(rows.len(), expected.examples[number].len(), "example {number} in {}", stage.name);
        }
    }
}

#[tokio::test]
async fn clickhouse_reads_the_tables_as_duckdb_does() {
    for stage in lakes::all().await {
        let Some(expected) = ask_duckdb(stage) else { return };
        let Some(engine) = Engine::new("with_clickhouse.py", "venv", "venv/clickhouse.stamp", &[]) else {
            return;
        };
        let found =
            engine.ask(&ddl("clickhouse", &stage.path), &asked(questions::CLICKHOUSE, stage), &Value::Null);
        assert_same(&found, &expected, stage, 2);
    }
}

#[tokio::test]
async fn polars_reads_the_tables_as_duckdb_does() {
    for stage in lakes::all().await {
        let Some(expected) = ask_duckdb(stage) else { return };
        let Some(engine) = Engine::new("with_polars.py", "venv", "venv/bin/python", &[]) else { return };
        let is_built = |table: &str| stage.path.join("tables").join(table).exists();
        let mut asked = asked(questions::POLARS, stage);
        asked.retain(|question, _| question.split_once(':').is_some_and(|(table, _)| is_built(table)));
        let found = engine.ask("", &asked, &scanned(stage.path.to_str().unwrap(), is_built));
        for (question, rows) in &found.answers {
            assert_eq!(rows, &expected.answers[question], "{question} in {}", stage.name);
        }
        assert_eq!(found.answers.len(), asked.len());
    }
}

fn spark(arguments: &[&str]) -> Option<Engine> {
    let java = std::process::Command::new("java").arg("-version").output();
    if !java.is_ok_and(|output| output.status.success()) {
        crate::support::skip::skipped("Spark has no Java to run with");
        return None;
    }
    Engine::new("with_spark.py", "venv", "venv/spark.stamp", arguments)
}

#[tokio::test]
async fn spark_reads_the_tables_of_a_directory_as_duckdb_does() {
    for stage in lakes::all().await {
        let Some(expected) = ask_duckdb(stage) else { return };
        let Some(engine) = spark(&[]) else { return };
        let found = engine.ask(&ddl("spark", &stage.path), &asked(questions::SPARK, stage), &Value::Null);
        assert_same(&found, &expected, stage, 2);
    }
}

/// Athena's statements with a directory in the bucket's place. Athena makes partitions up; Hive is told of them.
fn athena_for_hive(stage: &Stage, plain: &Path) -> String {
    let bucket = Place::Bucket {
        bucket: "my-bucket".to_owned(),
        prefix: "lake".to_owned(),
        region: None,
        endpoint: None,
        path_style: false,
    };
    let now = SystemClock.now();
    let tables = TABLES.map(|table| Standing::new(table, now, None, [], true)).into();
    let lake = Lake { place: bucket, database: "contrail".parse().unwrap(), tables, raw: Vec::new() };
    let text = statements(Told::Athena, &lake).unwrap();
    let text = text.replace("s3://my-bucket/lake", &format!("file:{}", plain.display()));
    let (tables, examples) = text.split_once("\n-- Example").unwrap();
    let built = TABLES.into_iter().filter(|table| stage.path.join("tables").join(table.name).exists());
    let told: String =
        built.map(|table| format!("MSCK REPAIR TABLE `contrail`.`{}`;\n", table.name)).collect();
    format!("{tables}\n{told}\n-- Example{examples}")
}

#[tokio::test]
async fn hive_in_spark_reads_a_directory_by_the_statements_for_athena_as_duckdb_does() {
    for stage in lakes::all().await {
        let Some(expected) = ask_duckdb(stage) else { return };
        let Some(engine) = spark(&["hive"]) else { return };
        // Keys of a bucket hold nothing that Hive would take for a pattern.
        let directory = tempfile::tempdir().unwrap();
        let plain = directory.path().join("lake");
        std::os::unix::fs::symlink(&stage.path, &plain).unwrap();
        let found =
            engine.ask(&athena_for_hive(stage, &plain), &asked(questions::ATHENA, stage), &Value::Null);
        assert_same(&found, &expected, stage, 2);
    }
}
