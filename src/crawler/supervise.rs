//! The crawler as a whole: opens the lake and the spool, runs the ticks, and ends well.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::join_all;
use serde_json::json;
use tokio::task::{JoinHandle, JoinSet};

use super::context::{Context, LakeSetup, Scheduled};
use super::report::{Observer, Report, Waiting};
use super::run::Run;
use super::schedule::{Heartbeat, Pace};
use super::shutdown::Shutdown;
use super::tick::{Occasion, tick};
use super::upload::Uploader;
use crate::base::error::Hinted;
use crate::base::{Chance, Clock, Time};
use crate::lake::identity::IdentityError;
use crate::lake::key::Key;
use crate::lake::spool::{Adopted, Spool};
use crate::lake::store::StoreErrorKind;

/// How patient the crawler is.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// How long running work may go on after the first signal.
    pub grace: Duration,
    /// How long a single run waits for the store at its end.
    pub drain: Duration,
    /// How much later than its schedule a source may start.
    pub jitter: Duration,
    /// After which time a single run starts nothing new.
    pub max_duration: Option<Duration>,
}

/// Why the crawler could not start.
#[derive(Debug, thiserror::Error)]
pub enum CrawlerError {
    /// The lake cannot be used.
    #[error(transparent)]
    Lake(#[from] IdentityError),
    /// The spool cannot be used.
    #[error("failed to open the spool at {path}: {error}")]
    Spool {
        /// Its root.
        path: String,
        /// What the disk says.
        error: std::io::Error,
    },
    /// The heartbeat stopped: nothing would ever be due again.
    #[error("the schedule has stopped beating")]
    Schedule,
}

impl Hinted for CrawlerError {
    fn hint(&self) -> Option<&str> {
        match self {
            Self::Lake(error) => error.hint(),
            Self::Spool { error, .. } if error.kind() == ErrorKind::Unsupported => {
                Some("set [lake] spool_dir to a directory on a local disk")
            }
            Self::Spool { .. } => Some("set [lake] spool_dir to a directory that can be written"),
            Self::Schedule => Some("start the crawler again"),
        }
    }
}

/// A crawler over one lake.
#[derive(Debug)]
pub struct Crawler {
    context: Arc<Context>,
    uploader: Uploader,
    uploading: JoinHandle<()>,
    sources: Vec<Arc<Scheduled>>,
    options: Options,
    runs: Mutex<BTreeMap<String, LastRun>>,
}

/// How the last tick of a dataset ended.
#[derive(Debug, Clone, Copy)]
struct LastRun {
    ended: Time,
    clean: bool,
}

impl Crawler {
    /// Opens the spool and the lake, and starts taking up what earlier processes left. A store that is away is
    /// no error: crawling starts, and its results wait in the spool.
    pub async fn open(
        lake: LakeSetup,
        sources: Vec<Scheduled>,
        options: Options,
        clock: Arc<dyn Clock>,
        chance: Arc<Chance>,
        observer: Arc<dyn Observer>,
        shutdown: Shutdown,
    ) -> Result<Self, CrawlerError> {
        let spool_name = Spool::identity(&lake.store.place(), &lake.wanted.origin);
        let (spool, adopted) = Spool::open(
            &lake.spool_root,
            &spool_name,
            lake.spool_limit,
            lake.gzip_level,
            clock.now(),
            &chance,
        )
        .map_err(|error| CrawlerError::Spool { path: lake.spool_root.display().to_string(), error })?;
        let context = Arc::new(Context::new(&lake, spool, clock, chance, observer, shutdown));
        match context.identity().await {
            Ok(_) => {}
            Err(IdentityError::Store(error)) if error.kind == StoreErrorKind::Away => tracing::error!(
                hint = error.hint().unwrap_or("what is fetched meanwhile waits in the spool"),
                "the store is away: {error}"
            ),
            Err(error) => {
                give_back(context);
                return Err(error.into());
            }
        }
        let (uploader, uploading) = Uploader::start(Arc::clone(&context));
        adopt(&context, &uploader, adopted);
        let sources = sources.into_iter().map(Arc::new).collect();
        Ok(Self { context, uploader, uploading, sources, options, runs: Mutex::default() })
    }

