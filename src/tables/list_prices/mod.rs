//! `list_prices` and `list_prices_current`: what the price lists of all clouds say, in the same columns with the same
//! meaning. A decoder for each dataset makes rates; everything else is the same for all.

pub mod aws;
mod azure;
pub mod rate;

pub use rate::{Category, Rate};
