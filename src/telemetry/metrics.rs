//! Under construction.
use crate::base::Time;
use crate::lake::run_log::Attempt;
/// x
pub fn attempt(_: &Attempt) {}
/// x
pub fn tick(_: &str, _: bool, _: Time, _: chrono::TimeDelta) {}
/// x
pub fn spool(_: u64, _: u64, _: bool) {}
/// x
pub fn spool_waiting(_: bool) {}
/// x
pub fn store_up(_: bool) {}
