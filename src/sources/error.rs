//! Why a fetch failed, as the crawler needs to know it: what should it do now?

use std::time::Duration;

use super::Sentinel;
use crate::base::check::Check;
use crate::base::error::{Hinted, printable};
use crate::base::name::NameError;
use crate::net::{NetError, NetErrorKind};

/// What the crawler should do about a failed fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FetchErrorKind {
    /// The upstream is away, throttling or not ready, and the protocol's own retries are spent: leave the
    /// stream alone until the next tick, or at least for `after`.
    Retry {
        /// What the upstream asked for.
        after: Option<Duration>,
    },
    /// The stream is closed to us: write it down and go on with the others.
    Refused,
    /// Credentials, clock or configuration are wrong: a person must act.
    Config,
    /// The payload is not what it claims to be: keep nothing, look again at the next tick.
    Upstream,
    /// The upstream no longer has it and never will: mark it lost.
    Gone,
    /// This machine failed (a full disk, say), not the upstream.
    Local,
    /// A fault of Contrail itself.
    Bug,
}

impl FetchErrorKind {
    /// The word for it in the run log and in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Retry { .. } => "retry",
            Self::Refused => "refused",
            Self::Config => "config",
            Self::Upstream => "upstream",
            Self::Gone => "gone",
            Self::Local => "local",
            Self::Bug => "bug",
        }
    }
}

/// Why a fetch failed.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct FetchError {
    /// What the crawler should do.
    pub kind: FetchErrorKind,
    /// What failed, on what; one line, without secrets.
    message: String,
    hint: Option<String>,
    /// The change of the upstream's habits that it is, if it is one.
    pub sentinel: Option<Sentinel>,
}

impl FetchError {
    /// An error of `kind`; `message` says what failed and on what, without secrets.
    pub fn new(kind: FetchErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            // An upstream may have had a hand in it.
            message: printable(&message.into()),
            hint: None,
            sentinel: None,
        }
    }

    /// The upstream is away or busy; try at the next tick.
    pub fn retry(message: impl Into<String>) -> Self {
        Self::new(FetchErrorKind::Retry { after: None }, message)
    }

    /// The payload is not what it claims to be.
    pub fn upstream(message: impl Into<String>) -> Self {
        Self::new(FetchErrorKind::Upstream, message)
    }

    /// A fault of Contrail itself.
    pub fn bug(message: impl Into<String>) -> Self {
        Self::new(FetchErrorKind::Bug, message).with_hint("this is a fault in Contrail: please report it")
    }

    /// Says that this is a change of the upstream's habits.
    #[must_use]
    pub fn with_sentinel(self, sentinel: Sentinel) -> Self {
        Self { sentinel: Some(sentinel), ..self }
    }

    /// The error as a check that failed. Nothing tries again by itself here, so the hint is for a person.
    pub fn as_check(&self, name: &str) -> Check {
        let by_kind = match self.kind {
            FetchErrorKind::Retry { .. } => {
                "try again in a while; if it stays so, check the network and the proxy"
            }
            FetchErrorKind::Bug => "this is a fault in Contrail: please report it",
            _ => "check that the upstream itself answers, and no proxy, login page or mirror in its place",
        };
        Check::failed(name, self.message.as_str(), self.hint.as_deref().unwrap_or(by_kind))
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Where nobody knows better, what the crawler will do by itself.
impl Hinted for FetchError {
    fn hint(&self) -> Option<&str> {
        let by_itself = match self.kind {
            FetchErrorKind::Retry { .. } => Some("it is tried again next time; nothing needs to be done"),
            FetchErrorKind::Upstream => Some("nothing of it was kept; it is fetched again next time"),
            _ => None,
        };
        self.hint.as_deref().or(by_itself)
    }
}

/// An upstream told a name that cannot be in a key.
impl From<NameError> for FetchError {
    fn from(error: NameError) -> Self {
        Self::upstream(error.to_string())
    }
}

/// What plain HTTP could not bring, its retries spent. A source that knows more of a missing document says more.
impl From<NetError> for FetchError {
    fn from(error: NetError) -> Self {
        let kind = match error.kind {
            NetErrorKind::Away { after } => FetchErrorKind::Retry { after },
            NetErrorKind::NotFound | NetErrorKind::Protocol | NetErrorKind::TooLarge => {
                FetchErrorKind::Upstream
            }
            NetErrorKind::Refused => FetchErrorKind::Refused,
            NetErrorKind::Config => FetchErrorKind::Config,
        };
        let told = Self::new(kind, error.to_string());
        match error.hint() {
            Some(hint) => told.with_hint(hint),
            None => told,
        }
    }
}

/// Only drafts and the spool touch this machine's disk while fetching.
impl From<std::io::Error> for FetchError {
    fn from(error: std::io::Error) -> Self {
        let hint = match error.kind() {
            std::io::ErrorKind::FileTooLarge => {
                return Self::upstream(error.to_string())
                    .with_hint("no upstream sends so much: check that it is what it claims to be");
            }
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                "make room on the disk of the spool, or set [lake] spool_dir to a larger one"
            }
            _ => "check that the spool directory ([lake] spool_dir) can be written",
        };
        Self::new(FetchErrorKind::Local, format!("failed to write to the spool: {error}")).with_hint(hint)
    }
}
