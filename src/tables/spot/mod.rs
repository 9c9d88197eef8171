//! `spot_prices` and `spot_prices_daily`: what the spot history of AWS says, and what it comes to each day.

mod closes;
mod covered;
mod daily;
mod gather;
mod pool;
mod pools;
mod prices;
mod rows;
#[cfg(test)]
mod simulation;
mod summary;
#[cfg(test)]
mod tests;
mod text;

use crate::base::{Date, Name};
use crate::lake::key::{TableObject, TablePart};
use crate::lake::slice::Slice;
use crate::sources::aws::spot_prices::DATASET;
use crate::tables::holdings::{Holdings, RawObject};
use crate::tables::inputs::Inputs;
use crate::tables::schema::Table;

pub use daily::SpotPricesDaily;
pub use prices::SpotPrices;

/// The part of a stream that names its region.
const REGION: &str = "region";

/// An object of `table` for each day that has raw objects.
fn parts(table: &Table, holdings: &Holdings) -> Vec<TableObject> {
    let Ok(name) = Name::new("table", table.name) else { return Vec::new() };
    let mut days: Vec<Date> = holdings.of(DATASET.id).iter().map(|object| object.slice.day()).collect();
    days.dedup();
    days.into_iter().map(|day| TableObject::day(name.clone(), day)).collect()
}

/// The day of an object; `None` for one that is none of these tables'.
fn day_of(object: &TableObject) -> Option<Date> {
    match object.part() {
        TablePart::Day(day) => Some(*day),
        TablePart::Service(_) => None,
    }
}

/// The raw objects of a day. Their keys, and so the objects, are in the order of days.
fn of_day(holdings: &Holdings, day: Date) -> &[RawObject] {
    let all = holdings.of(DATASET.id);
    let (_, rest) = all.split_at(all.partition_point(|object| object.slice.day() < day));
    rest.split_at(rest.partition_point(|object| object.slice.day() == day)).0
}

/// The raw objects of a day, as inputs.
fn inputs(objects: &[RawObject]) -> Inputs {
    let mut inputs = Inputs::default();
    for object in objects {
        inputs.add(&object.key, &object.etag);
    }
    inputs
}

/// The region that a slice is of. Every key of the dataset names one.
fn region_of(slice: &Slice) -> &str {
    slice.stream().part(REGION).unwrap_or_default()
}
