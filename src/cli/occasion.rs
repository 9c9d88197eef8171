//! What the crawler does when nobody has configured it: a simulated cloud on request, else what needs no
//! credentials. Settings that somebody has given stand.

use crate::base::units::Period;
use crate::config::{Config, Lake, LakeUrl, Loaded, Origin};
use crate::sandbox::Sandbox;

/// How far back a simulated market is crawled unless somebody says so.
const SANDBOX_BACKFILL: Period = Period::seconds(3 * 86_400);
/// The region whose prices are crawled where there is no configuration.
const FIRST_REGION: &str = "us-east-1";

fn is_default(loaded: &Loaded, key: &str) -> bool {
    loaded.origin(key).is_none_or(|origin| matches!(origin, Origin::Default))
}

/// The settings to crawl a simulated cloud with. Its prices go into a lake of their own: a configuration file
/// speaks of the real one, so only a flag or a variable chooses another.
pub(super) fn simulated(loaded: &Loaded, sandbox: &Sandbox) -> Config {
    let endpoints = sandbox.endpoints();
    let mut config = loaded.config.clone();
    if matches!(loaded.origin("lake.url"), Some(Origin::File { .. })) {
        let Lake { spool_dir, spool_limit, gzip_level, .. } = config.lake;
        config.lake = Lake { spool_dir, spool_limit, gzip_level, ..Lake::default() };
    }
    config.lake.origin = sandbox.origin();
    config.aws.endpoint_url = Some(endpoints.ec2.clone());
    config.aws.role_arn = None;
    config.http.proxy = None;
    config.sources.aws_price_list.base_url = Some(endpoints.price_list.clone());
    config.sources.aws_savings_plans.base_url = Some(endpoints.price_list.clone());
    config.sources.aws_spot_advisor.base_url.clone_from(&endpoints.spot_advisor);
    config.sources.azure_retail_prices.base_url.clone_from(&endpoints.azure);
    if is_default(loaded, "sources.aws_spot_prices.backfill") {
        config.sources.aws_spot_prices.backfill = SANDBOX_BACKFILL;
    }
    config
}

/// The settings where there is no configuration file: what needs no credentials, and a little of it. Also what
/// was left out, for people.
pub(super) fn unconfigured(loaded: &Loaded) -> (Config, Vec<String>) {
    let mut config = loaded.config.clone();
    let mut left_out = Vec::new();
    if is_default(loaded, "sources.aws_spot_prices.enabled") {
        config.sources.aws_spot_prices.enabled = false;
        left_out.push("aws_spot_prices, which needs AWS credentials (see iam-policy.json)".to_owned());
    }
    let sources = &mut config.sources;
    for (dataset, regions) in [
        ("aws_price_list", &mut sources.aws_price_list.regions),
        ("aws_savings_plans", &mut sources.aws_savings_plans.regions),
    ] {
        if is_default(loaded, &format!("sources.{dataset}.regions")) {
            *regions = vec![FIRST_REGION.to_owned()];
            left_out
                .push(format!("all regions of {dataset} but {FIRST_REGION}, which need only time and room"));
        }
    }
    (config, left_out)
}

/// The directory of a local lake, as it was written.
pub(super) fn local_directory(config: &Config) -> Option<&std::path::Path> {
    match &config.lake.url {
        LakeUrl::Directory(path) => Some(path),
        LakeUrl::Bucket { .. } => None,
    }
}
