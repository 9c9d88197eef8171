//! The crawler: asks each source what is missing, fetches it, and sees it safely into the lake. Schedule, plan,
//! run, supervise and shut down; no HTTP and no SDK calls.
//!
//! ```text
//! supervise ─ tick ─▶ plan ─▶ fetch (bounded) ─▶ spool ─▶ upload ─▶ lake
//!                                                              └─▶ run log, metrics, observer
//! ```

mod context;
mod dry_run;
mod fetch;
mod judge;
mod ledgers;
mod order;
mod report;
mod rest;
mod run;
mod schedule;
mod shutdown;
mod supervise;
mod tick;
mod upload;

pub use context::{LakeSetup, Scheduled};
pub use dry_run::{Planned, dry_run};
pub use report::{Interruption, Observer, Problem, Report, Silent, Tally, Waiting};
pub use schedule::{Heartbeat, Pace, Schedule};
pub use shutdown::{Shutdown, Signals, signals};
pub use supervise::{Crawler, CrawlerError, Options};
