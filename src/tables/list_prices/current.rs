//! Makes `list_prices_current`: the newest state of each rate that is not withdrawn, by provider and service.
//!
//! `observed_at` and `source_key` are those of the newest look that saw the rate. Since when it is in that state is told by
//! `list_prices`; to tell it here as well, all lists that there ever were would have to be read.
//!
//! Which services a cloud sells is told by its lists alone, unless each of its streams is of one service. So its lists are
//! opened when something is new, once for all services, and the objects that are there tell whether something is: all are
//! made of the same lists, and each says which services there are ([`Made::closes`]). A service that is not sold any more
//! keeps its object, without rows: nobody shall read what it cost last as what it costs.

use std::collections::BTreeSet;

use async_trait::async_trait;
use futures::TryStreamExt as _;
use sha2::{Digest as _, Sha256};
use tokio::task::spawn_blocking;

use super::archive::Archive;
use super::feeds::{FEEDS, Feed};
use super::service::slug;
use super::split::{Newest, Split, split};
use crate::base::{Date, Name};
use crate::lake::draft::hex;
use crate::lake::key::{Key, Parsed, Prefix, TableObject, TablePart};
use crate::lake::store::StoreError;
use crate::tables::definitions::LIST_PRICES_CURRENT;
use crate::tables::facts::find_each;
use crate::tables::holdings::Holdings;
use crate::tables::inputs::Inputs;
use crate::tables::make::{Made, Maker};
use crate::tables::problems::Problems;
use crate::tables::run::Run;
use crate::tables::schema::Table;
use crate::tables::timeline::{Look, Timeline};
use crate::tables::workshop::{MakeError, Workshop, broken};
use crate::tables::writer::TableWriter;

/// The maker of `list_prices_current`.
#[derive(Debug, Default)]
pub(in crate::tables) struct Current {
    archive: Archive,
    parts: Vec<TableObject>,
    opened: Option<Opened>,
}

/// Rows that lie ready.
#[derive(Debug)]
struct Opened {
    /// What they are made of.
    digest: String,
    split: Split,
    /// What could not be decoded, until it is told.
    problems: Vec<Problems>,
}

#[async_trait]
impl Maker for Current {
    fn table(&self) -> &'static Table {
        &LIST_PRICES_CURRENT
    }

    async fn survey(
        &mut self,
        holdings: &Holdings,
        _: Option<Date>,
        workshop: &Workshop,
    ) -> Result<(), MakeError> {
        let Ok(table) = Name::new("table", LIST_PRICES_CURRENT.name) else { return Ok(()) };
        let there = objects(&table, workshop).await?;
        for feed in &FEEDS {
            let Some(provider) = feed.provider_name() else { continue };
            let timelines = Timeline::all(feed.dataset, holdings);
            for timeline in timelines.values() {
                self.archive.facts.look_back(feed.patience, timeline, timeline.looks.len(), workshop).await?;
            }
            let mut services: BTreeSet<Name> = there
                .iter()
                .filter(|object| object.provider() == Some(&provider))
                .filter_map(|object| service_of(object).cloned())
                .collect();
            if let Some(part) = feed.service_part {
                services.extend(timelines.keys().filter_map(|stream| slug(stream.part(part)?)));
            } else if !timelines.is_empty() {
                let timelines: Vec<Timeline<'_>> = timelines.into_values().collect();
                let digest = self.inputs_of(feed, &timelines).digest(&LIST_PRICES_CURRENT);
                let object = |service| TableObject::service(table.clone(), provider.clone(), service);
                let known: Vec<TableObject> = services.iter().cloned().map(object).collect();
                if known.is_empty() || !are_settled(&known, &digest, &roster(&services), workshop).await? {
                    match self.open(feed, &timelines, digest, workshop).await {
                        Ok(opened) => services.extend(opened.split.keys().cloned()),
                        Err(error) if known.is_empty() || error.ends_all() => return Err(error),
                        // It is told when the parts that there are cannot be made anew.
                        Err(_) => {}
                    }
                }
            }
            let object = |service| TableObject::service(table.clone(), provider.clone(), service);
            self.parts.extend(services.into_iter().map(object));
        }
        Ok(())
    }

    fn parts(&mut self, _: &Holdings) -> Vec<TableObject> {
        self.parts.clone()
    }

    fn inputs(&mut self, object: &TableObject, holdings: &Holdings) -> Inputs {
        match feed_and_service(object) {
            Some((feed, service)) => self.inputs_of(feed, &timelines_of(feed, service, holdings)),
            None => Inputs::default(),
        }
    }

    async fn make(
        &mut self,
        object: &TableObject,
        holdings: &Holdings,
        workshop: &Workshop,
        mut rows: TableWriter,
    ) -> Result<(Made, TableWriter), MakeError> {
        let Some((feed, service)) = feed_and_service(object) else { return Ok((Made::default(), rows)) };
        let timelines = timelines_of(feed, service, holdings);
        let digest = self.inputs_of(feed, &timelines).digest(&LIST_PRICES_CURRENT);
        let services = self.parts.iter().filter(|part| part.provider() == object.provider());
        let closes =
            feed.service_part.is_none().then(|| roster(&services.filter_map(service_of).cloned().collect()));
        let opened = self.open(feed, &timelines, digest, workshop).await?;
        let made = Made { problems: std::mem::take(&mut opened.problems), closes, ..Made::default() };
        let run: Option<Run> = opened.split.get(service).cloned();
        let done = spawn_blocking(move || {
            if let Some(run) = run {
                let mut reader = run.rows()?;
                while reader.advance()? {
                    rows.push(reader.row())?;
                }
            }
            Ok::<_, MakeError>(rows)
        });
        Ok((made, done.await.map_err(broken)??))
    }
}

