//! Packed rows, in order, into a Parquet file. What the file is like (compression, row groups, pages, statistics, bloom
//! filters) is decided here and nowhere else. Equal rows give equal bytes.

use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;

use arrow_array::builder::{
    BooleanBuilder, Decimal128Builder, Int64Builder, StringBuilder, TimestampMicrosecondBuilder,
};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use sha2::{Digest as _, Sha256};

use super::packed::{Damaged, Unpacker, Value};
use super::schema::{Column, Kind, Table};

/// Rows that are turned into columns at once.
const BATCH_ROWS: usize = 8_192;
/// Rows of a row group: readers fetch and skip by these, and each has an index of its pages of its own, which a reader
/// must fetch to find one. Larger ones have a longer index, smaller ones make a longer footer: both are measured by
/// `scan`, whose tests hold what a question may read.
const ROW_GROUP_ROWS: usize = 1 << 16;
/// Rows of a page, the least that a reader fetches. Rows of one machine stand together, so a question about one of them
/// is answered from few pages, and those should hold little else.
const PAGE_ROWS: usize = 1_024;
/// How many different values a bloom filter is made for.
const SOUGHT_VALUES: u64 = 4_096;

/// Why a table was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The disk.
    #[error("failed to write a table: {0}")]
    Disk(#[from] io::Error),
    /// The encoder, which has no reason to fail but the disk.
    #[error("failed to write a table: {0}")]
    Parquet(#[from] ParquetError),
    /// A row that was packed wrongly, or damaged on the disk since.
    #[error(transparent)]
    Damaged(#[from] Damaged),
}

/// A table that was written whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// How many rows it has.
    pub rows: u64,
    /// Length of the file in bytes.
    pub bytes: u64,
    /// sha256 of the file, in lower-case hex.
    pub sha256: String,
}

/// Writes rows of one table into a file.
#[derive(Debug)]
pub struct TableWriter {
    schema: SchemaRef,
    // By their place among the published columns.
    builders: Vec<Builder>,
    packed: Vec<(usize, &'static Column)>,
    writer: ArrowWriter<Hashing>,
    pending: usize,
    rows: u64,
}

impl TableWriter {
    /// Begins a file of `table`.
    pub fn new(table: &'static Table, file: File) -> Result<Self, WriteError> {
        let schema = table.arrow();
        let options =
            ArrowWriterOptions::new().with_properties(properties(table)?).with_skip_arrow_metadata(true);
        let sink = Hashing { file, sha256: Sha256::new(), bytes: 0 };
        Ok(Self {
            builders: table.columns.iter().map(|column| Builder::new(column.kind)).collect(),
            packed: table.packed().collect(),
            writer: ArrowWriter::try_new_with_options(sink, Arc::clone(&schema), options)?,
            schema,
            pending: 0,
            rows: 0,
        })
    }

    /// Adds a row, which must not come before the one that was added last.
    pub fn push(&mut self, row: &[u8]) -> Result<(), WriteError> {
        let mut unpacker = Unpacker::new(row);
        for (index, column) in &self.packed {
            let value = unpacker.next(column)?;
            self.builders.get_mut(*index).ok_or(Damaged)?.append(value)?;
        }
        if !unpacker.rest().is_empty() {
            return Err(Damaged.into());
        }
        self.rows += 1;
        self.pending += 1;
        if self.pending == BATCH_ROWS {
            self.flush()?;
        }
        Ok(())
    }

    /// Ends the file, durably.
    pub fn finish(mut self) -> Result<Written, WriteError> {
        if self.pending > 0 {
            self.flush()?;
        }
        let sink = self.writer.into_inner()?;
        sink.file.sync_all()?;
        Ok(Written {
            rows: self.rows,
            bytes: sink.bytes,
            sha256: crate::lake::draft::hex(&sink.sha256.finalize()),
        })
    }

    fn flush(&mut self) -> Result<(), WriteError> {
        let arrays = self.builders.iter_mut().map(Builder::finish).collect();
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), arrays).map_err(ParquetError::from)?;
        self.pending = 0;
        Ok(self.writer.write(&batch)?)
    }
}

fn properties(table: &Table) -> Result<WriterProperties, ParquetError> {
    let sorting = table.order.iter().filter_map(|name| table.index(name)).map(|index| SortingColumn {
        column_idx: i32::try_from(index).unwrap_or_default(),
        descending: false,
        nulls_first: true,
    });
    let mut properties = WriterProperties::builder()
        .set_created_by(format!("contrail {}", env!("CARGO_PKG_VERSION")))
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_write_batch_size(PAGE_ROWS)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_sorting_columns(Some(sorting.collect()));
    // Where rows are sorted by a column its pages differ; elsewhere the index would only be bytes to fetch.
    for name in table.order {
        properties =
            properties.set_column_statistics_enabled(ColumnPath::from(*name), EnabledStatistics::Page);
    }
    // Nearly every moment and price is another one: a dictionary of them would be most of the column, and has to be
    // fetched with any page of it.
    for column in table.columns {
        if matches!(column.kind, Kind::Moment | Kind::Price | Kind::Quantity) {
            properties = properties.set_column_dictionary_enabled(ColumnPath::from(column.name), false);
        }
    }
    for name in table.sought {
        let column = ColumnPath::from(*name);
        properties = properties
            .set_column_bloom_filter_enabled(column.clone(), true)
            .set_column_bloom_filter_max_ndv(column, SOUGHT_VALUES);
    }
    Ok(properties.build())
}

