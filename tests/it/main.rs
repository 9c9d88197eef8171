//! The one integration test binary: one module for each area.
#![cfg(test)]

mod azure;
mod config;
mod conformance;
mod golden;
mod house;
mod net;
mod price_list;
mod readme;
mod s3_servers;
mod sandbox;
mod spot;
mod support;
