//! The HTTP client that every source shares.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{ACCEPT_ENCODING, DATE, HeaderMap, HeaderValue};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{NoProxy, Proxy, Response, StatusCode};
use url::Url;

use super::retry::retry_after;
use super::{Download, HostLimits, Meter, NetError, NetErrorKind, Retry, RetryTimes, Validators};
use crate::base::clock::{http_date, skew};
use crate::base::{Chance, Clock, Time};

const MAX_REDIRECTS: usize = 5;

/// How to talk HTTP.
#[derive(Clone)]
pub struct HttpOptions {
    /// How long a server may stay silent, before its answer and between two pieces of it. The whole of a body
    /// may take longer.
    pub timeout: Duration,
    /// How long a connection may take to stand.
    pub connect_timeout: Duration,
    /// How many requests may be under way at one host.
    pub max_connections_per_host: usize,
    /// Who we say we are.
    pub user_agent: String,
    /// How requests leave this machine.
    pub proxy: Proxying,
}

/// How requests leave this machine.
#[derive(Clone, PartialEq, Eq)]
pub enum Proxying {
    /// As the environment says: `HTTPS_PROXY`, `NO_PROXY` and so on.
    Environment,
    /// Straight, whatever the environment says.
    Direct,
    /// Through this proxy, with its password if it has one, but for the hosts of `NO_PROXY`.
    Through(String),
}

/// Never shows the address, which may carry a password.
impl fmt::Debug for Proxying {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Environment => "Environment",
            Self::Direct => "Direct",
            Self::Through(_) => "Through([hidden])",
        })
    }
}

impl fmt::Debug for HttpOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpOptions")
            .field("timeout", &self.timeout)
            .field("connect_timeout", &self.connect_timeout)
            .field("max_connections_per_host", &self.max_connections_per_host)
            .field("user_agent", &self.user_agent)
            .field("proxy", &self.proxy)
            .finish()
    }
}

/// A client that is cheap to clone; all clones share connections and the limits of the hosts.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    limits: HostLimits,
    clock: Arc<dyn Clock>,
    chance: Arc<Chance>,
    times: RetryTimes,
}

impl Client {
    /// A client with the default patience. Fails on a proxy or a user agent that is none.
    pub fn new(options: HttpOptions, clock: Arc<dyn Clock>, chance: Arc<Chance>) -> Result<Self, NetError> {
        let per_host = options.max_connections_per_host.max(1);
        let agent = HeaderValue::try_from(options.user_agent)
            .map_err(|_| config("the user agent holds what no HTTP header may hold", "[http] user_agent"))?;
        // Bodies are kept as they are, so none is asked for in another coding.
        let plain = HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static("identity"))]);
        let mut builder =
            reqwest::Client::builder()
                .user_agent(agent)
                .default_headers(plain)
                .connect_timeout(options.connect_timeout)
                .read_timeout(options.timeout)
                .pool_max_idle_per_host(per_host)
                .redirect(Policy::custom(|attempt| {
                    if stays_at_home(&attempt) { attempt.follow() } else { attempt.stop() }
                }))
                .retry(reqwest::retry::never());
        match options.proxy {
            Proxying::Environment => {}
            Proxying::Direct => builder = builder.no_proxy(),
            Proxying::Through(proxy) => {
                // The cause would show the proxy's password.
                let proxy =
                    Proxy::all(proxy).map_err(|_| config("the proxy is no address", "[http] proxy"))?;
                builder = builder.proxy(proxy.no_proxy(NoProxy::from_env()));
            }
        }
        let http = builder.build().map_err(|error| {
            NetError::new(NetErrorKind::Config, format!("failed to set up the HTTP client: {error}"))
                .with_hint("check [http], and that this machine has CA certificates installed")
        })?;
        Ok(Self {
            http,
            limits: HostLimits::new(per_host, Arc::clone(&clock)),
            clock,
            chance,
            times: RetryTimes::default(),
        })
    }

    /// The same client with another patience.
    #[must_use]
    pub fn with_retry_times(mut self, times: RetryTimes) -> Self {
        self.times = times;
        self
    }

    /// How patient this client is.
    pub fn retry_times(&self) -> RetryTimes {
        self.times
    }

    /// The client underneath, for an SDK that brings its own retries.
    pub fn reqwest(&self) -> reqwest::Client {
        self.http.clone()
    }

    /// The limits of the hosts, for whoever sends requests past [`get`](Self::get).
    pub fn limits(&self) -> HostLimits {
        self.limits.clone()
    }

    /// Fresh patience for one operation: whatever it is made of, [`Retry::after`] tells when to try it again.
    pub fn retry(&self) -> Retry<'_> {
        Retry::new(self.times, &*self.clock, &self.chance)
    }

    /// Asks for `url` once, as soon as its host has room. Everything but a 200 is an error.
    pub async fn get(&self, url: &Url, meter: &dyn Meter) -> Result<Download, NetError> {
        let permit = self.limits.acquire(&authority(url)).await;
        meter.request();
        let before = self.clock.now();
        let response = self.http.get(url.clone()).send().await;
        let response = response.map_err(|error| NetError::unanswered(url, error))?;
        let skew = told_time(&response).map(|told| skew(before, self.clock.now(), told));
        if matches!(response.status(), StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
            permit.throttled();
        }
        match response.status() {
            StatusCode::OK => {
                permit.succeeded();
                Ok(Download::new(url.clone(), response, skew, permit))
            }
            status => Err(NetError::status(url, status, retry_after(response.headers(), self.clock.now()))),
        }
    }

    /// What time the server at `url` has, whatever else it answers; `None` when it does not say. Asked once.
    pub async fn date(&self, url: &Url) -> Result<Option<Time>, NetError> {
        let _permit = self.limits.acquire(&authority(url)).await;
        let response = self.http.get(url.clone()).send().await;
        let response = response.map_err(|error| NetError::unanswered(url, error))?;
        Ok(told_time(&response))
    }

    /// The document at `url`, whole, which must not be larger than `limit` bytes. Tried again as often as
    /// patience lasts.
    pub async fn get_bytes(
        &self,
        url: &Url,
        limit: usize,
        meter: &dyn Meter,
    ) -> Result<(Bytes, Validators), NetError> {
        let mut retry = self.retry();
        loop {
            match self.get_bytes_once(url, limit, meter).await {
                Ok(document) => return Ok(document),
                Err(error) => retry.after(error, meter).await?,
            }
        }
    }

    async fn get_bytes_once(
        &self,
        url: &Url,
        limit: usize,
        meter: &dyn Meter,
    ) -> Result<(Bytes, Validators), NetError> {
        let download = self.get(url, meter).await?;
        let validators = download.validators().clone();
        Ok((download.bytes(limit).await?, validators))
    }
}

