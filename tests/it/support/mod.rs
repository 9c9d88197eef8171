//! What the integration tests share.

pub(crate) mod clock;
pub(crate) mod context;
pub(crate) mod payloads;
pub(crate) mod price_list;
pub(crate) mod server;
