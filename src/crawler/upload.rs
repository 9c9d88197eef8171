//! The uploader: takes what is in the spool up into the lake, oldest first. When the store is away it tries one
//! object at a time, at growing distances, and goes back to full width with the first success: no storm.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinError, JoinHandle, JoinSet};

use super::context::Context;
use super::ledgers::fits;
use super::report::Problem;
use super::run::Run;
use crate::base::Time;
use crate::base::error::Hinted;
use crate::lake::commit::{Committed, commit};
use crate::lake::identity::IdentityError;
use crate::lake::run_log::Outcome;
use crate::lake::spool::Entry;
use crate::lake::store::StoreErrorKind;
use crate::telemetry::metrics;

/// How many objects go up at once.
const WIDTH: usize = 8;
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// The way up for finished entries.
#[derive(Debug, Clone)]
pub(super) struct Uploader {
    context: Arc<Context>,
    jobs: mpsc::UnboundedSender<Job>,
    state: Arc<watch::Sender<State>>,
}

#[derive(Debug)]
struct Job {
    entry: Entry,
    /// The run whose log gets the entry's line once it is up.
    run: Option<Arc<Run>>,
}

/// How the uploader is doing.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    /// Entries that are not up yet.
    pub(super) waiting: u64,
    /// Why nothing goes up; `None` while the store answers.
    pub(super) trouble: Option<Trouble>,
}

/// Why nothing goes up.
#[derive(Debug, Clone)]
pub(super) struct Trouble {
    /// Whether it may mend itself; otherwise a person must act.
    pub(super) passing: bool,
    /// What it is.
    pub(super) problem: Problem,
    /// When it began.
    pub(super) since: Time,
}

enum Failure {
    /// The entry stays, and is tried again.
    Trouble { passing: bool, problem: Problem },
    /// The entry can never go up.
    Unfit(String),
}

impl Uploader {
    /// Starts taking entries up in the background, until every handle is gone or the shutdown aborts.
    pub(super) fn start(context: Arc<Context>) -> (Self, JoinHandle<()>) {
        let (jobs, incoming) = mpsc::unbounded_channel();
        let state = Arc::new(watch::Sender::new(State::default()));
        let driver = Driver {
            context: Arc::clone(&context),
            state: Arc::clone(&state),
            queue: BTreeMap::new(),
            next: 0,
            running: JoinSet::new(),
            answers: false,
            failures: 0,
            pause: None,
        };
        let driver = tokio::spawn(driver.drive(incoming));
        (Self { context, jobs, state }, driver)
    }

    /// Hands over an entry.
    pub(super) fn push(&self, entry: Entry, run: Option<Arc<Run>>) {
        self.context.ledgers.note_spooled(&entry);
        let mut waiting = 0;
        self.state.send_modify(|state| {
            state.waiting += 1;
            waiting = state.waiting;
        });
        metrics::spool(self.context.spool.used(), waiting);
        // The driver outlives every handle; if it is gone the process is ending and the spool keeps the entry.
        let _ = self.jobs.send(Job { entry, run });
    }

    /// Waits until everything is up, for at most `limit`; ends early when there is no point in waiting.
    pub(super) async fn drain(&self, limit: Duration) {
        let mut state = self.state.subscribe();
        tokio::select! {
            biased;
            _ = state.wait_for(|state| state.waiting == 0) => {}
            () = self.hopeless(limit) => {}
            () = self.context.clock.sleep(limit) => {}
        }
    }

    /// Completes once there is no point in waiting for the store: a person must act first, or it has been in
    /// trouble for as long as `patience`.
    pub(super) async fn hopeless(&self, patience: Duration) {
        let clock = &self.context.clock;
        let mut state = self.state.subscribe();
        loop {
            let trouble = state.borrow_and_update().trouble.clone();
            let patience_ends: BoxFuture<'static, ()> = match trouble {
                None => std::future::pending().boxed(),
                Some(trouble) => {
                    let lasted = (clock.now() - trouble.since).to_std().unwrap_or_default();
                    if !trouble.passing || lasted >= patience {
                        return;
                    }
                    clock.sleep(patience.saturating_sub(lasted))
                }
            };
            tokio::select! {
                changed = state.changed() => if changed.is_err() { return },
                () = patience_ends => {}
            }
        }
    }

    /// How the uploader is doing.
    pub(super) fn state(&self) -> State {
        self.state.borrow().clone()
    }
}

struct Driver {
    context: Arc<Context>,
    state: Arc<watch::Sender<State>>,
    // By the order in which they came, which is the order in which they go up.
    queue: BTreeMap<u64, Job>,
    next: u64,
    running: JoinSet<(u64, Job, Result<Committed, Failure>)>,
    // Whether the store answered last time. Until it first does, one try at a time is enough to find out.
    answers: bool,
    // Failed tries in a row.
    failures: u32,
    // The end of the pause after a failed try.
    pause: Option<BoxFuture<'static, ()>>,
}

impl Driver {
    async fn drive(mut self, mut incoming: mpsc::UnboundedReceiver<Job>) {
        let mut open = true;
        while open || !self.queue.is_empty() || !self.running.is_empty() {
            let width = if self.answers { WIDTH } else { 1 };
            while self.pause.is_none() && self.running.len() < width {
                let Some((number, job)) = self.queue.pop_first() else { break };
                self.send(number, job);
            }
            tokio::select! {
                job = incoming.recv(), if open => match job {
                    Some(job) => self.accept(job),
                    None => open = false,
                },
                Some(done) = self.running.join_next() => self.finish(done),
                () = async { if let Some(pause) = self.pause.as_mut() { pause.await } }, if self.pause.is_some() => {
                    self.pause = None;
                }
                () = self.context.shutdown.aborting() => break,
            }
        }
        self.running.shutdown().await;
    }