impl Current {
    /// What the newest states of some streams are made of.
    fn inputs_of(&self, feed: &Feed, timelines: &[Timeline<'_>]) -> Inputs {
        let mut inputs = Inputs::default();
        for timeline in timelines {
            let window = timeline
                .window(timeline.looks.len(), feed.patience, |look| self.archive.facts.is_sound(look));
            for look in timeline.looks.get(window).unwrap_or_default() {
                inputs.add(look.key(), &look.seen.etag);
            }
        }
        inputs
    }

    /// The rows of all services of some streams; they lie ready until others are asked for.
    async fn open(
        &mut self,
        feed: &'static Feed,
        timelines: &[Timeline<'_>],
        digest: String,
        workshop: &Workshop,
    ) -> Result<&mut Opened, MakeError> {
        let ready = match self.opened.take().filter(|opened| opened.digest == digest) {
            Some(ready) => ready,
            None => self.split(feed, timelines, digest, workshop).await?,
        };
        Ok(self.opened.insert(ready))
    }

    async fn split(
        &mut self,
        feed: &'static Feed,
        timelines: &[Timeline<'_>],
        digest: String,
        workshop: &Workshop,
    ) -> Result<Opened, MakeError> {
        let window = |timeline: &Timeline<'_>, archive: &Archive| {
            timeline.window(timeline.looks.len(), feed.patience, |look| archive.is_sound(look))
        };
        let wanted = |archive: &Archive| {
            let looks = |timeline| timeline_looks(timeline, window(timeline, archive));
            timelines.iter().flat_map(looks).collect()
        };
        self.archive.open(feed, workshop, wanted).await?;
        let (mut streams, mut problems) = (Vec::new(), Vec::new());
        for timeline in timelines {
            let seen = self.archive.seen(timeline, window(timeline, &self.archive))?;
            let mut stream = Newest { seen, looks: std::collections::BTreeMap::new() };
            for place in stream.seen.iter().map(|seen| seen.place) {
                let Some(look) = timeline.looks.get(place) else { continue };
                self.archive.facts.read_mark(look, workshop).await?;
                let at = self.archive.facts.moment(look);
                stream.looks.insert(place, (at, look.seen.key.to_string()));
                let told = &self.archive.state(look)?.problems;
                problems.extend(Some(told).filter(|problems| problems.count() > 0).cloned());
            }
            streams.push(stream);
        }
        // The rows are all that is needed from here on.
        self.archive.keep(|_| false);
        let (scratch, memory) = (workshop.scratch.clone(), workshop.memory);
        let done = spawn_blocking(move || split(streams, &scratch, memory));
        Ok(Opened { digest, split: done.await.map_err(broken)??, problems })
    }
}

fn timeline_looks<'h>(timeline: &Timeline<'h>, window: std::ops::Range<usize>) -> Vec<Look<'h>> {
    timeline.looks.get(window).unwrap_or_default().to_vec()
}

/// The streams that the rows of a service come from.
fn timelines_of<'h>(feed: &Feed, service: &Name, holdings: &'h Holdings) -> Vec<Timeline<'h>> {
    let is_of_service = |stream: &crate::lake::slice::Stream| {
        feed.service_part.is_none_or(|part| stream.part(part).and_then(slug).as_ref() == Some(service))
    };
    let timelines = Timeline::all(feed.dataset, holdings).into_iter();
    timelines.filter(|(stream, _)| is_of_service(stream)).map(|(_, timeline)| timeline).collect()
}

/// Whose prices of which service an object of the table holds.
fn feed_and_service(object: &TableObject) -> Option<(&'static Feed, &Name)> {
    let provider = object.provider()?.as_str();
    let feed = FEEDS.iter().find(|feed| feed.provider == provider)?;
    service_of(object).map(|service| (feed, service))
}

fn service_of(object: &TableObject) -> Option<&Name> {
    match object.part() {
        TablePart::Service(service) => Some(service),
        TablePart::Day(_) => None,
    }
}

/// The objects that the lake has of the table.
async fn objects(table: &Name, workshop: &Workshop) -> Result<Vec<TableObject>, StoreError> {
    let listed = workshop.store.list(&Prefix::table(table));
    let object = |key: String| match Key::parse(&key) {
        Ok((_, Parsed::Table(object))) => Some(object),
        // What is none of ours stays what it is; `verify` names it.
        _ => None,
    };
    listed.try_filter_map(|listed| std::future::ready(Ok(object(listed.key)))).try_collect().await
}

/// Whether all of `objects` are made of the same and know of each other.
async fn are_settled(
    objects: &[TableObject],
    digest: &str,
    roster: &str,
    workshop: &Workshop,
) -> Result<bool, StoreError> {
    let found = find_each(objects.iter().map(Key::table).collect(), workshop).await?;
    Ok(found.into_iter().all(|(_, found)| {
        found.and_then(|found| found.meta).is_some_and(|meta| {
            meta.inputs.as_deref() == Some(digest) && meta.closes.as_deref() == Some(roster)
        })
    }))
}

/// A fingerprint of the services that a cloud has or had, in lower-case hex.
fn roster(services: &BTreeSet<Name>) -> String {
    let names: Vec<&str> = services.iter().map(Name::as_str).collect();
    hex(&Sha256::digest(names.join("\n")))
}
