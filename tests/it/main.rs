//! The one integration test binary: one module for each area.

mod golden;
mod house;
