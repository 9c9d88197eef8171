//! The lake: what has been collected, under which key, and how it gets there without ever being lost,
//! doubled or half-written. Knows slices, keys, stores and coverage; knows nothing of any cloud's prices.

pub mod account;
pub mod attempts;
pub mod backlog;
pub mod commit;
pub mod coverage;
pub mod draft;
pub mod facts;
pub mod grid;
pub mod identity;
pub mod interval;
pub mod key;
pub mod ledger;
pub mod meta;
pub mod notice;
pub mod read_back;
mod room;
pub mod run_log;
pub mod slice;
pub mod spool;
pub mod store;