/// A redirect to another host could lead anywhere; one to the same host is a matter of that host.
fn stays_at_home(attempt: &Attempt<'_>) -> bool {
    attempt.previous().len() <= MAX_REDIRECTS
        && attempt.previous().first().is_some_and(|first| first.origin() == attempt.url().origin())
}

/// The time that a server told with its answer.
fn told_time(response: &Response) -> Option<Time> {
    response.headers().get(DATE).and_then(|date| http_date(date.to_str().ok()?))
}

/// The name under which the limits know the host of `url`.
fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn config(message: &str, key: &str) -> NetError {
    NetError::new(NetErrorKind::Config, message).with_hint(format!("correct {key}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::SystemClock;
    use crate::base::error::Hinted;

    fn options() -> HttpOptions {
        HttpOptions {
            timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(5),
            max_connections_per_host: 4,
            user_agent: "contrail/test".to_owned(),
            proxy: Proxying::Direct,
        }
    }

    fn refused(options: HttpOptions) -> NetError {
        Client::new(options, SystemClock::shared(), Arc::new(Chance::seeded(1))).unwrap_err()
    }

    #[test]
    fn a_proxy_that_is_no_address_is_refused_and_not_shown() {
        let error =
            refused(HttpOptions { proxy: Proxying::Through("http://me:secret@[".to_owned()), ..options() });
        assert_eq!(error.kind, NetErrorKind::Config);
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
        assert_eq!(error.hint(), Some("correct [http] proxy"));
    }

    #[test]
    fn a_user_agent_with_a_line_break_is_refused() {
        assert_eq!(
            refused(HttpOptions { user_agent: "a\r\nb".to_owned(), ..options() }).kind,
            NetErrorKind::Config
        );
    }

    #[test]
    fn the_proxy_is_never_shown() {
        let options =
            HttpOptions { proxy: Proxying::Through("http://me:secret@proxy".to_owned()), ..options() };
        assert!(!format!("{options:?}").contains("secret"));
    }

    #[test]
    fn a_host_is_known_by_its_name_and_an_unusual_port() {
        let known = |url: &str| authority(&Url::parse(url).unwrap());
        assert_eq!(known("https://prices.azure.com:443/x"), "prices.azure.com");
        assert_eq!(known("http://127.0.0.1:8080/x"), "127.0.0.1:8080");
    }
}
