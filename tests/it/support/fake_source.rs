//! A source whose upstream does as it is told.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use chrono::{Days, TimeDelta};
use contrail::base::Time;
use contrail::base::clock::midnight;
use contrail::lake::draft::Draft;
use contrail::lake::interval::Interval;
use contrail::lake::key::Key;
use contrail::lake::slice::{Format, Slice, Stream, Version};
use contrail::sources::{
    Dataset, FetchContext, FetchError, FetchErrorKind, Fetched, Habits, Plan, PlanContext, Source, Warnings,
};
use tokio::sync::Semaphore;

/// What a fetch of one slice comes to.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// These rows.
    Rows(Vec<String>),
    /// These rows of a listing that may not be the whole truth.
    Incomplete(Vec<String>),
    /// An error of this kind.
    Fail(FetchErrorKind),
    /// A row of the slice's own, and these habits of the upstream.
    Habits(Habits),
    /// A panic.
    Panic,
    /// A row, once the semaphore gives a permit.
    Wait(Arc<Semaphore>),
}

impl Reply {
    /// Rows that are told apart by their numbers.
    pub(crate) fn rows(numbers: std::ops::Range<u32>) -> Self {
        Self::Rows(numbers.map(|number| format!("{{\"row\":{number}}}")).collect())
    }
}

