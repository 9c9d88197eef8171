//! Makes `list_prices_current`: the newest state of each rate that is not withdrawn, by provider and service.
//!
//! `observed_at` and `source_key` are those of the newest look that saw the rate. Since when it is in that state is told by
//! `list_prices`; to tell it here as well, all lists that there ever were would have to be read.
//!
//! Which services a cloud sells is told by its lists alone, unless each stream of a feed is of one service. So such lists are
//! opened when something is new, once for all services, and the objects that are there tell whether something is: each is
//! made of all these lists, and of the names of all services. A service that is not sold any more keeps its object, without
//! rows: nobody shall read what it cost last as what it costs.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use futures::TryStreamExt as _;
use sha2::{Digest as _, Sha256};
use tokio::task::spawn_blocking;

use super::archive::Archive;
use super::changes::add_look;
use super::describing::Describing;
use super::feeds::{Feed, feeds_of, providers};
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
use crate::tables::schema::Table;
use crate::tables::sort::Merge;
use crate::tables::timeline::{Look, Timeline};
use crate::tables::workshop::{MakeError, Workshop, broken};
use crate::tables::writer::TableWriter;

/// The maker of `list_prices_current`.
#[derive(Debug, Default)]
pub(in crate::tables) struct Current {
    archive: Archive,
    /// What each provider sells.
    services: BTreeMap<Name, BTreeSet<Name>>,
    /// By dataset.
    opened: BTreeMap<&'static str, Opened>,
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
        for provider in providers() {
            let of_provider = there.iter().filter(|object| object.provider() == Some(&provider));
            let mut services: BTreeSet<Name> = of_provider.filter_map(service_of).cloned().collect();
            let mut unparted = Vec::new();
            for feed in feeds_of(&provider) {
                let timelines = Timeline::all(feed.dataset, holdings);
                for timeline in timelines.values() {
                    self.archive
                        .facts
                        .look_back(feed.patience, timeline, timeline.looks.len(), workshop)
                        .await?;
                }
                match feed.service_part {
                    Some(part) => {
                        services.extend(timelines.keys().filter_map(|stream| slug(stream.part(part)?)));
                    }
                    None if timelines.is_empty() => {}
                    None => unparted.push(feed),
                }
            }
            self.services.insert(provider.clone(), services.clone());
            let known = self.objects_of(&provider);
            if !unparted.is_empty() && !self.are_settled(&known, holdings, workshop).await? {
                for feed in unparted {
                    let timelines: Vec<Timeline<'_>> =
                        Timeline::all(feed.dataset, holdings).into_values().collect();
                    match self.open(feed, &timelines, holdings, workshop).await {
                        Ok(opened) => services.extend(opened.split.keys().cloned()),
                        Err(error) if known.is_empty() || error.ends_all() => return Err(error),
                        // It is told when the parts that there are cannot be made anew.
                        Err(_) => {}
                    }
                }
                self.services.insert(provider, services);
            }
        }
        Ok(())
    }

    fn parts(&mut self, _: &Holdings) -> Vec<TableObject> {
        self.services.keys().flat_map(|provider| self.objects_of(provider)).collect()
    }

    fn inputs(&mut self, object: &TableObject, holdings: &Holdings) -> Inputs {
        self.inputs_of_object(object, holdings)
    }

    async fn make(
        &mut self,
        object: &TableObject,
        holdings: &Holdings,
        workshop: &Workshop,
        mut rows: TableWriter,
    ) -> Result<(Made, TableWriter), MakeError> {
        let Some((provider, service)) = provider_and_service(object) else {
            return Ok((Made::default(), rows));
        };
        let (mut made, mut runs) = (Made::default(), Vec::new());
        for feed in feeds_of(provider) {
            let timelines = timelines_of(feed, service, holdings);
            let opened = self.open(feed, &timelines, holdings, workshop).await?;
            made.problems.append(&mut opened.problems);
            runs.extend(opened.split.get(service).cloned());
        }
        let done = spawn_blocking(move || {
            let mut merge = Merge::of(&runs)?;
            while let Some(row) = merge.next()? {
                rows.push(row)?;
            }
            Ok::<_, MakeError>(rows)
        });
        Ok((made, done.await.map_err(broken)??))
    }
}

