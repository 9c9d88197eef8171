//! Floor 0: small types that every other room may use. No I/O lives here.

pub mod chance;
pub mod check;
pub mod clock;
pub mod decimal;
pub mod error;
pub mod likeness;
pub mod name;
pub mod policy;
pub mod redact;
pub mod thread;
pub mod units;

pub use chance::Chance;
pub use clock::{Clock, Date, SystemClock, Time};
pub use decimal::{Price, Quantity};
pub use name::Name;
