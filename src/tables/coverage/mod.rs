//! `coverage`: what the lake knows of each stream, and what it does not, as stretches of time that are cut at midnight.
//! So "no price" and "nobody looked" never look alike, in SQL either. Everything is told by keys and marks, but for when
//! somebody last looked at what an upstream publishes, and for refusals: those stand in the run log alone.

pub mod looks;
pub mod pasts;
pub mod stretch;

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use futures::TryStreamExt as _;
use sha2::{Digest as _, Sha256};

use self::looks::{Looks, Refusals, read_day, refusals};
use self::pasts::{Pasts, newest_moment, pasts};
use self::stretch::Stretch;
use super::definitions::COVERAGE;
use super::holdings::Holdings;
use super::inputs::Inputs;
use super::make::{Made, Maker};
use super::packed::Packer;
use super::schema::Table;
use super::workshop::{MakeError, Workshop};
use super::writer::TableWriter;
use crate::base::clock::{midnight, whole_second};
use crate::base::{Date, Name, Time};
use crate::lake::coverage::Coverage;
use crate::lake::draft::hex;
use crate::lake::interval::{Interval, IntervalSet};
use crate::lake::key::{Key, Parsed, Prefix, TableObject, TablePart};
use crate::lake::slice::Stream;
use crate::sources::History;

/// How many days of refusals are kept once they were read: those that are most likely to be made.
const KEPT_DAYS: usize = 2;

/// Makes the table.
#[derive(Debug)]
pub struct CoverageMaker {
    now: Time,
    // How much was listed.
    size: (usize, usize, usize),
    // What is told of streams of windows by what is not listed.
    before: Coverage,
    looks: Looks,
    pasts: Pasts,
    // The newest moment that the lake tells of.
    until: Option<Time>,
    // By day, with how many logs of it were read.
    refusals: BTreeMap<Date, (usize, Refusals)>,
}

impl CoverageMaker {
    /// A maker that says nothing of what comes after `now`, whatever keys say.
    pub fn new(now: Time) -> Self {
        Self {
            now,
            size: (0, 0, 0),
            before: Coverage::default(),
            looks: Looks::default(),
            pasts: Pasts::new(),
            until: None,
            refusals: BTreeMap::new(),
        }
    }

    /// Takes account of what is listed, and of what was read so far.
    fn take(&mut self, holdings: &Holdings) {
        self.size = size(holdings);
        let mut coverage = self.before.clone();
        for object in holdings.raw.values().flatten() {
            coverage.insert(&Parsed::Raw(object.slice.clone()));
        }
        for (slice, mark) in &holdings.marks {
            coverage.insert(&Parsed::Mark(slice.clone(), *mark));
        }
        let newest_log = holdings.logs.last().map(|log| log.started);
        let newest = newest_moment(&coverage).max(newest_log);
        self.until = newest.map(|newest| newest.min(whole_second(self.now)));
        self.pasts = self.until.map(|until| pasts(&coverage, &self.looks, until)).unwrap_or_default();
    }

    /// The rows of a day, as they are packed, in their order. `refused` are those who were shut out on it.
    fn rows(&self, day: Date, refused: &Refusals) -> Vec<Vec<u8>> {
        let start = midnight(day);
        let end = day.succ_opt().map(midnight).zip(self.until).map(|(end, until)| end.min(until));
        let Some(span) = end.and_then(|end| Interval::new(start, end)) else { return Vec::new() };
        let others = refused.keys().filter(|stream| !self.pasts.contains_key(*stream));
        let mut packer = Packer::new(&COVERAGE);
        let mut rows = Vec::new();
        for stream in self.pasts.keys().chain(others) {
            let past = self.pasts.get(stream).map(Vec::as_slice).unwrap_or_default();
            let mut stretches = stretch::within(past, span);
            if let Some(refused) = refused.get(stream) {
                let refused: IntervalSet = refused.within(span).into_iter().collect();
                stretches = stretch::refused(stretches, &refused);
            }
            if !stretches.is_empty() {
                let path = stream.path();
                rows.extend(stretches.iter().map(|stretch| pack(&mut packer, stream, &path, stretch)));
            }
        }
        rows.sort_unstable();
        rows
    }
}

