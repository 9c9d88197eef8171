//! The one integration test binary: one module for each area.
#![cfg(test)]

mod config;
mod golden;
mod house;
mod net;
mod price_list;
mod support;
