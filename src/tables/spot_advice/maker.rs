//! Makes `spot_advice`: what each look of a day changed of what was known before it.

use std::collections::{BTreeSet, HashMap};

use async_trait::async_trait;
use tokio::task::spawn_blocking;

use super::state::{State, pack};
use super::{FEEDS, Feed};
use crate::base::{Date, Name, Time};
use crate::lake::key::{Key, TableObject, TablePart};
use crate::tables::definitions::SPOT_ADVICE;
use crate::tables::facts::Facts;
use crate::tables::holdings::Holdings;
use crate::tables::inputs::Inputs;
use crate::tables::make::{Made, Maker};
use crate::tables::packed::Packer;
use crate::tables::problems::Problems;
use crate::tables::schema::Table;
use crate::tables::sort::{Merge, Sorter};
use crate::tables::timeline::{Look, Timeline};
use crate::tables::workshop::{MakeError, Workshop, broken, read};
use crate::tables::writer::TableWriter;

/// A document is whole: one look without a machine withdraws it.
const PATIENCE: usize = 1;

/// The maker of `spot_advice`.
#[derive(Debug, Default)]
pub(in crate::tables) struct SpotAdvice {
    facts: Facts,
}

/// What was seen at one look, and what that is worth.
#[derive(Debug)]
struct Seen {
    key: Key,
    state: State,
    problems: Problems,
    /// Whether it says something by what it does not name.
    is_sound: bool,
    /// When it was seen, if that was on the day that is being made: what it changes is told then.
    told_at: Option<Time>,
}

#[async_trait]
impl Maker for SpotAdvice {
    fn table(&self) -> &'static Table {
        &SPOT_ADVICE
    }

    async fn survey(
        &mut self,
        holdings: &Holdings,
        since: Option<Date>,
        workshop: &Workshop,
    ) -> Result<(), MakeError> {
        for feed in &FEEDS {
            for timeline in Timeline::all(feed.dataset, holdings).values() {
                let from = since.map_or(0, |since| timeline.of_day(since).start);
                self.facts.learn(timeline.looks.get(from..).unwrap_or_default(), workshop).await?;
                self.facts.look_back(PATIENCE, timeline, from, workshop).await?;
            }
        }
        Ok(())
    }

    fn parts(&mut self, holdings: &Holdings) -> Vec<TableObject> {
        let Ok(table) = Name::new("table", SPOT_ADVICE.name) else { return Vec::new() };
        let objects = FEEDS.iter().flat_map(|feed| holdings.of(feed.dataset));
        let days: BTreeSet<Date> = objects.map(|object| object.slice.day()).collect();
        days.into_iter().map(|day| TableObject::day(table.clone(), day)).collect()
    }

    fn inputs(&mut self, object: &TableObject, holdings: &Holdings) -> Inputs {
        let mut inputs = Inputs::default();
        let TablePart::Day(day) = *object.part() else { return inputs };
        for feed in &FEEDS {
            for timeline in Timeline::all(feed.dataset, holdings).values() {
                // By metadata alone: looks that turn out to be damaged make more be opened, and always the same.
                for look in looks(timeline, day, |look| self.facts.is_sound(look)) {
                    inputs.add(&look.seen.key, &look.seen.etag);
                }
            }
        }
        inputs
    }

    async fn make(
        &mut self,
        object: &TableObject,
        holdings: &Holdings,
        workshop: &Workshop,
        rows: TableWriter,
    ) -> Result<(Made, TableWriter), MakeError> {
        let TablePart::Day(day) = *object.part() else { return Ok((Made::default(), rows)) };
        let mut pasts = Vec::new();
        for feed in &FEEDS {
            for timeline in Timeline::all(feed.dataset, holdings).values() {
                pasts.push((feed, self.open(feed, timeline, day, workshop).await?));
            }
        }
        let sorter = Sorter::new(&workshop.scratch, workshop.memory);
        spawn_blocking(move || write(pasts, sorter, rows)).await.map_err(broken)?
    }
}

impl SpotAdvice {
    /// What was seen at the looks that tell what a day changed, in order. Whether a look is sound is known for certain once
    /// it is open, and what is not sound makes earlier ones wanted.
    async fn open(
        &mut self,
        feed: &'static Feed,
        timeline: &Timeline<'_>,
        day: Date,
        workshop: &Workshop,
    ) -> Result<Vec<Seen>, MakeError> {
        let mut opened = HashMap::<Key, (State, Problems)>::new();
        loop {
            let is_sound = |look: &Look<'_>| {
                let is_cut = opened.get(&look.seen.key).is_some_and(|(_, problems)| problems.is_cut());
                self.facts.is_sound(look) && !is_cut
            };
            let looks = looks(timeline, day, is_sound);
            let closed = |look: &&Look<'_>| !opened.contains_key(&look.seen.key);
            let missing: BTreeSet<Key> =
                looks.iter().filter(closed).map(|look| look.seen.key.clone()).collect();
            if missing.is_empty() {
                return Ok(self.seen(&looks, day, opened));
            }
            self.facts.learn(&looks, workshop).await?;
            for key in missing {
                let payload = workshop.fetch(&key).await?;
                let decode = feed.read;
                let decoded = read(&key, payload, move |payload, problems| {
                    let mut state = State::default();
                    let read = decode(payload, &mut state, problems);
                    Ok((state, read))
                });
                let decoded = decoded.await?;
                opened.insert(key, decoded);
            }
        }
    }

    fn seen(&self, looks: &[Look<'_>], day: Date, mut opened: HashMap<Key, (State, Problems)>) -> Vec<Seen> {
        // A mark tells nothing that its object has not told, and takes its place where that is older.
        let seen = looks.iter().filter_map(|look| {
            let (state, problems) = opened.remove(&look.seen.key)?;
            let is_told = look.day() == day && !look.is_mark();
            Some(Seen {
                key: look.seen.key.clone(),
                is_sound: self.facts.is_sound(look) && !problems.is_cut(),
                told_at: is_told.then(|| self.facts.moment(look)),
                state,
                problems,
            })
        });
        seen.collect()
    }
}

/// The looks of a day, and those before it that tell what was known when it began.
fn looks<'h>(timeline: &Timeline<'h>, day: Date, is_sound: impl Fn(&Look<'_>) -> bool) -> Vec<Look<'h>> {
    let today = timeline.of_day(day);
    let from = timeline.window(today.start, PATIENCE, is_sound).start;
    timeline.looks.get(from..today.end).unwrap_or_default().to_vec()
}

/// Writes what all looks changed, in the order of the table.
fn write(
    pasts: Vec<(&'static Feed, Vec<Seen>)>,
    mut sorter: Sorter,
    mut rows: TableWriter,
) -> Result<(Made, TableWriter), MakeError> {
    let mut packer = Packer::new(&SPOT_ADVICE);
    let mut made = Made::default();
    for (feed, past) in pasts {
        let mut known = State::default();
        for Seen { key, state, problems, is_sound, told_at } in past {
            if let Some(at) = told_at {
                known.changes(&state, is_sound, |change, machine, said| {
                    let change = (change, machine, said);
                    sorter.push(pack(&mut packer, feed.provider, change, at, key.as_str()))
                })?;
                made.problems.extend(Some(problems).filter(|problems| problems.count() > 0));
            }
            known.after(state, is_sound);
        }
    }
    let runs = sorter.finish()?;
    let mut merge = Merge::of(&runs)?;
    while let Some(row) = merge.next()? {
        rows.push(row)?;
    }
    Ok((made, rows))
}
