//! The tables: what the raw payloads say, as Parquet that every engine reads. All of it is derived: `raw/` can build
//! `tables/` at any time, and a row that cannot be read is reported and holds up nothing. Never here: fetching, and
//! anything that only the crawler knows.

pub mod build;
pub mod coverage;
pub mod definitions;
pub mod holdings;
pub mod inputs;
mod lines;
pub mod list_prices;
pub mod make;
pub mod packed;
pub mod problems;
pub mod raw;
mod release;
pub mod run;
pub mod runs;
pub mod scan;
pub mod schema;
pub mod scratch;
pub mod sort;
pub mod spot;
#[cfg(test)]
pub(crate) mod test_lake;
pub mod workshop;
pub mod writer;

use crate::base::Time;
use crate::sources::inspect::DATASETS;
use make::Maker;

pub use definitions::TABLES;
pub use problems::{Problem, Problems};
pub use schema::{Column, Kind, Partitions, Table};

/// Who makes each table, in the order in which they are built. A new table is one line here and one in [`TABLES`].
fn makers(now: Time) -> Vec<Box<dyn Maker>> {
    vec![
        Box::new(spot::SpotPrices),
        Box::new(spot::SpotPricesDaily::default()),
        Box::new(list_prices::Changes::default()),
        Box::new(list_prices::Current::default()),
        Box::new(coverage::CoverageMaker::new(now)),
        Box::new(runs::RunsMaker),
    ]
}

/// Whether the slices of a dataset are windows of time: of these there are many objects a day.
fn is_windows(dataset: &str) -> bool {
    DATASETS.iter().any(|known| known.id == dataset && known.windows)
}
