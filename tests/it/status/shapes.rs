//! The answer in its three formats: their shape is a contract with scripts.

use super::{files, json};
use crate::support::lake_reader::LakeReader;
use crate::support::program::Home;

const CRAWL: [&str; 7] = ["crawler", "--once", "--sandbox", "--seed", "7", "--scale", "0.001"];
const DATASETS: [&str; 5] =
    ["aws_price_list", "aws_savings_plans", "aws_spot_advisor", "aws_spot_prices", "azure_retail_prices"];

const CSV: &str = "dataset,stream,state,refused,newest,newest_to,from,to,coverage_percent,gaps,oldest_gap,\
oldest_gap_expires_at,lost,days_proven,days_ended,objects,stored_bytes,raw_bytes,raw_bytes_estimated,\
last_attempt_at,last_outcome";

const STREAM: [&str; 20] = [
    "coverage_percent",
    "days_ended",
    "days_proven",
    "from",
    "gaps",
    "is_last_90_days",
    "last_attempt",
    "lost",
    "newest",
    "newest_to",
    "objects",
    "oldest_gap",
    "oldest_gap_expires_at",
    "raw_bytes",
    "raw_bytes_estimated",
    "refused",
    "state",
    "stored_bytes",
    "stream",
    "to",
];

#[test]
fn a_lake_that_was_just_crawled_is_complete_in_every_format_and_stays_as_it_is() {
    let home = Home::new();
    home.run(&CRAWL).with(0);
    let before = files(&home.path(""));

    let table = home.run(&["status", "--strict"]).with(0).stdout;
    for dataset in DATASETS {
        assert!(table.contains(&format!("\n{dataset}\n  stream ")), "{table}");
        assert!(table.contains(&format!("\n  {dataset}: 100 % since each stream began")), "{table}");
    }
    for part in [
        ": origin sandbox:7:0.001, made 20",
        "Spool: nothing waits in ",
        "Conditional puts: honoured",
        "Cost: nothing, it is a directory on this machine\n",
    ] {
        assert!(table.contains(part), "{part:?} is not in\n{table}");
    }

    let csv = home.run(&["status", "--format", "csv"]).with(0).stdout;
    let mut lines = csv.lines();
    assert_eq!(lines.next(), Some(CSV));
    let streams =
        lines.inspect(|line| assert_eq!(line.matches(',').count(), CSV.matches(',').count())).count();

    let status = json(&home.run(&["status", "--format", "json"]).with(0));
    let keys = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(
        keys(&status),
        ["at", "cost_per_month", "datasets", "lake", "refused", "spool", "stale", "tables"]
    );
    assert_eq!(
        keys(&status["lake"]),
        ["conditional_puts", "created_at", "format", "objects", "origin", "stored_bytes", "url"]
    );
    assert_eq!(keys(&status["spool"]), ["bytes", "directory", "limit_bytes", "objects", "oldest_at"]);
    assert_eq!((&status["stale"], &status["refused"]), (&false.into(), &false.into()));
    let mut counted = 0;
    for dataset in status["datasets"].as_array().unwrap() {
        assert_eq!(keys(dataset), ["coverage_percent", "dataset", "state", "streams"]);
        assert_eq!((&dataset["coverage_percent"], &dataset["state"]), (&"100.00".into(), &"current".into()));
        for stream in dataset["streams"].as_array().unwrap() {
            assert_eq!(keys(stream), STREAM);
            assert_eq!((&stream["gaps"], &stream["lost"]), (&0.into(), &0.into()));
            assert_eq!(stream["raw_bytes_estimated"], false, "each object has its line: {stream}");
            assert!(stream["raw_bytes"].as_u64() > stream["stored_bytes"].as_u64());
            counted += 1;
        }
    }
    assert_eq!(counted, streams);
    assert_eq!(status["lake"]["objects"], LakeReader::of_directory(&home.lake()).keys().len());

    assert_eq!(files(&home.path("")), before, "nothing was written");
}
