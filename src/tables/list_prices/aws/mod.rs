//! The price lists of AWS as rates. An offer file says first what is sold and then what is asked for it: the products are
//! kept, in short, and each price becomes a rate while the file streams by. So do the rates of savings plans, which say for
//! which product of an offer each of them is; what that is, its offer's list says. Never here: comparing lists.

mod describe;
mod document;
mod offers;
mod plans;
mod products;
mod terms;
#[cfg(test)]
mod tests;
mod walk;
mod words;

use std::io;

use terms::RateWriter;

use crate::lake::slice::Slice;
use crate::tables::packed::Packer;
use crate::tables::problems::Problems;
use crate::tables::sort::Sorter;
use crate::tables::workshop::Payload;

pub(super) use describe::describe;

/// Reads the rates of an offer file, the `payload` of `slice`, and pushes them into `rates`, packed. What cannot be read is
/// noted and left out; where the file is no JSON any more, what was read until then stands. Fails where the payload cannot
/// be unzipped or the disk fails.
pub fn read_rates(
    payload: &Payload,
    slice: &Slice,
    packer: &mut Packer,
    rates: &mut Sorter,
    problems: &mut Problems,
) -> io::Result<()> {
    let Some(offer) = slice.stream().part("offer") else {
        problems.note("payload", "its key names no offer");
        return Ok(());
    };
    let writer = RateWriter {
        service_name: offer,
        region_id: slice.stream().part("region"),
        packer,
        rates,
        problems,
        identity: String::new(),
    };
    offers::read(|| payload.open(), writer)
}

/// Reads the rates of a price list of savings plans, as [`read_rates`] does those of an offer file, as far as it says itself
/// what they are for.
pub(super) fn read_plan_rates(
    payload: &Payload,
    slice: &Slice,
    packer: &mut Packer,
    rates: &mut Sorter,
    problems: &mut Problems,
) -> io::Result<()> {
    let Some(plan) = slice.stream().part("plan") else {
        problems.note("payload", "its key names no plan");
        return Ok(());
    };
    let writer = RateWriter {
        service_name: plan,
        region_id: slice.stream().part("region"),
        packer,
        rates,
        problems,
        identity: String::new(),
    };
    plans::read(|| payload.open(), writer)
}