    /// One tick of every source, and then everything up.
    pub async fn once(&self) -> Report {
        self.watch_shutdown();
        if let Some(limit) = self.options.max_duration {
            let (clock, shutdown) = (Arc::clone(&self.context.clock), self.context.shutdown.clone());
            tokio::spawn(async move {
                clock.sleep(limit).await;
                shutdown.run_out_of_time();
            });
        }
        let ticks = self.sources.iter().map(|scheduled| {
            let occasion = Occasion { patience: Some(self.options.drain), ..Occasion::default() };
            tick(&self.context, &self.uploader, scheduled, occasion)
        });
        let runs = join_all(ticks).await;
        self.drain().await;
        self.report(&runs)
    }

    /// Crawls by the schedules, looking at them with each beat, until the shutdown.
    pub async fn run(&self, mut heartbeat: Heartbeat) -> Result<Report, CrawlerError> {
        self.watch_shutdown();
        let now = self.context.clock.now();
        let mut seats: Vec<Seat> = self.sources.iter().map(|scheduled| Seat::new(scheduled, now)).collect();
        let mut ticks: JoinSet<(usize, Arc<Run>)> = JoinSet::new();
        let stopped = loop {
            tokio::select! {
                biased;
                () = self.context.shutdown.stopping() => break true,
                Some(ended) = ticks.join_next() => match ended {
                    Ok((index, run)) => self.end_tick(&mut seats, index, &run, &mut ticks),
                    Err(error) => tracing::error!(%error, "a tick was lost: this is a fault in contrail"),
                },
                beat = heartbeat.beat() => match beat {
                    Some(()) => self.start_due(&mut seats, &mut ticks),
                    None => break false,
                },
            }
        };
        heartbeat.stop().await;
        self.context.shutdown.stop();
        let mut runs = Vec::new();
        while let Some(ended) = ticks.join_next().await {
            runs.extend(ended.ok().map(|(_, run)| run));
        }
        self.drain().await;
        if stopped { Ok(self.report(&runs)) } else { Err(CrawlerError::Schedule) }
    }

    /// How the crawler is doing: whether it is well, and the details.
    pub fn health(&self) -> (bool, serde_json::Value) {
        let state = self.uploader.state();
        let stuck = state.problem().is_some_and(|trouble| !trouble.passing || self.context.spool.is_full());
        let runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let sources: serde_json::Map<String, serde_json::Value> = runs
            .into_iter()
            .map(|(dataset, last)| (dataset, json!({ "last_tick": last.ended, "clean": last.clean })))
            .collect();
        let details = json!({
            "store": self.context.store.url(),
            "store_trouble": state.problem().map(|trouble| &trouble.problem.message),
            "spool_bytes": self.context.spool.used(),
            "spool_limit": self.context.spool.limit(),
            "spool_objects": state.waiting,
            "sources": sources,
        });
        (!stuck, details)
    }

    /// Gives the spool back. What could not go up waits in it for the next start.
    pub async fn close(self) {
        let Self { context, uploader, uploading, .. } = self;
        context.shutdown.abort();
        drop(uploader);
        if let Err(error) = uploading.await {
            tracing::error!(%error, "the uploader was lost: this is a fault in contrail");
        }
        give_back(context);
    }

    /// After the first signal running work has the grace period, and is cut then.
    fn watch_shutdown(&self) {
        let (clock, shutdown, grace) =
            (Arc::clone(&self.context.clock), self.context.shutdown.clone(), self.options.grace);
        tokio::spawn(async move {
            shutdown.stopping().await;
            clock.sleep(grace).await;
            shutdown.abort();
        });
    }

    fn start_due(&self, seats: &mut [Seat], ticks: &mut JoinSet<(usize, Arc<Run>)>) {
        let now = self.context.clock.now();
        for (index, seat) in seats.iter_mut().enumerate() {
            if !seat.pace.is_due(now) {
                continue;
            }
            seat.pace.started(now, self.context.chance.up_to(self.options.jitter));
            if seat.busy {
                // Never two ticks of a source at once: the one that runs is told to begin with the present again.
                seat.occasion.due_again.store(true, Ordering::Release);
            } else {
                self.start_tick(index, seat, ticks);
            }
        }
    }

