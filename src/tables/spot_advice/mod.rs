//! `spot_advice`: how often spot instances are interrupted and what they save, a row for each change of it.
//!
//! Most of what a look tells is what the look before told, so the table has what is `new`, `changed` or `withdrawn`, as
//! `list_prices` has: it grows with what changes and not with how often somebody looks. What applied at a moment is the
//! newest row of a machine until then, unless that says `withdrawn`; whether anybody looked by then is told by `coverage`.
//!
//! How many processors and how much memory a machine has is in the feed as well, and not in this table: that is the
//! business of the inventory of machines, and would only make changes of what has nothing to do with interruption.

mod decode;
mod maker;
mod state;
#[cfg(test)]
mod tests;

use std::io;

use self::state::State;
use super::problems::Problems;
use super::workshop::Payload;
use crate::sources::aws::spot_advisor;

pub(super) use maker::SpotAdvice;

/// A dataset that tells how often spot instances are interrupted.
#[derive(Debug)]
struct Feed {
    /// The dataset.
    dataset: &'static str,
    /// Whose instances they are.
    provider: &'static str,
    /// Reads what a payload says into a state.
    read: fn(&Payload, &mut State, &mut Problems) -> io::Result<()>,
}

/// All of them. A new one is one line here.
static FEEDS: [Feed; 1] =
    [Feed { dataset: spot_advisor::DATASET.id, provider: "aws", read: decode::read_advisor }];
