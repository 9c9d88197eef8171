//! Clients that we did not write read a lake that the built binary made from the sandbox.
//!
//! The lake also holds objects without rows: a window in which nothing changed, and an audit that found nothing. A
//! reader that stumbles over those could not read a lake that has run for a day.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use contrail::base::Time;
use contrail::base::clock::midnight;
use contrail::lake::draft::Draft;
use contrail::lake::key::{Key, Parsed};
use contrail::lake::slice::Slice;
use contrail::lake::store::{LocalStore, PutOutcome, Store};
use tokio::sync::OnceCell;

use crate::support::lake_reader::LakeReader;
use crate::support::place::Place;
use crate::support::program::Home;
use crate::support::servers::{self, installed};
use crate::support::skip::skipped;

const WITHOUT_ROWS: [&str; 2] = [
    "raw/aws_spot_prices/dt=2026-01-01/region=zz-quiet-1/20260101T000000Z-20260101T010000Z.ndjson.gz",
    "raw/aws_spot_prices/dt=2026-01-01/region=zz-quiet-1/20260101-20260102.late.ndjson.gz",
];

/// By day and region: how many changes, and the sum of their prices in units of the tenth decimal.
type Counts = BTreeMap<(String, String), (u64, u128)>;

fn done(name: &str, output: &Output) -> Vec<u8> {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name} ended with {}:\n{said}", output.status);
    output.stdout.clone()
}

async fn put_objects_without_rows(store: &dyn Store) {
    let scratch = tempfile::tempdir().unwrap();
    for key in WITHOUT_ROWS {
        let draft = Draft::temporary(scratch.path(), 6).unwrap().finish().unwrap();
        let (key, _) = Key::parse(key).unwrap();
        let put = store.put_if_absent(&key, draft.path(), &draft.meta()).await.unwrap();
        assert_eq!(put, PutOutcome::Created);
    }
}

/// The home of somebody who has run `contrail crawler --sandbox --once`.
async fn crawled() -> &'static Home {
    static CRAWLED: OnceCell<Home> = OnceCell::const_new();
    let crawl = || async {
        let home = Home::shared("readers");
        home.run(&["crawler", "--sandbox", "--once"]).with(0);
        home.run(&["tables", "build", "spot_advice"]).with(0);
        put_objects_without_rows(&LocalStore::new(home.lake())).await;
        home
    };
    CRAWLED.get_or_init(crawl).await
}

fn slice(key: &str) -> Slice {
    match Key::parse(key).unwrap().1 {
        Parsed::Raw(slice) => slice,
        other => panic!("{other:?}"),
    }
}

/// A price with at most ten decimals.
fn in_tenth_decimals(price: &str) -> u128 {
    let (whole, fraction) = price.split_once('.').unwrap_or((price, ""));
    format!("{whole}{fraction:0<10}").parse().unwrap()
}

/// What a reader must find.
fn counted(lake: &LakeReader) -> Counts {
    let mut counts = Counts::new();
    let mut without_rows = 0;
    for (key, object) in lake.raw("aws_spot_prices") {
        let slice = slice(key);
        let rows = object.rows();
        without_rows += usize::from(rows.is_empty());
        for row in rows {
            let pool = (slice.day().to_string(), slice.stream().part("region").unwrap().to_owned());
            let (rows, sum) = counts.entry(pool).or_default();
            (*rows, *sum) = (*rows + 1, *sum + in_tenth_decimals(row["SpotPrice"].as_str().unwrap()));
        }
    }
    assert!(without_rows >= WITHOUT_ROWS.len());
    assert!(counts.len() >= 6, "days and regions: {counts:?}");
    counts
}

/// Python with the readers; `None`, and SKIPPED, where it is not installed.
fn python(script: &str) -> Option<Command> {
    let Some(python) = installed("venv/bin/python") else {
        skipped(&format!("{script} has no Python to run with; tests/servers.sh installs it"));
        return None;
    };
    let mut command = Command::new(python);
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/readers").join(script));
    Some(command)
}

/// Holds what `script` counts against what we count.
async fn agrees(script: &str) {
    let Some(mut reader) = python(script) else { return };
    let lake = crawled().await.lake();
    let output = reader.arg(&lake).env("SPARK_LOCAL_IP", "127.0.0.1").output().unwrap();
    let found: Vec<(String, String, u64, String)> = serde_json::from_slice(&done(script, &output)).unwrap();
    let found: Counts = found
        .into_iter()
        .map(|(dt, region, rows, sum)| ((dt, region), (rows, in_tenth_decimals(&sum))))
        .collect();
    assert_eq!(found, counted(&LakeReader::of_directory(&lake)));
}

#[tokio::test]
async fn duckdb_reads_the_lake_with_its_partitions() {
    agrees("with_duckdb.py").await;
}

#[tokio::test]
async fn pandas_reads_the_lake_with_its_partitions() {
    agrees("with_pandas.py").await;
}

