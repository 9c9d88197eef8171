//! The harness: what tests of several areas share.

pub(crate) mod clock;
pub(crate) mod context;
pub(crate) mod http;
pub(crate) mod payloads;
pub(crate) mod server;
