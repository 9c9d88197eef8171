//! What pools cost when a day ended: what the next day begins with. Read from the object of `spot_prices_daily`, or from
//! its rows where they were made just now, and fingerprinted, so that the next day is made again only if these change.

use std::fs::File;
use std::io;

use arrow_array::cast::AsArray as _;
use arrow_array::types::Decimal128Type;
use arrow_array::{Array as _, RecordBatch};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::errors::ParquetError;
use sha2::{Digest as _, Sha256};

use super::pool::{POOLS, Pool};
use crate::base::Price;
use crate::lake::draft::hex;
use crate::tables::definitions::SPOT_PRICES_DAILY;
use crate::tables::packed::{Damaged, Packer, Unpacker};
use crate::tables::run::Run;

/// The columns that closes are read from.
const COLUMNS: [&str; 6] = [
    "instance_type",
    "region_id",
    "availability_zone_id",
    "availability_zone",
    "product_description",
    "close_price",
];

/// Collects closes, in the order of the table's rows, as packed rows of [`POOLS`].
#[derive(Debug)]
pub(super) struct Closes {
    packer: Packer,
    sha256: Sha256,
}

impl Closes {
    /// None yet.
    pub(super) fn new() -> Self {
        Self { packer: Packer::new(&POOLS), sha256: Sha256::new() }
    }

    /// Adds the close of a pool; `None` where that is unknown, which is as if there were no such pool.
    pub(super) fn add(&mut self, pool: &Pool<'_>) -> Option<&[u8]> {
        pool.unit_price?;
        let row = pool.pack(&mut self.packer);
        // A packed row says where it ends.
        self.sha256.update(row);
        Some(row)
    }

    /// The fingerprint of all of them, in lower-case hex.
    pub(super) fn digest(self) -> String {
        hex(&self.sha256.finalize())
    }
}

/// Hands the close of each pool to `take`, from packed rows of the table.
pub(super) fn of_rows(rows: &Run, mut take: impl FnMut(&Pool<'_>) -> io::Result<()>) -> io::Result<()> {
    let mut rows = rows.rows()?;
    let columns: Vec<_> = SPOT_PRICES_DAILY.packed().map(|(_, column)| column).collect();
    while rows.advance()? {
        let mut unpacker = Unpacker::new(rows.row());
        let mut pool = Pool {
            instance_type: "",
            region_id: "",
            zone_id: None,
            zone: None,
            product_description: "",
            effective_from: None,
            unit_price: None,
        };
        for column in &columns {
            let read = match column.name {
                "instance_type" => {
                    unpacker.next_text(column).map(|text| pool.instance_type = text.unwrap_or_default())
                }
                "region_id" => {
                    unpacker.next_text(column).map(|text| pool.region_id = text.unwrap_or_default())
                }
                "availability_zone_id" => unpacker.next_text(column).map(|text| pool.zone_id = text),
                "availability_zone" => unpacker.next_text(column).map(|text| pool.zone = text),
                "product_description" => {
                    unpacker.next_text(column).map(|text| pool.product_description = text.unwrap_or_default())
                }
                "close_price" => unpacker.next_price(column).map(|price| pool.unit_price = price),
                _ => unpacker.next(column).map(drop),
            };
            read.map_err(|damaged: Damaged| io::Error::other(damaged))?;
        }
        take(&pool)?;
    }
    Ok(())
}

/// Why the closes of an object cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    /// It is no Parquet file, or another table's.
    #[error(transparent)]
    Parquet(#[from] ParquetError),
    /// It lacks a column, as this release knows it.
    #[error("its column {0} is not what it should be")]
    Column(&'static str),
    /// The disk.
    #[error(transparent)]
    Disk(#[from] io::Error),
}

/// Hands the close of each pool to `take`, from an object of the table.
pub(super) fn of_object(
    object: File,
    mut take: impl FnMut(&Pool<'_>) -> io::Result<()>,
) -> Result<(), ReadError> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(object)?;
    let mask = ProjectionMask::columns(builder.parquet_schema(), COLUMNS);
    for batch in builder.with_projection(mask).build()? {
        let batch = batch.map_err(ParquetError::from)?;
        each_pool(&batch, &mut take)?;
    }
    Ok(())
}

fn each_pool(
    batch: &RecordBatch,
    take: &mut impl FnMut(&Pool<'_>) -> io::Result<()>,
) -> Result<(), ReadError> {
    let texts = |name: &'static str| {
        batch
            .column_by_name(name)
            .and_then(|column| column.as_string_opt::<i32>())
            .ok_or(ReadError::Column(name))
    };
    let [machines, regions, ids, zones, products] = [
        texts("instance_type")?,
        texts("region_id")?,
        texts("availability_zone_id")?,
        texts("availability_zone")?,
        texts("product_description")?,
    ];
    let closes = batch
        .column_by_name("close_price")
        .and_then(|column| column.as_primitive_opt::<Decimal128Type>())
        .ok_or(ReadError::Column("close_price"))?;
    for row in 0..batch.num_rows() {
        let price = closes.is_valid(row).then(|| Price::from_units(closes.value(row))).flatten();
        take(&Pool {
            instance_type: machines.value(row),
            region_id: regions.value(row),
            zone_id: ids.is_valid(row).then(|| ids.value(row)),
            zone: zones.is_valid(row).then(|| zones.value(row)),
            product_description: products.value(row),
            effective_from: None,
            unit_price: price,
        })?;
    }
    Ok(())
}
