//! `contrail tables build`, by itself and after a crawl: what it builds, what it says, and what it does with what it
//! cannot read.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::program::Home;

const CRAWL: [&str; 7] = ["crawler", "--sandbox", "--once", "--seed", "7", "--scale", "0.001"];
const TABLES: [&str; 7] = [
    "spot_prices",
    "spot_prices_daily",
    "spot_advice",
    "list_prices",
    "list_prices_current",
    "coverage",
    "crawl_runs",
];

/// Every file below, in order.
fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut directories = vec![directory.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() { directories.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

/// What a build says of each table: built, unchanged, rows, problems, failed.
fn build(home: &Home, more: &[&str]) -> Vec<(String, [u64; 5])> {
    let arguments = [&["tables", "build", "--format", "json"], more].concat();
    let told: serde_json::Value = serde_json::from_str(&home.run(&arguments).with(0).stdout).unwrap();
    let line = |line: &serde_json::Value| {
        let number = |name: &str| line[name].as_u64().unwrap();
        let numbers = ["built", "unchanged", "rows", "problems", "failed"].map(number);
        (line["table"].as_str().unwrap().to_owned(), numbers)
    };
    told.as_array().unwrap().iter().map(line).collect()
}

#[test]
fn a_crawl_builds_every_table_and_a_build_finds_nothing_left_to_do() {
    let home = Home::new().with("CONTRAIL_TABLES__BUILD", "after_crawl");
    let ended = home.run(&CRAWL).with(0);
    assert!(ended.stdout.contains("Tables built of it: spot_prices ("), "{}", ended.stdout);
    let tables = home.lake().join("tables");
    let before: Vec<(PathBuf, Vec<u8>)> =
        files(&tables).into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect();
    for table in TABLES {
        assert!(before.iter().any(|(path, _)| path.starts_with(tables.join(table))), "{table}");
    }
    for (table, [built, unchanged, _, problems, failed]) in build(&home, &[]) {
        assert_eq!((built, problems, failed), (0, 0, 0), "{table}");
        assert!(unchanged > 0, "{table}");
    }
    for (table, [built, unchanged, rows, problems, failed]) in build(&home, &["--rebuild"]) {
        assert_eq!((unchanged, problems, failed), (0, 0, 0), "{table}");
        assert!(built > 0 && rows > 0, "{table}");
    }
    for (path, bytes) in before {
        assert_eq!(fs::read(&path).unwrap(), bytes, "{}: equal inputs are equal bytes", path.display());
    }
    assert!(!home.lake().join("_contrail/spool").exists(), "nothing is left behind");
    home.run(&["verify", "--deep"]).with(0);
}

#[test]
fn a_second_crawl_that_stores_nothing_builds_nothing() {
    let home = Home::new().with("CONTRAIL_TABLES__BUILD", "after_crawl");
    home.run(&[&CRAWL[..], &["--only", "aws_price_list"]].concat()).with(0);
    let ended = home.run(&[&CRAWL[..], &["--only", "aws_price_list"]].concat()).with(0);
    assert!(!ended.stdout.contains("Tables built"), "{}", ended.stdout);
    assert!(!ended.stderr.contains("built tables"), "{}", ended.stderr);
}

#[test]
fn only_what_is_asked_for_is_built() {
    let home = Home::new();
    home.run(&CRAWL).with(0);
    assert!(!home.lake().join("tables").exists(), "tables were to be built never");
    let told = build(&home, &["coverage"]);
    assert_eq!(told.len(), 1);
    assert_eq!(fs::read_dir(home.lake().join("tables")).unwrap().count(), 1);
    let told = build(&home, &["--since", "2999-01-01", "spot_prices"]);
    assert_eq!(told[0].1, [0; 5], "no such day is there");
    home.run(&["tables", "build", "spot_price"]).with(2);
}

#[test]
fn what_cannot_be_read_is_told_and_the_rest_is_built() {
    let home = Home::new();
    home.run(&CRAWL).with(0);
    let raw = files(&home.lake().join("raw/aws_spot_prices"));
    let cut = raw.iter().max_by_key(|path| fs::metadata(path).unwrap().len()).unwrap();
    let bytes = fs::read(cut).unwrap();
    fs::write(cut, &bytes[..bytes.len() / 2]).unwrap();

    let ended = home.run(&["tables", "build"]).with(0);
    let key = cut.strip_prefix(home.lake()).unwrap().display().to_string();
    let told =
        ended.stderr.lines().find(|line| line.contains(&key)).unwrap_or_else(|| panic!("{}", ended.stderr));
    assert!(told.contains("WARN") && told.contains("not in spot_prices"), "{told}");
    let line = ended.stdout.lines().find(|line| line.starts_with("spot_prices ")).unwrap();
    let cells: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(cells[cells.len() - 2..], ["1", "0"], "one problem, no failure: {line}");
    assert!(home.lake().join("tables/list_prices").exists());
}

#[test]
fn where_there_is_no_lake_nothing_is_built() {
    let home = Home::new();
    let ended = home.run(&["tables", "build"]).with(2);
    assert!(ended.stderr.contains("there is no lake in file://"), "{}", ended.stderr);
    assert!(ended.stderr.contains("hint: "), "{}", ended.stderr);
}

#[test]
fn an_empty_lake_has_no_tables_and_that_is_no_error() {
    let home = Home::new();
    home.run(&CRAWL).with(0);
    fs::remove_dir_all(home.lake().join("raw")).unwrap();
    fs::remove_dir_all(home.lake().join("_contrail/runs")).unwrap();
    for (table, numbers) in build(&home, &[]) {
        assert_eq!(numbers, [0; 5], "{table}");
    }
}

#[test]
fn a_lake_of_a_newer_release_is_left_alone() {
    let home = Home::new();
    home.run(&CRAWL).with(0);
    let path = home.lake().join("_contrail/lake.json");
    let text = fs::read_to_string(&path).unwrap().replace("\"format\": 1", "\"format\": 2");
    fs::write(&path, text).unwrap();
    let ended = home.run(&["tables", "build"]).with(2);
    assert!(ended.stderr.contains("made by a newer release"), "{}", ended.stderr);
}
