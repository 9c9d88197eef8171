//! Sources of Microsoft Azure.

pub mod retail_prices;
