//! What a backfill brings home: what was asked for, once, and nothing else.

use super::{CLOUD, backfill, crawled, day, lake, on_day};
use crate::support::program::Home;

const SPOT: &str = "aws_spot_prices";
const LIST: &str = "aws_price_list";

#[test]
fn the_days_that_were_asked_for_come_and_come_once() {
    let home = crawled(SPOT);
    let (since, until) = (day(10).to_string(), day(8).to_string());
    let range = ["--since", &since, "--until", &until];
    let before = lake(&home);
    assert!(on_day(&before, SPOT, day(10)).is_empty(), "the sandbox is first filled for three days");

    let planned = home.run(&backfill(&[&[SPOT, "--dry-run"], &range[..]].concat())).with(0).stdout;
    let regions = planned.lines().count() / 2;
    assert!(regions > 1, "{planned}");
    assert_eq!(lake(&home).keys(), before.keys(), "a dry run stores nothing");

    let ended = home.run(&backfill(&[&[SPOT], &range[..]].concat())).with(0);
    assert!(ended.stdout.contains(&format!("{} new objects", 2 * regions)), "{}", ended.stdout);
    let lines = ended.stderr.lines().filter(|line| line.contains("stored dataset=")).count();
    assert_eq!(lines, 2 * regions, "a line for each slice where there is no terminal");
    let after = lake(&home);
    assert_eq!(on_day(&after, SPOT, day(10)).len(), regions);
    assert_eq!(on_day(&after, SPOT, day(9)).len(), regions);
    assert!(on_day(&after, SPOT, day(8)).is_empty(), "until is no part of it");
    assert!(on_day(&after, SPOT, day(11)).is_empty());
    assert!(after.marks().is_empty(), "{:?}", after.marks());

    let again = home.run(&backfill(&[&[SPOT], &range[..]].concat())).with(0);
    assert!(again.stdout.contains("Nothing new"), "{}", again.stdout);
    assert_eq!(lake(&home).keys(), after.keys());
}

#[test]
fn one_region_is_crawled_and_no_other() {
    let home = crawled(SPOT);
    let (since, until) = (day(9).to_string(), day(8).to_string());
    home.run(&backfill(&[SPOT, "--region", "us-east-1", "--since", &since, "--until", &until])).with(0);
    let keys = on_day(&lake(&home), SPOT, day(9));
    assert!(matches!(&keys[..], [key] if key.contains("/region=us-east-1/")), "{keys:?}");
}

#[test]
fn what_lies_between_a_backfill_and_the_present_is_healed_by_the_next_crawl() {
    let home = crawled(SPOT);
    let (since, until) = (day(7).to_string(), day(6).to_string());
    home.run(&backfill(&[SPOT, "--region", "us-east-1", "--since", &since, "--until", &until])).with(0);
    home.run(&[&["crawler", "--once", "--only", SPOT][..], &CLOUD].concat()).with(0);
    let lake = lake(&home);
    for days_ago in 4..=7 {
        let keys = on_day(&lake, SPOT, day(days_ago));
        assert!(matches!(&keys[..], [key] if key.contains("/region=us-east-1/")), "{days_ago}: {keys:?}");
    }
}

#[test]
fn a_past_beyond_memory_is_said_and_nothing_of_it_is_marked() {
    let home = crawled(SPOT);
    let (since, until) = (day(400).to_string(), day(88).to_string());
    let ended =
        home.run(&backfill(&[SPOT, "--region", "us-east-1", "--since", &since, "--until", &until])).with(0);
    assert!(ended.stderr.contains("AWS remembers spot prices for 90 days"), "{}", ended.stderr);
    let lake = lake(&home);
    assert_eq!(on_day(&lake, SPOT, day(89)).len(), 1);
    assert!(on_day(&lake, SPOT, day(91)).is_empty());
    assert!(lake.marks().is_empty(), "{:?}", lake.marks());
}

#[test]
fn old_versions_of_price_lists_come_by_the_index_of_the_upstream() {
    let home = crawled(LIST);
    let current = lake(&home).raw(LIST).len();
    let (since, until) = (day(40).to_string(), day(20).to_string());
    let range = ["--since", &since, "--until", &until];
    home.run(&backfill(&[&[LIST, "--region", "us-east-1"], &range[..]].concat())).with(0);
    let lake = lake(&home);
    let asked: Vec<String> = (21..=40).map(|days_ago| format!("/dt={}/", day(days_ago))).collect();
    let is_new = |key: &&str| asked.iter().any(|day| key.contains(day));
    let new: Vec<&str> = lake.raw(LIST).into_keys().filter(is_new).collect();
    assert!(!new.is_empty());
    assert!(new.iter().all(|key| key.contains("/region=us-east-1/")), "{new:?}");
    assert_eq!(lake.raw(LIST).len(), current + new.len(), "nothing but what was asked for");

    let planned = home.run(&backfill(&[&[LIST, "--region", "us-east-1", "--dry-run"], &range[..]].concat()));
    assert_eq!(planned.with(0).stdout, "");
    let planned = home.run(&[&["crawler", "--dry-run", "--only", LIST][..], &CLOUD].concat());
    assert_eq!(planned.with(0).stdout, "", "the crawler wants nothing between then and now");
}

#[test]
fn a_backfill_into_a_new_lake_begins_it_with_the_present() {
    let home = Home::new();
    let (since, until) = (day(40).to_string(), day(20).to_string());
    home.run(&backfill(&[LIST, "--since", &since, "--until", &until])).with(0);
    let planned = home.run(&[&["crawler", "--dry-run", "--only", LIST][..], &CLOUD].concat());
    assert_eq!(planned.with(0).stdout, "");
}

#[test]
fn what_is_interrupted_goes_on_with_the_next_run() {
    let home = crawled(SPOT);
    let (since, until) = (day(12).to_string(), day(8).to_string());
    let range = [SPOT, "--since", &since, "--until", &until];
    let ended = home.run(&backfill(&[&range[..], &["--max-duration", "0s"]].concat())).with(3);
    assert!(ended.stdout.contains("the next run goes on from there"), "{}", ended.stdout);
    home.run(&backfill(&range)).with(0);
    let lake = lake(&home);
    for days_ago in 9..=12 {
        assert!(!on_day(&lake, SPOT, day(days_ago)).is_empty(), "{days_ago}");
    }
}

#[test]
fn a_crawler_on_the_same_lake_is_not_disturbed() {
    let home = Home::new();
    let crawler = [&["crawler"][..], &CLOUD].concat();
    let mut running = home.start(&crawler);
    for dataset in [SPOT, LIST] {
        running.hears(|line| (line.contains("tick over") && line.contains(dataset)).then_some(()));
    }
    let (since, until) = (day(10).to_string(), day(8).to_string());
    home.run(&backfill(&[SPOT, "--since", &since, "--until", &until])).with(0);
    running.signal("INT");
    let ended = running.end().with(0);
    assert!(!ended.stderr.contains("ERROR"), "{}", ended.stderr);
    let lake = lake(&home);
    assert!(!on_day(&lake, SPOT, day(10)).is_empty());
    assert!(lake.marks().is_empty(), "{:?}", lake.marks());
}
