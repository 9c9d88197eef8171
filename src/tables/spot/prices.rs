//! `spot_prices`: every change that the raw objects of a day hold. A row that a window carries over stands under the
//! day of its window, though it began to apply before.

use std::collections::BTreeMap;
use std::io;

use async_trait::async_trait;
use tokio::task::spawn_blocking;

use super::rows::{self, currency, operating_system};
use super::{day_of, inputs, of_day, parts, region_of};
use crate::lake::key::TableObject;
use crate::tables::definitions::SPOT_PRICES;
use crate::tables::holdings::{Holdings, RawObject};
use crate::tables::inputs::Inputs;
use crate::tables::make::{Made, Maker};
use crate::tables::packed::{Damaged, Packer, Unpacker};
use crate::tables::problems::Problems;
use crate::tables::run::Run;
use crate::tables::schema::{Column, Table};
use crate::tables::sort::{Merge, Sorter};
use crate::tables::workshop::{MakeError, Payload, Workshop, broken};
use crate::tables::writer::TableWriter;

/// Makes `spot_prices`.
#[derive(Debug, Clone, Copy)]
pub struct SpotPrices;

#[async_trait]
impl Maker for SpotPrices {
    fn table(&self) -> &'static Table {
        &SPOT_PRICES
    }

    fn parts(&mut self, holdings: &Holdings) -> Vec<TableObject> {
        parts(&SPOT_PRICES, holdings)
    }

    fn inputs(&mut self, object: &TableObject, holdings: &Holdings) -> Inputs {
        day_of(object).map(|day| inputs(of_day(holdings, day))).unwrap_or_default()
    }

    async fn make(
        &mut self,
        object: &TableObject,
        holdings: &Holdings,
        workshop: &Workshop,
        rows: TableWriter,
    ) -> Result<(Made, TableWriter), MakeError> {
        let objects = day_of(object).map(|day| of_day(holdings, day).to_vec()).unwrap_or_default();
        let decoded = workshop.decode(objects, |object| object.key.clone(), decode).await?;
        let (rows, twice) = spawn_blocking(move || write(&decoded.runs, rows)).await.map_err(broken)??;
        let problems = decoded.problems.into_iter().chain(twice).collect();
        Ok((Made { problems, ..Made::default() }, rows))
    }
}

fn decode(
    object: &RawObject,
    payload: &Payload,
    sorter: &mut Sorter,
    problems: &mut Problems,
) -> io::Result<()> {
    let region = region_of(&object.slice);
    let mut packer = Packer::new(&SPOT_PRICES);
    rows::read(payload.open()?, problems, |row| {
        packer
            .begin()
            .put("instance_type", row.instance_type)
            .put("region_id", region)
            .put_or_unknown("availability_zone_id", row.zone_id)
            .put_or_unknown("availability_zone", row.zone)
            .put("product_description", row.product_description)
            .put("effective_from", row.effective_from)
            .put("provider_name", "aws")
            .put("operating_system", operating_system(row.product_description))
            .put("currency", currency(region))
            .put_or_unknown("unit_price", row.unit_price)
            .put("source_key", object.key.as_str());
        sorter.push(packer.row())
    })
}

/// Writes the rows in order, those that tell of the same change once. A change has one price: where rows differ, the
/// first one stands and the problem is told.
fn write(runs: &[Run], mut rows: TableWriter) -> Result<(TableWriter, Vec<Problems>), MakeError> {
    let columns: Vec<&'static Column> = SPOT_PRICES.packed().map(|(_, column)| column).collect();
    let mut problems: BTreeMap<String, Problems> = BTreeMap::new();
    let mut merge = Merge::of(runs)?;
    let (mut last, mut change_bytes) = (Vec::new(), 0);
    while let Some(row) = merge.next()? {
        let bytes = identity_bytes(row, &columns)?;
        if change_bytes == bytes && row.get(..bytes) == last.get(..bytes) {
            let (stands, other) = (told(&last, &columns)?, told(row, &columns)?);
            if stands.price != other.price {
                problems
                    .entry(other.source.to_owned())
                    .or_insert_with(|| Problems::of(other.source))
                    .note(other.pool, format_args!("has another price in {}, which stands", stands.source));
            }
            continue;
        }
        rows.push(row)?;
        last.clear();
        last.extend_from_slice(row);
        change_bytes = bytes;
    }
    Ok((rows, problems.into_values().collect()))
}

/// How many bytes of a packed row say which change it is: the columns that rows are sorted by.
fn identity_bytes(row: &[u8], columns: &[&'static Column]) -> Result<usize, Damaged> {
    let mut unpacker = Unpacker::new(row);
    for column in columns.iter().take(SPOT_PRICES.order.len()) {
        unpacker.next(column)?;
    }
    Ok(row.len() - unpacker.rest().len())
}

/// What is told of two rows that tell of the same change.
struct Told<'a> {
    pool: &'a str,
    price: Option<crate::base::Price>,
    source: &'a str,
}

fn told<'a>(row: &'a [u8], columns: &[&'static Column]) -> Result<Told<'a>, Damaged> {
    let mut unpacker = Unpacker::new(row);
    let mut told = Told { pool: "", price: None, source: "" };
    for column in columns {
        match column.name {
            "instance_type" => told.pool = unpacker.next_text(column)?.unwrap_or_default(),
            "unit_price" => told.price = unpacker.next_price(column)?,
            "source_key" => told.source = unpacker.next_text(column)?.unwrap_or_default(),
            _ => drop(unpacker.next(column)?),
        }
    }
    Ok(told)
}
