//! Who asks AWS: the account behind the credentials. Some answers depend on it, and say nothing about it.

use std::sync::OnceLock;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::ProvideCredentials as _;

use super::DEFAULT_REGION;
use super::errors::{Call, fetch_error};
use crate::sources::{FetchError, Traffic};

/// STS answers in a fraction of a second, and nothing that is fetched waits for longer.
const PATIENCE: Duration = Duration::from_secs(5);

/// The credentials' owner, asked for at most once and then remembered.
#[derive(Debug)]
pub(super) struct Caller {
    sdk: SdkConfig,
    sts: aws_sdk_sts::Client,
    region: String,
    account: OnceLock<String>,
}

/// What STS says about the credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CallerIdentity {
    /// The account that they belong to.
    pub(super) account: String,
    /// The user or role.
    pub(super) arn: String,
}

impl Caller {
    /// The owner of the credentials of `sdk`. STS is where `endpoint_url` says, else in the region of `sdk`.
    pub(super) fn new(sdk: &SdkConfig, endpoint_url: Option<&str>) -> Self {
        let region = sdk.region().map_or(DEFAULT_REGION, Region::as_ref).to_owned();
        let timeouts = sdk.timeout_config().map_or_else(TimeoutConfig::builder, TimeoutConfig::to_builder);
        let mut config = aws_sdk_sts::config::Builder::from(sdk)
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region.clone()))
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts.operation_timeout(PATIENCE).build());
        config.set_endpoint_url(endpoint_url.map(str::to_owned));
        let sts = aws_sdk_sts::Client::from_conf(config.build());
        Self { sdk: sdk.clone(), sts, region, account: OnceLock::new() }
    }

    /// The account, if it has been found out.
    pub(super) fn account(&self) -> Option<&str> {
        self.account.get().map(String::as_str)
    }

    /// Finds out the account unless it is known: from the credentials themselves, else from STS. Tries once; what
    /// is fetched meanwhile is as good without it.
    pub(super) async fn learn(&self, traffic: &Traffic) {
        if self.account.get().is_some() {
            return;
        }
        if let Some(account) = self.of_credentials().await {
            let _ = self.account.set(account);
            return;
        }
        traffic.request();
        if let Err(error) = self.ask().await {
            tracing::debug!(%error, "the account of the AWS credentials is not known: objects are stored without it");
        }
    }

    /// Asks STS whose credentials these are, which needs no permission.
    pub(super) async fn ask(&self) -> Result<CallerIdentity, FetchError> {
        let answer = self.sts.get_caller_identity().send().await;
        let answer = answer.map_err(|error| fetch_error(Call::CallerIdentity, &self.region, true, &error))?;
        let (Some(account), Some(arn)) = (answer.account, answer.arn) else {
            let message = format!("GetCallerIdentity in {} named no account", self.region);
            return Err(FetchError::upstream(message));
        };
        let _ = self.account.set(account.clone());
        Ok(CallerIdentity { account, arn })
    }

    async fn of_credentials(&self) -> Option<String> {
        let credentials = self.sdk.credentials_provider()?.provide_credentials().await.ok()?;
        credentials.account_id().map(|account| account.as_str().to_owned())
    }
}
