//! The one way to every Azure host: an `azure_core` pipeline over our own HTTP client. Its retry policy is the
//! only retry layer here; what happens around each try is in `policies`. Knows nothing of any dataset.

use std::sync::Arc;
use std::time::Duration;

use azure_core::error::ErrorKind;
use azure_core::http::headers::HeaderName;
use azure_core::http::{
    ClientOptions, Context, ExponentialRetryOptions, Method, Pipeline, PipelineOptions, PipelineSendOptions,
    RawResponse, Request, RetryOptions, Transport as AzureTransport,
};
use bytes::Bytes;
use serde::Deserialize;
use url::Url;

use super::policies::{
    Count, FirstContact, GivenUp, OwnUserAgent, RateLimit, Transport, asked_wait, authority, root,
};
use crate::base::Clock;
use crate::base::clock::{http_date, skew};
use crate::net::HostLimits;
use crate::sources::clock::in_step;
use crate::sources::{FetchError, FetchErrorKind, Traffic};

/// When an answer was made.
const DATE: HeaderName = HeaderName::from_static("date");
/// A bound that `total` reaches long before; beyond it `azure_core`'s doubling would overflow.
const MAX_RETRIES: u32 = 32;
const LONGEST_DELAY: Duration = Duration::from_hours(1);
/// As much of an upstream's own explanation as is repeated.
const COMPLAINT_CHARACTERS: usize = 200;

/// How patiently a request is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryTimes {
    /// The wait before the first retry; each further one waits twice as long, and up to 256 ms of jitter.
    pub initial: Duration,
    /// The longest wait between two tries, unless the upstream asks for a longer one; at least a second.
    pub max: Duration,
    /// No retry starts when this has passed since the first answer.
    pub total: Duration,
}

impl Default for RetryTimes {
    fn default() -> Self {
        Self { initial: Duration::from_secs(4), max: Duration::from_mins(1), total: Duration::from_mins(10) }
    }
}

/// Asks Azure, politely and patiently. Cheap to clone; clones share their pauses and limits.
#[derive(Debug, Clone)]
pub struct AzurePipeline {
    pipeline: Pipeline,
    clock: Arc<dyn Clock>,
}

/// What a host answered in the end, whole. Not every answer is a success.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    host: String,
    asked_wait: Option<Duration>,
    body: Bytes,
}

impl AzurePipeline {
    /// A pipeline over `client`, which must not follow redirects by itself and should have timeouts.
    pub fn new(
        client: reqwest::Client,
        limits: HostLimits,
        clock: Arc<dyn Clock>,
        times: RetryTimes,
    ) -> Self {
        let span = |duration: Duration| duration.try_into().unwrap_or(azure_core::time::Duration::MAX);
        let retry = ExponentialRetryOptions {
            // `azure_core` doubles once before the first retry already.
            initial_delay: span(times.initial.min(LONGEST_DELAY) / 2),
            max_delay: span(times.max.min(LONGEST_DELAY)),
            max_total_elapsed: span(times.total),
            max_retries: MAX_RETRIES,
        };
        let options = ClientOptions {
            retry: RetryOptions::exponential(retry),
            transport: Some(AzureTransport::new(Arc::new(Transport { client, limits }))),
            per_call_policies: vec![Arc::new(OwnUserAgent)],
            ..ClientOptions::default()
        };
        let pipeline = Pipeline::new(
            Some(env!("CARGO_PKG_NAME")),
            Some(env!("CARGO_PKG_VERSION")),
            options,
            Vec::new(),
            vec![
                Arc::new(RateLimit::new(Arc::clone(&clock), times.total)),
                Arc::new(FirstContact::default()),
                Arc::new(Count),
            ],
            // `Retry-After` alone: `RateLimit` has put into it whatever the other headers say.
            Some(PipelineOptions::default()),
        );
        Self { pipeline, clock }
    }

    /// Gets `url`, again and again where that may help. `Ok` is an answer of any status, of at most 16 MiB,
    /// that came at the time that this machine has.
    pub async fn get(&self, url: &Url, traffic: &Arc<Traffic>) -> Result<Answer, FetchError> {
        let (host, sent) = (authority(url), self.clock.now());
        let context = Context::new().with_value(Arc::clone(traffic));
        let mut request = Request::new(url.clone(), Method::Get);
        request.insert_header("accept", "application/json");
        let options = PipelineSendOptions { skip_checks: true, ..PipelineSendOptions::default() };
        match self.pipeline.send(&context, &mut request, Some(options)).await {
            Ok(response) => {
                let told = response.headers().get_optional_str(&DATE).and_then(http_date);
                let skew = told.map(|told| skew(sent, self.clock.now(), told));
                in_step(skew.unwrap_or_default(), &host)?;
                Ok(Answer::new(host, response))
            }
            Err(error) => Err(unanswered(&host, &error)),
        }
    }
}

impl Answer {
    fn new(host: String, response: RawResponse) -> Self {
        let (status, headers, body) = response.deconstruct();
        Self { status: status.into(), host, asked_wait: asked_wait(&headers), body: body.into() }
    }

