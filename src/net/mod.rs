//! One polite HTTP client: bounded per host, patient, and the only place that retries plain HTTP.
//! The AWS SDK and the `azure_core` pipeline bring their own retries; nothing here wraps theirs.

mod client;
mod download;
mod error;
mod limits;
mod pace;
mod retry;

pub use client::{Client, HttpOptions, Proxying};
pub use download::{Download, Validators};
pub use error::{NetError, NetErrorKind};
pub use limits::{HostLimits, HostPermit};
pub use retry::{Retry, RetryTimes};

/// Counts what a conversation costs; shared, because tries happen in many places.
pub trait Meter: Send + Sync {
    /// A request goes out, the first or a repeated one.
    fn request(&self);
    /// A request has to be made again.
    fn retry(&self);
}
