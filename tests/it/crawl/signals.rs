//! Signals in the middle of a crawl: nothing half-written stays, and the next run goes on where this one ended.

use contrail::lake::run_log::Outcome;

use super::{crawler, lake, once, within_an_hour};
use crate::support::lake_reader::LakeReader;
use crate::support::program::{Home, Running};

/// So slow that every crawl is still in the middle when it has stored its first slice.
const SLOW: [&str; 2] = ["--faults", "slow=300ms"];
/// So that most of the work is still to be done then.
fn one_at_a_time() -> Home {
    let sources = ["AWS_SPOT_PRICES", "AWS_PRICE_LIST", "AWS_SAVINGS_PLANS", "AZURE_RETAIL_PRICES"];
    sources
        .iter()
        .fold(Home::new(), |home, source| home.with(&format!("CONTRAIL_SOURCES__{source}__CONCURRENCY"), "1"))
}

/// Waits until the first slice is stored of a source that has more.
fn in_the_middle(running: &mut Running) {
    running.hears(|line| is_first_of_many(line).then_some(()));
}

/// Whether a slice is stored of a source that has more: the advisor has one document, after which its run is over.
fn is_first_of_many(line: &str) -> bool {
    line.contains("INFO stored") && !line.contains("aws_spot_advisor")
}

/// The next run, with nothing in its way, finishes what there is; after it nothing is missing.
fn completed(home: &Home) -> LakeReader {
    within_an_hour(|| {
        home.run(&once(&[])).with(0);
        assert_eq!(home.run(&once(&["--dry-run"])).with(0).stdout, "");
    });
    lake(home)
}

#[test]
fn an_interrupted_run_ends_in_3_with_a_clean_lake_and_the_next_one_completes_it() {
    for signal in ["INT", "TERM"] {
        let home = one_at_a_time();
        let mut running = home.start(&once(&SLOW));
        in_the_middle(&mut running);
        running.signal(signal);
        let ended = running.end().with(3);
        assert!(ended.stderr.contains("once more to stop at once"), "{}", ended.stderr);
        assert!(ended.stdout.contains("The run was interrupted with "), "{}", ended.stdout);
        // Everything that was fetched is up, and everything that is up is whole.
        let before = lake(&home).all_raw().len();
        assert!(before > 0);
        assert!(completed(&home).all_raw().len() > before);
    }
}

#[test]
fn a_run_that_is_cut_short_keeps_what_was_finished_for_the_next_one() {
    let home = one_at_a_time().with("CONTRAIL_CRAWLER__GRACE", "0s");
    let mut running = home.start(&once(&SLOW));
    in_the_middle(&mut running);
    running.signal("INT");
    running.end().with(3);
    LakeReader::of_directory(&home.lake()).sound();
    completed(&home);
}

#[test]
fn what_runs_may_end_within_the_grace_period() {
    let home = Home::new();
    let only = ["--only", "azure_retail_prices", "--faults", "slow=100ms", "-v"];
    let mut running = home.start(&once(&only));
    // All three listings are under way, and nothing else is to be done.
    running.hears(|line| line.contains("walked the listing").then_some(()));
    running.signal("INT");
    let ended = running.end().with(0);
    assert!(!ended.stdout.contains("interrupted"), "{}", ended.stdout);
    assert_eq!(lake(&home).all_raw().len(), 3);
}

#[test]
fn a_daemon_that_is_stopped_by_a_signal_ends_in_0() {
    for signal in ["INT", "TERM"] {
        let home = one_at_a_time();
        let mut running = home.start(&crawler(&SLOW));
        in_the_middle(&mut running);
        running.signal(signal);
        let ended = running.end().with(0);
        assert_eq!(ended.stdout, "");
        lake(&home);
        completed(&home);
    }
}

#[test]
fn a_second_interrupt_ends_in_130_at_once() {
    let home = Home::new().with("CONTRAIL_CRAWLER__GRACE", "10m");
    // Nothing that runs can end soon: each answer takes its time.
    let mut running = home.start(&once(&["--faults", "slow=20s"]));
    running.hears(|line| line.contains("crawling aws_").then_some(()));
    running.signal("INT");
    running.hears(|line| line.contains("once more to stop at once").then_some(()));
    running.signal("INT");
    let ended = running.end().with(130);
    assert_eq!(ended.stdout, "");
    completed(&home);
}

#[test]
fn a_killed_run_is_completed_by_the_next_one_which_says_that_it_was_interrupted() {
    let home = one_at_a_time();
    let mut running = home.start(&once(&SLOW));
    in_the_middle(&mut running);
    running.signal("KILL");
    let ended = running.end();
    assert_eq!(ended.code, None);
    let stored: Vec<&str> = ended.stderr.lines().filter(|line| is_first_of_many(line)).collect();
    assert!(!stored.is_empty());

    let lake = completed(&home);
    let attempts = lake.attempts();
    let interrupted: Vec<_> =
        attempts.iter().filter(|attempt| attempt.outcome == Outcome::Interrupted).collect();
    assert!(!interrupted.is_empty(), "{attempts:?}");
    // The lines that the killed run had written are in its log.
    let run = &interrupted.iter().find(|attempt| stored[0].contains(&attempt.dataset)).unwrap().run;
    assert!(attempts.iter().any(|attempt| attempt.run == *run && attempt.outcome == Outcome::Stored));
}
