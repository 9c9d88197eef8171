//! What cannot be backfilled is said in one line, before anything is made or fetched.

use super::{backfill, day};
use crate::support::program::Home;

#[track_caller]
fn refused(arguments: &[&str]) -> (String, String) {
    let home = Home::new();
    let told = home.run(&backfill(arguments)).usage_error();
    assert!(!home.lake().exists(), "nothing was made");
    told
}

#[test]
fn a_dataset_without_a_past_has_none() {
    for dataset in ["azure_retail_prices", "aws_spot_advisor"] {
        let (error, hint) = refused(&[dataset]);
        assert!(error.contains(&format!("{dataset} has no past")), "{error}");
        assert!(hint.contains("contrail crawler"), "{hint}");
    }
}

#[test]
fn a_region_that_there_is_not_is_told_with_the_nearest() {
    for dataset in ["aws_spot_prices", "aws_price_list"] {
        let (error, hint) = refused(&[dataset, "--region", "us-est-1"]);
        assert!(error.contains("region us-est-1 is no stream"), "{error}");
        assert_eq!(hint, "did you mean us-east-1?");
        let (_, hint) = refused(&[dataset, "--region", "zzz"]);
        assert!(hint.contains("us-east-1"), "{hint}");
    }
}

#[test]
fn times_that_make_no_past_are_told() {
    let (past, future) = (day(10).to_string(), "2999-01-01");
    let (error, _) = refused(&["aws_spot_prices", "--since", future]);
    assert!(error.contains("not in the past"), "{error}");
    let (error, hint) = refused(&["aws_spot_prices", "--since", &past, "--until", "2020-01-01"]);
    assert!(error.contains("not before --until"), "{error}");
    assert_eq!(hint, "exchange the two");
}

#[test]
fn what_is_no_time_and_no_region_is_a_usage_error() {
    for arguments in [
        &["aws_spot_prices", "--since", "yesterday"][..],
        &["aws_spot_prices", "--since", "2026-11-21T08:00:00"],
        &["aws_spot_prices", "--region", "../../x"],
        &["aws_spot_price"],
        &[],
    ] {
        let ended = Home::new().run(&backfill(arguments)).with(2);
        assert_eq!(ended.stdout, "");
        assert!(ended.stderr.starts_with("error: "), "{}", ended.stderr);
    }
}

#[test]
fn a_source_that_is_not_enabled_is_not_backfilled() {
    let home = Home::new().with("CONTRAIL_SOURCES__AWS_SPOT_PRICES__ENABLED", "false");
    let (error, hint) = home.run(&backfill(&["aws_spot_prices"])).usage_error();
    assert_eq!(error, "aws_spot_prices is not enabled");
    assert!(hint.contains("[sources.aws_spot_prices]"), "{hint}");
}
