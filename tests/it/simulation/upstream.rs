//! Three sources over one truth: windows, planned and judged by the very rules of spot history; versions; slots.
//! Every answer is written down, so that the lake can be compared with what was told.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use contrail::base::clock::{midnight, skew};
use contrail::base::{Chance, Time};
use contrail::lake::draft::Draft;
use contrail::lake::interval::Interval;
use contrail::lake::key::Key;
use contrail::lake::slice::{Format, Slice, Stream, Version};
use contrail::sources::aws::Regions;
use contrail::sources::aws::spot_prices::{Options, Retry, rules};
use contrail::sources::{
    Dataset, FetchContext, FetchError, FetchErrorKind, Fetched, Habits, Plan, PlanContext, Source, Warnings,
};

use super::dice::Dice as _;
use super::time::Timeline;
use super::truth::{MEMORY, SLOT, Truth, body};

const fn dataset(id: &'static str, windows: bool) -> Dataset {
    Dataset { id, description: "a simulated dataset", needs: "", permissions: &[], windows }
}

pub(super) static WINDOWS: Dataset = dataset("sim_windows", true);
pub(super) static VERSIONS: Dataset = dataset("sim_versions", false);
pub(super) static SLOTS: Dataset = dataset("sim_slots", false);

/// How an upstream is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weather {
    Fine,
    /// So many of a hundred calls fail.
    Flaky(u64),
    Away,
}

/// An answer that was given.
#[derive(Debug, Clone)]
pub(super) struct Told {
    /// The key of the slice that was asked for.
    pub(super) key: String,
    /// The true time at which the upstream looked.
    pub(super) at: Time,
    /// What the source made of it.
    pub(super) lines: Vec<String>,
}

/// The simulated clouds, which all crawlers ask.
#[derive(Debug)]
pub(super) struct Upstream {
    pub(super) truth: Truth,
    pub(super) regions: Vec<&'static str>,
    timeline: Arc<Timeline>,
    chance: Chance,
    weather: Mutex<BTreeMap<&'static str, Weather>>,
    told: Mutex<Vec<Told>>,
    given_up: Mutex<BTreeMap<String, Time>>,
}

impl Upstream {
    pub(super) fn new(
        truth: Truth,
        regions: Vec<&'static str>,
        timeline: &Arc<Timeline>,
        chance: Chance,
    ) -> Arc<Self> {
        let timeline = Arc::clone(timeline);
        Arc::new(Self {
            truth,
            regions,
            timeline,
            chance,
            weather: Mutex::default(),
            told: Mutex::default(),
            given_up: Mutex::default(),
        })
    }

    pub(super) fn set_weather(&self, dataset: &'static str, weather: Weather) {
        self.weather.lock().unwrap().insert(dataset, weather);
    }

    /// Every answer so far; a fetch is known by its number.
    pub(super) fn told(&self) -> Vec<Told> {
        self.told.lock().unwrap().clone()
    }

    /// The keys of all slices that somebody was told are gone, and what the clock showed then.
    pub(super) fn given_up(&self) -> BTreeMap<String, Time> {
        self.given_up.lock().unwrap().clone()
    }

    fn give_up<'a>(&self, slices: impl IntoIterator<Item = &'a Slice>, clock: Time) {
        let mut given_up = self.given_up.lock().unwrap();
        for slice in slices {
            given_up.entry(Key::raw(slice).to_string()).or_insert(clock);
        }
    }

    fn gone(&self, slice: &Slice, clock: Time) -> FetchError {
        self.give_up([slice], clock);
        FetchError::new(FetchErrorKind::Gone, format!("{slice} is over"))
    }

    /// A call takes its time, and may fail.
    async fn call(
        &self,
        dataset: &'static str,
        context: &dyn contrail::base::Clock,
    ) -> Result<(), FetchError> {
        match self.chance.below(5) {
            0 => context.sleep(Duration::from_millis(1 + self.chance.below(20_000))).await,
            1 => {}
            turns => {
                for _ in 0..turns {
                    tokio::task::yield_now().await;
                }
            }
        }
        let weather = self.weather.lock().unwrap().get(dataset).copied().unwrap_or(Weather::Fine);
        let fails = match weather {
            Weather::Fine => false,
            Weather::Flaky(share) => self.chance.percent(share),
            Weather::Away => true,
        };
        if !fails {
            return Ok(());
        }
        let kind = match self.chance.below(4) {
            0 => FetchErrorKind::Upstream,
            1 => FetchErrorKind::Retry { after: Some(Duration::from_secs(self.chance.below(3_600))) },
            _ => FetchErrorKind::Retry { after: None },
        };
        Err(FetchError::new(kind, "the upstream fails"))
    }

    /// Writes the answer down and into the draft.
    fn answer(
        &self,
        slice: &Slice,
        at: Time,
        lines: Vec<String>,
        mut draft: Draft,
    ) -> Result<Fetched, FetchError> {
        for line in &lines {
            draft.row(line.as_bytes())?;
        }
        let mut told = self.told.lock().unwrap();
        let number = told.len();
        told.push(Told { key: Key::raw(slice).to_string(), at, lines });
        Ok(Fetched {
            draft,
            source_url: number.to_string(),
            etag: None,
            last_modified: None,
            account: None,
            complete: None,
            warnings: Warnings::default(),
            habits: Habits::default(),
        })
    }

    fn stream(dataset: &Dataset, region: &str) -> Stream {
        Stream::new(dataset.id, &[("region", region)]).unwrap()
    }
}

