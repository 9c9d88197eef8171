//! EC2 in one region, as far as spot history needs it. The SDK signs, sends and tries again; the raw answer of
//! the last attempt is led past the SDK's own model.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_ec2::config::interceptors::{
    AfterDeserializationInterceptorContextRef, BeforeDeserializationInterceptorContextMut,
    BeforeTransmitInterceptorContextRef,
};
use aws_sdk_ec2::config::retry::RetryConfig;
use aws_sdk_ec2::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_ec2::error::BoxError;
use aws_sdk_ec2::primitives::DateTime;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use chrono::TimeDelta;
use http_body_util::{BodyExt as _, Limited};
use url::Url;

use super::Retry;
use crate::base::clock::{http_date, skew};
use crate::base::redact::redacted;
use crate::base::{Clock, Time};
use crate::lake::interval::Interval;
use crate::net::{HostLimits, HostPermit};
use crate::sources::aws::DEFAULT_REGION;
use crate::sources::aws::clock::in_step;
use crate::sources::aws::errors::{Call, fetch_error, is_throttling};
use crate::sources::{FetchError, Traffic};

/// The most rows that the upstream puts on a page.
const PAGE_ROWS: i32 = 1000;

/// How long one attempt may take where the configuration sets no bound: a page takes a second or two.
const ATTEMPT_TIMEOUT: Duration = Duration::from_mins(1);

/// The ids of a region's zones, by the names that this account has for them.
pub(super) type Zones = HashMap<String, String>;

/// One client for each region, made when it is first asked for.
#[derive(Debug)]
pub(super) struct Clients {
    sdk: SdkConfig,
    endpoint_url: Option<String>,
    retry: Retry,
    limits: HostLimits,
    clock: Arc<dyn Clock>,
    made: Mutex<HashMap<String, Arc<Client>>>,
}

/// EC2 in one region.
#[derive(Debug)]
pub(super) struct Client {
    region: String,
    ec2: aws_sdk_ec2::Client,
    limits: HostLimits,
    clock: Arc<dyn Clock>,
    host: String,
    // Held while they are asked for, so that many windows at once ask once.
    zones: tokio::sync::Mutex<Option<Arc<Zones>>>,
}

/// A page as it came.
#[derive(Debug)]
pub(super) struct RawPage {
    /// The body of the answer.
    pub(super) body: Bytes,
    /// Who answered.
    pub(super) endpoint: Option<Url>,
}

impl Clients {
    pub(super) fn new(
        sdk: SdkConfig,
        endpoint_url: Option<String>,
        retry: Retry,
        limits: HostLimits,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { sdk, endpoint_url, retry, limits, clock, made: Mutex::default() }
    }

    /// The region of the configuration.
    pub(super) fn home(&self) -> Arc<Client> {
        self.region(self.sdk.region().map_or(DEFAULT_REGION, Region::as_ref))
    }

    /// The client of a region.
    pub(super) fn region(&self, region: &str) -> Arc<Client> {
        let mut made = lock(&self.made);
        Arc::clone(made.entry(region.to_owned()).or_insert_with(|| Arc::new(self.make(region))))
    }

    fn make(&self, region: &str) -> Client {
        let retry = RetryConfig::standard()
            .with_max_attempts(self.retry.attempts.max(1))
            .with_initial_backoff(self.retry.initial_backoff)
            .with_max_backoff(self.retry.max_backoff);
        let mut timeouts = TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT_TIMEOUT).build();
        if let Some(configured) = self.sdk.timeout_config() {
            timeouts = configured.to_builder().take_unset_from(timeouts.into_builder()).build();
        }
        let mut config = aws_sdk_ec2::config::Builder::from(&self.sdk)
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region.to_owned()))
            .retry_config(retry)
            .timeout_config(timeouts);
        if let Some(url) = &self.endpoint_url {
            config = config.endpoint_url(url);
        }
        Client {
            region: region.to_owned(),
            ec2: aws_sdk_ec2::Client::from_conf(config.build()),
            limits: self.limits.clone(),
            clock: Arc::clone(&self.clock),
            host: format!("ec2.{region}"),
            zones: tokio::sync::Mutex::default(),
        }
    }
}

impl Client {
    /// The region that this client asks.
    pub(super) fn region(&self) -> &str {
        &self.region
    }

