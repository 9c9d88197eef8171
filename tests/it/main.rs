//! The one integration test binary: one module for each area.
#![cfg(test)]

mod spot;
mod support;