    /// The body of a success (200); what to do about everything else.
    pub fn into_body(self) -> Result<Bytes, FetchError> {
        let Self { status, host, asked_wait, body } = self;
        Err(match status {
            200 => return Ok(body),
            300..=399 => FetchError::upstream(format!("{host} answered with a redirect ({status})"))
                .with_hint("redirects are never followed: check base_url, and any proxy in between"),
            400 => FetchError::upstream(format!("{host} refused the request (400){}", complaint(&body)))
                .with_hint("check the settings of this source: Azure's names are case-sensitive"),
            401 | 403 => {
                let message = format!("{host} refuses us ({status}){}", complaint(&body));
                FetchError::new(FetchErrorKind::Refused, message)
                    .with_hint("check the credentials that this host needs, and any proxy in between")
            }
            404 => {
                FetchError::upstream(format!("{host} has no such address (404)")).with_hint("check base_url")
            }
            408 | 429 | 500..=599 => {
                let kind = FetchErrorKind::Retry { after: asked_wait };
                FetchError::new(kind, format!("{host} kept answering {status}"))
                    .with_hint("the service is busy or down; it is asked again at the next tick")
            }
            _ => FetchError::upstream(format!("{host} answered {status}")),
        })
    }
}

/// No answer came that could be used, for as long as we were ready to wait.
fn unanswered(host: &str, error: &azure_core::Error) -> FetchError {
    let root = root(error);
    match (root.downcast_ref::<GivenUp>(), error.kind()) {
        (Some(GivenUp::TooLong), _) => FetchError::upstream(format!("{host} sent more than 16 MiB at once")),
        (Some(GivenUp::Throttled { after }), _) => {
            let kind = FetchErrorKind::Retry { after: Some(*after) };
            FetchError::new(kind, format!("{host} asks us to wait for {} s", after.as_secs()))
                .with_hint("too many requests come from this address: use fewer crawlers or streams")
        }
        (Some(GivenUp::Unreachable { .. }), _) | (None, ErrorKind::Connection) => {
            FetchError::retry(format!("failed to connect to {host}: {root}"))
                .with_hint("check the network, the name resolution, and any proxy or certificate in between")
        }
        (None, ErrorKind::Io) => FetchError::retry(format!("failed to read from {host}: {root}"))
            .with_hint("the connection broke or timed out; it is tried again at the next tick"),
        (None, _) => FetchError::bug(format!("failed to ask {host}: {root}")),
    }
}

/// The first words of Azure's own explanation, never the whole body.
fn complaint(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Complaint {
        #[serde(alias = "Error")]
        error: Option<Detail>,
        #[serde(flatten)]
        detail: Detail,
    }
    #[derive(Deserialize)]
    struct Detail {
        #[serde(alias = "Message")]
        message: Option<String>,
    }
    let message = serde_json::from_slice::<Complaint>(body)
        .ok()
        .and_then(|complaint| complaint.error.and_then(|detail| detail.message).or(complaint.detail.message));
    message.map_or_else(String::new, |message| {
        let words: String = message.chars().filter(|c| !c.is_control()).take(COMPLAINT_CHARACTERS).collect();
        format!(": {words}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::error::Hinted as _;

    fn answer(status: u16, body: &'static [u8]) -> Answer {
        Answer {
            status,
            host: "prices.example".to_owned(),
            asked_wait: Some(Duration::from_secs(61)),
            body: Bytes::from_static(body),
        }
    }

    #[test]
    fn every_status_says_what_to_do() {
        let kind = |status| answer(status, b"").into_body().unwrap_err().kind;
        let busy = FetchErrorKind::Retry { after: Some(Duration::from_secs(61)) };
        for status in [408, 429, 500, 502, 503, 504, 599] {
            assert_eq!(kind(status), busy, "{status}");
        }
        for status in [401, 403] {
            assert_eq!(kind(status), FetchErrorKind::Refused, "{status}");
        }
        for status in [204, 206, 301, 308, 400, 404, 410, 418] {
            assert_eq!(kind(status), FetchErrorKind::Upstream, "{status}");
        }
        assert_eq!(answer(200, b"{}").into_body().unwrap(), "{}");
    }

    #[test]
    fn azures_own_words_are_repeated_but_not_its_whole_body() {
        for body in [
            br#"{"error":{"code":"BadRequest","message":"Invalid currency"}}"#.as_slice(),
            br#"{"Error":{"Code":"BadRequest","Message":"Invalid currency"}}"#,
            br#"{"Message":"Invalid currency"}"#,
        ] {
            let error = answer(400, body).into_body().unwrap_err();
            assert_eq!(error.to_string(), "prices.example refused the request (400): Invalid currency");
            assert!(error.hint().is_some());
        }
        assert_eq!(complaint(b"<html>no</html>"), "");
        let long = format!(r#"{{"message":"{}"}}"#, "x".repeat(5_000));
        assert_eq!(complaint(long.as_bytes()).len(), COMPLAINT_CHARACTERS + 2);
    }
}
