//! Why a conversation over HTTP failed, told without secrets.

use std::time::Duration;

use reqwest::StatusCode;
use url::Url;

use crate::base::error::{Hinted, one_line};
use crate::base::redact::redacted;

/// What kind of failure it is, which is: whether it can pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NetErrorKind {
    /// Out of reach, throttling, failing or cut off: it can pass by itself.
    Away {
        /// What the server asked us to wait.
        after: Option<Duration>,
    },
    /// 404 or 410: there is no such thing, or not yet.
    NotFound,
    /// Another status of the 400s: the server does not want to answer us.
    Refused,
    /// The answer is none that the protocol allows here, as a redirect to another host.
    Protocol,
    /// The body is larger than what was agreed.
    TooLarge,
    /// Our own settings are wrong: a person must act.
    Config,
}

/// Why a conversation over HTTP failed.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct NetError {
    /// Whether it can pass.
    pub kind: NetErrorKind,
    /// What failed, on what; one line, without secrets.
    message: String,
    hint: Option<String>,
}

impl NetError {
    /// An error of `kind`; `message` says what failed and on what, without secrets.
    pub fn new(kind: NetErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None }
    }

    /// The body of `url` ended before it was whole.
    pub fn cut(url: &Url, cause: &str) -> Self {
        Self::new(
            NetErrorKind::Away { after: None },
            format!("the body of {} was cut off: {cause}", redacted(url)),
        )
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What `reqwest` says about a request for `url` that brought no answer.
    pub(super) fn unanswered(url: &Url, error: reqwest::Error) -> Self {
        // The error would show the address once more, and unredacted.
        let error = error.without_url();
        let message = format!("failed to get {}: {}", redacted(url), one_line(&error));
        if error.is_builder() {
            return Self::new(NetErrorKind::Config, message)
                .with_hint("check the address in the configuration");
        }
        let hint = if error.is_connect() {
            "check the network, the proxy ([http] proxy) and this machine's clock and certificates"
        } else {
            "if this persists, check the network or raise [http] timeout"
        };
        Self::new(NetErrorKind::Away { after: None }, message).with_hint(hint)
    }

    /// What the status of an answer means when it is not 200.
    pub(super) fn status(url: &Url, status: StatusCode, after: Option<Duration>) -> Self {
        let url = redacted(url);
        let message = format!("{url} answered {status}");
        match status {
            StatusCode::NOT_FOUND | StatusCode::GONE => Self::new(NetErrorKind::NotFound, message),
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => {
                Self::new(NetErrorKind::Away { after }, message)
            }
            StatusCode::PROXY_AUTHENTICATION_REQUIRED => Self::new(NetErrorKind::Config, message)
                .with_hint("put the user and the password of the proxy into [http] proxy"),
            _ if status.is_server_error() => Self::new(NetErrorKind::Away { after }, message),
            _ if status.is_client_error() => Self::new(NetErrorKind::Refused, message)
                .with_hint("check that no firewall or proxy answers in the place of the server"),
            _ if status.is_redirection() => {
                Self::new(NetErrorKind::Protocol, format!("{message}, which does not stay on the host"))
                    .with_hint("redirects are followed on the same host only")
            }
            _ => Self::new(NetErrorKind::Protocol, format!("{message} where 200 was expected")),
        }
    }
}

impl Hinted for NetError {
    fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}
