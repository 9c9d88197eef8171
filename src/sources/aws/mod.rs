//! Sources of Amazon Web Services.

pub mod price_list;
pub mod spot_prices;
