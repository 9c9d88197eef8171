//! Reading one object of a table: its end, then what the end says is worth reading.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::Schema;
use bytes::{Bytes, BytesMut};
use parquet::DecodeResult;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, RowSelection};
use parquet::arrow::push_decoder::{ParquetPushDecoder, ParquetPushDecoderBuilder};
use parquet::bloom_filter::Sbbf;
use parquet::file::metadata::{
    ColumnChunkMetaData, PageIndexPolicy, ParquetMetaData, ParquetMetaDataPushDecoder, RowGroupMetaData,
};
use tokio::task::spawn_blocking;

use super::columns::Row;
use super::error::ScanError;
use super::pieces::{Pieces, Tally};
use super::{Part, Scan, prune};
use crate::lake::store::{Store, StoreErrorKind};
use crate::tables::schema::Table;

/// How often an object that is replaced meanwhile is begun again.
const ATTEMPTS: usize = 4;
/// Rows that are turned into columns at once.
const BATCH_ROWS: usize = 8_192;

/// What `add` makes of the rows of one object that match.
pub(super) async fn read<A: Default + Send>(
    scan: &Scan,
    store: &dyn Store,
    mut part: Part,
    tally: &Tally,
    add: &(impl Fn(&mut A, &Row<'_>) + Sync),
) -> Result<A, ScanError> {
    for _ in 0..ATTEMPTS {
        match read_once(scan, store, &part, tally, add).await {
            Err(ScanError::Store(error)) if error.kind == StoreErrorKind::Changed => {
                let found = store.find(&part.key).await?.ok_or(ScanError::Store(error))?;
                (part.etag, part.bytes) = (found.etag, found.bytes);
            }
            read => return read,
        }
    }
    Err(ScanError::Restless { key: part.key.to_string() })
}

async fn read_once<A: Default + Send>(
    scan: &Scan,
    store: &dyn Store,
    part: &Part,
    tally: &Tally,
    add: &(impl Fn(&mut A, &Row<'_>) + Sync),
) -> Result<A, ScanError> {
    let object = Object { scan, part, pieces: Pieces::open(store, part, tally).await? };
    let mut found = A::default();
    let metadata = object.metadata().await?;
    object.check_columns(&metadata)?;
    let Some(metadata) = object.worth_reading(metadata).await? else { return Ok(found) };
    let metadata = ArrowReaderMetadata::try_new(Arc::new(metadata), options())
        .map_err(|error| object.damaged(&error))?;
    for group in 0..metadata.metadata().num_row_groups() {
        let selection = prune::pages(metadata.metadata(), group, &scan.conditions);
        if selection.as_ref().is_some_and(|rows| !rows.selects_any()) {
            continue;
        }
        let mut decoder = Some(object.decoder(&metadata, group, selection)?);
        while let Some(ready) = decoder.take() {
            let (next, batch) = object.next_batch(ready).await?;
            if let Some(batch) = batch {
                Row::all(&batch)
                    .filter(|row| scan.conditions.iter().all(|condition| condition.admits(row)))
                    .for_each(|row| add(&mut found, &row));
                decoder = Some(next);
            }
        }
    }
    Ok(found)
}

/// What stands in the file about Arrow says nothing that the table does not say.
fn options() -> ArrowReaderOptions {
    ArrowReaderOptions::new().with_skip_arrow_metadata(true)
}

struct Object<'a> {
    scan: &'a Scan,
    part: &'a Part,
    pieces: Pieces<'a>,
}

impl Object<'_> {
    /// The footer, without the page index.
    async fn metadata(&self) -> Result<ParquetMetaData, ScanError> {
        let mut decoder = ParquetMetaDataPushDecoder::try_new(self.pieces.bytes())
            .map_err(|error| self.damaged(&error))?
            .with_page_index_policy(PageIndexPolicy::Skip);
        loop {
            let decoded;
            (decoder, decoded) = self
                .off_thread(move || {
                    let decoded = decoder.try_decode();
                    (decoder, decoded)
                })
                .await?;
            match decoded.map_err(|error| self.damaged(&error))? {
                DecodeResult::Data(metadata) => return Ok(metadata),
                DecodeResult::NeedsData(ranges) => {
                    let bytes = self.fetch(&ranges).await?;
                    decoder.push_ranges(ranges, bytes).map_err(|error| self.damaged(&error))?;
                }
                DecodeResult::Finished => return Err(self.damaged(&"its footer is missing")),
            }
        }
    }

    /// A table may have grown columns that change what a row means, so all of them must be known.
    fn check_columns(&self, metadata: &ParquetMetaData) -> Result<(), ScanError> {
        let file = metadata.file_metadata();
        let schema = parquet::arrow::parquet_to_arrow_schema(file.schema_descr(), None)
            .map_err(|error| self.damaged(&error))?;
        let table = self.scan.table;
        let Some((difference, is_newer)) = difference(&schema, table) else { return Ok(()) };
        let name = table.name;
        let hint = if is_newer {
            format!(
                "update Contrail, or build it anew with this release: contrail tables build --rebuild {name}"
            )
        } else {
            format!("build it anew with this release: contrail tables build {name}")
        };
        let writer = file.created_by().unwrap_or("which does not say its name");
        Err(ScanError::OtherRelease {
            key: self.part.key.to_string(),
            writer: crate::base::error::printable(writer),
            difference,
            hint,
        })
    }

    /// The row groups that can hold an answer, with as much of their page index as the question needs; `None` where
    /// there are none.
    async fn worth_reading(&self, metadata: ParquetMetaData) -> Result<Option<ParquetMetaData>, ScanError> {
        let conditions = &self.scan.conditions;
        let may_hold = |group: &&RowGroupMetaData| {
            group.num_rows() > 0 && conditions.iter().all(|condition| prune::group_may_hold(group, condition))
        };
        let groups: Vec<RowGroupMetaData> = metadata.row_groups().iter().filter(may_hold).cloned().collect();
        let blooms: Vec<(usize, usize, Range<u64>)> = groups
            .iter()
            .enumerate()
            .flat_map(|(group, metadata)| {
                conditions.iter().enumerate().filter_map(move |(condition, asked)| {
                    Some((group, condition, prune::bloom_range(metadata, asked)?))
                })
            })
            .collect();
        // Without a condition every page is read, and where they begin is of no use.
        let indexed =
            if conditions.is_empty() { None } else { groups.iter().map(|it| self.indexed(it)).collect() };
        let indexed: Option<Vec<RowGroupMetaData>> = indexed;
        let index: Vec<Range<u64>> = indexed.iter().flatten().flat_map(index_ranges).collect();
        let wanted: Vec<Range<u64>> =
            blooms.iter().map(|(_, _, range)| range).chain(&index).cloned().collect();
        let mut fetched = self.fetch(&wanted).await?;
        let index_bytes = fetched.split_off(blooms.len());
        let mut is_held = vec![true; groups.len()];
        for ((group, condition, _), bytes) in blooms.into_iter().zip(fetched) {
            let filter = self.off_thread(move || Sbbf::from_bytes(&bytes)).await?;
            let filter = filter.map_err(|error| self.damaged(&error))?;
            let admits = conditions.get(condition).is_none_or(|asked| prune::bloom_may_hold(&filter, asked));
            is_held.get_mut(group).into_iter().for_each(|held| *held &= admits);
        }
        let mut held = is_held.into_iter();
        let groups: Vec<_> =
            indexed.unwrap_or(groups).into_iter().filter(|_| held.next() == Some(true)).collect();
        if groups.is_empty() {
            return Ok(None);
        }
        let metadata = ParquetMetaData::new(metadata.file_metadata().clone(), groups);
        self.with_page_index(metadata, &index, index_bytes).await.map(Some)
    }

    /// The row group as if it had the page index of what the question needs only: bounds of the columns that conditions
    /// look at, and places of the columns that are read. The places of others are never looked at, and must be there:
    /// those of a column that is read stand in for them. `None` where the file has no such index.
    fn indexed(&self, group: &RowGroupMetaData) -> Option<RowGroupMetaData> {
        let name = |column: &ColumnChunkMetaData| column.column_path().string();
        let is_read =
            |column: &ColumnChunkMetaData| self.scan.read_columns().any(|read| read == name(column));
        let is_looked_at = |column: &ColumnChunkMetaData| {
            self.scan.conditions.iter().any(|asked| asked.column() == name(column))
        };
        let stand_in = group.columns().iter().find(|column| is_read(column))?;
        let columns = group.columns().iter().map(|column| {
            let places = if is_read(column) { column } else { stand_in };
            let mut builder = column
                .clone()
                .into_builder()
                .set_offset_index_offset(Some(places.offset_index_offset()?))
                .set_offset_index_length(Some(places.offset_index_length()?));
            if !is_looked_at(column) {
                builder = builder.set_column_index_offset(None).set_column_index_length(None);
            }
            builder.build().ok()
        });
        let columns = columns.collect::<Option<Vec<_>>>()?;
        group.clone().into_builder().set_column_metadata(columns).build().ok()
    }

    /// Takes in the pieces of the page index that were fetched.
    async fn with_page_index(
        &self,
        metadata: ParquetMetaData,
        ranges: &[Range<u64>],
        bytes: Vec<Bytes>,
    ) -> Result<ParquetMetaData, ScanError> {
        if ranges.is_empty() {
            return Ok(metadata);
        }
        let needed: Vec<Range<u64>> = metadata.row_groups().iter().flat_map(index_ranges).collect();
        let Some(cover) = cover(&needed) else { return Ok(metadata) };
        let length = self.pieces.bytes();
        let sparse = sparse(&cover, ranges, &bytes);
        let decoded = self
            .off_thread(move || {
                let mut decoder = ParquetMetaDataPushDecoder::try_new_with_metadata(length, metadata)?
                    .with_page_index_policy(PageIndexPolicy::Optional);
                decoder.push_range(cover, sparse)?;
                decoder.try_decode()
            })
            .await?;
        match decoded.map_err(|error| self.damaged(&error))? {
            DecodeResult::Data(metadata) => Ok(metadata),
            _ => Err(self.damaged(&"its page index is not where its footer says")),
        }
    }

    fn decoder(
        &self,
        metadata: &ArrowReaderMetadata,
        group: usize,
        selection: Option<RowSelection>,
    ) -> Result<ParquetPushDecoder, ScanError> {
        let mask = ProjectionMask::columns(metadata.parquet_schema(), self.scan.read_columns());
        let mut builder = ParquetPushDecoderBuilder::new_with_metadata(metadata.clone())
            .with_row_groups(vec![group])
            .with_projection(mask)
            .with_batch_size(BATCH_ROWS);
        if let Some(selection) = selection {
            builder = builder.with_row_selection(selection);
        }
        builder.build().map_err(|error| self.damaged(&error))
    }

    /// The next rows; none when there are no more.
    async fn next_batch(
        &self,
        mut decoder: ParquetPushDecoder,
    ) -> Result<(ParquetPushDecoder, Option<RecordBatch>), ScanError> {
        loop {
            let decoded;
            (decoder, decoded) = self
                .off_thread(move || {
                    let decoded = decoder.try_decode();
                    (decoder, decoded)
                })
                .await?;
            match decoded.map_err(|error| self.damaged(&error))? {
                DecodeResult::Data(batch) => return Ok((decoder, Some(batch))),
                DecodeResult::Finished => return Ok((decoder, None)),
                DecodeResult::NeedsData(ranges) => {
                    let bytes = self.fetch(&ranges).await?;
                    decoder.push_ranges(ranges, bytes).map_err(|error| self.damaged(&error))?;
                }
            }
        }
    }

    /// The bytes in each of `ranges`. A damaged footer may send us anywhere.
    async fn fetch(&self, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, ScanError> {
        if ranges.iter().any(|range| range.start >= range.end || range.end > self.pieces.bytes()) {
            return Err(self.damaged(&"its footer points beyond its end"));
        }
        Ok(self.pieces.fetch(ranges).await?)
    }

    /// Decoding takes the processor, and what is damaged may send it astray: a panic is an error like others.
    async fn off_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ScanError> {
        spawn_blocking(work).await.map_err(|_| self.damaged(&"it cannot be decoded"))
    }

    fn damaged(&self, reason: &dyn std::fmt::Display) -> ScanError {
        let table: &Table = self.scan.table;
        ScanError::Damaged {
            key: self.part.key.to_string(),
            reason: crate::base::error::printable(&reason.to_string()),
            hint: format!(
                "build it anew from what was collected: contrail tables build --rebuild {}",
                table.name
            ),
        }
    }
}

/// How the columns of a file differ from those of `table`, and whether the file has more.
fn difference(schema: &Schema, table: &Table) -> Option<(String, bool)> {
    let unknown = schema.fields().iter().find(|field| table.index(field.name()).is_none());
    if let Some(field) = unknown {
        return Some((format!("it has a column {} that this release does not know", field.name()), true));
    }
    table.columns.iter().find_map(|column| match schema.field_with_name(column.name) {
        Err(_) => Some((format!("it has no column {}", column.name), false)),
        Ok(field) if *field.data_type() != column.kind.arrow() => {
            let (found, known) = (field.data_type(), column.kind.arrow());
            Some((format!("its column {} is {found}, where this release knows {known}", column.name), true))
        }
        Ok(_) => None,
    })
}

/// Where the page index of a row group is.
fn index_ranges(group: &RowGroupMetaData) -> Vec<Range<u64>> {
    let range = |offset: Option<i64>, length: Option<i32>| {
        let start = u64::try_from(offset?).ok()?;
        Some(start..start.checked_add(u64::try_from(length?).ok()?)?)
    };
    let columns = group.columns().iter();
    let mut ranges: Vec<Range<u64>> = columns
        .flat_map(|column| {
            [
                range(column.column_index_offset(), column.column_index_length()),
                range(column.offset_index_offset(), column.offset_index_length()),
            ]
        })
        .flatten()
        .collect();
    ranges.sort_unstable_by_key(|range| (range.start, range.end));
    ranges.dedup();
    ranges
}

fn cover(ranges: &[Range<u64>]) -> Option<Range<u64>> {
    let start = ranges.iter().map(|range| range.start).min()?;
    Some(start..ranges.iter().map(|range| range.end).max()?)
}

/// The bytes of `cover` as far as `pieces`, which lie in `ranges`, have them; the others are zeros that nobody looks at.
fn sparse(cover: &Range<u64>, ranges: &[Range<u64>], pieces: &[Bytes]) -> Bytes {
    let mut sparse = BytesMut::zeroed(usize::try_from(cover.end - cover.start).unwrap_or_default());
    for (range, bytes) in ranges.iter().zip(pieces) {
        let Some(start) = range.start.checked_sub(cover.start) else { continue };
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        if let Some(place) = sparse.get_mut(start..start.saturating_add(bytes.len())) {
            place.copy_from_slice(bytes);
        }
    }
    sparse.freeze()
}