#[tokio::test]
async fn polars_reads_the_lake_with_its_partitions() {
    agrees("with_polars.py").await;
}

#[tokio::test]
async fn spark_reads_the_lake_with_its_partitions() {
    if !Command::new("java").arg("-version").output().is_ok_and(|output| output.status.success()) {
        return skipped("Spark has no Java to run with");
    }
    if installed("venv/spark.stamp").is_none() {
        return skipped("Spark is not installed; tests/servers.sh installs it");
    }
    agrees("with_spark.py").await;
}

#[tokio::test]
async fn the_query_of_the_readme_runs_as_it_stands() {
    let readme = include_str!("../../README.md");
    let queries: Vec<_> =
        readme.split("```sql\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(!queries.is_empty());
    for query in queries {
        let Some(mut reader) = python("run_sql.py") else { return };
        reader.current_dir(crawled().await.path("")).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut reader = reader.stderr(Stdio::piped()).spawn().unwrap();
        reader.stdin.take().unwrap().write_all(query.as_bytes()).unwrap();
        let rows = done("run_sql.py", &reader.wait_with_output().unwrap());
        let rows: Vec<serde_json::Value> = serde_json::from_slice(&rows).unwrap();
        assert!(!rows.is_empty(), "this finds nothing:\n{query}");
    }
}

#[tokio::test]
async fn gunzip_and_jq_read_every_line_of_the_lake() {
    if !Command::new("jq").arg("--version").output().is_ok_and(|output| output.status.success()) {
        return skipped("jq is not installed");
    }
    let directory = crawled().await.lake();
    let lake = LakeReader::of_directory(&directory);
    let (mut lines, mut documents) = (0, 0);
    for (key, object) in lake.all_raw() {
        let (jq, expected) = if let Slice::Version { version, .. } = slice(key) {
            documents += 1;
            ("jq -c .version", vec![format!("\"{version}\"")])
        } else {
            let rows = object.lines().len();
            lines += rows;
            // `-R` hands jq one line at a time, so that each must be whole by itself.
            ("jq -cR 'fromjson | type'", vec!["\"object\"".to_owned(); rows])
        };
        let pipe = format!("gunzip -c \"$1\" | {jq}");
        let output = Command::new("sh").args(["-c", &pipe, "sh"]).arg(directory.join(key)).output().unwrap();
        let printed = String::from_utf8(done("jq", &output)).unwrap();
        assert!(printed.lines().eq(expected.iter()), "{key}");
    }
    assert!(lines > 1_000 && documents > 1, "{lines} lines, {documents} documents");
}

#[tokio::test]
async fn boto3_lists_and_reads_an_s3_lake_in_the_order_of_time() {
    let Some(mut reader) = python("with_boto3.py") else { return };
    let (Some(moto), Some(place)) = (servers::moto(), Place::moto("readers").await) else { return };
    let credentials =
        [("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "testtest"), ("AWS_REGION", "us-east-1")];
    let home = Home::new()
        .with("CONTRAIL_LAKE__ENDPOINT_URL", moto.url())
        .with("CONTRAIL_LAKE__FORCE_PATH_STYLE", "true");
    let home = credentials.iter().fold(home, |home, (name, value)| home.with(name, *value));
    let spot = ["--only", "aws_spot_prices", "--lake", "s3://readers/lake"];
    home.run(&[&["crawler", "--sandbox", "--once"], &spot[..]].concat()).with(0);
    put_objects_without_rows(place.store.as_ref()).await;

    let lake = LakeReader::of_store(place.store.as_ref()).await;
    let objects = lake.all_raw();
    let last_day = objects.keys().map(|key| slice(key).day()).max().unwrap();
    reader
        .args([moto.url(), "readers", "lake", &last_day.to_string()])
        .env("AWS_DEFAULT_REGION", "us-east-1");
    let output = reader.envs(credentials).output().unwrap();
    let (all, since, lines): (Vec<String>, Vec<String>, usize) =
        serde_json::from_slice(&done("with_boto3.py", &output)).unwrap();
    assert!(all.len() >= 8, "at midnight there are two days of three regions: {all:?}");
    assert!(all.iter().eq(objects.keys()));
    assert!(all.is_sorted_by_key(|key| slice(key).day()));
    for stream in all.iter().map(|key| slice(key).stream().clone()).collect::<BTreeSet<_>>() {
        let times = all.iter().map(|key| slice(key)).filter(|slice| *slice.stream() == stream);
        let times: Vec<_> = times.map(|slice| begins(&slice)).collect();
        assert!(times.is_sorted(), "{stream}: {times:?}");
    }
    assert!(all.iter().filter(|key| slice(key).day() == last_day).eq(&since));
    assert_eq!(lines, objects.values().map(|object| object.lines().len()).sum::<usize>());
}

fn begins(slice: &Slice) -> Time {
    match slice {
        Slice::Window { span, .. } => span.from(),
        other => midnight(other.day()),
    }
}
