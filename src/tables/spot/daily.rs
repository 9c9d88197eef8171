//! `spot_prices_daily`: one row for each pool and day. Made of the raw objects of the day and of what the pools cost
//! when the day before ended, so that a pool which did not change has a row as well. What is known, and what is not, is
//! told in [`super::covered`].
//!
//! A day that is made again changes the next one only if its closes change: their fingerprint is one of the next day's
//! inputs, as is when the windows of the day before end, in each region. Where the lake has no object of the day before,
//! nothing is known of any pool until its first row.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use futures::TryStreamExt as _;
use tokio::task::spawn_blocking;

use super::closes::{self, Closes, ReadError};
use super::covered::{Span, spans};
use super::gather::{Seen, decode};
use super::{REGION, day_of, inputs, of_day, parts, pools};
use crate::base::clock::midnight;
use crate::base::{Date, Time};
use crate::lake::interval::IntervalSet;
use crate::lake::key::{Key, Parsed, Prefix, TableObject};
use crate::lake::meta::ObjectMeta;
use crate::lake::slice::Slice;
use crate::lake::store::{StoreError, StoreErrorKind};
use crate::sources::aws::spot_prices::DATASET;
use crate::tables::definitions::SPOT_PRICES_DAILY;
use crate::tables::holdings::Holdings;
use crate::tables::inputs::Inputs;
use crate::tables::make::{Made, Maker};
use crate::tables::run::Run;
use crate::tables::schema::Table;
use crate::tables::sort::{Merge, Sorter};
use crate::tables::workshop::{MakeError, Workshop, broken};
use crate::tables::writer::TableWriter;

/// Makes `spot_prices_daily`.
#[derive(Debug, Default)]
pub struct SpotPricesDaily {
    /// The day before the one that is being made.
    before: Option<Day>,
    /// The one that is being made, or was made last.
    current: Option<Day>,
}

/// A day, as far as the next one is made of it.
#[derive(Debug)]
struct Day {
    date: Date,
    /// What its windows cover, by region.
    covered: BTreeMap<String, IntervalSet>,
    /// The fingerprint of its closes; `None` while there is no object of it.
    closes: Option<String>,
    /// Its rows, if they were made just now.
    rows: Option<Run>,
}

impl Day {
    fn of<'a>(day: Date, slices: impl Iterator<Item = &'a Slice>) -> Self {
        let mut covered: BTreeMap<String, IntervalSet> = BTreeMap::new();
        for slice in slices {
            if let (Slice::Window { span, .. }, Some(region)) = (slice, slice.stream().part(REGION)) {
                covered.entry(region.to_owned()).or_default().insert(*span);
            }
        }
        Self { date: day, covered, closes: None, rows: None }
    }

    fn end(&self, region: &str) -> Option<Time> {
        self.covered.get(region).and_then(IntervalSet::end)
    }
}

impl SpotPricesDaily {
    /// Turns to a day. What was made last is the day before, if it is; a day that is made once more has the same one.
    fn turn_to(&mut self, day: Date, holdings: &Holdings) {
        if self.current.as_ref().is_some_and(|current| current.date != day) {
            self.before = self.current.take();
        }
        if self.before.as_ref().is_some_and(|before| before.date.succ_opt() != Some(day)) {
            self.before = None;
        }
        self.current = Some(Day::of(day, of_day(holdings, day).iter().map(|object| &object.slice)));
    }

    /// The stretches of the current day that are covered, by region.
    fn spans(&self, seen: &Seen) -> BTreeMap<String, Vec<Span>> {
        let Some(current) = &self.current else { return BTreeMap::new() };
        let ended = |region: &str| self.before.as_ref().and_then(|before| before.end(region));
        let of = |(region, windows): (&String, &IntervalSet)| {
            let carries = |from| seen.carried_over(region, from);
            (region.clone(), spans(windows, ended(region), carries))
        };
        current.covered.iter().map(of).collect()
    }

    /// The closes of the day before, sorted, to be merged with the changes.
    async fn closes(&self, workshop: &Workshop) -> Result<Vec<Run>, MakeError> {
        let Some((before, expected)) =
            self.before.as_ref().and_then(|before| Some((before, before.closes.clone()?)))
        else {
            return Ok(Vec::new());
        };
        let mut sorter = Sorter::new(&workshop.scratch, workshop.share());
        let mut closes = Closes::new();
        let key = before.key();
        let payload = match (&before.rows, &key) {
            (None, Some(key)) => Some((key.clone(), workshop.fetch(key).await?)),
            _ => None,
        };
        let rows = before.rows.clone();
        spawn_blocking(move || {
            let mut take = |pool: &super::pool::Pool<'_>| match closes.add(pool) {
                Some(row) => sorter.push(row),
                None => Ok(()),
            };
            if let Some(rows) = rows {
                closes::of_rows(&rows, &mut take)?;
            } else if let Some((key, payload)) = payload {
                match closes::of_object(payload.stored()?, &mut take) {
                    Ok(()) => {}
                    Err(ReadError::Disk(error)) => return Err(error.into()),
                    Err(error) => return Err(unreadable(&key, &error.to_string())),
                }
                if closes.digest() != expected {
                    return Err(unreadable(
                        &key,
                        "it is not what its metadata says, or was replaced just now",
                    ));
                }
            }
            Ok(sorter.finish()?)
        })
        .await
        .map_err(broken)?
    }
}

