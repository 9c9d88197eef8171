//! The state of a price list: all its rates, each once, sorted by identity, on this machine's disk. Lists are decoded once
//! and their states lie ready as long as later lists are compared with them.

use std::collections::{BTreeMap, HashMap};
use std::io;

use futures::{StreamExt as _, TryStreamExt as _};

use super::aws::describe;
use super::describing::Describing;
use super::feeds::Feed;
use super::rate::RATES;
use crate::lake::key::Key;
use crate::tables::holdings::RawObject;
use crate::tables::packed::{Damaged, Packer, Unpacker};
use crate::tables::problems::Problems;
use crate::tables::run::{Run, RunWriter};
use crate::tables::scratch::Scratch;
use crate::tables::sort::{Merge, Sorter};
use crate::tables::timeline::Look;
use crate::tables::workshop::{MakeError, Workshop, read};

/// All rates of a list.
#[derive(Debug, Clone)]
pub(super) struct State {
    /// The rates as `RATES` packs them: in order, no identity twice.
    pub(super) rates: Run,
    /// What could not be decoded.
    pub(super) problems: Problems,
}

/// States that lie ready, by the key of their list.
#[derive(Debug, Default)]
pub(super) struct Shelf(HashMap<Key, State>);

impl Shelf {
    /// Decodes those of `objects` that do not lie ready, side by side.
    pub(super) async fn fill(
        &mut self,
        feed: &'static Feed,
        describing: &Describing<'_>,
        looks: &[Look<'_>],
        workshop: &Workshop,
    ) -> Result<(), MakeError> {
        let missing: BTreeMap<&Key, &Look<'_>> = looks
            .iter()
            .map(|look| (&look.seen.key, look))
            .filter(|(key, _)| !self.0.contains_key(*key))
            .collect();
        let lists = |look: &Look<'_>| {
            let lists = describing.lists(look).into_iter();
            lists.map(|(service, list)| (service.to_owned(), list.key.clone())).collect()
        };
        let objects: Vec<(RawObject, Lists, Workshop)> =
            missing.into_values().map(|look| (look.seen.clone(), lists(look), workshop.clone())).collect();
        let decoded: Vec<(Key, State)> = futures::stream::iter(objects)
            .map(|(object, lists, workshop)| decode(feed, object, lists, workshop))
            .buffered(workshop.threads.max(1))
            .try_collect()
            .await?;
        self.0.extend(decoded);
        Ok(())
    }

    /// The state of the list under `key`, if it lies ready.
    pub(super) fn get(&self, key: &Key) -> Option<&State> {
        self.0.get(key)
    }

    /// Forgets all states but those that are `wanted`.
    pub(super) fn keep(&mut self, wanted: impl Fn(&Key) -> bool) {
        self.0.retain(|key, _| wanted(key));
    }
}

/// The lists that describe what the rates of another are for, by service.
pub(super) type Lists = Vec<(String, Key)>;

async fn decode(
    feed: &Feed,
    object: RawObject,
    lists: Lists,
    workshop: Workshop,
) -> Result<(Key, State), MakeError> {
    let RawObject { key, slice, .. } = object;
    let payload = workshop.fetch(&key).await?;
    let (read_rates, budget, scratch) = (feed.read_rates, workshop.share(), workshop.scratch.clone());
    let (rates, problems) = read(&key, payload, move |payload, problems| {
        let mut sorter = Sorter::new(&scratch, budget);
        let read = read_rates(payload, &slice, &mut Packer::new(&RATES), &mut sorter, problems);
        Ok((each_once(&sorter.finish()?, &scratch, problems)?, read))
    })
    .await?;
    let (rates, problems) = match feed.described_by {
        Some(_) => describe(rates, lists, problems, &workshop).await?,
        None => (rates, problems),
    };
    Ok((key, State { rates, problems }))
}

/// The rates of `runs` with each identity once. Of several that only a fault of the upstream makes, the one that applies
/// longest stays: an open one, or the one with the latest end; the others are counted.
fn each_once(runs: &[Run], scratch: &Scratch, problems: &mut Problems) -> io::Result<Run> {
    let (mut merge, mut once) = (Merge::of(runs)?, RunWriter::new(scratch)?);
    let (mut best, mut twice) = (Vec::new(), 0_u64);
    while let Some(row) = merge.next()? {
        if best.is_empty() || identity(row)? != identity(&best)? {
            if !best.is_empty() {
                once.push(&best)?;
            }
        } else if row != best.as_slice() {
            twice += 1;
            // Rows are in order: an open one comes first, and an end comes after all earlier ones.
            if is_open(&best)? && !is_open(row)? {
                continue;
            }
        }
        best.clear();
        best.extend_from_slice(row);
    }
    if !best.is_empty() {
        once.push(&best)?;
    }
    if twice > 0 {
        problems.note(RATES_TWICE, format!("{twice} rates are there twice, at other prices or ends"));
    }
    once.finish()
}

/// The place of what is wrong with several rates of a list.
const RATES_TWICE: &str = "rates";

/// The identity of a packed rate.
pub(super) fn identity(row: &[u8]) -> io::Result<&[u8]> {
    let end = memchr::memchr(0, row).ok_or_else(|| damaged(Damaged))?;
    row.get(..end).ok_or_else(|| damaged(Damaged))
}

fn is_open(row: &[u8]) -> io::Result<bool> {
    let mut columns = RATES.packed().map(|(_, column)| column);
    let mut unpacker = Unpacker::new(row);
    let mut next = || columns.next().ok_or(Damaged).and_then(|column| unpacker.next(column));
    next().map_err(damaged)?;
    Ok(next().map_err(damaged)?.is_none())
}

/// A row of ours that is none any more: the disk lost it.
pub(super) fn damaged(damaged: Damaged) -> io::Error {
    io::Error::other(damaged)
}

impl State {
    /// Whether the list was read to its end, so that it says something by what is not in it.
    pub(super) fn is_whole(&self) -> bool {
        !self.problems.is_cut()
    }
}
