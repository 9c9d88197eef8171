//! Engines that people already have read the tables: each runs the statements that `contrail ddl` prints, or does what
//! is documented in their place, and gives the same counts, sums and answers about a moment as all the others.
//!
//! Spark reads directories only: it has no S3 without jars that Python does not bring. Athena itself is nowhere but at
//! AWS: what Hive understands of its statements runs in Spark with a metastore of Hive, and `tests/golden/ddl/` holds the
//! properties that only Athena understands.

mod ask;
mod command;
mod examples;
mod grammar;
mod invented;
mod lakes;
mod questions;
mod s3;

use std::fmt::Write as _;
use std::path::Path;

use contrail::base::{Clock as _, SystemClock};
use contrail::ddl::{Engine as Told, Lake, Place, Standing, statements};
use contrail::tables::{Partitions, TABLES};
use serde_json::{Value, json};

use self::ask::{Answered, Engine};
use self::lakes::Stage;
use self::questions::{Dialect, Questions, questions};
use crate::support::lake_reader::LakeReader;
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

#[cfg(feature = "sql")]
#[tokio::test]
async fn duckdb_reads_the_tables_as_contrail_query_does() {
    for stage in lakes::all().await {
        let Some(found) = ask_duckdb(stage) else { return };
        // It refuses to ask what was never built.
        let is_built = |table: &str| stage.path.join("tables").join(table).exists();
        let mut asked = asked(questions::CONTRAIL, stage);
        asked.retain(|question, _| question.split_once(':').is_some_and(|(table, _)| is_built(table)));
        assert!(asked.len() > TABLES.len());
        for (question, rows) in ask::ask_contrail(&stage.path, &asked) {
            assert_eq!(found.answers[&question], rows, "{question} in {}", stage.name);
        }
    }
}

#[tokio::test]
async fn duckdb_reads_every_line_of_the_raw_payloads() {
    let stage = lakes::all().await.iter().find(|stage| stage.has_examples).unwrap();
    let Some(engine) = Engine::new("with_duckdb.py", "venv", "venv/bin/python", &[]) else { return };
    let lake = LakeReader::of_directory(&stage.path);
    let lines = |dataset: &str| lake.raw(dataset).values().map(|object| object.lines().len()).sum::<usize>();
    let count = |dataset: &str| {
        let field = if dataset.starts_with("aws") { "spotprice" } else { "retailprice" };
        (
            dataset.to_owned(),
            format!("SELECT COUNT(*), COUNT({field}), COUNT(json) FROM contrail.raw_{dataset}"),
        )
    };
    let datasets = ["aws_spot_prices", "azure_retail_prices"];
    let asked = datasets.map(count).into();
    let found = engine.ask(&ddl("duckdb", &stage.path), &asked, &Value::Null);
    for dataset in datasets {
        let expected = Some(lines(dataset).to_string());
        assert!(lines(dataset) > 1_000);
        assert_eq!(found.answers[dataset], [[expected.clone(), expected.clone(), expected]]);
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

/// Athena's statements with the directory `below` in the bucket's place, and the tables of `stage` there. Athena makes
/// partitions up, where Hive is told of them; and Athena reads the folders below a partition, where Spark does not, so
/// for Spark their files lie directly in it.
fn athena_for_hive(stage: &Stage, below: &Path) -> String {
    let bucket = Place::Bucket {
        bucket: "my-bucket".to_owned(),
        prefix: "lake".to_owned(),
        region: None,
        endpoint: None,
        path_style: false,
    };
    let tables = TABLES.map(|table| Standing::new(table, SystemClock.now(), None, [], true)).into();
    let lake = Lake { place: bucket, database: "contrail".parse().unwrap(), tables, raw: Vec::new() };
    let text = statements(Told::Athena, &lake).unwrap();
    let text = text.replace("s3://my-bucket/lake", &format!("file:{}", below.display()));
    let (tables, examples) = text.split_once("\n-- Example").unwrap();
    let mut told = String::new();
    for table in TABLES {
        let (from, to) = (stage.path.join("tables").join(table.name), below.join("tables").join(table.name));
        if !from.exists() {
            continue;
        }
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        if table.partitions == Partitions::ProviderService {
            lay_flat(&from, &to);
        } else {
            std::os::unix::fs::symlink(&from, &to).unwrap();
        }
        writeln!(told, "MSCK REPAIR TABLE `contrail`.`{}`;", table.name).unwrap();
    }
    format!("{tables}\n{told}\n-- Example{examples}")
}

/// Links each `<provider>/<service>/<file>` below `from` as `<provider>/<service>-<file>` below `to`.
fn lay_flat(from: &Path, to: &Path) {
    let names = |directory: &Path| -> Vec<_> {
        std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name()).collect()
    };
    for provider in names(from) {
        std::fs::create_dir_all(to.join(&provider)).unwrap();
        for service in names(&from.join(&provider)) {
            for file in names(&from.join(&provider).join(&service)) {
                let link = format!("{}-{}", service.display(), file.display());
                let file = from.join(&provider).join(&service).join(&file);
                std::os::unix::fs::symlink(file, to.join(&provider).join(link)).unwrap();
            }
        }
    }
}

#[tokio::test]
async fn hive_in_spark_reads_a_directory_by_the_statements_for_athena_as_duckdb_does() {
    for stage in lakes::all().await {
        let Some(expected) = ask_duckdb(stage) else { return };
        let Some(engine) = spark(&["hive"]) else { return };
        let directory = tempfile::tempdir().unwrap();
        let statements = athena_for_hive(stage, directory.path());
        let found = engine.ask(&statements, &asked(questions::ATHENA, stage), &Value::Null);
        assert_same(&found, &expected, stage, 2);
    }
}
