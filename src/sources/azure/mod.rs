//! Sources of Microsoft Azure, and the one pipeline that they all ask through.

pub mod pipeline;
mod policies;
pub mod retail_prices;
