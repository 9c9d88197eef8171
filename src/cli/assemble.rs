//! From settings to the things that they describe: the store, the SDK's configuration and the sources. The only
//! place that knows both a section of the configuration and the options of the room that it is for.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::Credentials;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::{Builder, Connector, tls};
use url::Url;

use super::exit::{self, CliError};
use super::patience::Patience;
use crate::base::clock::whole_second;
use crate::base::error::one_line;
use crate::base::{Chance, Clock, Name};
use crate::config::{self, Config, LakeUrl};
use crate::crawler::{LakeSetup, Schedule, Scheduled};
use crate::lake::identity::{FORMAT, Identity};
use crate::lake::store::{LocalStore, S3Options, S3Store, Sse, Store};
use crate::net::{Client, HttpOptions, Proxying};
use crate::sources::Source;
use crate::sources::aws::bulk::{BulkLists, Partition};
use crate::sources::aws::spot_advisor::{self, SpotAdvisor};
use crate::sources::aws::spot_prices::{self, AwsSpotPrices};
use crate::sources::aws::{Names, Regions, price_list, savings_plans};
use crate::sources::azure::retail_prices::{self, AzureRetailPrices};
use crate::telemetry::metrics;

/// What the assembly is made for.
#[derive(Debug)]
pub(super) struct Bench<'a> {
    pub(super) config: &'a Config,
    pub(super) environment: &'a BTreeMap<String, String>,
    pub(super) directory: &'a Path,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) chance: Arc<Chance>,
    /// The prices are simulated: fixed credentials, and no proxy.
    pub(super) sandbox: bool,
    /// How patiently upstreams are asked.
    pub(super) patience: Patience,
}

/// Where instances and containers get their credentials: on this machine, so never through a proxy.
const CREDENTIAL_HOSTS: &str = "169.254.169.254,169.254.170.2,169.254.170.23,localhost,127.0.0.1";

