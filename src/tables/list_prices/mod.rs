//! `list_prices` and `list_prices_current`: what the price lists of all clouds say, in the same columns with the same
//! meaning. A decoder for each dataset makes rates; everything else is the same for all.
//!
//! A list becomes a state: its rates, each once. States of one stream side by side are what changed (`list_prices`); the
//! newest of all streams are what things cost now (`list_prices_current`).

mod archive;
pub mod aws;
mod azure;
mod changes;
mod current;
mod describing;
mod difference;
mod feeds;
pub mod rate;
mod service;
mod split;
mod state;

pub(super) use changes::Changes;
pub(super) use current::Current;
pub use rate::{Category, Rate};

#[cfg(test)]
mod tests;
