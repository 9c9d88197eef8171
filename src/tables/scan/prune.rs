//! What of a Parquet file can be left unread: row groups by their bounds and bloom filters, pages by theirs. Pure.

use std::ops::Range;

use parquet::arrow::arrow_reader::{RowSelection, RowSelector};
use parquet::bloom_filter::Sbbf;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::page_index::offset_index::OffsetIndexMetaData;
use parquet::file::statistics::Statistics;

use super::condition::Condition;

/// The column of a row group that `condition` looks at.
pub(super) fn column<'a>(
    group: &'a RowGroupMetaData,
    condition: &Condition,
) -> Option<(usize, &'a ColumnChunkMetaData)> {
    let name = condition.column();
    group.columns().iter().enumerate().find(|(_, column)| column.column_path().string() == name)
}

/// Whether the bounds of a row group leave room for rows that `condition` admits.
pub(super) fn group_may_hold(group: &RowGroupMetaData, condition: &Condition) -> bool {
    match column(group, condition).and_then(|(_, column)| column.statistics()) {
        Some(Statistics::ByteArray(bounds)) => bounds
            .min_bytes_opt()
            .zip(bounds.max_bytes_opt())
            .is_none_or(|(least, greatest)| condition.may_admit_text(least, greatest)),
        Some(Statistics::Int64(bounds)) => bounds
            .min_opt()
            .zip(bounds.max_opt())
            .is_none_or(|(least, greatest)| condition.may_admit_moment(*least, *greatest)),
        _ => true,
    }
}

/// Where the bloom filter of the column is that `condition` looks at; `None` where there is none to ask.
pub(super) fn bloom_range(group: &RowGroupMetaData, condition: &Condition) -> Option<Range<u64>> {
    condition.texts()?;
    let (_, column) = column(group, condition)?;
    let start = u64::try_from(column.bloom_filter_offset()?).ok()?;
    let length = u64::try_from(column.bloom_filter_length()?).ok()?;
    Some(start..start.checked_add(length)?)
}

/// Whether the bloom filter leaves room for rows that `condition` admits.
pub(super) fn bloom_may_hold(filter: &Sbbf, condition: &Condition) -> bool {
    condition.texts().is_none_or(|texts| texts.iter().any(|text| filter.check(text.as_str())))
}

/// The rows of a row group that lie in pages with room for rows that all conditions admit; `None` for all of them.
pub(super) fn pages(
    metadata: &ParquetMetaData,
    group: usize,
    conditions: &[Condition],
) -> Option<RowSelection> {
    let row_group = metadata.row_groups().get(group)?;
    let (bounds, places) = (metadata.column_index()?.get(group)?, metadata.offset_index()?.get(group)?);
    let rows = usize::try_from(row_group.num_rows()).ok()?;
    let narrowed = |condition: &Condition| {
        let (index, _) = column(row_group, condition)?;
        selection(bounds.get(index)?, places.get(index)?, rows, condition)
    };
    conditions.iter().filter_map(narrowed).reduce(|one, other| one.intersection(&other))
}

fn selection(
    bounds: &ColumnIndexMetaData,
    places: &OffsetIndexMetaData,
    rows: usize,
    condition: &Condition,
) -> Option<RowSelection> {
    let may_hold = |page: usize| match bounds {
        ColumnIndexMetaData::BYTE_ARRAY(texts) => texts
            .min_value(page)
            .zip(texts.max_value(page))
            .is_some_and(|(least, greatest)| condition.may_admit_text(least, greatest)),
        ColumnIndexMetaData::INT64(moments) => moments
            .min_value(page)
            .zip(moments.max_value(page))
            .is_some_and(|(least, greatest)| condition.may_admit_moment(*least, *greatest)),
        _ => true,
    };
    let pages = places.page_locations().len();
    if matches!(bounds, ColumnIndexMetaData::NONE) || bounds.num_pages() != pages as u64 {
        return None;
    }
    let first_rows: Vec<usize> = places
        .page_locations()
        .iter()
        .map(|page| usize::try_from(page.first_row_index).ok())
        .collect::<Option<_>>()?;
    let ends = first_rows.iter().skip(1).copied().chain([rows]);
    let selectors = first_rows.iter().zip(ends).enumerate().map(|(page, (from, to))| {
        let rows = to.checked_sub(*from)?;
        Some(if may_hold(page) { RowSelector::select(rows) } else { RowSelector::skip(rows) })
    });
    Some(selectors.collect::<Option<Vec<_>>>()?.into())
}