fn region_of(slice: &Slice) -> &str {
    slice.stream().part("region").unwrap()
}

/// How spot history is crawled; changes between lives.
pub(super) fn options(backfill: &str, settle: &str, audit: &str) -> Options {
    Options {
        regions: Regions::All,
        endpoint_url: None,
        settle: settle.parse().unwrap(),
        backfill: backfill.parse().unwrap(),
        audit: audit.parse().unwrap(),
        retry: Retry::default(),
    }
}

/// Spot history.
#[derive(Debug)]
pub(super) struct Windows {
    pub(super) upstream: Arc<Upstream>,
    pub(super) options: Options,
    pub(super) clock: Arc<dyn contrail::base::Clock>,
}

impl Windows {
    /// Each answer tells the true time.
    async fn call(&self, clock: &dyn contrail::base::Clock) -> Result<(), FetchError> {
        self.upstream.call(WINDOWS.id, clock).await?;
        let now = clock.now();
        rules::in_step(skew(now, now, self.upstream.timeline.now()), "the upstream")
    }

    /// What is listed for `span` now: the changes in it, as far as they are remembered, and for each pool the last
    /// one before.
    fn listing(&self, region: &str, span: Interval, now: Time) -> Vec<(Time, String)> {
        let mut before: BTreeMap<u64, (Time, String)> = BTreeMap::new();
        let mut rows = Vec::new();
        for change in self.upstream.truth.told(region, now) {
            if change.at < span.from() {
                before.insert(change.pool, (change.at, change.line.clone()));
            } else if change.at < span.to() && change.at >= now - MEMORY {
                rows.push((change.at, change.line.clone()));
            }
        }
        rows.extend(before.into_values());
        rows
    }
}

#[async_trait]
impl Source for Windows {
    fn dataset(&self) -> &'static Dataset {
        &WINDOWS
    }

    async fn plan(&self, context: &PlanContext<'_>) -> Result<Plan, FetchError> {
        self.call(self.clock.as_ref()).await?;
        let mut plan = Plan::default();
        for region in &self.upstream.regions {
            let stream = Upstream::stream(&WINDOWS, region);
            rules::plan(&stream, context, &self.options, &mut plan);
        }
        self.upstream.give_up(&plan.lost, context.now);
        Ok(plan)
    }

    async fn fetch(
        &self,
        slice: &Slice,
        context: &FetchContext,
        draft: Draft,
    ) -> Result<Fetched, FetchError> {
        let region = region_of(slice);
        let (span, keeps, held) = match slice {
            Slice::Window { stream, span } => {
                let have = context.coverage.stream(stream);
                let gap = rules::gap_before(have, *span, context.grid, context.planned_at);
                (*span, rules::Span::new(*span, gap), std::collections::HashSet::new())
            }
            Slice::Audit { stream, day } => {
                let day = Interval::new(midnight(*day), midnight(day.succ_opt().unwrap())).unwrap();
                (day, rules::Span::new(day, None), rules::held(stream, day, context).await?)
            }
            other => panic!("{other} was never wanted"),
        };
        if span.from() < context.clock.now() - MEMORY {
            return Err(self.upstream.gone(slice, context.clock.now()));
        }
        self.call(context.clock.as_ref()).await?;
        let now = self.upstream.timeline.now();
        let rows = self.listing(region, span, now).into_iter().filter(|(at, _)| keeps.keeps(*at));
        let known = |line: &str| held.contains(&rules::identity_of(region, line.as_bytes()).unwrap().own);
        let lines: Vec<String> = rows.map(|(_, line)| line).filter(|line| !known(line)).collect();
        self.call(context.clock.as_ref()).await?;
        self.upstream.answer(slice, now, lines, draft)
    }
}

