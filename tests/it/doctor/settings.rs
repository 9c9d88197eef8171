//! The settings, and the forms of the answer.

use super::{diagnosis, home, run};
use crate::support::program::Home;

fn nowhere() -> String {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", free.local_addr().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_configuration_what_is_left_out_is_told() {
    let home = Home::new()
        .with("CONTRAIL_SOURCES__AWS_PRICE_LIST__BASE_URL", nowhere())
        .with("CONTRAIL_SOURCES__AWS_SAVINGS_PLANS__BASE_URL", nowhere())
        .with("CONTRAIL_SOURCES__AWS_SPOT_ADVISOR__BASE_URL", nowhere())
        .with("CONTRAIL_SOURCES__AZURE_RETAIL_PRICES__BASE_URL", nowhere());
    let found = diagnosis(&home, 3);
    assert!(found.is("config", "file", "ok").found.starts_with("there is none"));
    found.is("aws_spot_prices", "source", "skipped");
    found.fails("aws_spot_advisor", "feed", "check the network");
    found.fails("azure_retail_prices", "USD Consumption", "check the network");
    assert!(!home.lake().exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_that_are_odd_are_warnings_and_wrong_ones_end_in_2() {
    let found = diagnosis(&home("[lake]\nstorage_class = \"STANDRD\"\n"), 0);
    let line = found.is("config", "setting", "warning");
    assert!(line.found.contains("contrail.toml:12") && line.found.contains("STANDRD"), "{line:#?}");
    found.is("azure_retail_prices", "source", "skipped");

    let (error, _) = run(&Home::new().configured("[lake]\nulr = \"./lake\"\n"), &[]).usage_error();
    assert!(error.contains("contrail.toml:2"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_is_told_in_every_form() {
    let home = home("");
    let table = run(&home, &[]).with(0).stdout;
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines[0].starts_with("result   part "), "{table}");
    assert!(lines[1].starts_with("ok       config") && lines[1].ends_with("contrail.toml"), "{table}");
    assert!(lines.last().unwrap().ends_with(" 0 failed, 6 skipped."), "{table}");
    let csv = run(&home, &["--format", "csv"]).with(0).stdout;
    assert!(csv.starts_with("subject,name,verdict,found,hint\nconfig,file,ok,"), "{csv}");
    assert_eq!(csv.lines().count() - 1, diagnosis(&home, 0).0.len());
}
