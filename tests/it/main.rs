//! The one integration test binary: one module for each area.
#![cfg(test)]

mod azure;
mod backfill;
mod config;
mod conformance;
mod crawl;
mod crawler;
mod doctor;
mod engines;
mod fire;
mod golden;
mod house;
mod local_processes;
mod net;
mod price;
mod price_list;
#[cfg(feature = "sql")]
mod query;
mod readers;
mod readme;
mod replay;
mod s3_servers;
mod sandbox;
mod savings_plans;
mod security;
mod simulation;
mod spot;
mod spot_advisor;
mod status;
mod support;
mod tables;
mod throttling;
mod verify;
#[cfg(not(feature = "sql"))]
mod without_sql;
