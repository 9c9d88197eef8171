//! The crawler without `--once`: it stays, and can be asked how it is.

use serde_json::Value;

use super::{DATASETS, crawler, lake};
use crate::support::http::client;
use crate::support::program::Home;

#[tokio::test]
async fn a_daemon_logs_json_and_answers_for_metrics_and_health_until_it_is_stopped() {
    let home = Home::new().with("CONTRAIL_SERVER__LISTEN", "127.0.0.1:0");
    let mut running = home.start(&crawler(&["--log-format", "json"]));
    let json = |line: &str| serde_json::from_str::<Value>(line).unwrap_or_else(|_| panic!("no JSON: {line}"));
    let address = running.hears(|line| json(line)["address"].as_str().map(str::to_owned));
    for dataset in DATASETS {
        running.hears(|line| {
            let line = json(line);
            (line["message"] == "tick over" && line["dataset"] == dataset).then_some(())
        });
    }
    let get = async |path: &str| client().get(format!("http://{address}{path}")).send().await.unwrap();

    let health = get("/healthz").await;
    assert_eq!(health.status(), 200);
    let health = json(&health.text().await.unwrap());
    assert_eq!(health["store"], format!("file://{}", home.lake().display()));
    // The logs of the runs may still be on their way up.
    assert!(health["spool_objects"].is_u64(), "{health}");
    for dataset in DATASETS {
        assert_eq!(health["sources"][dataset]["clean"], true, "{health}");
    }

    let metrics = get("/metrics").await;
    assert!(metrics.headers()["content-type"].to_str().unwrap().starts_with("text/plain; version=0.0.4"));
    let metrics = metrics.text().await.unwrap();
    for dataset in DATASETS {
        for name in ["contrail_slices_total", "contrail_ticks_total", "contrail_upstream_requests_total"] {
            let counted = metrics.lines().any(|line| line.starts_with(name) && line.contains(dataset));
            assert!(counted, "{name} of {dataset} is not in\n{metrics}");
        }
    }
    for line in metrics.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let (name, value) = line.rsplit_once(' ').unwrap();
        assert!(name.starts_with("contrail_") && value.parse::<f64>().is_ok(), "{line}");
    }

    running.signal("TERM");
    let ended = running.end().with(0);
    assert_eq!(ended.stdout, "");
    for line in ended.stderr.lines() {
        let line = json(line);
        assert!(line["timestamp"].is_string() && line["level"].is_string() && line["message"].is_string());
    }
    lake(&home);
}

#[test]
fn an_address_in_use_ends_in_2_before_anything_is_crawled() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let home = Home::new().with("CONTRAIL_SERVER__LISTEN", taken.local_addr().unwrap().to_string());
    let (error, hint) = home.run(&crawler(&[])).usage_error();
    assert!(error.contains(&taken.local_addr().unwrap().to_string()), "{error}");
    assert!(hint.contains("[server] listen"), "{hint}");
    assert!(!home.lake().exists(), "nothing is begun");
}
