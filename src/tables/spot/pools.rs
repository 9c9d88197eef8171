//! Sorted rows of pools into rows of `spot_prices_daily`. One pool is held at a time.

use std::collections::BTreeMap;

use super::covered::Span;
use super::gather::Seen;
use super::pool::Pool;
use super::rows::{currency, operating_system};
use super::summary::{self, Change, Summary};
use crate::base::{Price, Time};
use crate::tables::definitions::SPOT_PRICES_DAILY;
use crate::tables::packed::Packer;
use crate::tables::sort::{Merge, Sorter};
use crate::tables::workshop::MakeError;

/// The day that pools are summed up for.
#[derive(Debug)]
pub(super) struct Day {
    /// When it starts.
    pub(super) midnight: Time,
    /// What is covered of it, by region.
    pub(super) spans: BTreeMap<String, Vec<Span>>,
    /// What its raw objects show.
    pub(super) seen: Seen,
}

/// Pushes a row of the table for each pool of `merge`, whose rows are those of [`super::pool::POOLS`].
pub(super) fn sum_up(merge: &mut Merge, day: &Day, rows: &mut Sorter) -> Result<(), MakeError> {
    let mut packer = Packer::new(&SPOT_PRICES_DAILY);
    // A row that tells of the pool's last change; its identity is its first bytes.
    let (mut held, mut identity) = (Vec::new(), 0);
    let (mut closed, mut changes): (Option<Price>, Vec<Change>) = (None, Vec::new());
    while let Some(row) = merge.next()? {
        let (pool, bytes) = Pool::unpack(row)?;
        if !held.is_empty() && (bytes != identity || row.get(..bytes) != held.get(..identity)) {
            finish(&held, closed.take(), &changes, day, &mut packer, rows)?;
            changes.clear();
        }
        match pool.effective_from {
            None => closed = pool.unit_price,
            // A change that is told twice is one.
            Some(at) if changes.last().is_some_and(|(last, _)| *last == at) => continue,
            Some(at) => changes.push((at, pool.unit_price)),
        }
        held.clear();
        held.extend_from_slice(row);
        identity = bytes;
    }
    if !held.is_empty() {
        finish(&held, closed, &changes, day, &mut packer, rows)?;
    }
    Ok(())
}

fn finish(
    last: &[u8],
    closed: Option<Price>,
    changes: &[Change],
    day: &Day,
    packer: &mut Packer,
    rows: &mut Sorter,
) -> Result<(), MakeError> {
    let (pool, _) = Pool::unpack(last)?;
    let spans = day.spans.get(pool.region_id).map(Vec::as_slice).unwrap_or_default();
    let spans = if day.seen.is_ambiguous(&pool) { &[] } else { spans };
    let summary = summary::sum_up(day.midnight, spans, closed, changes);
    if !summary.is_empty() {
        rows.push(pack(&pool, &summary, packer))?;
    }
    Ok(())
}

fn pack<'p>(pool: &Pool<'_>, summary: &Summary, packer: &'p mut Packer) -> &'p [u8] {
    packer
        .begin()
        .put("instance_type", pool.instance_type)
        .put("region_id", pool.region_id)
        .put_or_unknown("availability_zone_id", pool.zone_id)
        .put_or_unknown("availability_zone", pool.zone)
        .put("product_description", pool.product_description)
        .put("provider_name", "aws")
        .put("operating_system", operating_system(pool.product_description))
        .put("currency", currency(pool.region_id))
        .put_or_unknown("open_price", summary.open)
        .put_or_unknown("close_price", summary.close)
        .put_or_unknown("min_price", summary.min)
        .put_or_unknown("max_price", summary.max)
        .put_or_unknown("time_weighted_avg", summary.average)
        .put("changes", summary.changes)
        .put("known_seconds", summary.known_seconds);
    packer.row()
}