#[async_trait]
impl Maker for CoverageMaker {
    fn table(&self) -> &'static Table {
        &COVERAGE
    }

    async fn survey(
        &mut self,
        holdings: &Holdings,
        since: Option<Date>,
        workshop: &Workshop,
    ) -> Result<(), MakeError> {
        if let Some(since) = since {
            read_day_before(workshop, since, &mut self.before).await?;
        }
        let is_sought = |stream: &&Stream| History::of(stream.dataset().as_str()) == Some(History::Versions);
        let listed = holdings.raw.values().flatten().map(|object| object.slice.stream());
        let sought: BTreeSet<&Stream> = listed.filter(is_sought).collect();
        let read = &mut self.refusals;
        self.looks = Looks::read(workshop, holdings, sought, |day, logs| {
            if read.len() < KEPT_DAYS {
                read.insert(day, (logs.len(), refusals(day, logs)));
            }
        })
        .await?;
        self.take(holdings);
        Ok(())
    }

    /// Every day since the first one that a key or a log says something of.
    fn parts(&mut self, holdings: &Holdings) -> Vec<TableObject> {
        let first_told = self.pasts.values().filter_map(|past| past.first()).map(|first| first.span.from());
        let first = first_told.chain(holdings.logs.first().map(|log| log.started)).min();
        let (Some(first), Some(until), Ok(table)) = (first, self.until, Name::new("table", COVERAGE.name))
        else {
            return Vec::new();
        };
        let days = first.date_naive().iter_days().take_while(|day| midnight(*day) < until);
        days.map(|day| TableObject::day(table.clone(), day)).collect()
    }

    fn inputs(&mut self, object: &TableObject, holdings: &Holdings) -> Inputs {
        let mut inputs = Inputs::default();
        let TablePart::Day(day) = *object.part() else { return inputs };
        // Somebody else may have been quicker, and the lake been listed again.
        if size(holdings) != self.size {
            self.take(holdings);
        }
        // What keys tell of a day is little, and may depend on any key before and after it: its digest is the input.
        let mut told = Sha256::new();
        for row in self.rows(day, &Refusals::new()) {
            told.update(row.len().to_be_bytes());
            told.update(row);
        }
        inputs.add("stretches", hex(&told.finalize()));
        let logs = holdings.logs_of(day);
        if let Some(until) = self.until.filter(|until| until.date_naive() == day && !logs.is_empty()) {
            // So long lasts a refusal on the day that is not over.
            inputs.add("until", until.to_rfc3339());
        }
        for log in logs {
            inputs.add(&log.key, &log.etag);
        }
        inputs
    }

    async fn make(
        &mut self,
        object: &TableObject,
        holdings: &Holdings,
        workshop: &Workshop,
        mut rows: TableWriter,
    ) -> Result<(Made, TableWriter), MakeError> {
        if let TablePart::Day(day) = *object.part() {
            let known = self.refusals.remove(&day).filter(|(logs, _)| *logs == holdings.logs_of(day).len());
            let refused = match known {
                Some((_, refused)) => refused,
                None => refusals(day, read_day(workshop, holdings, day).await?),
            };
            for row in self.rows(day, &refused) {
                rows.push(&row)?;
            }
        }
        Ok((Made::default(), rows))
    }
}

/// Takes in the last day before `since` on which something was stored of streams of windows. It tells which streams had
/// begun: so a gap at the beginning of what is listed is a gap, and the time before a stream began is not.
async fn read_day_before(workshop: &Workshop, since: Date, before: &mut Coverage) -> Result<(), MakeError> {
    let store = workshop.store.as_ref();
    for dataset in store.folders(&Prefix::all_raw()).await? {
        if !matches!(History::of(dataset.name()), Some(History::Windows { .. })) {
            continue;
        }
        let day = |folder: &Prefix| folder.name().strip_prefix("dt=")?.parse::<Date>().ok();
        let folders = store.folders(&dataset).await?;
        let Some(last) = folders.iter().rev().find(|folder| day(folder).is_some_and(|day| day < since))
        else {
            continue;
        };
        let mut listing = store.list(last);
        while let Some(listed) = listing.try_next().await? {
            if let Ok((_, parsed)) = Key::parse(&listed.key) {
                before.insert(&parsed);
            }
        }
    }
    Ok(())
}

/// How much is listed. Nothing is ever removed or replaced, so that equal sizes are equal listings.
fn size(holdings: &Holdings) -> (usize, usize, usize) {
    let raw = holdings.raw.values().map(Vec::len).sum();
    (raw, holdings.marks.len(), holdings.logs.len())
}

fn pack(packer: &mut Packer, stream: &Stream, path: &str, stretch: &Stretch) -> Vec<u8> {
    packer
        .begin()
        .put("dataset", stream.dataset().as_str())
        .put("stream", path)
        .put("from_time", stretch.span.from())
        .put("to_time", stretch.span.to())
        .put("state", stretch.state.as_str());
    packer.row().to_vec()
}

#[cfg(test)]
mod tests;
