//! Makes `list_prices`: what each look at a price list changed, by provider and day.
//!
//! `observed_at` is when the look was: the time at which we knew, also for versions of AWS, which may have been published
//! long before they were fetched. A rate that AWS withdrew ends when the version without it was published; one of Azure
//! ends with the first look that lacked it; and neither later than its list had said.

use std::collections::BTreeSet;
use std::io;

use async_trait::async_trait;
use tokio::task::spawn_blocking;

use super::archive::Archive;
use super::describing::Describing;
use super::difference::{Change, Seen, compare, leap};
use super::feeds::{FEEDS, Feed, feeds_of, providers};
use super::rate::Rate;
use super::state::damaged;
use crate::base::{Date, Name, Time};
use crate::lake::key::{Key, TableObject, TablePart};
use crate::lake::notice::Notice;
use crate::lake::slice::Slice;
use crate::sources::Sentinel;
use crate::tables::definitions::LIST_PRICES;
use crate::tables::facts::says_itself;
use crate::tables::holdings::Holdings;
use crate::tables::inputs::Inputs;
use crate::tables::make::{Made, Maker};
use crate::tables::packed::Packer;
use crate::tables::problems::Problems;
use crate::tables::run::Run;
use crate::tables::schema::Table;
use crate::tables::sort::{Merge, Sorter};
use crate::tables::timeline::{Look, Timeline};
use crate::tables::workshop::{MakeError, Workshop, broken};
use crate::tables::writer::TableWriter;

/// The maker of `list_prices`.
#[derive(Debug, Default)]
pub(in crate::tables) struct Changes {
    archive: Archive,
}

