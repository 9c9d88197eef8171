//! Logs and metrics: how a running Contrail tells what it does. Never here: deciding what is worth telling, and
//! anything that changes what is done.

pub mod log;
pub mod metrics;
pub mod server;