    fn accept(&mut self, job: Job) {
        self.queue.insert(self.next, job);
        self.next += 1;
    }

    fn send(&mut self, number: u64, job: Job) {
        let context = Arc::clone(&self.context);
        self.running.spawn(async move {
            let result = AssertUnwindSafe(take_up(&context, &job.entry)).catch_unwind().await;
            let result = result.unwrap_or_else(|_| {
                let message = format!("the upload of {} panicked", job.entry.key);
                let hint = Some("this is a fault in Contrail: please report it".to_owned());
                Err(Failure::Trouble { passing: false, problem: Problem { message, hint } })
            });
            (number, job, result)
        });
    }

    fn finish(&mut self, done: Result<(u64, Job, Result<Committed, Failure>), JoinError>) {
        // Only the end of the process cuts an upload; its entry waits in the spool.
        let Ok((number, job, result)) = done else { return };
        match result {
            Ok(committed) => {
                // While it pauses, a success is an upload that had started before the trouble.
                if self.pause.is_none() {
                    self.store_answers();
                }
                self.settle(job, Ok(committed));
            }
            Err(Failure::Unfit(why)) => self.settle(job, Err(why)),
            Err(Failure::Trouble { passing, problem }) => {
                self.queue.insert(number, job);
                if self.pause.is_none() {
                    self.store_fails(passing, problem);
                }
            }
        }
    }

    fn store_answers(&mut self) {
        if self.failures > 0 {
            tracing::info!(store = %self.context.store.url(), "the store is back");
        }
        (self.answers, self.failures) = (true, 0);
        metrics::store_up(true);
        self.state.send_if_modified(|state| state.trouble.take().is_some());
    }

    /// Begins a pause, twice as long as the one before.
    fn store_fails(&mut self, passing: bool, problem: Problem) {
        let before = self.state.borrow().trouble.clone();
        if before.as_ref().is_none_or(|before| before.passing != passing) {
            let hint = problem.hint.as_deref().unwrap_or("it is tried again; nothing is lost");
            tracing::error!(hint, "{}", problem.message);
        }
        let since = before.map_or_else(|| self.context.clock.now(), |before| before.since);
        self.state.send_modify(|state| state.trouble = Some(Trouble { passing, problem, since }));
        metrics::store_up(false);
        let pause = FIRST_PAUSE.saturating_mul(1 << self.failures.min(16)).min(LONGEST_PAUSE);
        (self.answers, self.failures) = (false, self.failures.saturating_add(1));
        self.pause = Some(self.context.clock.sleep(pause / 2 + self.context.chance.up_to(pause / 2)));
    }

    /// Sees an entry off: it is in the lake, or can never be.
    fn settle(&mut self, job: Job, result: Result<Committed, String>) {
        let Job { mut entry, run, .. } = job;
        self.context.ledgers.note_settled(&entry, result.is_ok());
        if let (Some(run), Some(mut attempt)) = (&run, entry.attempt.take()) {
            attempt.finished = self.context.clock.now();
            match result {
                Ok(Committed::Stored) => {}
                Ok(Committed::Exists { differs }) => {
                    (attempt.outcome, attempt.differs) = (Outcome::Exists, Some(differs));
                }
                Err(why) => {
                    attempt.outcome = Outcome::Failed;
                    (attempt.error_kind, attempt.error) = (Some("unfit".to_owned()), Some(why));
                }
            }
            run.record(&self.context, &attempt);
        }
        // After its line: a process that is killed in between writes the line twice rather than never.
        if let Err(error) = self.context.spool.remove(&entry) {
            tracing::error!(%error, key = %entry.key, "failed to remove an object from the spool");
        }
        // The log before its last entry is counted out, so that the count does not touch zero in between.
        if let Some(entry) = run.and_then(|run| run.close_one(&self.context)) {
            self.state.send_modify(|state| state.waiting += 1);
            self.accept(Job { entry, run: None });
        }
        self.state.send_modify(|state| state.waiting = state.waiting.saturating_sub(1));
        metrics::spool(self.context.spool.used(), self.state.borrow().waiting);
    }
}

async fn take_up(context: &Context, entry: &Entry) -> Result<Committed, Failure> {
    let identity = context.identity().await.map_err(|error| match &error {
        IdentityError::Store(store) => trouble(store.kind, &error),
        IdentityError::Unfit { .. } => trouble(StoreErrorKind::Config, &error),
    })?;
    let grid = identity.grid().map_err(|error| trouble(StoreErrorKind::Config, &error))?;
    if !fits(grid, &entry.parsed) {
        let key = &entry.key;
        let why = format!("{key} is no window of this lake: it was fetched before the lake could be read");
        return Err(Failure::Unfit(why));
    }
    commit(context.store.as_ref(), entry).await.map_err(|error| {
        if entry.body().exists() {
            trouble(error.kind, &error)
        } else {
            Failure::Unfit(format!("the payload of {} has gone from the spool", entry.key))
        }
    })
}

fn trouble<E: Hinted>(kind: StoreErrorKind, error: &E) -> Failure {
    Failure::Trouble { passing: kind == StoreErrorKind::Away, problem: Problem::of(error) }
}
