//! The crawler: asks each source what is missing, fetches it, and sees it safely into the lake. Schedule, plan,
//! run, supervise and shut down; no HTTP and no SDK calls.
//!
//! ```text
//! supervise ─ tick ─▶ plan ─▶ fetch (bounded) ─▶ spool ─▶ upload ─▶ lake
//!                                                              └─▶ run log, metrics, observer
//! ```
//!
//! To read it: `supervise` opens the lake and the spool, starts the ticks and ends them; `schedule` says when
//! and `shutdown` in which stages. A `tick` plans, fetches and plans again, in the `order` that favours the
//! present, and lets streams `rest` that fail. What it goes by is in `ledgers`: what the lake has and what
//! still waits. A `fetch` ends as an entry of the spool, after `judge` has compared it with the slot before and `habits` with
//! what its upstream usually does.
//! From there `upload` takes it up, and only it knows whether the store answers. A `run` keeps the lines and
//! the numbers of one tick for its `report`, until the last of its entries is up.
//!
//! Every `select!` here is `biased`: with time and chance injected, a simulated course is the same each time.

mod context;
mod dry_run;
mod fetch;
mod habits;
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
mod upload_state;

pub use context::{LakeSetup, Scheduled};
pub use dry_run::{Planned, dry_run};
pub use report::{Interruption, Observer, Problem, Report, Silent, Tally, Waiting};
pub use schedule::{Heartbeat, Pace, Schedule};
pub use shutdown::{Shutdown, Signals, signals};
pub use supervise::{Crawler, CrawlerError, Options};
