//! A price that is a hundred times its last, in a price list: no fetch sees it, because a fetch reads one list. The build
//! reads them side by side, and what it notices is in the run log and in the crawler's metrics, once.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

use contrail::base::{Clock as _, SystemClock};
use contrail::lake::run_log::Outcome;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::support::http::client;
use crate::support::lake_reader::LakeReader;
use crate::support::program::Home;

const CLOUD: [&str; 5] = ["--sandbox", "--seed", "7", "--scale", "0.001"];

/// A list that was published today, with one price a thousand times what it was; and its key.
fn publish_a_leap(home: &Home) -> String {
    let lake = LakeReader::of_directory(&home.lake());
    let (key, object) =
        lake.raw("aws_price_list").into_iter().rfind(|(key, _)| key.contains("region=us-east-1/")).unwrap();
    let folder = key.rsplit_once('/').unwrap().0.split_once("/offer=").unwrap().1;
    let before = key.rsplit_once('/').unwrap().1.trim_end_matches(".json.gz");
    let now = SystemClock.now();
    let version = now.format("%Y%m%d%H%M%S").to_string();
    let list = String::from_utf8(object.payload()).unwrap().replace(before, &version);
    // The first price that is none of nothing.
    let mut pieces: Vec<String> = list.split("\"USD\" :").map(str::to_owned).collect();
    let paid = pieces.iter_mut().skip(1).find_map(|piece| {
        let (price, rest) = piece.trim_start().trim_start_matches('"').split_once('"')?;
        (price.parse::<f64>().ok()? > 0.0).then(|| format!("\"1000\"{rest}")).map(|leapt| *piece = leapt)
    });
    paid.expect("a list in which something costs something");
    let leapt = pieces.join("\"USD\" :");
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(leapt.as_bytes()).unwrap();
    let key = format!("raw/aws_price_list/dt={}/offer={folder}/{version}.json.gz", now.format("%Y-%m-%d"));
    let path = home.lake().join(&key);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, gzip.finish().unwrap()).unwrap();
    key
}

/// Takes the newest listing of Azure away, so that the next crawl has something to store.
fn forget_a_listing(home: &Home) {
    let lake = LakeReader::of_directory(&home.lake());
    let key = lake.raw("azure_retail_prices").into_keys().next_back().unwrap().to_owned();
    fs::remove_file(home.lake().join(&key)).unwrap();
    fs::remove_file(home.lake().join(PathBuf::from(format!("_contrail/meta/{key}.json")))).unwrap();
}

#[tokio::test]
async fn a_price_list_with_a_leap_is_in_the_run_log_and_in_the_metrics_once() {
    let home = Home::new()
        .with("CONTRAIL_TABLES__BUILD", "after_crawl")
        .with("CONTRAIL_SERVER__LISTEN", "127.0.0.1:0");
    home.run(&[&["crawler", "--once"], &CLOUD[..]].concat()).with(0);
    let key = publish_a_leap(&home);
    forget_a_listing(&home);

    let mut running = home.start(&[&["crawler"], &CLOUD[..]].concat());
    let address =
        running.hears(|line| Some(line.split_once("address=")?.1.split_whitespace().next()?.to_owned()));
    running.hears(|line| (line.contains(&key) && line.contains("leaps from")).then_some(()));
    running.hears(|line| line.contains("built tables").then_some(()));
    let metrics =
        client().get(format!("http://{address}/metrics")).send().await.unwrap().text().await.unwrap();
    let counted = r#"contrail_sentinel_total{dataset="aws_price_list",kind="price"} 1"#;
    assert!(metrics.lines().any(|line| line == counted), "{metrics}");
    running.signal("TERM");
    running.end().with(0);

    let told: serde_json::Value =
        serde_json::from_str(&home.run(&["tables", "build", "--rebuild", "--format", "json"]).with(0).stdout)
            .unwrap();
    assert!(told.as_array().unwrap().iter().all(|line| line["leaps"] == serde_json::json!({})), "{told}");
    let lake = LakeReader::of_directory(&home.lake());
    let noticed = lake.attempts_at("aws_price_list", Outcome::Noticed);
    let [line] = noticed.as_slice() else { panic!("{noticed:?}") };
    assert_eq!((line.key.as_deref(), line.warnings), (Some(key.as_str()), 1));
    assert_eq!(line.sentinels, ["price"]);
    assert!(line.warning_samples[0].contains("leaps from"), "{line:?}");
}
