//! The one integration test binary: one module for each area.
#![cfg(test)]

mod config;
mod golden;
mod house;