/// Collects the values of one column.
#[derive(Debug)]
enum Builder {
    Text(StringBuilder),
    Decimal(Decimal128Builder),
    Moment(TimestampMicrosecondBuilder),
    Integer(Int64Builder),
    Boolean(BooleanBuilder),
}

impl Builder {
    fn new(kind: Kind) -> Self {
        match kind {
            Kind::Text => Self::Text(StringBuilder::new()),
            Kind::Price | Kind::Quantity => {
                Self::Decimal(Decimal128Builder::new().with_data_type(kind.arrow()))
            }
            Kind::Moment => Self::Moment(TimestampMicrosecondBuilder::new().with_data_type(kind.arrow())),
            Kind::Integer => Self::Integer(Int64Builder::new()),
            Kind::Boolean => Self::Boolean(BooleanBuilder::new()),
        }
    }

    fn append(&mut self, value: Option<Value<'_>>) -> Result<(), Damaged> {
        match (self, value) {
            (Self::Text(builder), Some(Value::Text(text))) => builder.append_value(text),
            (Self::Text(builder), None) => builder.append_null(),
            (Self::Decimal(builder), Some(Value::Price(price))) => builder.append_value(price.units()),
            (Self::Decimal(builder), Some(Value::Quantity(quantity))) => {
                builder.append_value(quantity.units());
            }
            (Self::Decimal(builder), None) => builder.append_null(),
            (Self::Moment(builder), Some(Value::Moment(time))) => {
                builder.append_value(time.timestamp_micros());
            }
            (Self::Moment(builder), None) => builder.append_null(),
            (Self::Integer(builder), Some(Value::Integer(number))) => builder.append_value(number),
            (Self::Integer(builder), None) => builder.append_null(),
            (Self::Boolean(builder), Some(Value::Boolean(truth))) => builder.append_value(truth),
            (Self::Boolean(builder), None) => builder.append_null(),
            _ => return Err(Damaged),
        }
        Ok(())
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Text(builder) => Arc::new(builder.finish()),
            Self::Decimal(builder) => Arc::new(builder.finish()),
            Self::Moment(builder) => Arc::new(builder.finish()),
            Self::Integer(builder) => Arc::new(builder.finish()),
            Self::Boolean(builder) => Arc::new(builder.finish()),
        }
    }
}

/// A file whose bytes are counted and hashed as they are written.
struct Hashing {
    file: File,
    sha256: Sha256,
    bytes: u64,
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.sha256.update(bytes.get(..written).unwrap_or(bytes));
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl std::fmt::Debug for Hashing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hashing").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::cast::AsArray as _;
    use arrow_array::types::{Decimal128Type, TimestampMicrosecondType};
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    use super::*;
    use crate::base::{Price, Time};
    use crate::tables::definitions::SPOT_PRICES;
    use crate::tables::packed::Packer;

    fn pack(packer: &mut Packer, minute: u32, price: Option<&str>) -> Vec<u8> {
        let time: Time = format!("2026-11-21T20:{minute:02}:00.123456Z").parse().unwrap();
        packer
            .begin()
            .put("instance_type", "m5.large")
            .put_or_unknown("region_id", Some("us-east-1"))
            .put_or_unknown("availability_zone_id", Some("use1-az1"))
            .put_or_unknown("availability_zone", None::<&str>)
            .put("product_description", "Linux/UNIX")
            .put("effective_from", time)
            .put("provider_name", "aws")
            .put("operating_system", "Linux")
            .put("currency", "USD")
            .put_or_unknown("unit_price", price.and_then(Price::read))
            .put("source_key", "raw/k");
        packer.row().to_vec()
    }

    #[test]
    fn rows_read_back_and_equal_rows_are_equal_bytes() {
        let directory = tempfile::tempdir().unwrap();
        let mut packer = Packer::new(&SPOT_PRICES);
        let rows: Vec<_> = [(1, Some("0.035")), (2, None), (3, Some("0"))]
            .map(|(minute, price)| pack(&mut packer, minute, price))
            .into();
        let write = |name: &str| {
            let path = directory.path().join(name);
            let mut writer = TableWriter::new(&SPOT_PRICES, File::create(&path).unwrap()).unwrap();
            for row in &rows {
                writer.push(row).unwrap();
            }
            (writer.finish().unwrap(), path)
        };
        let ((one, path), (other, _)) = (write("one"), write("other"));
        assert_eq!(one, other);
        assert_eq!((one.rows, one.bytes), (3, std::fs::metadata(&path).unwrap().len()));

        let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&path).unwrap()).unwrap();
        assert_eq!(reader.schema().fields(), SPOT_PRICES.arrow().fields());
        let batch = reader.build().unwrap().next().unwrap().unwrap();
        let prices = batch.column_by_name("unit_price").unwrap().as_primitive::<Decimal128Type>();
        assert_eq!(prices.iter().collect::<Vec<_>>(), [Some(350_000_000), None, Some(0)]);
        let times =
            batch.column_by_name("effective_from").unwrap().as_primitive::<TimestampMicrosecondType>();
        assert_eq!(times.value(0) % 1_000_000, 123_456);
    }

    #[test]
    fn a_table_without_rows_is_a_table() {
        let directory = tempfile::tempdir().unwrap();
        for table in crate::tables::TABLES {
            let path = directory.path().join(table.name);
            let written = TableWriter::new(table, File::create(&path).unwrap()).unwrap().finish().unwrap();
            assert_eq!(written.rows, 0);
            let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&path).unwrap()).unwrap();
            assert_eq!(reader.schema().fields(), table.arrow().fields());
        }
    }
}