impl Day {
    /// The key of its object.
    fn key(&self) -> Option<Key> {
        let name = crate::base::Name::new("table", SPOT_PRICES_DAILY.name).ok()?;
        Some(Key::table(&TableObject::day(name, self.date)))
    }
}

fn unreadable(key: &Key, reason: &str) -> MakeError {
    StoreError::new(
        StoreErrorKind::Foreign,
        format!("{key}, which the next day is made of, cannot be read: {reason}"),
    )
    .with_hint("build it anew: contrail tables build --rebuild spot_prices_daily")
    .into()
}

#[async_trait]
impl Maker for SpotPricesDaily {
    fn table(&self) -> &'static Table {
        &SPOT_PRICES_DAILY
    }

    fn parts(&mut self, holdings: &Holdings) -> Vec<TableObject> {
        parts(&SPOT_PRICES_DAILY, holdings)
    }

    async fn prepare(&mut self, first: Option<&TableObject>, workshop: &Workshop) -> Result<(), MakeError> {
        let Some(day) = first.and_then(day_of).and_then(|day| day.pred_opt()) else { return Ok(()) };
        let Ok(dataset) = crate::base::Name::new("dataset", DATASET.id) else { return Ok(()) };
        let listing = workshop.store.list(&Prefix::raw_day(&dataset, day));
        let listed: Vec<_> = listing.try_collect().await?;
        let slices: Vec<Slice> = listed
            .iter()
            .filter_map(|listed| match Key::parse(&listed.key).ok()?.1 {
                Parsed::Raw(slice) => Some(slice),
                _ => None,
            })
            .collect();
        let mut before = Day::of(day, slices.iter());
        if let Some(key) = before.key().filter(|_| !before.covered.is_empty()) {
            let found = workshop.store.find(&key).await?;
            before.closes = found.and_then(|found| found.meta).and_then(|meta| meta.closes);
        }
        self.before = Some(before);
        Ok(())
    }

    fn inputs(&mut self, object: &TableObject, holdings: &Holdings) -> Inputs {
        let Some(day) = day_of(object) else { return Inputs::default() };
        self.turn_to(day, holdings);
        let mut inputs = inputs(of_day(holdings, day));
        if let Some(before) = &self.before {
            inputs.add("closes", before.closes.as_deref().unwrap_or("unknown"));
            for region in before.covered.keys() {
                if let Some(end) = before.end(region) {
                    inputs.add(format_args!("end of {region}"), end);
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
        let Some(day) = day_of(object) else { return Ok((Made::default(), rows)) };
        let seen = Arc::new(Mutex::new(Seen::default()));
        let decoding = Arc::clone(&seen);
        let decoded = workshop
            .decode(
                of_day(holdings, day).to_vec(),
                |object| object.key.clone(),
                move |object, payload, sorter, problems| {
                    let found = decode(object, payload, sorter, problems)?;
                    decoding.lock().unwrap_or_else(PoisonError::into_inner).add(found);
                    Ok(())
                },
            )
            .await?;
        let seen = std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner));
        let spans = self.spans(&seen);
        let mut runs = decoded.runs;
        runs.extend(self.closes(workshop).await?);
        let sorter = Sorter::new(&workshop.scratch, workshop.memory);
        let day = pools::Day { midnight: midnight(day), spans, seen };
        let made = spawn_blocking(move || write(&runs, sorter, &day, rows)).await.map_err(broken)?;
        let (run, closes, rows) = made?;
        if let Some(current) = &mut self.current {
            (current.closes, current.rows) = (Some(closes.clone()), Some(run));
        }
        Ok((Made { problems: decoded.problems, closes: Some(closes), ..Made::default() }, rows))
    }

    fn kept(&mut self, _object: &TableObject, meta: &ObjectMeta) {
        if let Some(current) = &mut self.current {
            current.closes.clone_from(&meta.closes);
        }
    }
}

/// Writes the rows of a day. Gives back the rows and the fingerprint of the closes, which the next day is made of.
fn write(
    runs: &[Run],
    mut sorter: Sorter,
    day: &pools::Day,
    mut rows: TableWriter,
) -> Result<(Run, String, TableWriter), MakeError> {
    pools::sum_up(&mut Merge::of(runs)?, day, &mut sorter)?;
    let run = sorter.into_run()?;
    let mut reader = run.rows()?;
    while reader.advance()? {
        rows.push(reader.row())?;
    }
    let mut closes = Closes::new();
    closes::of_rows(&run, |pool| {
        closes.add(pool);
        Ok(())
    })?;
    Ok((run, closes.digest(), rows))
}
