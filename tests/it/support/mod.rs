//! The harness: what tests of several areas share.

pub(crate) mod ec2;
pub(crate) mod lake;
pub(crate) mod payloads;
