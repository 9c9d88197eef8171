//! The pasts of all streams together: a stream is behind by what others of its dataset have. Pure, and a function of the
//! lake alone: neither the clock nor the configuration can change what the table says of a day.

use std::collections::{BTreeMap, BTreeSet};

use super::looks::Looks;
use super::stretch::{self, Stretch};
use crate::base::Time;
use crate::lake::coverage::{Coverage, Held, StreamCoverage};
use crate::lake::slice::{Stream, Version};
use crate::sources::History;

/// The streams of which something is known, each with its past.
pub type Pasts = BTreeMap<Stream, Vec<Stretch>>;

/// Everything that keys, marks and looks tell. Nothing is said of what comes after `until`, the newest moment that the
/// lake tells of.
///
/// What is due at all is told by the dataset: up to the newest end of a window, the newest slot or the newest look of any
/// of its streams, the others are expected to be known as well. So a stream that fails alone is missing, and what was not
/// due yet when the crawler stopped is not. A slot that is open may yet be seen.
pub fn pasts(coverage: &Coverage, looks: &Looks, until: Time) -> Pasts {
    let mut datasets: BTreeMap<&str, BTreeSet<&Stream>> = BTreeMap::new();
    let streams = coverage.streams().map(|(stream, _)| stream);
    for stream in streams.chain(looks.failed.keys()) {
        datasets.entry(stream.dataset().as_str()).or_default().insert(stream);
    }
    let (nothing, none_failed) = (StreamCoverage::default(), BTreeSet::new());
    let mut pasts = Pasts::new();
    for (dataset, streams) in datasets {
        let Some(history) = History::of(dataset) else { continue };
        let have = |stream: &Stream| coverage.stream(stream).unwrap_or(&nothing);
        let held: Vec<&StreamCoverage> = streams.iter().map(|stream| have(stream)).collect();
        let newest = match history {
            History::Windows { .. } => held.iter().filter_map(|have| have.windows.end()).max(),
            History::Slots { .. } => held.iter().filter_map(|have| newest_slot(have)).max(),
            History::Versions => looks.newest(dataset).or_else(|| {
                let newest = held.iter().filter_map(|have| have.versions.keys().next_back());
                newest.map(Version::published_at).max()
            }),
        };
        let Some(newest) = newest else { continue };
        let past = |stream: &Stream| match history {
            History::Windows { .. } => stretch::of_windows(have(stream), newest.min(until)),
            History::Slots { interval } => {
                let seen = newest_slot(have(stream)).and_then(|at| at.checked_add_signed(interval));
                stretch::of_slots(have(stream), interval, seen.max(Some(newest)).unwrap_or(newest), until)
            }
            History::Versions => {
                let failed = looks.failed.get(stream).unwrap_or(&none_failed);
                let looked = looks.looked.get(stream).copied();
                stretch::of_versions(have(stream), failed, looked, newest.min(until))
            }
        };
        pasts.extend(streams.into_iter().map(|stream| (stream.clone(), past(stream))));
    }
    pasts
}

/// The newest moment that the keys of windows and slots tell of.
pub fn newest_moment(coverage: &Coverage) -> Option<Time> {
    let newest = coverage.streams().map(|(_, have)| have.windows.end().max(newest_slot(have)));
    newest.max().flatten()
}

/// The newest slot that somebody looked at.
fn newest_slot(have: &StreamCoverage) -> Option<Time> {
    have.slots.iter().rev().find(|(_, (held, _))| *held != Held::Lost).map(|(at, _)| *at)
}
