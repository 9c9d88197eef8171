//! What the simulated cloud can do wrong, and what comes of it.

use contrail::lake::run_log::Outcome;

use super::{DATASETS, lake, least};
use crate::support::lake_reader::LakeReader;
use crate::support::program::{Ended, Home};

/// A crawl under `faults`, which ended in `code`, and its lake. The cloud is large enough for listings of several
/// pages.
fn crawled(faults: &str, code: i32) -> (Home, Ended, LakeReader) {
    let home = Home::new();
    let ended = home.run(&large(&["--faults", faults])).with(code);
    let lake = lake(&home);
    (home, ended, lake)
}

fn large<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["crawler", "--once", "--sandbox", "--seed", "7", "--scale", "0.003"], more].concat()
}

/// Every dataset but `except` is there, and nothing of it failed.
#[track_caller]
fn others_went_on(lake: &LakeReader, except: &[&str]) {
    for dataset in DATASETS.into_iter().filter(|dataset| !except.contains(dataset)) {
        assert!(lake.raw(dataset).len() >= least(dataset), "{dataset}");
        assert!(lake.attempts_at(dataset, Outcome::Failed).is_empty(), "{dataset}");
    }
}

#[test]
fn what_passes_by_itself_is_tried_again_and_nothing_is_missing() {
    for faults in ["throttle=20%", "reset=10%", "truncate=10%"] {
        let (_, ended, lake) = crawled(faults, 0);
        others_went_on(&lake, &[]);
        let retries: u64 = lake.attempts().iter().map(|attempt| attempt.retries).sum();
        assert!(retries > 0, "{faults} did not strike");
        assert!(!ended.stdout.contains("What went wrong"), "{}", ended.stdout);
    }
}

#[test]
fn a_listing_that_changes_while_it_is_walked_is_walked_until_it_is_complete() {
    let (_, _, steady) = crawled("", 0);
    let (_, _, unsteady) = crawled("unstable_order", 0);
    let dataset = "azure_retail_prices";
    let rows = |lake: &LakeReader| -> Vec<(String, Vec<String>)> {
        let objects = lake.raw(dataset).into_iter();
        objects
            .map(|(key, object)| {
                assert_eq!(object.meta.as_ref().unwrap().complete, Some(true), "{key}");
                let mut rows: Vec<String> = object.rows().iter().map(ToString::to_string).collect();
                rows.sort();
                (key.to_owned(), rows)
            })
            .collect()
    };
    assert_eq!(rows(&steady), rows(&unsteady), "the union has every item, and each once");
    let pages = |lake: &LakeReader| -> u64 {
        lake.attempts_at(dataset, Outcome::Stored).iter().map(|attempt| attempt.pages).sum()
    };
    assert!(pages(&unsteady) > pages(&steady));
}

#[test]
fn a_token_that_repeats_fails_its_region_and_stores_nothing_of_it() {
    let (home, ended, lake) = crawled("token_loop", 3);
    others_went_on(&lake, &["aws_spot_prices"]);
    let failed = lake.attempts_at("aws_spot_prices", Outcome::Failed);
    assert!(!failed.is_empty());
    for attempt in &failed {
        assert_eq!(attempt.error_kind.as_deref(), Some("upstream"));
        assert!(attempt.error.as_ref().unwrap().contains("token repeats"), "{attempt:?}");
        assert!(!lake.keys().contains(&attempt.key.as_deref().unwrap()), "{attempt:?}");
    }
    // A listing of a single page has no token, and is complete.
    assert!(lake.attempts_at("aws_spot_prices", Outcome::Stored).iter().all(|attempt| attempt.pages == 1));
    assert!(ended.stdout.contains("token repeats"), "{}", ended.stdout);
    recovers(&home, "aws_spot_prices");
}

#[test]
fn a_version_that_the_index_names_too_early_fails_and_comes_at_the_next_run() {
    let (home, ended, lake) = crawled("stale_index", 3);
    let published = ["aws_price_list", "aws_savings_plans"];
    others_went_on(&lake, &published);
    for dataset in published {
        assert!(lake.raw(dataset).is_empty());
        let failed = lake.attempts_at(dataset, Outcome::Failed);
        assert!(!failed.is_empty());
        for attempt in &failed {
            assert_eq!(attempt.error_kind.as_deref(), Some("retry"));
            assert!(attempt.error.as_ref().unwrap().contains("404"), "{attempt:?}");
        }
    }
    assert!(ended.stdout.contains("not there yet"), "{}", ended.stdout);
    for dataset in published {
        recovers(&home, dataset);
    }
}

#[test]
fn a_link_to_another_host_is_not_followed() {
    let (home, ended, lake) = crawled("offsite_link", 3);
    others_went_on(&lake, &["azure_retail_prices"]);
    let failed = lake.attempts_at("azure_retail_prices", Outcome::Failed);
    // A listing of a single page has no link and is complete.
    assert_eq!(failed.len() + lake.raw("azure_retail_prices").len(), 3);
    assert!(!failed.is_empty());
    for attempt in &failed {
        assert_eq!(attempt.error_kind.as_deref(), Some("upstream"));
        assert!(attempt.error.as_ref().unwrap().contains("another host"), "{attempt:?}");
    }
    assert!(
        ended.stdout.contains("    hint: links are followed on the host of base_url only\n"),
        "{}",
        ended.stdout
    );
    recovers(&home, "azure_retail_prices");
}

#[test]
fn each_stream_that_fails_is_told_with_what_failed_and_what_to_do() {
    let home = Home::new();
    let ended =
        home.run(&large(&["--faults", "token_loop", "--only", "aws_spot_prices", "--log-format", "json"]));
    let ended = ended.with(1);
    let lines: Vec<serde_json::Value> =
        ended.stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let warnings: Vec<_> = lines.iter().filter(|line| line["level"] == "WARN").collect();
    let failed = lake(&home).attempts_at("aws_spot_prices", Outcome::Failed);
    // What was on its way in a stream when the first of it failed is in the run log, and not said again.
    assert!(warnings.len() <= failed.len());
    for attempt in &failed {
        let stream = attempt.stream.as_deref().unwrap();
        assert!(
            warnings.iter().any(|warning| warning["stream"] == stream),
            "{stream} is not in {warnings:?}"
        );
    }
    for warning in warnings {
        for field in ["message", "dataset", "stream", "slice", "kind", "hint"] {
            assert!(warning[field].as_str().is_some_and(|text| !text.is_empty()), "{field} in {warning}");
        }
    }
}

/// Without the fault the next run brings what is missing.
#[track_caller]
fn recovers(home: &Home, dataset: &str) {
    home.run(&large(&[])).with(0);
    assert!(!lake(home).raw(dataset).is_empty());
    let ended = home.run(&large(&["--dry-run", "--only", dataset])).with(0);
    assert_eq!(ended.stdout, "");
}
