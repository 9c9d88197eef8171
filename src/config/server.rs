//! `[server]`: `/metrics` and `/healthz` of a running crawler.

use std::net::SocketAddr;

use super::check::anything;
use super::section::Section;

/// `[server]`
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Server {
    /// Where it listens; unset: there is no server.
    pub listen: Option<SocketAddr>,
}

impl Server {
    pub(super) fn read(section: &mut Section<'_, '_>) -> Self {
        Self { listen: section.optional("listen", anything) }
    }
}
