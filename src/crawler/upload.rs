//! The uploader: takes what is in the spool up into the lake, oldest first. When the store is away it tries one
//! object at a time, at growing distances, and goes back to full width with the first success: no storm. An object
//! that fails while others go up waits by itself and holds up no other.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinHandle, JoinSet};

use super::context::Context;
use super::ledgers::fits;
use super::report::Problem;
use super::run::Run;
use super::upload_state::{State, Trouble, Watched};
use crate::base::error::Hinted;
use crate::lake::commit::{Committed, commit};
use crate::lake::identity::IdentityError;
use crate::lake::key::Parsed;
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
    orders: mpsc::UnboundedSender<Order>,
    state: Arc<Watched>,
}

/// What the uploader is handed.
#[derive(Debug)]
enum Order {
    Upload(Box<Job>),
    /// A run is over: its log is to be sealed, and goes up too.
    Seal(Arc<Run>),
}

#[derive(Debug)]
struct Job {
    entry: Entry,
    /// The run whose log gets the entry's line once it is up.
    run: Option<Arc<Run>>,
    /// How often the entry failed while others went up.
    failures: u32,
}

enum Failure {
    /// The store cannot even be asked for the lake. The entry stays, and is tried again.
    Store(Cause),
    /// The entry did not go up, because of the store or of itself. It stays, and is tried again.
    Entry(Cause),
    /// The entry can never go up.
    Unfit(String),
}

struct Cause {
    passing: bool,
    problem: Problem,
}

impl Uploader {
    /// Starts taking entries up in the background, until every handle is gone or the shutdown aborts.
    pub(super) fn start(context: Arc<Context>) -> (Self, JoinHandle<()>) {
        let (orders, incoming) = mpsc::unbounded_channel();
        let state = Arc::new(Watched::default());
        let driver = Driver {
            context: Arc::clone(&context),
            state: Arc::clone(&state),
            queue: BTreeMap::new(),
            next: 0,
            running: JoinSet::new(),
            sealing: JoinSet::new(),
            doubted: None,
            last_other: 0,
            resting: FuturesUnordered::new(),
            answers: false,
            failures: 0,
            pause: None,
        };
        let driver = tokio::spawn(driver.drive(incoming));
        (Self { context, orders, state }, driver)
    }

    /// Hands over an entry.
    pub(super) fn push(&self, entry: Entry, run: Option<Arc<Run>>) {
        self.context.ledgers.note_spooled(&entry);
        let mut waiting = 0;
        self.state.change(|state| {
            state.waiting += 1;
            waiting = state.waiting;
        });
        metrics::spool(self.context.spool.used(), waiting);
        // The driver outlives every handle; if it is gone the process is ending and the spool keeps the entry.
        let _ = self.orders.send(Order::Upload(Box::new(Job { entry, run, failures: 0 })));
    }

    /// Closes the tick of a run. After its last line its log goes up too.
    pub(super) fn close_one(&self, run: &Arc<Run>) {
        if run.close_one() {
            self.state.change(|state| state.waiting += 1);
            let _ = self.orders.send(Order::Seal(Arc::clone(run)));
        }
    }

    /// Waits until everything is up, for at most `limit`; ends early when there is no point in waiting.
    pub(super) async fn drain(&self, limit: Duration) {
        tokio::select! {
            biased;
            () = self.state.until(|state| state.waiting == 0) => {}
            () = self.hopeless(limit) => {}
            () = self.context.clock.sleep(limit) => {}
        }
    }

    /// Completes once there is no point in waiting for the store: a person must act first, or it has been in
    /// trouble for as long as `patience`.
    pub(super) async fn hopeless(&self, patience: Duration) {
        let clock = &self.context.clock;
        loop {
            let changed = self.state.changed();
            let trouble = self.state.now().holdup().cloned();
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
                biased;
                () = changed => {}
                () = patience_ends => {}
            }
        }
    }

    /// How the uploader is doing.
    pub(super) fn state(&self) -> State {
        self.state.now()
    }
}