impl Bench<'_> {
    /// The lake. A local one is made if it is not there, unless `read_only`.
    pub(super) async fn lake(&self, read_only: bool) -> Result<LakeSetup, CliError> {
        let settings = &self.config.lake;
        let store: Arc<dyn Store> = match &settings.url {
            LakeUrl::Directory(path) => {
                let store = LocalStore::new(self.directory.join(path));
                if !read_only {
                    store.open().await.map_err(|error| CliError::of(exit::USAGE, &error))?;
                }
                Arc::new(store)
            }
            LakeUrl::Bucket { bucket, prefix } => {
                let sdk = self.lake_sdk().await?;
                Arc::new(S3Store::new(&sdk, self.s3_options(bucket, prefix), Arc::clone(&self.clock)))
            }
        };
        let spool_root = settings.spool(self.environment).ok_or_else(|| {
            CliError::new(
                exit::USAGE,
                "there is no directory for the spool: neither XDG_STATE_HOME nor HOME is set",
            )
            .with_hint("set [lake] spool_dir to a directory that can be written")
        })?;
        Ok(LakeSetup {
            store,
            wanted: Identity {
                format: FORMAT,
                created_at: whole_second(self.clock.now()),
                origin: settings.origin.clone(),
                spot_window: self.config.sources.aws_spot_prices.window,
            },
            // Without the `.` of `./contrail-lake`: people are shown it.
            spool_root: self.directory.join(spool_root).components().collect(),
            spool_limit: settings.spool_limit.0,
            gzip_level: settings.gzip_level,
        })
    }

    fn s3_options(&self, bucket: &str, prefix: &str) -> S3Options {
        let settings = &self.config.lake;
        S3Options {
            region: settings.region.clone(),
            endpoint_url: settings.endpoint_url.clone(),
            force_path_style: settings.force_path_style,
            storage_class: settings.storage_class.clone(),
            sse: match settings.sse {
                config::Sse::None => Sse::None,
                config::Sse::Aes256 => Sse::Aes256,
                config::Sse::Kms => {
                    Sse::Kms { key_id: settings.kms_key_id.clone(), bucket_key: settings.bucket_key }
                }
            },
            ..S3Options::new(bucket, prefix)
        }
    }

    /// The SDK's configuration for the lake: the default credential chain, whatever the prices are.
    async fn lake_sdk(&self) -> Result<SdkConfig, CliError> {
        let loader = self.loader()?;
        let loader = match &self.config.lake.region {
            Some(region) => loader.region(Region::new(region.clone())),
            None => loader,
        };
        Ok(loader.load().await)
    }

    /// The SDK's configuration for the sources: the default credential chain, or the role to assume with it.
    async fn source_sdk(&self) -> Result<SdkConfig, CliError> {
        if self.sandbox {
            let keys = Credentials::new("sandbox", "sandbox", None, None, "sandbox");
            return Ok(SdkConfig::builder()
                .behavior_version(BehaviorVersion::latest())
                .region(Region::new("us-east-1"))
                .credentials_provider(aws_sdk_s3::config::SharedCredentialsProvider::new(keys))
                .build());
        }
        let base = self.loader()?.load().await;
        let Some(role) = &self.config.aws.role_arn else { return Ok(base) };
        let mut provider =
            aws_config::sts::AssumeRoleProvider::builder(role).session_name("contrail").configure(&base);
        if let Some(external_id) = &self.config.aws.external_id {
            provider = provider.external_id(external_id);
        }
        let provider = provider.build().await;
        Ok(base
            .into_builder()
            .credentials_provider(aws_sdk_s3::config::SharedCredentialsProvider::new(provider))
            .build())
    }

    fn loader(&self) -> Result<aws_config::ConfigLoader, CliError> {
        let http = &self.config.http;
        let timeouts =
            TimeoutConfig::builder().connect_timeout(http.connect_timeout.0).read_timeout(http.timeout.0);
        let mut loader = aws_config::defaults(BehaviorVersion::latest()).timeout_config(timeouts.build());
        if let Some(profile) = &self.config.aws.profile {
            loader = loader.profile_name(profile);
        }
        let proxy = self.sdk_proxy()?;
        let client = Builder::new().build_with_connector_fn(move |settings, _| {
            let mut connector = Connector::builder().proxy_config(proxy.clone());
            connector.set_connector_settings(settings.cloned());
            connector.tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc)).build()
        });
        Ok(loader.http_client(client))
    }

    /// The SDK takes no proxy by itself, not even that of the environment.
    fn sdk_proxy(&self) -> Result<ProxyConfig, CliError> {
        let Some(proxy) = &self.config.http.proxy else { return Ok(ProxyConfig::from_env()) };
        let proxy = ProxyConfig::all(proxy.expose()).map_err(|_| {
            CliError::new(exit::USAGE, "the proxy is no address that the AWS SDK can use")
                .with_hint("set [http] proxy to an address such as http://proxy:3128")
        })?;
        let variable = |name: &str| self.environment.get(name).map(String::as_str).unwrap_or_default();
        Ok(proxy.no_proxy([CREDENTIAL_HOSTS, variable("NO_PROXY"), variable("no_proxy")].join(",")))
    }

    /// The enabled sources, of which `only` (all if it is empty) are wanted.
    pub(super) async fn sources(&self, only: &[String]) -> Result<Vec<Scheduled>, CliError> {
        let http = self.http()?;
        let wanted =
            |id: &str, enabled: bool| enabled && (only.is_empty() || only.iter().any(|name| name == id));
        let settings = &self.config.sources;
        let mut sources = Vec::new();
        if wanted(spot_prices::DATASET.id, settings.aws_spot_prices.enabled) {
            let source = self.spot_prices(&http).await?;
            let schedule = &settings.aws_spot_prices.schedule;
            let settle = settings.aws_spot_prices.settle.delta();
            sources.push(scheduled(source, schedule, settle, settings.aws_spot_prices.concurrency)?);
        }
        let at_once = chrono::TimeDelta::zero();
        if wanted(price_list::DATASET.id, settings.aws_price_list.enabled) {
            let source = Arc::new(self.price_list(&http)?);
            let schedule = &settings.aws_price_list.schedule;
            sources.push(scheduled(source, schedule, at_once, settings.aws_price_list.concurrency)?);
        }
        if wanted(savings_plans::DATASET.id, settings.aws_savings_plans.enabled) {
            let source = Arc::new(self.savings_plans(&http)?);
            let schedule = &settings.aws_savings_plans.schedule;
            sources.push(scheduled(source, schedule, at_once, settings.aws_savings_plans.concurrency)?);
        }
        if wanted(spot_advisor::DATASET.id, settings.aws_spot_advisor.enabled) {
            let base_url = address(&settings.aws_spot_advisor.base_url)?;
            let source = Arc::new(SpotAdvisor::new(&base_url, &http));
            // There is one document, and so one slot at a time.
            sources.push(scheduled(source, &settings.aws_spot_advisor.schedule, at_once, 1)?);
        }
        if wanted(retail_prices::DATASET.id, settings.azure_retail_prices.enabled) {
            let source = Arc::new(self.retail_prices(&http)?);
            let schedule = &settings.azure_retail_prices.schedule;
            sources.push(scheduled(source, schedule, at_once, settings.azure_retail_prices.concurrency)?);
        }
        Ok(sources)
    }

    /// The HTTP client of the sources.
    pub(super) fn http(&self) -> Result<Client, CliError> {
        let settings = &self.config.http;
        let options = HttpOptions {
            timeout: settings.timeout.0,
            connect_timeout: settings.connect_timeout.0,
            max_connections_per_host: settings.max_connections_per_host,
            user_agent: settings.user_agent().to_owned(),
            proxy: match &settings.proxy {
                // The simulated cloud is on this machine: no proxy could reach it.
                _ if self.sandbox => Proxying::Direct,
                Some(proxy) => Proxying::Through(proxy.expose().to_owned()),
                None => Proxying::Environment,
            },
        };
        let client = Client::new(options, Arc::clone(&self.clock), Arc::clone(&self.chance))
            .map_err(|error| CliError::of(exit::USAGE, &error))?;
        client.limits().watch(metrics::host_limit);
        Ok(client.with_retry_times(self.patience.http()))
    }

    async fn spot_prices(&self, http: &Client) -> Result<Arc<dyn Source>, CliError> {
        let settings = &self.config.sources.aws_spot_prices;
        let options = spot_prices::Options {
            regions: regions(&self.config.aws.regions)?,
            endpoint_url: self.config.aws.endpoint_url.clone(),
            settle: settings.settle,
            backfill: settings.backfill,
            audit: settings.audit,
            retry: self.patience.ec2(),
        };
        let sdk = self.source_sdk().await?;
        Ok(Arc::new(AwsSpotPrices::new(options, sdk, http.limits(), Arc::clone(&self.clock))))
    }

    fn price_list(&self, http: &Client) -> Result<BulkLists, CliError> {
        let settings = &self.config.sources.aws_price_list;
        let options = price_list::Options {
            offers: names("offer", &settings.offers)?,
            regions: regions(&settings.regions)?,
            partitions: partitions(&settings.partitions)?,
            base_url: settings.base_url.as_deref().map(address).transpose()?,
        };
        Ok(price_list::source(options, http))
    }

    fn savings_plans(&self, http: &Client) -> Result<BulkLists, CliError> {
        let settings = &self.config.sources.aws_savings_plans;
        let options = savings_plans::Options {
            plans: names_or_all("plan", &settings.plans)?,
            regions: regions(&settings.regions)?,
            partitions: partitions(&settings.partitions)?,
            base_url: settings.base_url.as_deref().map(address).transpose()?,
        };
        Ok(savings_plans::source(options, http))
    }

    fn retail_prices(&self, http: &Client) -> Result<AzureRetailPrices, CliError> {
        let settings = &self.config.sources.azure_retail_prices;
        let options = retail_prices::Options {
            currencies: names("currency", &settings.currencies)?,
            price_types: names("price type", &settings.price_types)?,
            base_url: address(&settings.base_url)?,
            walks: settings.walks,
            max_walks: settings.max_walks,
            retry: self.patience.azure(),
        };
        AzureRetailPrices::new(options, http.reqwest(), http.limits(), Arc::clone(&self.clock))
            .map_err(|error| CliError::of(exit::USAGE, &error))
    }
}