    /// The names of the regions that are enabled for the account, as they came; at least one.
    pub(super) async fn regions(&self, traffic: &Traffic) -> Result<Vec<String>, FetchError> {
        let wire = self.wire().await;
        let answer = self.ec2.describe_regions().customize().interceptor(wire.clone()).send().await;
        let sent = wire.count(traffic);
        let answer = answer.map_err(|error| fetch_error(Call::Regions, &self.region, sent, &error))?;
        self.in_step(&wire)?;
        // Without AllRegions the upstream leaves these out; some servers that speak its language do not.
        let enabled = answer.regions().iter().filter(|region| region.opt_in_status() != Some("not-opted-in"));
        let names: Vec<_> =
            enabled.filter_map(|region| region.region_name()).map(ToOwned::to_owned).collect();
        if names.is_empty() {
            return Err(FetchError::upstream(format!("DescribeRegions in {} named no region", self.region)));
        }
        Ok(names)
    }

    /// The region's zones, Local Zones and those that are not opted in to included. Asked once, then
    /// remembered.
    pub(super) async fn zones(&self, traffic: &Traffic) -> Result<Arc<Zones>, FetchError> {
        let mut known = self.zones.lock().await;
        if let Some(zones) = known.as_ref() {
            return Ok(Arc::clone(zones));
        }
        let wire = self.wire().await;
        let request = self.ec2.describe_availability_zones().all_availability_zones(true);
        let answer = request.customize().interceptor(wire.clone()).send().await;
        let sent = wire.count(traffic);
        let answer = answer.map_err(|error| fetch_error(Call::Zones, &self.region, sent, &error))?;
        let pairs = answer.availability_zones().iter().filter_map(|zone| {
            let id = zone.zone_id().filter(|id| !id.is_empty())?;
            Some((zone.zone_name()?.to_owned(), id.to_owned()))
        });
        let zones = Arc::new(pairs.collect::<Zones>());
        *known = Some(Arc::clone(&zones));
        Ok(zones)
    }

    /// Asks for the zones again the next time: one was missing, and may have been opened since.
    pub(super) async fn forget_zones(&self) {
        *self.zones.lock().await = None;
    }

    /// One page of the changes in `span`, every parameter but the token the same on each page.
    pub(super) async fn spot_page(
        &self,
        span: Interval,
        token: Option<&str>,
        traffic: &Traffic,
    ) -> Result<RawPage, FetchError> {
        let wire = self.wire().await.diverting();
        let request = self
            .ec2
            .describe_spot_price_history()
            .start_time(DateTime::from_secs(span.from().timestamp()))
            .end_time(DateTime::from_secs(span.to().timestamp()))
            .max_results(PAGE_ROWS)
            .set_next_token(token.map(ToOwned::to_owned));
        let answer = request.customize().interceptor(wire.clone()).send().await;
        let sent = wire.count(traffic);
        let (body, endpoint) = wire.last_answer();
        match (body, answer) {
            // What was answered with 200 is for `page` to judge, whatever the SDK's model thinks of it.
            (Some(body), _) => self.in_step(&wire).map(|()| RawPage { body, endpoint }),
            (None, Err(error)) => Err(fetch_error(Call::SpotHistory, &self.region, sent, &error)),
            (None, Ok(_)) => Err(FetchError::bug("the SDK answered without a body")),
        }
    }

    /// Whether the history can be read at all: asks for one row of `span`.
    pub(super) async fn try_history(&self, span: Interval, traffic: &Traffic) -> Result<(), FetchError> {
        let wire = self.wire().await;
        let request = self
            .ec2
            .describe_spot_price_history()
            .start_time(DateTime::from_secs(span.from().timestamp()))
            .end_time(DateTime::from_secs(span.to().timestamp()))
            .max_results(1);
        let answer = request.customize().interceptor(wire.clone()).send().await;
        let sent = wire.count(traffic);
        answer.map(drop).map_err(|error| fetch_error(Call::SpotHistory, &self.region, sent, &error))
    }

    async fn wire(&self) -> Wire {
        Wire::new(self.limits.acquire(&self.host).await, Arc::clone(&self.clock))
    }

    /// Fails when the answer came at another time than this machine has. Who does not tell the time is believed.
    fn in_step(&self, wire: &Wire) -> Result<(), FetchError> {
        let skew = lock(&wire.heard).skew.unwrap_or_default();
        in_step(skew, &format!("EC2 in {}", self.region))
    }
}

