//! What the `azure_core` pipeline does around every try of a request: it honours Azure's rate-limit headers,
//! counts, and reads the whole answer while holding the host's permit. Never a retry of its own: the
//! pipeline's retry policy, above these, is the only one.
#![expect(elided_lifetimes_in_paths, reason = "`Policy::send` must be spelled as azure_core spells it")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use azure_core::error::ErrorKind;
use azure_core::http::headers::{
    HeaderName, Headers, RETRY_AFTER, RETRY_AFTER_MS, USER_AGENT, X_MS_RETRY_AFTER_MS,
};
use azure_core::http::policies::{Policy, PolicyResult, RetryPolicyCount, get_retry_after};
use azure_core::http::{AsyncRawResponse, Context, HttpClient, Request, StatusCode};
use azure_core::time::OffsetDateTime;
use futures::TryStreamExt as _;
use url::Url;

use crate::base::{Clock, Time};
use crate::net::HostLimits;
use crate::sources::Traffic;

/// The longest body that is read, in bytes. A page of 1,000 retail prices has about 0.7 MB.
pub(super) const MAX_BODY_BYTES: usize = 16 << 20;

/// The longest that one answer can make all others wait.
const LONGEST_PAUSE: Duration = Duration::from_mins(10);

/// How many requests are left in the current period of the Retail Prices API.
const RETAIL_REMAINING: HeaderName =
    HeaderName::from_static("x-ms-ratelimit-remaining-retailprices-requests");
/// In how many seconds the Retail Prices API may be asked again.
const RETAIL_RETRY_AFTER: HeaderName = HeaderName::from_static("x-ms-ratelimit-retailprices-retry-after");
const RETRY_HEADERS: [HeaderName; 3] = [X_MS_RETRY_AFTER_MS, RETRY_AFTER_MS, RETRY_AFTER];

/// Why a request is given up at once, although the retry policy would have gone on or could not tell.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum GivenUp {
    /// The body is longer than [`MAX_BODY_BYTES`].
    #[error("the answer is longer than 16 MiB")]
    TooLong,
    /// Nobody has ever answered, and nobody does now.
    #[error("{cause}")]
    Unreachable {
        /// What the last try met.
        cause: String,
    },
    /// We are asked to wait for longer than all retries together may take.
    #[error("throttled for {} s", after.as_secs())]
    Throttled {
        /// What the upstream asked for.
        after: Duration,
    },
}

impl From<GivenUp> for azure_core::Error {
    fn from(reason: GivenUp) -> Self {
        // The retry policy repeats `Io` and `Connection` only.
        Self::new(ErrorKind::Other, reason)
    }
}

/// How long the answer asks us to wait, by whichever of Azure's headers asks for longest.
pub(super) fn asked_wait(headers: &Headers) -> Option<Duration> {
    let retail = headers.get_optional_as::<u64, _>(&RETAIL_RETRY_AFTER).ok().flatten();
    // `Retry-After` may be a date, which the retry policy holds against this same clock.
    let standard = get_retry_after(headers, OffsetDateTime::now_utc, &RETRY_HEADERS);
    let standard = standard.and_then(|wait| Duration::try_from(wait).ok());
    retail.map(Duration::from_secs).max(standard)
}

/// Honours the rate limit for everybody who shares the pipeline.
///
/// A throttled answer gets a standard `Retry-After`, which the retry policy understands, and an answer that
/// used up the last request of a period holds back the next one.
#[derive(Debug)]
pub(super) struct RateLimit {
    clock: Arc<dyn Clock>,
    /// Asked to wait for longer than this, a throttled request is given up.
    longest_retry: Duration,
    paused_until: Mutex<Option<Time>>,
}

impl RateLimit {
    pub(super) fn new(clock: Arc<dyn Clock>, longest_retry: Duration) -> Self {
        Self { clock, longest_retry, paused_until: Mutex::new(None) }
    }

    async fn wait(&self) {
        let until = *self.paused_until.lock().unwrap_or_else(PoisonError::into_inner);
        let left = until.and_then(|until| (until - self.clock.now()).to_std().ok());
        if let Some(left) = left.filter(|left| !left.is_zero()) {
            tracing::debug!(seconds = left.as_secs(), "waiting for Azure's rate limit");
            self.clock.sleep(left).await;
        }
    }

    fn pause(&self, wait: Duration) {
        let until = self.clock.now() + wait.min(LONGEST_PAUSE);
        let mut paused = self.paused_until.lock().unwrap_or_else(PoisonError::into_inner);
        *paused = paused.max(Some(until));
    }
}

#[async_trait]
impl Policy for RateLimit {
    async fn send(&self, ctx: &Context, request: &mut Request, next: &[Arc<dyn Policy>]) -> PolicyResult {
        self.wait().await;
        let response = pass_on(ctx, request, next).await?;
        let Some(wait) = asked_wait(response.headers()) else { return Ok(response) };
        if matches!(response.status(), StatusCode::TooManyRequests | StatusCode::ServiceUnavailable) {
            if wait > self.longest_retry {
                return Err(GivenUp::Throttled { after: wait }.into());
            }
            let (status, mut headers, body) = response.deconstruct();
            headers.insert(RETRY_AFTER, wait.as_millis().div_ceil(1_000).to_string());
            return Ok(AsyncRawResponse::new(status, headers, Box::pin(body)));
        }
        if response.headers().get_optional_str(&RETAIL_REMAINING) == Some("0") {
            self.pause(wait);
        }
        Ok(response)
    }
}

