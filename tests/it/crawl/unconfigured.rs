//! No configuration, no simulated cloud, and no way out: what the first run of somebody without a network looks
//! like. Every upstream is a port that nobody listens on.

use contrail::lake::run_log::Outcome;

use super::lake;
use crate::support::program::Home;

/// A port that refuses connections: it was free a moment ago.
fn nowhere() -> String {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", free.local_addr().unwrap())
}

fn offline() -> Home {
    Home::new()
        .with("CONTRAIL_SOURCES__AWS_PRICE_LIST__BASE_URL", nowhere())
        .with("CONTRAIL_SOURCES__AWS_SAVINGS_PLANS__BASE_URL", nowhere())
        .with("CONTRAIL_SOURCES__AWS_SPOT_ADVISOR__BASE_URL", nowhere())
        .with("CONTRAIL_SOURCES__AZURE_RETAIL_PRICES__BASE_URL", nowhere())
}

#[test]
fn without_a_network_each_source_fails_soon_with_an_error_and_a_hint() {
    let home = offline();
    let started = contrail::base::Clock::now(&contrail::base::SystemClock);
    let ended = home.run(&["crawler", "--once"]).with(1);
    let took = contrail::base::Clock::now(&contrail::base::SystemClock) - started;
    assert!(took < chrono::TimeDelta::seconds(75), "nobody waits for {took}");

    for part in ["left out", "aws_spot_prices, which needs AWS credentials"] {
        assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
    }
    let (_, wrong) = ended.stdout.split_once("What went wrong:\n").unwrap();
    let (wrong, next) = wrong.split_once("What next:\n").unwrap();
    let errors = wrong.lines().filter(|line| line.starts_with("  - ")).count();
    let hints = wrong.lines().filter(|line| line.starts_with("    hint: ")).count();
    assert!(errors >= 3 && errors == hints, "{wrong}");
    assert!(!next.contains("find "), "there is nothing to be found: {next}");

    let lake = lake(&home);
    assert!(lake.all_raw().is_empty());
    for dataset in ["aws_price_list", "aws_savings_plans", "aws_spot_advisor", "azure_retail_prices"] {
        let failed = lake.attempts_at(dataset, Outcome::Failed);
        assert!(!failed.is_empty(), "{dataset}");
        assert!(failed.iter().all(|attempt| attempt.error_kind.as_deref() == Some("retry")), "{failed:?}");
    }
}

#[test]
fn spot_prices_without_credentials_fail_at_once_and_say_what_they_need() {
    let home = offline().with("CONTRAIL_SOURCES__AWS_SPOT_PRICES__ENABLED", "true");
    let ended = home.run(&["crawler", "--once", "--only", "aws_spot_prices"]).with(1);
    assert!(ended.stdout.contains("credentials"), "{}", ended.stdout);
    assert!(ended.stdout.contains("    hint: "), "{}", ended.stdout);
    let lake = lake(&home);
    let failed = lake.attempts_at("aws_spot_prices", Outcome::Failed);
    assert_eq!(failed[0].error_kind.as_deref(), Some("config"), "{failed:?}");
}
