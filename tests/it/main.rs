//! The one integration test binary: one module for each area.
#![cfg(test)]

mod azure;
mod config;
mod golden;
mod house;
mod net;
mod price_list;
mod sandbox;
mod spot;
mod support;
