//! The same in a bucket of moto, for the engines that read S3 with what Python brings.

use contrail::base::{Clock as _, SystemClock, Time};
use serde_json::json;

use super::ask::{Answered, Engine};
use super::questions::{self, questions};
use super::{invented, scanned};
use crate::support::place::Place;
use crate::support::program::Home;
use crate::support::servers::{self, Server};

const CREDENTIALS: [(&str, &str); 3] =
    [("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "testtest"), ("AWS_REGION", "us-east-1")];

/// A lake in a bucket.
struct Bucket {
    server: &'static Server,
    lake: String,
    /// A moment in the middle of what it holds.
    at: Time,
    home: Home,
}

impl Bucket {
    /// `None`, and SKIPPED, where moto is not installed.
    async fn new(bucket: &str) -> Option<Self> {
        let server = servers::moto()?;
        let place = Place::moto(bucket).await?;
        invented::fill(place.store.as_ref()).await;
        let home = Home::new()
            .with("CONTRAIL_LAKE__ENDPOINT_URL", server.url())
            .with("CONTRAIL_LAKE__FORCE_PATH_STYLE", "true");
        let home = CREDENTIALS.into_iter().fold(home, |home, (name, value)| home.with(name, value));
        let at = SystemClock.now() - chrono::TimeDelta::hours(20);
        Some(Self { server, lake: format!("s3://{bucket}/lake"), at, home })
    }

    fn ddl(&self, engine: &str) -> String {
        self.home.run(&["ddl", engine, "--lake", &self.lake]).with(0).stdout
    }
}

/// With the credentials where everybody looks for them.
fn reader(engine: Engine) -> Engine {
    CREDENTIALS.into_iter().fold(engine, |engine, (name, value)| engine.with(name, value))
}

fn ask_duckdb(bucket: &Bucket) -> Option<Answered> {
    let stamp = "duckdb-s3/duckdb-s3.stamp";
    let engine = Engine::new("with_duckdb.py", "duckdb-s3", stamp, &["httpfs", "aws"])?;
    Some(reader(engine).ask(&bucket.ddl("duckdb"), &questions(questions::DUCKDB, bucket.at), &json!({})))
}

/// Both give the same answer to every question that `found` was asked.
fn assert_same(found: &Answered, expected: &Answered) {
    assert!(found.answers.len() > 10);
    for (question, rows) in &found.answers {
        assert_eq!(rows, &expected.answers[question], "{question}");
    }
}

#[tokio::test]
async fn clickhouse_reads_the_tables_of_a_bucket_as_duckdb_does() {
    let Some(bucket) = Bucket::new("engines-clickhouse").await else { return };
    let Some(expected) = ask_duckdb(&bucket) else { return };
    let Some(engine) = Engine::new("with_clickhouse.py", "venv", "venv/clickhouse.stamp", &[]) else {
        return;
    };
    let found = reader(engine).ask(
        &bucket.ddl("clickhouse"),
        &questions(questions::CLICKHOUSE, bucket.at),
        &json!({}),
    );
    assert_same(&found, &expected);
    assert_eq!(found.examples.len(), 2);
}

#[tokio::test]
async fn polars_reads_the_tables_of_a_bucket_as_duckdb_does() {
    let Some(bucket) = Bucket::new("engines-polars").await else { return };
    let Some(expected) = ask_duckdb(&bucket) else { return };
    let Some(engine) = Engine::new("with_polars.py", "venv", "venv/bin/python", &[]) else { return };
    let is_built = |table: &str| table != invented::NEVER_BUILT;
    let mut task = scanned(&bucket.lake, is_built);
    task["storage_options"] = json!({
        "aws_endpoint_url": bucket.server.url(),
        "aws_allow_http": "true",
        "aws_access_key_id": "test",
        "aws_secret_access_key": "testtest",
        "aws_region": "us-east-1",
    });
    let mut asked = questions(questions::POLARS, bucket.at);
    asked.retain(|question, _| question.split_once(':').is_some_and(|(table, _)| is_built(table)));
    let found = reader(engine).ask("", &asked, &task);
    assert_same(&found, &expected);
}
