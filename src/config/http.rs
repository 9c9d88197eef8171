//! `[http]`: manners towards upstreams.

use super::check::{between, has_credentials, http_url, plain};
use super::secret::Secret;
use super::section::Section;
use crate::base::units::Period;

/// `[http]`
#[derive(Debug, Clone, PartialEq)]
pub struct Http {
    /// How long an upstream may stay silent before a request is given up. Long bodies that keep coming are fine.
    pub timeout: Period,
    /// How long a connection may take.
    pub connect_timeout: Period,
    /// How many requests may be under way at one host.
    pub max_connections_per_host: usize,
    /// Who we say we are; unset: see [`Http::user_agent`].
    pub user_agent: Option<String>,
    /// The proxy, which may carry a user and a password; unset: as `HTTPS_PROXY` and its like say.
    pub proxy: Option<Secret>,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            timeout: Period::seconds(30),
            connect_timeout: Period::seconds(10),
            max_connections_per_host: 16,
            user_agent: None,
            proxy: None,
        }
    }
}

impl Http {
    pub(super) fn read(section: &mut Section<'_, '_>) -> Self {
        let default = Self::default();
        let patience = || between(Period::seconds(1), Period::seconds(3_600));
        Self {
            timeout: section.value("timeout", default.timeout, patience()),
            connect_timeout: section.value("connect_timeout", default.connect_timeout, patience()),
            max_connections_per_host: section.number(
                "max_connections_per_host",
                default.max_connections_per_host,
                1,
                256,
            ),
            user_agent: section.optional("user_agent", |value: &String| {
                plain(value)?;
                if value.is_ascii() {
                    Ok(())
                } else {
                    Err("must be ASCII: it is sent as a header".to_owned())
                }
            }),
            // A proxy without a user is no secret, so that one may be written out.
            proxy: section.secret("proxy", |value| http_url(value).map(|url| has_credentials(&url))),
        }
    }

    /// Who we say we are to upstreams: what was set, else `contrail/<version>`.
    pub fn user_agent(&self) -> &str {
        self.user_agent.as_deref().unwrap_or(concat!("contrail/", env!("CARGO_PKG_VERSION")))
    }
}