/// Price lists under versions.
#[derive(Debug)]
pub(super) struct Versions {
    pub(super) upstream: Arc<Upstream>,
    pub(super) clock: Arc<dyn contrail::base::Clock>,
}

/// The version that was published then.
pub(super) fn version(at: Time) -> Version {
    Version::new(&at.format("%Y%m%d%H%M%S").to_string()).unwrap()
}

#[async_trait]
impl Source for Versions {
    fn dataset(&self) -> &'static Dataset {
        &VERSIONS
    }

    async fn plan(&self, context: &PlanContext<'_>) -> Result<Plan, FetchError> {
        self.upstream.call(VERSIONS.id, self.clock.as_ref()).await?;
        let mut plan = Plan::default();
        for region in &self.upstream.regions {
            let stream = Upstream::stream(&VERSIONS, region);
            let listed = self.upstream.truth.listed(region, self.upstream.timeline.now());
            let slices = listed.map(|at| Slice::Version { stream: stream.clone(), version: version(at) });
            plan.wanted.extend(slices.filter(|slice| !context.coverage.has(slice)));
        }
        Ok(plan)
    }

    async fn fetch(
        &self,
        slice: &Slice,
        context: &FetchContext,
        mut draft: Draft,
    ) -> Result<Fetched, FetchError> {
        let Slice::Version { version: wanted, .. } = slice else { panic!("{slice} was never wanted") };
        let region = region_of(slice);
        self.upstream.call(VERSIONS.id, context.clock.as_ref()).await?;
        let now = self.upstream.timeline.now();
        if !self.upstream.truth.listed(region, now).any(|at| version(at) == *wanted) {
            return Err(self.upstream.gone(slice, context.clock.now()));
        }
        // The first answer breaks off in the middle.
        if self.upstream.chance.one_in(5) {
            std::io::Write::write_all(&mut draft, b"{\"region\":")?;
            tokio::task::yield_now().await;
            draft.restart()?;
        }
        self.upstream.answer(slice, now, vec![body(region, wanted.as_str())], draft)
    }
}

/// A catalogue that keeps no history.
#[derive(Debug)]
pub(super) struct Slots {
    pub(super) upstream: Arc<Upstream>,
    pub(super) clock: Arc<dyn contrail::base::Clock>,
}

#[async_trait]
impl Source for Slots {
    fn dataset(&self) -> &'static Dataset {
        &SLOTS
    }

    async fn plan(&self, context: &PlanContext<'_>) -> Result<Plan, FetchError> {
        self.upstream.call(SLOTS.id, self.clock.as_ref()).await?;
        let now = midnight(context.now.date_naive());
        let mut plan = Plan::default();
        for region in &self.upstream.regions {
            let stream = Upstream::stream(&SLOTS, region);
            let slot = |at| Slice::Slot { stream: stream.clone(), at, format: Format::Ndjson };
            let first = context.coverage.stream(&stream).and_then(|known| known.slots.keys().next().copied());
            let past = std::iter::successors(first, |at| Some(*at + SLOT)).take_while(|at| *at < now);
            plan.lost.extend(past.map(slot).filter(|slice| !context.coverage.has(slice)));
            plan.wanted.extend(Some(slot(now)).filter(|slice| !context.coverage.has(slice)));
        }
        self.upstream.give_up(&plan.lost, context.now);
        Ok(plan)
    }

    async fn fetch(
        &self,
        slice: &Slice,
        context: &FetchContext,
        draft: Draft,
    ) -> Result<Fetched, FetchError> {
        let Slice::Slot { at, .. } = slice else { panic!("{slice} was never wanted") };
        if context.clock.now() >= *at + SLOT {
            return Err(self.upstream.gone(slice, context.clock.now()));
        }
        self.upstream.call(SLOTS.id, context.clock.as_ref()).await?;
        let now = self.upstream.timeline.now();
        let mut lines = self.upstream.truth.catalogue(region_of(slice), now).to_vec();
        // In whatever order: the same rows are the same catalogue.
        let turn = usize::try_from(self.upstream.chance.below(lines.len() as u64)).unwrap();
        lines.rotate_left(turn);
        self.upstream.call(SLOTS.id, context.clock.as_ref()).await?;
        self.upstream.answer(slice, now, lines, draft)
    }
}
