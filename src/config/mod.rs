//! Typed settings: what a person may decide, where each value came from, and what is wrong with it.
//! Each section is one file that names its keys, defaults and bounds once. Never here: what the settings do,
//! and reading the process environment anywhere but in [`environment()`].
//!
//! Precedence: defaults, then the file, then `CONTRAIL_<SECTION>__<KEY>`, then flags. Relative paths are
//! relative to the working directory.

mod aws;
mod aws_price_list;
mod aws_savings_plans;
mod aws_spot_advisor;
mod aws_spot_prices;
mod azure_retail_prices;
mod check;
mod crawler;
mod environment;
mod error;
mod file;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod http;
mod lake;
mod lake_url;
mod layers;
mod schedule;
pub mod secret;
mod section;
mod server;
mod setting;
mod tables;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

pub use aws::Aws;
pub use aws_price_list::AwsPriceList;
pub use aws_savings_plans::AwsSavingsPlans;
pub use aws_spot_advisor::AwsSpotAdvisor;
pub use aws_spot_prices::AwsSpotPrices;
pub use azure_retail_prices::AzureRetailPrices;
pub use crawler::Crawler;
pub use environment::{CONFIG_VARIABLE, LOG_VARIABLE, environment};
pub use error::{ConfigError, Problem};
pub use http::Http;
pub use lake::{Lake, Sse};
pub use lake_url::LakeUrl;
pub use layers::{Entry, Origin};
pub use schedule::{Cron, Schedule};
pub use server::Server;
pub use tables::{Build, Tables};

use layers::Layers;

/// Every setting, checked.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Config {
    /// `[lake]`
    pub lake: Lake,
    /// `[aws]`
    pub aws: Aws,
    /// `[http]`
    pub http: Http,
    /// `[crawler]`
    pub crawler: Crawler,
    /// `[tables]`
    pub tables: Tables,
    /// `[server]`
    pub server: Server,
    /// `[sources.*]`
    pub sources: Sources,
}

/// One section for each source.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sources {
    /// `[sources.aws_spot_prices]`
    pub aws_spot_prices: AwsSpotPrices,
    /// `[sources.aws_price_list]`
    pub aws_price_list: AwsPriceList,
    /// `[sources.aws_savings_plans]`
    pub aws_savings_plans: AwsSavingsPlans,
    /// `[sources.aws_spot_advisor]`
    pub aws_spot_advisor: AwsSpotAdvisor,
    /// `[sources.azure_retail_prices]`
    pub azure_retail_prices: AzureRetailPrices,
}

/// The sources that have a section, by their dataset's name.
pub const SOURCES: [&str; 5] =
    ["aws_spot_prices", "aws_price_list", "aws_savings_plans", "aws_spot_advisor", "azure_retail_prices"];

/// What settings are made from. Nothing else is looked at.
#[derive(Clone, Default)]
pub struct Inputs {
    /// The file that `--config` named. It must exist.
    pub path: Option<PathBuf>,
    /// The process environment, as [`environment()`] reads it.
    pub environment: BTreeMap<String, String>,
    /// What flags said; they win over everything.
    pub flags: Vec<Flag>,
    /// The working directory: where `./contrail.toml` and the files that secrets refer to are looked up.
    pub directory: PathBuf,
}

/// A setting that a flag gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flag {
    /// The flag as typed, `--lake`.
    pub name: &'static str,
    /// The key that it sets, `lake.url`.
    pub key: &'static str,
    /// The value, as text.
    pub value: String,
}

/// The environment may hold secrets, so only its size is shown.
impl fmt::Debug for Inputs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inputs")
            .field("path", &self.path)
            .field("environment", &self.environment.len())
            .field("flags", &self.flags)
            .field("directory", &self.directory)
            .finish()
    }
}

/// Checked settings and where they came from.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// Every known key in the order of the example, with its value and origin.
    pub entries: Vec<Entry>,
    /// What works but should be looked at.
    pub warnings: Vec<Problem>,
    /// The file that was read, if there was one.
    pub file: Option<PathBuf>,
}

impl Loaded {
    /// Where the value of `key` (`lake.url`) came from; `None` for a key that does not exist.
    pub fn origin(&self, key: &str) -> Option<&Origin> {
        self.entries.iter().find(|entry| entry.path() == key).map(|entry| &entry.origin)
    }
}

/// Finds and reads the settings. All that is wrong with them is told at once.
pub fn load(inputs: &Inputs) -> Result<Loaded, ConfigError> {
    let Some(found) = file::find(inputs)? else { return load_text(inputs, None) };
    let text = file::read(&found, &inputs.directory)?;
    load_text(inputs, Some((&found, &text)))
}

/// Reads the settings, those of the file from its text.
fn load_text(inputs: &Inputs, file: Option<(&file::Found, &str)>) -> Result<Loaded, ConfigError> {
    let mut layers = Layers::new(inputs);
    if let Some((found, text)) = file {
        layers.add_file(found, text)?;
    }
    let config = Config {
        lake: Lake::read(&mut layers.section("lake")),
        aws: Aws::read(&mut layers.section("aws")),
        http: Http::read(&mut layers.section("http")),
        crawler: Crawler::read(&mut layers.section("crawler")),
        tables: Tables::read(&mut layers.section("tables")),
        server: Server::read(&mut layers.section("server")),
        sources: Sources {
            aws_spot_prices: AwsSpotPrices::read(&mut layers.section("sources.aws_spot_prices")),
            aws_price_list: AwsPriceList::read(&mut layers.section("sources.aws_price_list")),
            aws_savings_plans: AwsSavingsPlans::read(&mut layers.section("sources.aws_savings_plans")),
            aws_spot_advisor: AwsSpotAdvisor::read(&mut layers.section("sources.aws_spot_advisor")),
            azure_retail_prices: AzureRetailPrices::read(&mut layers.section("sources.azure_retail_prices")),
        },
    };
    let (entries, warnings) = layers.finish()?;
    Ok(Loaded { config, entries, warnings, file: file.map(|(found, _)| found.shown.clone()) })
}

/// Every key with its default and a comment, as `config.example.toml` in the repository has them.
pub fn example() -> &'static str {
    include_str!("../../config.example.toml")
}

#[cfg(test)]
mod tests;
