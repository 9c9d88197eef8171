//! The feed of the Spot Instance Advisor over plain HTTP.

use super::{at, calm, get, get_json};

const FEED: &str = "/spot-advisor-data.json";

#[tokio::test]
async fn the_feed_has_the_members_of_the_real_one() {
    let sandbox = calm().await;
    let feed = get_json(&format!("{}{FEED}", sandbox.endpoints().spot_advisor)).await;
    let names: Vec<&String> = feed.as_object().unwrap().keys().collect();
    assert_eq!(names, ["global_rate", "instance_types", "ranges", "spot_advisor"]);
    let machines = feed["instance_types"].as_object().unwrap();
    let regions = feed["spot_advisor"].as_object().unwrap();
    // The one that is closed to the account is in it: nobody asks who is asking.
    assert!(regions.contains_key("us-east-1") && regions.contains_key("af-south-1"), "{:?}", regions.keys());
    let mut pieces = 0;
    for systems in regions.values() {
        let systems = systems.as_object().unwrap();
        assert!(systems.keys().eq(["Linux", "Windows"]), "{:?}", systems.keys());
        for (machine, said) in systems.values().flat_map(|machines| machines.as_object().unwrap()) {
            pieces += 1;
            assert!(machines[machine]["cores"].is_u64() && machines[machine]["ram_gb"].is_f64(), "{machine}");
            assert!((30..=80).contains(&said["s"].as_i64().unwrap()), "{said}");
            let band = usize::try_from(said["r"].as_u64().unwrap()).unwrap();
            assert!(feed["ranges"][band]["label"].as_str().unwrap().ends_with('%'), "{said}");
        }
    }
    assert!(pieces > 100, "{pieces}");
}

#[tokio::test]
async fn the_feed_is_the_same_for_a_day_and_says_when_it_came_out() {
    let answer = |now: &'static str| async move {
        let sandbox = at(now, "").await;
        let response = reqwest::get(format!("{}{FEED}", sandbox.endpoints().spot_advisor)).await.unwrap();
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        let (tag, modified) = (header("etag"), header("last-modified"));
        (tag, modified, response.text().await.unwrap())
    };
    let first = answer("2026-11-21T20:17:05Z").await;
    assert_eq!(first.1, "Sat, 21 Nov 2026 02:17:00 GMT");
    assert_eq!(first, answer("2026-11-22T02:00:00Z").await);
    let next = answer("2026-11-22T03:00:00Z").await;
    assert!(next.0 != first.0 && next.1 != first.1 && next.2 != first.2);
}

#[tokio::test]
async fn a_throttled_caller_is_told_so_as_s3_does() {
    let sandbox = at(super::NOW, "throttle=100%").await;
    let (status, body) = get(&format!("{}{FEED}", sandbox.endpoints().spot_advisor)).await;
    assert_eq!(status, 503);
    assert!(body.contains("<Code>SlowDown</Code>"), "{body}");
}
