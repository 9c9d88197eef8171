//! The difference of price lists: their states side by side, identity by identity, in constant memory. Pure but for the
//! disk.

use std::io;

use super::rate::{COMPARED, RATES, Rate};
use super::state::{damaged, identity};
use crate::base::Price;
use crate::tables::packed::{Damaged, Unpacker};
use crate::tables::run::Run;
use crate::tables::sort::Merge;

/// So many times its last, or such a part of it, is much for a price.
const LEAP: i128 = 100;

/// A list, and where in its timeline it was seen last.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    /// The place of the look.
    pub(super) place: usize,
    /// Its rates, by identity, each once.
    pub(super) rates: Run,
}

/// What one look changes. Rates are packed as `RATES` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change<'r> {
    /// It was not there, or had been withdrawn.
    New(&'r [u8]),
    /// Something differs that makes a change.
    Changed {
        /// What it was when it was seen last.
        from: &'r [u8],
        /// What it is.
        to: &'r [u8],
    },
    /// It was seen last too long ago.
    Withdrawn(&'r [u8]),
}

/// Tells what is different in `now` from what was seen in the `window` before. What was seen last before the place
/// `gone_since` and is not there now is withdrawn.
pub(super) fn compare(
    window: &[Seen],
    now: &Run,
    gone_since: Option<usize>,
    mut take: impl FnMut(Change<'_>) -> io::Result<()>,
) -> io::Result<()> {
    each_identity(window, Some(now), |last, now| match (last, now) {
        (None, Some(now)) => take(Change::New(now)),
        (Some((_, from)), Some(to)) if from != to && compared(from)? != compared(to)? => {
            take(Change::Changed { from, to })
        }
        (Some((place, last)), None) if gone_since.is_some_and(|gone| place < gone) => {
            take(Change::Withdrawn(last))
        }
        _ => Ok(()),
    })
}

/// The newest state of each rate in the `window`, with the place where it was seen.
pub(super) fn newest(
    window: &[Seen],
    mut take: impl FnMut(usize, &[u8]) -> io::Result<()>,
) -> io::Result<()> {
    each_identity(window, None, |last, _| last.map_or(Ok(()), |(place, row)| take(place, row)))
}

/// For each identity, in order: the row that was seen last in the `window`, and the one that is there `now`.
fn each_identity(
    window: &[Seen],
    now: Option<&Run>,
    mut take: impl FnMut(Option<(usize, &[u8])>, Option<&[u8]>) -> io::Result<()>,
) -> io::Result<()> {
    let runs: Vec<Run> = window.iter().map(|seen| &seen.rates).chain(now).cloned().collect();
    let mut merge = Merge::of(&runs)?;
    // Rows of one identity come together, in the order of their bytes and not of their lists.
    let (mut last, mut last_place, mut current) = (Vec::new(), None, Vec::new());
    let mut group = Vec::new();
    while let Some(row) = merge.next()? {
        let name = identity(row)?;
        if group != name {
            if !group.is_empty() {
                take(last_place.map(|place| (place, last.as_slice())), known(&current))?;
            }
            (last_place, group) = (None, name.to_vec());
            current.clear();
        }
        let row = row.to_vec();
        let place = merge.run().and_then(|run| window.get(run)).map(|seen| seen.place);
        match place {
            None => current = row,
            Some(place) if last_place.is_none_or(|last| last < place) => {
                (last_place, last) = (Some(place), row);
            }
            Some(_) => {}
        }
    }
    if !group.is_empty() {
        take(last_place.map(|place| (place, last.as_slice())), known(&current))?;
    }
    Ok(())
}

fn known(row: &[u8]) -> Option<&[u8]> {
    (!row.is_empty()).then_some(row)
}

/// The part of a row that makes a change.
fn compared(row: &[u8]) -> io::Result<&[u8]> {
    let mut unpacker = Unpacker::new(row);
    for (_, column) in RATES.packed().take(1 + COMPARED) {
        unpacker.next(column).map_err(damaged)?;
    }
    let end = row.len() - unpacker.rest().len();
    row.get(..end).ok_or_else(|| damaged(Damaged))
}

/// The price of a rate before and now, when one is a hundred times the other, or more. What was free may cost anything, as
/// trials end; what becomes free has leapt.
pub(super) fn leap(from: &Rate<'_>, to: &Rate<'_>) -> Option<(Price, Price)> {
    let prices = [(from.list_unit_price, to.list_unit_price), (from.upfront_price, to.upfront_price)];
    prices.into_iter().filter_map(|(from, to)| Some((from?, to?))).find(|(from, to)| {
        let (last, now) = (from.units().abs(), to.units().abs());
        last != 0 && (now >= last * LEAP || last >= now * LEAP)
    })
}