struct Driver {
    context: Arc<Context>,
    state: Arc<Watched>,
    // By the order in which they came, which is the order in which they go up.
    queue: BTreeMap<u64, Job>,
    next: u64,
    running: JoinSet<(u64, Job, Result<Committed, Failure>)>,
    // Logs may be long, and are gzipped off the async threads.
    sealing: JoinSet<Option<Entry>>,
    // The entry that failed last, while the next one tells whether it was the store or the entry.
    doubted: Option<(u64, Job, Cause)>,
    // The entry that was last tried in place of the oldest.
    last_other: u64,
    // Entries that failed while others went up, each until its own pause is over.
    resting: FuturesUnordered<BoxFuture<'static, (u64, Job)>>,
    // Whether the store answered last time. Until it first does, one try at a time is enough to find out.
    answers: bool,
    // Failed tries in a row.
    failures: u32,
    // The end of the pause after a failed try.
    pause: Option<BoxFuture<'static, ()>>,
}

impl Driver {
    async fn drive(mut self, mut incoming: mpsc::UnboundedReceiver<Order>) {
        let mut open = true;
        while open || !self.is_idle() {
            let width = if self.answers && self.doubted.is_none() { WIDTH } else { 1 };
            while self.pause.is_none() && self.running.len() < width {
                let Some((number, job)) = self.next_job() else { break };
                self.send(number, job);
            }
            if self.running.is_empty()
                && let Some(doubted) = self.doubted.take()
            {
                // There is no other to tell, but there may have been one before.
                if doubted.1.failures > 0 { self.rest(doubted) } else { self.store_fails(doubted) }
            }
            tokio::select! {
                biased;
                () = self.context.shutdown.aborting() => break,
                Some(done) = self.running.join_next() => self.finish(done),
                Some((number, job)) = self.resting.next() => {
                    self.queue.insert(number, job);
                }
                () = async { if let Some(pause) = self.pause.as_mut() { pause.await } }, if self.pause.is_some() => {
                    self.pause = None;
                }
                Some(sealed) = self.sealing.join_next() => self.take_log(sealed.ok().flatten()),
                order = incoming.recv(), if open => match order {
                    Some(Order::Upload(job)) => self.accept(*job),
                    Some(Order::Seal(run)) => self.seal(run),
                    None => open = false,
                },
            }
        }
        self.running.shutdown().await;
        // They hold the spool, and end soon.
        while self.sealing.join_next().await.is_some() {}
    }

    fn is_idle(&self) -> bool {
        let nothing_waits = self.queue.is_empty() && self.resting.is_empty() && self.doubted.is_none();
        nothing_waits && self.running.is_empty() && self.sealing.is_empty()
    }

    /// The oldest; in doubt, and at every second try of a store that fails, another one, because it may be the
    /// oldest that fails and not the store.
    fn next_job(&mut self) -> Option<(u64, Job)> {
        if self.doubted.is_none() && (self.failures == 0 || self.failures % 2 == 1) {
            return self.queue.pop_first();
        }
        let other = self.queue.range(self.last_other + 1..).next().or_else(|| self.queue.iter().next());
        self.last_other = *other?.0;
        self.queue.remove_entry(&self.last_other)
    }

    fn accept(&mut self, job: Job) {
        self.queue.insert(self.next, job);
        self.next += 1;
    }

    fn seal(&mut self, run: Arc<Run>) {
        let context = Arc::clone(&self.context);
        self.sealing.spawn_blocking(move || run.seal(&context));
    }

    /// Takes in a log that was sealed, if there was anything to seal.
    fn take_log(&mut self, log: Option<Entry>) {
        match log {
            Some(entry) => self.accept(Job { entry, run: None, failures: 0 }),
            None => self.state.change(|state| state.waiting = state.waiting.saturating_sub(1)),
        }
    }

