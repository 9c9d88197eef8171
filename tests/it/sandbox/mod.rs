//! The simulated cloud, as its real clients see it.

mod azure;
mod ec2;
mod faults;
mod price_list;
mod savings_plans;
mod spot_advisor;

use std::sync::Arc;

use contrail::sandbox::{Sandbox, SandboxOptions};

use crate::support::clock::TestClock;

const NOW: &str = "2026-11-21T20:17:05Z";

/// A sandbox at `now` with the faults of `plan`.
async fn at(now: &str, plan: &str) -> Sandbox {
    let mut options = SandboxOptions::new(Arc::new(TestClock::at(now)));
    options.faults = plan.parse().unwrap();
    Sandbox::start(options).await.unwrap()
}

async fn calm() -> Sandbox {
    at(NOW, "").await
}

/// The status and body of a GET.
async fn get(url: &str) -> (u16, String) {
    let response = reqwest::get(url).await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

async fn get_json(url: &str) -> serde_json::Value {
    let (status, body) = get(url).await;
    assert_eq!(status, 200, "{url}: {body}");
    serde_json::from_str(&body).unwrap()
}

#[tokio::test]
async fn a_scale_out_of_range_is_refused() {
    for scale in [0.0, -1.0, 4.1, f64::NAN, f64::INFINITY] {
        let mut options = SandboxOptions::new(Arc::new(TestClock::at(NOW)));
        options.scale = scale;
        let error = Sandbox::start(options).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
        assert!(error.to_string().contains("more than 0, at most 4"), "{error}");
    }
}

#[tokio::test]
async fn the_origin_and_the_ready_config_name_this_cloud() {
    let sandbox = calm().await;
    assert_eq!(sandbox.origin(), "sandbox:1:0.01");
    let config: toml::Table = sandbox.ready_config().parse().unwrap();
    assert_eq!(config["lake"]["origin"].as_str(), Some("sandbox:1:0.01"));
    let endpoints = sandbox.endpoints();
    assert_eq!(config["aws"]["endpoint_url"].as_str(), Some(endpoints.ec2.as_str()));
    let base_url = |source: &str| config["sources"][source]["base_url"].as_str().unwrap().to_owned();
    assert_eq!(base_url("aws_price_list"), endpoints.price_list);
    assert_eq!(base_url("aws_savings_plans"), endpoints.price_list);
    assert_eq!(base_url("aws_spot_advisor"), endpoints.spot_advisor);
    assert_eq!(base_url("azure_retail_prices"), endpoints.azure);
}

#[tokio::test]
async fn the_ready_config_is_a_valid_configuration() {
    let sandbox = calm().await;
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("contrail.toml"), sandbox.ready_config()).unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_contrail"))
        .current_dir(directory.path())
        .env_clear()
        .args(["config", "check"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn a_listener_on_every_interface_names_an_address_that_can_be_reached() {
    let mut options = SandboxOptions::new(Arc::new(TestClock::at(NOW)));
    options.listen = "0.0.0.0:0".parse().unwrap();
    let sandbox = Sandbox::start(options).await.unwrap();
    assert!(sandbox.endpoints().azure.starts_with("http://127.0.0.1:"), "{:?}", sandbox.endpoints());
    let page = get_json(&format!("{}/api/retail/prices", sandbox.endpoints().azure)).await;
    assert!(page["NextPageLink"].as_str().unwrap().starts_with(&sandbox.endpoints().azure));
}

#[tokio::test]
async fn requests_are_counted() {
    let sandbox = calm().await;
    assert_eq!(sandbox.requests(), 0);
    get(&format!("{}/offers/v1.0/aws/index.json", sandbox.endpoints().price_list)).await;
    get(&format!("{}/nothing", sandbox.endpoints().price_list)).await;
    assert_eq!(sandbox.requests(), 2);
}

#[tokio::test]
async fn a_stopped_sandbox_answers_nobody() {
    for drops in [true, false] {
        let sandbox = calm().await;
        let url = format!("{}/offers/v1.0/aws/index.json", sandbox.endpoints().price_list);
        // The client keeps its connection, so the stop has one to cut.
        let client = reqwest::Client::new();
        assert_eq!(client.get(&url).send().await.unwrap().status(), 200);
        if drops {
            drop(sandbox);
            // The listener goes away at the next turn of the runtime.
            let host = url.trim_start_matches("http://").split('/').next().unwrap();
            while tokio::net::TcpStream::connect(host).await.is_ok() {
                tokio::task::yield_now().await;
            }
        } else {
            sandbox.stop().await;
        }
        assert!(client.get(&url).send().await.is_err());
    }
}