    fn start_tick(&self, index: usize, seat: &mut Seat, ticks: &mut JoinSet<(usize, Arc<Run>)>) {
        seat.busy = true;
        let (context, uploader) = (Arc::clone(&self.context), self.uploader.clone());
        let (scheduled, occasion) = (Arc::clone(&seat.scheduled), seat.occasion.clone());
        ticks.spawn(async move { (index, tick(&context, &uploader, &scheduled, occasion).await) });
    }

    fn end_tick(&self, seats: &mut [Seat], index: usize, run: &Run, ticks: &mut JoinSet<(usize, Arc<Run>)>) {
        let Some(seat) = seats.get_mut(index) else { return };
        seat.busy = false;
        let last = LastRun { ended: self.context.clock.now(), clean: run.is_clean() };
        seat.pace.ended(last.ended, last.clean);
        let dataset = run.log().dataset().to_owned();
        let next = seat.pace.next().map(|next| next.to_rfc3339());
        tracing::info!(dataset, next, clean = last.clean, "tick over");
        self.runs.lock().unwrap_or_else(PoisonError::into_inner).insert(dataset, last);
        // It became due after the last plan of the tick, which knew nothing of it.
        if seat.occasion.due_again.load(Ordering::Acquire) {
            self.start_tick(index, seat, ticks);
        }
    }

    /// Waits until everything is up, for as long as it may take: the drain time, or what is left of the grace.
    async fn drain(&self) {
        tokio::select! {
            biased;
            () = self.uploader.drain(self.options.drain) => {}
            () = self.context.shutdown.aborting() => {}
        }
    }

    fn report(&self, runs: &[Arc<Run>]) -> Report {
        const KEYS: usize = 5;
        let state = self.uploader.state();
        let datasets: BTreeMap<_, _> =
            runs.iter().map(|run| (run.log().dataset().to_owned(), run.tally())).collect();
        let unfinished = datasets.values().any(|tally| !tally.finished);
        Report {
            datasets,
            undelivered: state.waiting,
            waiting: Waiting {
                spool: self.context.spool.root().to_owned(),
                keys: self.context.spool.waiting().take(KEYS).map(|key| key.to_string()).collect(),
            },
            store_problem: state.problem().map(|trouble| trouble.problem.clone()),
            // A signal that came when all was done interrupted nothing.
            interrupted: self.context.shutdown.cause().filter(|_| unfinished),
        }
    }
}

/// The place of one source in the loop.
struct Seat {
    scheduled: Arc<Scheduled>,
    pace: Pace,
    occasion: Occasion,
    busy: bool,
}

impl Seat {
    fn new(scheduled: &Arc<Scheduled>, now: Time) -> Self {
        let pace = Pace::due_now(scheduled.schedule.clone(), now);
        Self { scheduled: Arc::clone(scheduled), pace, occasion: Occasion::default(), busy: false }
    }
}

/// Gives the spool back, once nobody else holds the context.
fn give_back(context: Arc<Context>) {
    if let Some(context) = Arc::into_inner(context) {
        context.spool.close();
    } else {
        tracing::debug!("the spool's directory is left for the next start to sweep");
    }
}

/// Hands what earlier processes left to the uploader. Their lines go into a log of this process; the logs of
/// killed runs go up as they are, with a last line that says so.
fn adopt(context: &Arc<Context>, uploader: &Uploader, adopted: Adopted) {
    if !adopted.entries.is_empty() || !adopted.interrupted.is_empty() {
        tracing::info!(
            objects = adopted.entries.len(),
            interrupted_runs = adopted.interrupted.len(),
            "taking up what an earlier run left in the spool"
        );
    }
    let mut runs: BTreeMap<String, Arc<Run>> = BTreeMap::new();
    for entry in adopted.entries {
        let run = entry.attempt.as_ref().map(|attempt| {
            let run =
                runs.entry(attempt.dataset.clone()).or_insert_with(|| Run::start(context, &attempt.dataset));
            run.expect_line();
            Arc::clone(run)
        });
        uploader.push(entry, run);
    }
    for run in runs.values() {
        uploader.close_one(run);
    }
    for log in adopted.interrupted {
        let key = Key::run_log(log.started, &log.run);
        match context.spool.keep_run_log(&log.path, &key, Some(&log.last_line(context.clock.now()))) {
            Ok(entry) => entry.into_iter().for_each(|entry| uploader.push(entry, None)),
            Err(error) => {
                tracing::error!(%error, run = %log.run, "failed to read the log of an interrupted run");
            }
        }
    }
}
