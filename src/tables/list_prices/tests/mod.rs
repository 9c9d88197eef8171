//! What the price lists of some days make of the tables: against a model, and through the makers.

mod lake;
mod model;
mod plans;
pub(super) mod recordings;
