//! A single run: what it stores, what it says, and that a second one finds nothing to do.

use contrail::lake::run_log::Outcome;

use super::{DATASETS, crawler, lake, least, once, within_an_hour};
use crate::support::program::Home;

#[test]
fn a_first_run_fills_a_lake_and_says_what_where_how_large_and_what_next() {
    let home = Home::new();
    let ended = home.run(&once(&[])).with(0);
    let lake = lake(&home);
    assert_eq!(lake.identity().origin, "sandbox:7:0.001");

    let summary = &ended.stdout;
    let place = home.lake();
    assert!(
        summary.starts_with(&format!("Crawled simulated prices into file://{}", place.display())),
        "{summary}"
    );
    for dataset in DATASETS {
        let stored = lake.raw(dataset);
        assert!(stored.len() >= least(dataset), "{dataset}: {:?}", stored.keys());
        let line = summary.lines().find(|line| line.trim_start().starts_with(dataset)).unwrap();
        let cells: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(cells[1..5], [&stored.len().to_string(), "0", "0", "0"], "{summary}");
        let said = lake.attempts().iter().filter(|attempt| attempt.dataset == dataset).count();
        assert_eq!(said, stored.len(), "one line of the run log for each slice");
    }
    let bytes: usize = lake.all_raw().values().map(|object| object.bytes.len()).sum();
    let size = contrail::base::units::ByteSize(bytes as u64);
    assert!(summary.contains(&format!("{} new objects", lake.all_raw().len())), "{summary}");
    assert!(summary.contains(&size.to_string()), "{size} is not in {summary}");
    assert!(summary.contains("\nWhat next:\n"), "{summary}");
    assert!(!place.join("_contrail/spool").exists());
    assert_eq!(std::fs::read_dir(place.join("_contrail/tmp")).map_or(0, Iterator::count), 0);
}

#[test]
fn a_second_run_stores_nothing_new_and_changes_no_byte() {
    let (first, second) = within_an_hour(|| {
        let home = Home::new();
        home.run(&once(&[])).with(0);
        let first = lake(&home);
        let ended = home.run(&once(&[])).with(0);
        assert!(ended.stdout.contains("Nothing new"), "{}", ended.stdout);
        let lines: Vec<&str> = ended.stderr.lines().collect();
        assert!(
            matches!(lines[..], [line] if line.contains("crawling aws_")),
            "nothing is said of nothing: {lines:?}"
        );
        (first, lake(&home))
    });
    assert_eq!(first.all_raw(), second.all_raw());
    let new: Vec<&str> = second.keys().into_iter().filter(|key| !first.keys().contains(key)).collect();
    assert!(
        new.len() == 2 && new.iter().all(|log| log.starts_with("_contrail/runs/")),
        "a look at price lists is told, and one at savings plans: {new:?}"
    );
    let looks = second.attempts().into_iter().filter(|attempt| attempt.outcome == Outcome::Unchanged);
    assert!(
        looks.clone().count() > 1
            && looks.clone().all(|look| {
                ["aws_price_list", "aws_savings_plans"].contains(&look.dataset.as_str()) && look.key.is_none()
            })
    );
}

#[test]
fn the_same_seed_gives_the_same_lake_somewhere_else() {
    let raw = || {
        let home = Home::new();
        home.run(&once(&["--only", "aws_spot_prices,aws_price_list"])).with(0);
        lake(&home)
    };
    within_an_hour(|| {
        let (one, other) = (raw(), raw());
        let bytes = |lake: &crate::support::lake_reader::LakeReader| -> Vec<Vec<u8>> {
            lake.all_raw().values().map(|object| object.payload()).collect()
        };
        let keys = |lake: &crate::support::lake_reader::LakeReader| -> Vec<String> {
            lake.all_raw().keys().map(|key| (*key).to_owned()).collect()
        };
        assert_eq!(keys(&one), keys(&other));
        assert_eq!(bytes(&one), bytes(&other));
    });
}

#[test]
fn only_the_named_sources_are_crawled() {
    let home = Home::new();
    let ended = home.run(&once(&["--only", "azure_retail_prices"])).with(0);
    let lake = lake(&home);
    assert_eq!(lake.raw("azure_retail_prices").len(), lake.all_raw().len());
    assert_eq!(lake.attempts_at("azure_retail_prices", Outcome::Stored).len(), 3);
    assert!(!ended.stdout.contains("aws_"), "{}", ended.stdout);
}

#[test]
fn an_unknown_source_ends_in_2_and_names_the_nearest_one() {
    let home = Home::new();
    let ended = home.run(&once(&["--only", "aws_spot_price"])).with(2);
    assert!(ended.stderr.contains("aws_spot_prices"), "{}", ended.stderr);
    assert!(!home.lake().exists());
}

#[test]
fn a_dry_run_prints_the_missing_slices_one_a_line_and_writes_nothing() {
    within_an_hour(|| {
        let home = Home::new();
        let ended = home.run(&once(&["--dry-run"])).with(0);
        assert_eq!(
            std::fs::read_dir(home.path("")).unwrap().count(),
            0,
            "not even the directory of the lake"
        );
        let wanted: Vec<&str> = ended.stdout.lines().collect();
        for dataset in DATASETS {
            assert!(wanted.iter().any(|line| line.starts_with(&format!("{dataset} "))), "{wanted:?}");
        }

        home.run(&once(&[])).with(0);
        let before = lake(&home);
        // A day's audit is due from six in the morning, once its windows are up.
        let came = before.all_raw().into_keys().filter(|key| !key.ends_with(".late.ndjson.gz")).count();
        assert_eq!(wanted.len(), came, "what was promised is what came");
        let ended = home.run(&once(&["--dry-run"])).with(0);
        assert_eq!(ended.stdout, "");
        assert_eq!(before.keys(), lake(&home).keys());
    });
}

#[test]
fn a_run_that_is_out_of_time_ends_in_3_and_the_next_one_completes_it() {
    let home = Home::new();
    let ended = home.run(&once(&["--max-duration", "1ms"])).with(3);
    assert!(ended.stdout.contains("--max-duration"), "{}", ended.stdout);
    let before = lake(&home).all_raw().len();
    let ended = home.run(&once(&[])).with(0);
    let after = lake(&home).all_raw().len();
    assert!(ended.stdout.contains(&format!("{} new object", after - before)), "{}", ended.stdout);
}

#[test]
fn nothing_is_left_to_crawl_when_every_source_is_disabled() {
    let home = Home::new().configured(
        "[sources]\naws_spot_prices.enabled = false\naws_price_list.enabled = false\naws_savings_plans.enabled = false\naws_spot_advisor.enabled = false\nazure_retail_prices.enabled = false\n",
    );
    let (error, _) = home.run(&crawler(&["--once"])).usage_error();
    assert!(error.contains("no source"), "{error}");
    assert!(!home.lake().exists(), "no lake is made for nothing");
}
