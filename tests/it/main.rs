//! The one integration test binary: one module for each area.
#![cfg(test)]

mod azure;
mod support;
