//! The one integration test binary: one module for each area.

mod conformance;
mod s3_servers;
mod support;