type Planner = Box<dyn Fn(&PlanContext<'_>) -> Result<Plan, FetchError> + Send + Sync>;

/// A dataset that is planned by a function and fetched by a script.
pub(crate) struct FakeSource {
    dataset: &'static Dataset,
    planner: Planner,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    script: HashMap<Slice, VecDeque<Reply>>,
    otherwise: Option<Reply>,
    plans: Vec<Time>,
    fetches: Vec<Slice>,
    running: usize,
    most_running: usize,
}

const fn dataset(id: &'static str, windows: bool) -> Dataset {
    Dataset { id, description: "a dataset for tests", needs: "", permissions: &[], windows, publishes: false }
}

pub(crate) static WINDOWS: Dataset = dataset("fake_windows", true);
pub(crate) static VERSIONS: Dataset = dataset("fake_versions", false);
pub(crate) static SLOTS: Dataset = dataset("fake_slots", false);

/// How long an upstream of windows settles.
pub(crate) const SETTLE: TimeDelta = TimeDelta::minutes(10);

impl FakeSource {
    /// Planned by `planner`.
    pub(crate) fn planned_by(
        dataset: &'static Dataset,
        planner: impl Fn(&PlanContext<'_>) -> Result<Plan, FetchError> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self { dataset, planner: Box::new(planner), state: Mutex::default() })
    }

    /// Wants these slices, unless the lake has them.
    pub(crate) fn of_slices(dataset: &'static Dataset, slices: Vec<Slice>) -> Arc<Self> {
        Self::planned_by(dataset, move |context| {
            let wanted = slices.iter().filter(|slice| !context.coverage.has(slice)).cloned().collect();
            Ok(Plan { wanted, ..Plan::default() })
        })
    }

    /// Wants the windows of these regions from `since` on, and an audit of each day that is there whole.
    pub(crate) fn of_windows(regions: &[&str], since: &str) -> Arc<Self> {
        let streams: Vec<Stream> = regions.iter().map(|region| stream(&WINDOWS, region)).collect();
        let since: Time = since.parse().unwrap();
        Self::planned_by(&WINDOWS, move |context| {
            let mut plan = Plan::default();
            for stream in &streams {
                let windows = context.grid.windows(since, context.now - SETTLE);
                let slices = windows.map(|span| Slice::Window { stream: stream.clone(), span });
                plan.wanted.extend(slices.filter(|slice| !context.coverage.has(slice)));
                let covered = context.coverage.stream(stream);
                let days = since.date_naive().iter_days().take_while(|day| midnight(*day) < context.now);
                let whole = days.filter(|day| {
                    let end = midnight(*day + Days::new(1));
                    let day = Interval::new(midnight(*day), end).unwrap();
                    covered.is_some_and(|stream| stream.windows.covers(day))
                });
                let audits = whole.map(|day| Slice::Audit { stream: stream.clone(), day });
                plan.wanted.extend(audits.filter(|slice| !context.coverage.has(slice)));
            }
            Ok(plan)
        })
    }

    /// Wants the slot of the hour of these regions, and gives up the hours since the first that were missed.
    pub(crate) fn of_slots(regions: &[&str]) -> Arc<Self> {
        let streams: Vec<Stream> = regions.iter().map(|region| stream(&SLOTS, region)).collect();
        Self::planned_by(&SLOTS, move |context| {
            let mut plan = Plan::default();
            let now = hour_of(context.now);
            for stream in &streams {
                let slot = |at| Slice::Slot { stream: stream.clone(), at, format: Format::Ndjson };
                let first =
                    context.coverage.stream(stream).and_then(|known| known.slots.keys().next().copied());
                let past = std::iter::successors(first, |at| Some(*at + TimeDelta::hours(1)));
                let missed = past.take_while(|at| *at < now).map(slot);
                plan.lost.extend(missed.filter(|slice| !context.coverage.has(slice)));
                plan.wanted.extend(Some(slot(now)).filter(|slice| !context.coverage.has(slice)));
            }
            Ok(plan)
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The next fetch of the slice comes to this, after those that were said before.
    pub(crate) fn on(&self, slice: &Slice, reply: Reply) {
        self.state().script.entry(slice.clone()).or_default().push_back(reply);
    }

    /// Every fetch that nothing is said of comes to this; else to one row.
    pub(crate) fn otherwise(&self, reply: Reply) {
        self.state().otherwise = Some(reply);
    }

    /// Every slice that was asked for, in order.
    pub(crate) fn fetches(&self) -> Vec<Slice> {
        self.state().fetches.clone()
    }

    /// The labels of every slice that was asked for, in order.
    pub(crate) fn fetched(&self) -> Vec<String> {
        self.fetches().iter().map(short).collect()
    }

    /// Forgets the fetches so far.
    pub(crate) fn forget_fetches(&self) {
        self.state().fetches.clear();
    }

    /// When plans were made.
    pub(crate) fn plans(&self) -> Vec<Time> {
        self.state().plans.clone()
    }

    /// How many fetches were under way at once at most.
    pub(crate) fn most_running(&self) -> usize {
        self.state().most_running
    }

    /// How many fetches are under way.
    pub(crate) fn running(&self) -> usize {
        self.state().running
    }
}

/// Counts a fetch for as long as it is under way, however it ends.
struct Running<'a>(&'a FakeSource);

impl<'a> Running<'a> {
    fn new(source: &'a FakeSource) -> Self {
        let mut state = source.state();
        state.running += 1;
        state.most_running = state.most_running.max(state.running);
        Self(source)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.state().running -= 1;
    }
}

impl fmt::Debug for FakeSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeSource").field("dataset", &self.dataset.id).finish_non_exhaustive()
    }
}

#[async_trait]
impl Source for FakeSource {
    fn dataset(&self) -> &'static Dataset {
        self.dataset
    }

    async fn plan(&self, context: &PlanContext<'_>) -> Result<Plan, FetchError> {
        self.state().plans.push(context.now);
        (self.planner)(context)
    }

    async fn fetch(
        &self,
        slice: &Slice,
        context: &FetchContext,
        mut draft: Draft,
    ) -> Result<Fetched, FetchError> {
        let reply = {
            let mut state = self.state();
            state.fetches.push(slice.clone());
            let said = state.script.get_mut(slice).and_then(VecDeque::pop_front);
            said.or_else(|| state.otherwise.clone()).unwrap_or_else(|| Reply::rows(0..1))
        };
        let _running = Running::new(self);
        context.traffic.request();
        // Others get their turn, as they do while an upstream is asked.
        tokio::task::yield_now().await;
        if let Slice::Audit { stream, day } = slice {
            for span in context.grid.windows(midnight(*day), midnight(*day + Days::new(1))) {
                let key = Key::raw(&Slice::Window { stream: stream.clone(), span });
                let read = context.store.read(&key).await;
                drop(read.map_err(|error| FetchError::new(FetchErrorKind::Local, error.to_string()))?);
            }
        }
        let mut habits = Habits::default();
        let (rows, complete) = match reply {
            Reply::Rows(rows) => (rows, None),
            Reply::Incomplete(rows) => (rows, Some(false)),
            Reply::Fail(kind) => {
                return Err(FetchError::new(kind, format!("told to fail: {}", kind.as_str()))
                    .with_hint("tell it otherwise"));
            }
            Reply::Habits(shown) => {
                habits = shown;
                (vec![format!("{{\"row\":\"{}\"}}", short(slice))], None)
            }
            Reply::Panic => panic!("told to panic"),
            Reply::Wait(permits) => {
                permits.acquire().await.unwrap().forget();
                (vec!["{\"row\":0}".to_owned()], None)
            }
        };
        context.traffic.page();
        for row in &rows {
            draft.row(row.as_bytes())?;
        }
        Ok(Fetched {
            draft,
            source_url: "https://upstream.example/prices".to_owned(),
            etag: Some("\"etag\"".to_owned()),
            last_modified: None,
            account: None,
            complete,
            warnings: Warnings::default(),
            habits,
        })
    }
}

/// The start of the hour.
pub(crate) fn hour_of(time: Time) -> Time {
    Time::from_timestamp(time.timestamp().div_euclid(3600) * 3600, 0).unwrap()
}

/// A stream of a dataset.
pub(crate) fn stream(dataset: &Dataset, region: &str) -> Stream {
    Stream::new(dataset.id, &[("region", region)]).unwrap()
}

/// The window of an hour on 2026-11-21.
pub(crate) fn window(region: &str, hour: u32) -> Slice {
    let from: Time = format!("2026-11-21T{hour:02}:00:00Z").parse().unwrap();
    let span = Interval::new(from, from + TimeDelta::hours(1)).unwrap();
    Slice::Window { stream: stream(&WINDOWS, region), span }
}

/// The version of a day in November 2026.
pub(crate) fn version(region: &str, day: u32) -> Slice {
    let version = Version::new(&format!("202611{day:02}000000")).unwrap();
    Slice::Version { stream: stream(&VERSIONS, region), version }
}

/// The slot of an hour on 2026-11-21.
pub(crate) fn slot(region: &str, hour: u32) -> Slice {
    let at = format!("2026-11-21T{hour:02}:00:00Z").parse().unwrap();
    Slice::Slot { stream: stream(&SLOTS, region), at, format: Format::Ndjson }
}

/// `a 08:00`, `a audit of 2026-11-20` or `a version 20261121000000`.
pub(crate) fn short(slice: &Slice) -> String {
    let region = slice.stream().part("region").unwrap();
    match slice {
        Slice::Window { span, .. } => format!("{region} {}", span.from().format("%H:%M")),
        Slice::Slot { at, .. } => format!("{region} {}", at.format("%H:%M")),
        other => format!("{region} {}", other.label()),
    }
}