fn scheduled(
    source: Arc<dyn Source>,
    settings: &config::Schedule,
    offset: chrono::TimeDelta,
    concurrency: usize,
) -> Result<Scheduled, CliError> {
    Ok(Scheduled { source, schedule: schedule(settings, offset)?, concurrency })
}

/// When a source is due, by its settings.
pub(super) fn schedule(settings: &config::Schedule, offset: chrono::TimeDelta) -> Result<Schedule, CliError> {
    match settings {
        config::Schedule::Every(period) => Ok(Schedule::Every { period: period.delta(), offset }),
        config::Schedule::Cron(cron) => {
            Schedule::cron(cron.as_str()).map_err(|error| CliError::bug(one_line(&error)))
        }
    }
}

/// The settings were checked when they were read, so none of these fails for a reason that a person can mend.
fn names(what: &str, values: &[String]) -> Result<Vec<Name>, CliError> {
    let name = |value: &String| Name::new(what, value).map_err(|error| CliError::bug(error.to_string()));
    values.iter().map(name).collect()
}

fn names_or_all(what: &str, values: &[String]) -> Result<Names, CliError> {
    if values.iter().any(|value| value == "all") {
        return Ok(Names::All);
    }
    Ok(Names::These(names(what, values)?.into_iter().collect()))
}

fn regions(values: &[String]) -> Result<Regions, CliError> {
    names_or_all("region", values)
}

fn partitions(values: &[String]) -> Result<Vec<Partition>, CliError> {
    let named = |name: &String| {
        Partition::named(name).ok_or_else(|| CliError::bug(format!("unknown partition {name}")))
    };
    values.iter().map(named).collect()
}

fn address(text: &str) -> Result<Url, CliError> {
    Url::parse(text).map_err(|error| CliError::bug(format!("{text:?} is no address: {error}")))
}
