//! The harness: what tests of several areas share.

pub(crate) mod clock;
pub(crate) mod context;
pub(crate) mod crawl;
pub(crate) mod ec2;
pub(crate) mod fake_source;
pub(crate) mod faulty_store;
pub(crate) mod heard;
pub(crate) mod http;
pub(crate) mod lake;
pub(crate) mod lake_reader;
pub(crate) mod payloads;
pub(crate) mod place;
pub(crate) mod price_list;
pub(crate) mod program;
pub(crate) mod rig;
pub(crate) mod server;
pub(crate) mod servers;
pub(crate) mod simulation;
pub(crate) mod skip;
pub(crate) mod tamper;
pub(crate) mod unreliable;
