//! `contrail sandbox`: the simulated cloud as a server of its own, and the configuration that it prints.

use std::fs;

use super::DATASETS;
use crate::support::lake_reader::LakeReader;
use crate::support::program::{Home, Running};

/// A small cloud that serves, and the configuration that it printed.
fn serving(home: &Home) -> (Running, String) {
    let mut cloud = home.start(&["sandbox", "--seed", "7", "--scale", "0.001"]);
    cloud.hears(|line| line.contains("serving a simulated cloud").then_some(()));
    cloud.reads(|line| line.contains("[sources.azure_retail_prices]").then_some(()));
    cloud.reads(|line| (line.starts_with("base_url") && line.ends_with('"')).then_some(()));
    let config = cloud.printed();
    (cloud, config)
}

#[test]
fn the_printed_configuration_crawls_the_simulated_cloud() {
    let home = Home::new()
        .with("AWS_ACCESS_KEY_ID", "x")
        .with("AWS_SECRET_ACCESS_KEY", "y")
        .with("CONTRAIL_SOURCES__AWS_SPOT_PRICES__BACKFILL", "2d");
    let (cloud, config) = serving(&home);
    fs::write(home.path("sandbox.toml"), config).unwrap();
    let checked = home.run(&["config", "check", "--config", "sandbox.toml"]).with(0);
    assert_eq!((checked.stdout.as_str(), checked.stderr.as_str()), ("ok: sandbox.toml\n", ""));

    home.run(&["crawler", "--once", "--config", "sandbox.toml"]).with(0);
    assert!(!home.lake().exists(), "simulated prices keep away from where real ones go by default");
    let lake = LakeReader::of_directory(&home.path("contrail-sandbox-lake")).sound();
    for dataset in DATASETS {
        assert!(!lake.raw(dataset).is_empty(), "{dataset}");
    }
    // Also a configuration that names another lake for them.
    home.run(&["crawler", "--once", "--config", "sandbox.toml", "--lake", "./elsewhere"]).with(0);
    let (error, _) = home.run(&["crawler", "--once", "--lake", "./elsewhere"]).usage_error();
    assert!(error.contains("sandbox:7:0.001"), "{error}");

    cloud.signal("TERM");
    let ended = cloud.end().with(0);
    assert!(ended.stderr.contains("the simulated cloud is gone"), "{}", ended.stderr);
}

#[test]
fn a_cloud_that_serves_ends_in_0_with_the_first_interrupt() {
    let home = Home::new();
    let (cloud, config) = serving(&home);
    cloud.signal("INT");
    assert_eq!(cloud.end().with(0).stdout, config);
    assert!(fs::read_dir(home.path("")).unwrap().next().is_none(), "it writes nothing");
}

#[test]
fn an_address_in_use_is_told_with_a_hint() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (error, hint) = Home::new().run(&["sandbox", "--listen", &address]).usage_error();
    assert!(error.contains(&address), "{error}");
    assert!(hint.contains("--listen"), "{hint}");
}
