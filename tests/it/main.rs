//! The one integration test binary: one module for each area.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod net;
mod price_list;
mod support;
