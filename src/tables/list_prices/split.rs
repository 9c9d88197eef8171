//! The newest states of all rates of some streams, as rows of `list_prices_current`, parted by service.

use std::collections::BTreeMap;

use super::difference::{Seen, newest};
use super::rate::Rate;
use super::service::slug;
use super::state::damaged;
use crate::base::{Name, Time};
use crate::tables::definitions::LIST_PRICES_CURRENT;
use crate::tables::packed::Packer;
use crate::tables::run::{Run, RunWriter};
use crate::tables::scratch::Scratch;
use crate::tables::sort::{Merge, Sorter};
use crate::tables::workshop::MakeError;

/// Ends the name of a service before a row. No name has it, so services sort as their names do.
const END: u8 = 0;

/// The newest lists of one stream: those in which a rate that is not withdrawn may have been seen last.
#[derive(Debug)]
pub(super) struct Newest {
    /// The lists.
    pub(super) seen: Vec<Seen>,
    /// When each place was looked at, and the key of the object that has what was seen.
    pub(super) looks: BTreeMap<usize, (Time, String)>,
}

/// The rows of each service, in the order of the table.
pub(super) type Split = BTreeMap<Name, Run>;

/// Parts the rates of `streams` by service. Takes about `memory` bytes.
pub(super) fn split(streams: Vec<Newest>, scratch: &Scratch, memory: usize) -> Result<Split, MakeError> {
    let (mut packer, mut sorter) = (Packer::new(&LIST_PRICES_CURRENT), Sorter::new(scratch, memory));
    let (mut named, mut row) = (String::new(), Vec::new());
    let mut service = slug(&named);
    for stream in streams {
        newest(&stream.seen, |place, packed| {
            let rate = Rate::unpack(packed).map_err(damaged)?;
            let (observed_at, source_key) =
                stream.looks.get(&place).ok_or_else(|| std::io::Error::other("a look is gone"))?;
            if named != rate.service_name {
                rate.service_name.clone_into(&mut named);
                service = slug(&named);
            }
            row.clear();
            row.extend_from_slice(service.as_ref().map_or("", Name::as_str).as_bytes());
            row.push(END);
            row.extend_from_slice(rate.pack_row(&mut packer, *observed_at, None, source_key));
            sorter.push(&row)
        })?;
    }
    let runs = sorter.finish()?;
    let (mut merge, mut split) = (Merge::of(&runs)?, Split::new());
    let mut open: Option<(Name, RunWriter)> = None;
    while let Some(row) = merge.next()? {
        let (service, row) =
            named_row(row).ok_or_else(|| MakeError::Broken("a row has no service".to_owned()))?;
        let mut rows = match open.take() {
            Some((name, rows)) if name.as_str() == service => (name, rows),
            done => {
                close(&mut split, done)?;
                let name =
                    slug(service).ok_or_else(|| MakeError::Broken("a service has no name".to_owned()))?;
                (name, RunWriter::new(scratch)?)
            }
        };
        rows.1.push(row)?;
        open = Some(rows);
    }
    close(&mut split, open)?;
    Ok(split)
}

fn close(split: &mut Split, done: Option<(Name, RunWriter)>) -> Result<(), MakeError> {
    if let Some((name, rows)) = done {
        split.insert(name, rows.finish()?);
    }
    Ok(())
}

fn named_row(row: &[u8]) -> Option<(&str, &[u8])> {
    let (name, row) = row.split_at(memchr::memchr(END, row)?);
    Some((std::str::from_utf8(name).ok()?, row.get(1..)?))
}
