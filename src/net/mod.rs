//! One polite HTTP client: bounded per host, patient, and the only place that retries plain HTTP.
//! The AWS SDK and the `azure_core` pipeline bring their own retries; nothing here wraps theirs.

mod client;
mod limits;

pub use client::{Client, Download, HttpOptions, NetError, NetErrorKind};
pub use limits::{HostLimits, HostPermit};