/// `endpoint` with what was asked of it, for people.
pub(super) fn shown_url(endpoint: Option<&Url>, span: Interval) -> String {
    let Some(mut url) = endpoint.cloned() else { return String::new() };
    let moment = |time: crate::base::Time| time.format("%Y-%m-%dT%H:%M:%SZ").to_string();
    url.query_pairs_mut()
        .append_pair("Action", "DescribeSpotPriceHistory")
        .append_pair("StartTime", &moment(span.from()))
        .append_pair("EndTime", &moment(span.to()));
    redacted(&url)
}

/// Ten times a page of a thousand rows, in bytes: an answer that is longer is refused, because it is held in memory.
const LONGEST_ANSWER: usize = 8 << 20;

/// What the SDK reads instead of an answer that was diverted: an answer without anything.
const EMPTY_ANSWER: &[u8] = b"<DescribeSpotPriceHistoryResponse/>";

/// Listens to one call: how many attempts it took, who was asked, and, if it diverts, the raw body when the last
/// attempt was answered with 200. Tells the limits of the host what came of each attempt, and holds its permit.
#[derive(Debug, Clone)]
struct Wire {
    permit: Arc<HostPermit>,
    clock: Arc<dyn Clock>,
    heard: Arc<Mutex<Heard>>,
    diverts: bool,
}

#[derive(Debug, Default)]
struct Heard {
    attempts: u32,
    /// When the last attempt went out.
    sent_at: Option<Time>,
    /// How far this machine was ahead of who answered it.
    skew: Option<TimeDelta>,
    endpoint: Option<Url>,
    body: Vec<u8>,
    /// Whether that is the body to its end.
    whole: bool,
}

impl Wire {
    fn new(permit: HostPermit, clock: Arc<dyn Clock>) -> Self {
        Self { permit: Arc::new(permit), clock, heard: Arc::default(), diverts: false }
    }

    /// Leads what is answered with 200 past the SDK, whose model would make a thousand values of it that nobody
    /// asks for.
    fn diverting(self) -> Self {
        Self { diverts: true, ..self }
    }

    /// Counts the attempts; tells whether there were any.
    fn count(&self, traffic: &Traffic) -> bool {
        let attempts = lock(&self.heard).attempts;
        for attempt in 0..attempts {
            traffic.request();
            if attempt > 0 {
                traffic.retry();
            }
        }
        attempts > 0
    }

    fn last_answer(&self) -> (Option<Bytes>, Option<Url>) {
        let mut heard = lock(&self.heard);
        let body = std::mem::take(&mut heard.body);
        (heard.whole.then(|| body.into()), heard.endpoint.take())
    }
}

impl Intercept for Wire {
    fn name(&self) -> &'static str {
        "Wire"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.permit.sent();
        let mut heard = lock(&self.heard);
        heard.attempts += 1;
        (heard.sent_at, heard.skew) = (Some(self.clock.now()), None);
        heard.body.clear();
        heard.whole = false;
        heard.endpoint = Url::parse(context.request().uri()).ok();
        Ok(())
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response_mut();
        let length = response.headers().get("content-length").and_then(|length| length.parse().ok());
        let told = response.headers().get("date").and_then(http_date);
        {
            let mut heard = lock(&self.heard);
            heard.body.reserve_exact(length.unwrap_or(0).min(LONGEST_ANSWER));
            heard.skew = heard.sent_at.zip(told).map(|(sent, told)| skew(sent, self.clock.now(), told));
        }
        let body = Limited::new(response.take_body(), LONGEST_ANSWER);
        if !self.diverts || response.status().as_u16() != 200 {
            *response.body_mut() = SdkBody::from_body_1_x(body);
            return Ok(());
        }
        let (heard, mut instead) = (Arc::clone(&self.heard), Bytes::from_static(EMPTY_ANSWER));
        let diverted = body.map_frame(move |frame| {
            frame.map_data(|piece| {
                // Copied, because a piece may hold a larger buffer of the connection.
                lock(&heard).body.extend_from_slice(&piece);
                std::mem::take(&mut instead)
            })
        });
        *response.body_mut() = SdkBody::from_body_1_x(diverted);
        Ok(())
    }

    /// Runs also when the SDK could not make sense of the body, and when it broke off.
    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response();
        match response.status().as_u16() {
            200 => self.permit.succeeded(),
            status if is_throttling(status, response.body().bytes().unwrap_or_default()) => {
                self.permit.throttled();
            }
            _ => {}
        }
        // The SDK holds a body as bytes once it has read all of it.
        lock(&self.heard).whole =
            self.diverts && response.status().as_u16() == 200 && response.body().bytes().is_some();
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