    fn send(&mut self, number: u64, job: Job) {
        let context = Arc::clone(&self.context);
        self.running.spawn(async move {
            let result = AssertUnwindSafe(take_up(&context, &job.entry)).catch_unwind().await;
            let result = result.unwrap_or_else(|_| {
                let message = format!("the upload of {} panicked", job.entry.key);
                let hint = Some("this is a fault in Contrail: please report it".to_owned());
                Err(Failure::Entry(Cause { passing: false, problem: Problem { message, hint } }))
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
            Err(Failure::Store(_) | Failure::Entry(_)) if self.pause.is_some() => {
                self.queue.insert(number, job);
            }
            Err(Failure::Entry(cause)) if self.doubted.is_none() && self.failures == 0 => {
                self.doubted = Some((number, job, cause));
            }
            Err(Failure::Store(cause) | Failure::Entry(cause)) => self.store_fails((number, job, cause)),
        }
    }

    fn store_answers(&mut self) {
        if self.failures > 0 {
            tracing::info!(store = %self.context.store.url(), "the store is back");
        }
        (self.answers, self.failures) = (true, 0);
        metrics::store_up(true);
        self.state.change(|state| state.trouble = None);
        if let Some(doubted) = self.doubted.take() {
            self.rest(doubted);
        }
    }

    /// Begins a pause, twice as long as the one before.
    fn store_fails(&mut self, (number, job, cause): (u64, Job, Cause)) {
        self.queue.insert(number, job);
        if let Some((number, job, _)) = self.doubted.take() {
            self.queue.insert(number, job);
        }
        let before = self.state.now().trouble;
        if before.as_ref().is_none_or(|before| before.passing != cause.passing) {
            let hint = cause.problem.hint.as_deref().unwrap_or("it is tried again; nothing is lost");
            tracing::error!(hint, "{}", cause.problem.message);
        }
        let trouble = self.trouble(cause, before);
        self.state.change(|state| state.trouble = Some(trouble));
        metrics::store_up(false);
        let pause = self.pause_after(self.failures);
        (self.answers, self.failures) = (false, self.failures.saturating_add(1));
        self.pause = Some(self.context.clock.sleep(pause));
    }

    /// Sets an entry aside that fails while others go up.
    fn rest(&mut self, (number, mut job, cause): (u64, Job, Cause)) {
        let first = job.failures == 0;
        if first {
            let hint = cause.problem.hint.as_deref().unwrap_or("it stays in the spool and is tried again");
            let (key, error) = (&job.entry.key, &cause.problem.message);
            tracing::error!(hint, %key, error, "an object cannot be stored, while others can");
        }
        let trouble = self.trouble(cause, self.state.now().stuck_by);
        self.state.change(|state| {
            state.stuck += u64::from(first);
            state.stuck_by = Some(trouble);
        });
        let pause = self.context.clock.sleep(self.pause_after(job.failures));
        job.failures = job.failures.saturating_add(1);
        self.resting.push(pause.map(move |()| (number, job)).boxed());
    }

    /// The cause, as part of the trouble that was there `before`.
    fn trouble(&self, Cause { passing, problem }: Cause, before: Option<Trouble>) -> Trouble {
        let since = before.map_or_else(|| self.context.clock.now(), |before| before.since);
        Trouble { passing, problem, since }
    }

    fn pause_after(&self, failures: u32) -> Duration {
        let pause = FIRST_PAUSE.saturating_mul(1 << failures.min(16)).min(LONGEST_PAUSE);
        pause / 2 + self.context.chance.up_to(pause / 2)
    }

    /// Sees an entry off: it is in the lake, or can never be.
    fn settle(&mut self, job: Job, result: Result<Committed, String>) {
        let Job { mut entry, run, failures } = job;
        self.context.ledgers.note_settled(&entry, result.is_ok());
        if matches!((&entry.parsed, &result), (Parsed::RunLog(..), Ok(_))) {
            self.context.observer.logged();
        }
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
        if let Some(run) = run.filter(|run| run.close_one()) {
            self.state.change(|state| state.waiting += 1);
            self.seal(run);
        }
        self.state.change(|state| {
            state.waiting = state.waiting.saturating_sub(1);
            state.stuck = state.stuck.saturating_sub(u64::from(failures > 0));
            state.stuck_by.take_if(|_| state.stuck == 0);
        });
        metrics::spool(self.context.spool.used(), self.state.now().waiting);
    }
}

async fn take_up(context: &Context, entry: &Entry) -> Result<Committed, Failure> {
    let identity = context.identity().await.map_err(|error| match &error {
        IdentityError::Store(store) => Failure::Store(cause(store.kind, &error)),
        IdentityError::Unfit { .. } => Failure::Store(cause(StoreErrorKind::Config, &error)),
    })?;
    let grid = identity.grid().map_err(|error| Failure::Store(cause(StoreErrorKind::Config, &error)))?;
    if !fits(grid, &entry.parsed) {
        let key = &entry.key;
        let why = format!("{key} is no window of this lake: it was fetched before the lake could be read");
        return Err(Failure::Unfit(why));
    }
    commit(context.store.as_ref(), entry).await.map_err(|error| {
        if entry.body().exists() {
            Failure::Entry(cause(error.kind, &error))
        } else {
            Failure::Unfit(format!("the payload of {} has gone from the spool", entry.key))
        }
    })
}

fn cause<E: Hinted>(kind: StoreErrorKind, error: &E) -> Cause {
    Cause { passing: kind == StoreErrorKind::Away, problem: Problem::of(error) }
}