#[async_trait]
impl Maker for Changes {
    fn table(&self) -> &'static Table {
        &LIST_PRICES
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
                let looks = timeline.looks.get(from..).unwrap_or_default();
                // All looks of a stream are of one kind.
                if looks.first().is_some_and(says_itself) {
                    self.archive.facts.learn(looks, workshop).await?;
                }
                self.archive.facts.look_back(feed.patience, timeline, from, workshop).await?;
            }
        }
        Ok(())
    }

    fn parts(&mut self, holdings: &Holdings) -> Vec<TableObject> {
        let Ok(table) = Name::new("table", LIST_PRICES.name) else { return Vec::new() };
        let mut parts = Vec::new();
        for provider in providers() {
            let mut days = BTreeSet::new();
            for feed in feeds_of(&provider) {
                let timelines = Timeline::all(feed.dataset, holdings);
                days.extend(timelines.values().flat_map(|timeline| timeline.looks.iter().map(Look::day)));
            }
            let part = |day| TableObject::provider_day(table.clone(), provider.clone(), day);
            parts.extend(days.into_iter().map(part));
        }
        parts
    }

    fn inputs(&mut self, object: &TableObject, holdings: &Holdings) -> Inputs {
        let mut inputs = Inputs::default();
        let Some((provider, day)) = provider_and_day(object) else { return inputs };
        for feed in feeds_of(provider) {
            let describing = Describing::of(feed, holdings);
            for timeline in Timeline::all(feed.dataset, holdings).values() {
                for at in timeline.of_day(day) {
                    // By metadata alone: lists that turn out to be damaged make more be opened, and always the same.
                    let window = timeline.window(at, feed.patience, |look| self.archive.facts.is_sound(look));
                    for look in timeline.looks.get(window.start..=at).unwrap_or_default() {
                        add_look(&mut inputs, look, &describing);
                    }
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
        let Some((provider, day)) = provider_and_day(object) else { return Ok((Made::default(), rows)) };
        let (mut comparisons, mut compared) = (Vec::new(), Vec::new());
        for feed in feeds_of(provider) {
            let timelines: Vec<Timeline<'_>> = Timeline::all(feed.dataset, holdings).into_values().collect();
            let wanted = |archive: &Archive| {
                let steps = timelines.iter().flat_map(|timeline| Step::of_day(feed, timeline, day, archive));
                steps.flat_map(|step| step.looks().to_vec()).collect()
            };
            let describing = Describing::of(feed, holdings);
            self.archive.open(feed, &describing, workshop, wanted).await?;
            for timeline in &timelines {
                for step in Step::of_day(feed, timeline, day, &self.archive) {
                    let comparison = step.comparison(&mut self.archive, workshop).await?;
                    comparisons.push(Comparison { is_watched: feed.is_watched, ..comparison });
                }
            }
            compared.push((feed, timelines));
        }
        self.forget(&compared, day);
        let (scratch, memory) = (workshop.scratch.clone(), workshop.memory);
        let done = spawn_blocking(move || write(comparisons, Sorter::new(&scratch, memory), rows));
        Ok(done.await.map_err(broken)??)
    }
}

/// Adds what was seen in a look, and what describes it.
pub(super) fn add_look(inputs: &mut Inputs, look: &Look<'_>, describing: &Describing<'_>) {
    inputs.add(look.key(), &look.seen.etag);
    for (_, list) in describing.lists(look) {
        inputs.add(&list.key, &list.etag);
    }
}

impl Changes {
    /// Forgets the lists that the next part of the provider will not be compared with.
    fn forget(&mut self, compared: &[(&Feed, Vec<Timeline<'_>>)], day: Date) {
        let mut wanted = BTreeSet::new();
        for (feed, timeline) in
            compared.iter().flat_map(|(feed, timelines)| timelines.iter().map(move |it| (feed, it)))
        {
            let next = timeline.of_day(day).end;
            if next < timeline.looks.len() {
                let window = timeline.window(next, feed.patience, |look| self.archive.is_sound(look));
                let looks = timeline.looks.get(window).unwrap_or_default();
                wanted.extend(looks.iter().map(|look| look.seen.key.clone()));
            }
        }
        self.archive.keep(|key| wanted.contains(key));
    }
}

/// Whose prices of which day an object of the table holds.
fn provider_and_day(object: &TableObject) -> Option<(&Name, Date)> {
    let TablePart::Day(day) = object.part() else { return None };
    object.provider().map(|provider| (provider, *day))
}

/// One look of a day, and what it is compared with.
struct Step<'t, 'h> {
    timeline: &'t Timeline<'h>,
    at: usize,
    from: usize,
    gone_since: Option<usize>,
}

impl<'t, 'h> Step<'t, 'h> {
    /// The looks of a day that may have changed something.
    fn of_day(feed: &'static Feed, timeline: &'t Timeline<'h>, day: Date, archive: &Archive) -> Vec<Self> {
        let is_sound = |look: &Look<'_>| archive.is_sound(look);
        let step = |at| {
            let from = timeline.window(at, feed.patience, is_sound).start;
            Self { timeline, at, from, gone_since: timeline.gone_since(at, feed.patience, is_sound) }
        };
        timeline.of_day(day).map(step).filter(|step| !step.is_idle()).collect()
    }

    fn looks(&self) -> &'t [Look<'h>] {
        self.timeline.looks.get(self.from..=self.at).unwrap_or_default()
    }

    /// Whether nothing can have changed: a mark says that the list is the one before, and no other list was seen that it
    /// could have something of to withdraw.
    fn is_idle(&self) -> bool {
        let Some(now) = self.looks().last() else { return true };
        let long_ago = self.timeline.looks.get(self.from..self.gone_since.unwrap_or(self.from));
        now.is_mark() && long_ago.unwrap_or_default().iter().all(|look| look.seen.key == now.seen.key)
    }

    async fn comparison(&self, archive: &mut Archive, workshop: &Workshop) -> Result<Comparison, MakeError> {
        let look = |place: usize| self.timeline.looks.get(place).copied();
        let now = look(self.at).ok_or_else(|| MakeError::Broken("a look is gone".to_owned()))?;
        let gone = self.gone_since.and_then(|place| Some((place, look(place)?)));
        for look in [now].iter().chain(gone.as_ref().map(|(_, look)| look)) {
            archive.facts.read_mark(look, workshop).await?;
        }
        // A version is whole from the moment of its publication on; of a feed without a memory only looks are known.
        let end = |look: &Look<'_>| match look.slice {
            Slice::Version { .. } => look.due(),
            _ => archive.facts.moment(look),
        };
        let state = archive.state(&now)?;
        Ok(Comparison {
            window: archive.seen(self.timeline, self.from..self.at)?,
            now: state.rates.clone(),
            gone: gone.map(|(place, look)| (place, end(&look))),
            observed_at: archive.facts.moment(&now),
            source_key: now.seen.key.clone(),
            problems: if now.is_mark() { Problems::of(&now.seen.key) } else { state.problems.clone() },
            leaps: Problems::of(&now.seen.key),
            is_watched: false,
        })
    }
}

/// Two or more lists that are compared, on the disk of this machine.
struct Comparison {
    window: Vec<Seen>,
    now: Run,
    /// What was seen last before this place is withdrawn as of this moment.
    gone: Option<(usize, Time)>,
    observed_at: Time,
    source_key: Key,
    problems: Problems,
    /// Prices that are far from what they were.
    leaps: Problems,
    /// Whether the crawler has told of these.
    is_watched: bool,
}

/// Writes what the `comparisons` tell, in the order of the table.
fn write(
    comparisons: Vec<Comparison>,
    mut sorter: Sorter,
    mut rows: TableWriter,
) -> Result<(Made, TableWriter), MakeError> {
    let mut packer = Packer::new(&LIST_PRICES);
    let mut made = Made::default();
    for mut comparison in comparisons {
        comparison.push_rows(&mut packer, &mut sorter)?;
        made.notices.extend(comparison.notice());
        made.problems.extend(Some(comparison.problems).filter(|problems| problems.count() > 0));
    }
    let runs = sorter.finish()?;
    let mut merge = Merge::of(&runs)?;
    while let Some(row) = merge.next()? {
        rows.push(row)?;
    }
    Ok((made, rows))
}

impl Comparison {
    /// What is to be told of leaps, if there are any.
    fn notice(&self) -> Option<Notice> {
        let samples = self.leaps.told().iter().map(|leap| format!("{}: {}", leap.place, leap.reason));
        (self.leaps.count() > 0 && !self.is_watched).then(|| Notice {
            key: self.source_key.clone(),
            fetched_at: self.observed_at,
            sentinel: Sentinel::Price.as_str(),
            warnings: self.leaps.count(),
            samples: samples.collect(),
        })
    }

    fn push_rows(&mut self, packer: &mut Packer, sorter: &mut Sorter) -> io::Result<()> {
        let (observed_at, source_key) = (self.observed_at, self.source_key.as_str());
        let mut push = |rate: &Rate<'_>, change| {
            sorter.push(rate.pack_row(packer, observed_at, Some(change), source_key))
        };
        let (leaps, gone) = (&mut self.leaps, self.gone);
        compare(&self.window, &self.now, gone.map(|(place, _)| place), |change| match change {
            Change::New(row) => push(&Rate::unpack(row).map_err(damaged)?, "new"),
            Change::Changed { from, to } => {
                let (from, to) = (Rate::unpack(from).map_err(damaged)?, Rate::unpack(to).map_err(damaged)?);
                if let Some((last, now)) = leap(&from, &to) {
                    let place = format_args!("rate {}", to.sku_price_id);
                    leaps.note(place, format_args!("the price leaps from {last} to {now}"));
                }
                push(&to, "changed")
            }
            Change::Withdrawn(row) => {
                let last = Rate::unpack(row).map_err(damaged)?;
                let gone = gone.map(|(_, moment)| moment);
                let effective_to = [last.effective_to, gone].into_iter().flatten().min();
                push(&Rate { effective_to, ..last }, "withdrawn")
            }
        })
    }
}