impl Current {
    /// The objects that a provider should have.
    fn objects_of(&self, provider: &Name) -> Vec<TableObject> {
        let Ok(table) = Name::new("table", LIST_PRICES_CURRENT.name) else { return Vec::new() };
        let services = self.services.get(provider).into_iter().flatten().cloned();
        services.map(|service| TableObject::service(table.clone(), provider.clone(), service)).collect()
    }

    fn inputs_of_object(&self, object: &TableObject, holdings: &Holdings) -> Inputs {
        let mut inputs = Inputs::default();
        let Some((provider, service)) = provider_and_service(object) else { return inputs };
        for feed in feeds_of(provider) {
            let timelines = timelines_of(feed, service, holdings);
            self.add_newest(&mut inputs, feed, &timelines, holdings);
            if feed.service_part.is_none() && !timelines.is_empty() {
                inputs.add("services", roster(self.services.get(provider).into_iter().flatten()));
            }
        }
        inputs
    }

    /// Adds what the newest states of some streams are made of.
    fn add_newest(&self, inputs: &mut Inputs, feed: &Feed, timelines: &[Timeline<'_>], holdings: &Holdings) {
        let describing = Describing::of(feed, holdings);
        for timeline in timelines {
            let window = timeline
                .window(timeline.looks.len(), feed.patience, |look| self.archive.facts.is_sound(look));
            for look in timeline.looks.get(window).unwrap_or_default() {
                add_look(inputs, look, &describing);
            }
        }
    }

    /// Whether all of `objects` are there, each made of what it should be made of.
    async fn are_settled(
        &self,
        objects: &[TableObject],
        holdings: &Holdings,
        workshop: &Workshop,
    ) -> Result<bool, StoreError> {
        let mut expected: BTreeMap<Key, String> = objects
            .iter()
            .map(|object| {
                let digest = self.inputs_of_object(object, holdings).digest(&LIST_PRICES_CURRENT);
                (Key::table(object), digest)
            })
            .collect();
        let found = find_each(expected.keys().cloned().collect(), workshop).await?;
        let is_settled = found.into_iter().all(|(key, found)| {
            let inputs = found.and_then(|found| found.meta).and_then(|meta| meta.inputs);
            inputs.is_some() && inputs == expected.remove(&key)
        });
        Ok(is_settled && !objects.is_empty())
    }

    /// The rows of all services of some streams; they lie ready until others of the feed are asked for.
    async fn open(
        &mut self,
        feed: &'static Feed,
        timelines: &[Timeline<'_>],
        holdings: &Holdings,
        workshop: &Workshop,
    ) -> Result<&mut Opened, MakeError> {
        let mut inputs = Inputs::default();
        self.add_newest(&mut inputs, feed, timelines, holdings);
        let digest = inputs.digest(&LIST_PRICES_CURRENT);
        let ready = match self.opened.remove(feed.dataset).filter(|opened| opened.digest == digest) {
            Some(ready) => ready,
            None => self.split(feed, timelines, digest, holdings, workshop).await?,
        };
        Ok(self.opened.entry(feed.dataset).insert_entry(ready).into_mut())
    }

    async fn split(
        &mut self,
        feed: &'static Feed,
        timelines: &[Timeline<'_>],
        digest: String,
        holdings: &Holdings,
        workshop: &Workshop,
    ) -> Result<Opened, MakeError> {
        let window = |timeline: &Timeline<'_>, archive: &Archive| {
            timeline.window(timeline.looks.len(), feed.patience, |look| archive.is_sound(look))
        };
        let wanted = |archive: &Archive| {
            let looks = |timeline| timeline_looks(timeline, window(timeline, archive));
            timelines.iter().flat_map(looks).collect()
        };
        self.archive.open(feed, &Describing::of(feed, holdings), workshop, wanted).await?;
        let (mut streams, mut problems) = (Vec::new(), Vec::new());
        for timeline in timelines {
            let seen = self.archive.seen(timeline, window(timeline, &self.archive))?;
            let mut stream = Newest { seen, looks: BTreeMap::new() };
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
fn provider_and_service(object: &TableObject) -> Option<(&Name, &Name)> {
    Some((object.provider()?, service_of(object)?))
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

/// A fingerprint of the services that a cloud has or had, in lower-case hex.
fn roster<'s>(services: impl Iterator<Item = &'s Name>) -> String {
    let names: Vec<&str> = services.map(Name::as_str).collect();
    hex(&Sha256::digest(names.join("\n")))
}