/// Counts each try in the [`Traffic`] that the request's context carries.
#[derive(Debug)]
pub(super) struct Count;

#[async_trait]
impl Policy for Count {
    async fn send(&self, ctx: &Context, request: &mut Request, next: &[Arc<dyn Policy>]) -> PolicyResult {
        if let Some(traffic) = ctx.value::<Arc<Traffic>>() {
            traffic.request();
            if ctx.value::<RetryPolicyCount>().is_some_and(|count| **count > 0) {
                traffic.retry();
            }
        }
        pass_on(ctx, request, next).await
    }
}

/// Gives a host that has never answered fewer tries: a network that is down, a wrong address or a proxy that is
/// missing should be told soon. One that has answered before is waited for as long as the retry policy says.
#[derive(Debug, Default)]
pub(super) struct FirstContact {
    reached: AtomicBool,
}

impl FirstContact {
    /// How many tries without any connection are enough.
    pub(super) const TRIES: u32 = 4;
}

#[async_trait]
impl Policy for FirstContact {
    async fn send(&self, ctx: &Context, request: &mut Request, next: &[Arc<dyn Policy>]) -> PolicyResult {
        let result = pass_on(ctx, request, next).await;
        match &result {
            Ok(_) => self.reached.store(true, Ordering::Relaxed),
            Err(error) if *error.kind() == ErrorKind::Connection && !self.reached.load(Ordering::Relaxed) => {
                let failed = ctx.value::<RetryPolicyCount>().map_or(0, |count| **count) + 1;
                if failed >= Self::TRIES {
                    return Err(GivenUp::Unreachable { cause: root(error).to_string() }.into());
                }
            }
            Err(_) => {}
        }
        result
    }
}

/// The innermost error: the outer ones spell out the whole address and the library's view of retries.
pub(super) fn root<'a>(error: &'a azure_core::Error) -> &'a (dyn std::error::Error + 'static) {
    let mut root: &(dyn std::error::Error + 'static) = error;
    while let Some(cause) = root.source() {
        root = cause;
    }
    root
}

/// Leaves the `User-Agent` to the HTTP client, whose user may have set one.
#[derive(Debug)]
pub(super) struct OwnUserAgent;

#[async_trait]
impl Policy for OwnUserAgent {
    async fn send(&self, ctx: &Context, request: &mut Request, next: &[Arc<dyn Policy>]) -> PolicyResult {
        request.headers_mut().remove(USER_AGENT);
        pass_on(ctx, request, next).await
    }
}

async fn pass_on(ctx: &Context<'_>, request: &mut Request, next: &[Arc<dyn Policy>]) -> PolicyResult {
    match next.split_first() {
        Some((policy, rest)) => policy.send(ctx, request, rest).await,
        None => Err(azure_core::Error::with_message(ErrorKind::Other, "the pipeline has no transport")),
    }
}

/// Sends one try, tells the limits of the host what came of it, and reads its answer whole while the host's permit
/// is held.
///
/// A body that breaks off is thereby an error of this try, so that the retry policy sees and repeats it.
#[derive(Debug)]
pub(super) struct Transport {
    pub(super) client: reqwest::Client,
    pub(super) limits: HostLimits,
}

#[async_trait]
impl HttpClient for Transport {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let permit = self.limits.acquire(&authority(request.url())).await;
        let (status, headers, mut body) = self.client.execute_request(request).await?.deconstruct();
        match status {
            StatusCode::Ok => permit.succeeded(),
            StatusCode::TooManyRequests | StatusCode::ServiceUnavailable => permit.throttled(),
            _ => {}
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = body.try_next().await? {
            if bytes.len() + chunk.len() > MAX_BODY_BYTES {
                return Err(GivenUp::TooLong.into());
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(AsyncRawResponse::from_bytes(status, headers, bytes))
    }
}

/// `host`, or `host:port` where the port is not the scheme's own.
pub(super) fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> Headers {
        let mut headers = Headers::new();
        for (name, value) in pairs {
            headers.insert(*name, *value);
        }
        headers
    }

    #[test]
    fn the_header_that_asks_for_longest_is_honoured() {
        let asked = |pairs| asked_wait(&headers(pairs));
        assert_eq!(asked(&[]), None);
        assert_eq!(asked(&[("retry-after", "7")]), Some(Duration::from_secs(7)));
        assert_eq!(asked(&[("retry-after-ms", "1500")]), Some(Duration::from_millis(1_500)));
        assert_eq!(
            asked(&[("x-ms-ratelimit-retailprices-retry-after", "61"), ("retry-after", "7")]),
            Some(Duration::from_secs(61))
        );
    }

    #[test]
    fn a_header_that_makes_no_sense_asks_for_nothing() {
        for value in ["soon", "-5", "1e9", ""] {
            let headers = headers(&[("x-ms-ratelimit-retailprices-retry-after", value)]);
            assert_eq!(asked_wait(&headers), None, "{value}");
        }
        assert_eq!(asked_wait(&headers(&[("retry-after", "-5")])), None);
    }

    #[test]
    fn a_host_is_named_with_its_port_only_where_that_tells_something() {
        let authority = |url: &str| authority(&Url::parse(url).unwrap());
        assert_eq!(authority("https://prices.azure.com:443/api"), "prices.azure.com");
        assert_eq!(authority("http://127.0.0.1:8080/api"), "127.0.0.1:8080");
    }
}
