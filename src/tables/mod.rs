//! The tables: what the raw payloads say, as Parquet that every engine reads. All of it is derived: `raw/` can build
//! `tables/` at any time, and a row that cannot be read is reported and holds up nothing. Never here: fetching, and
//! anything that only the crawler knows.

pub mod definitions;
pub mod holdings;
pub mod inputs;
mod lines;
pub mod list_prices;
pub mod make;
pub mod packed;
pub mod problems;
pub mod run;
pub mod schema;
pub mod scratch;
pub mod sort;
pub mod workshop;
pub mod writer;

pub use definitions::TABLES;
pub use problems::{Problem, Problems};
pub use schema::{Column, Kind, Partitions, Table};
