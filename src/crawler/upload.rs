//! The uploader: takes what is in the spool up into the lake, oldest first. When the store is away it tries one
//! object at a time, at growing distances, and goes back to full width with the first success: no storm.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;

use super::context::Context;
use super::report::Problem;
use super::run::Run;
use crate::base::clock::within;
use crate::base::error::Hinted;
use crate::lake::commit::{Committed, commit};
use crate::lake::identity::IdentityError;
use crate::lake::key::Parsed;
use crate::lake::run_log::Outcome;
use crate::lake::slice::Slice;
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
    jobs: mpsc::UnboundedSender<Job>,
    state: Arc<watch::Sender<State>>,
}

#[derive(Debug)]
struct Job {
    entry: Entry,
    run: Option<Arc<Run>>,
    settled: Option<oneshot::Sender<()>>,
}

/// How the uploader is doing.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    /// Entries that are not up yet.
    pub(super) waiting: u64,
    /// Why the last try failed; `None` when it went well.
    pub(super) trouble: Option<Trouble>,
}

/// Why nothing goes up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    /// Whether it may mend itself; otherwise a person must act.
    pub(super) passing: bool,
    /// What it is.
    pub(super) problem: Problem,
}

enum Failure {
    /// The entry stays, and is tried again.
    Trouble(Trouble),
    /// The entry can never go up.
    Unfit(String),
}

impl Uploader {
    /// Starts taking entries up in the background, until every handle is gone or the shutdown aborts.
    pub(super) fn start(context: Arc<Context>) -> Self {
        let (jobs, incoming) = mpsc::unbounded_channel();
        let state = Arc::new(watch::Sender::new(State::default()));
        let driver = Driver {
            context,
            state: Arc::clone(&state),
            queue: BTreeMap::new(),
            next: 0,
            running: JoinSet::new(),
            pause: None,
            jobs: jobs.downgrade(),
        };
        tokio::spawn(driver.drive(incoming));
        Self { jobs, state }
    }

    /// Hands over an entry. The answer comes when it is up, or can never go up; never, if the process ends first.
    pub(super) fn push(&self, entry: Entry, run: Option<Arc<Run>>) -> oneshot::Receiver<()> {
        let (settled, done) = oneshot::channel();
        self.state.send_modify(|state| state.waiting += 1);
        // The driver outlives every handle; if it is gone the process is ending and the spool keeps the entry.
        let _ = self.jobs.send(Job { entry, run, settled: Some(settled) });
        done
    }

    /// Waits until everything handed over so far is up, for at most `limit`; gives up early when a person must
    /// act first. Answers how the uploader is doing then.
    pub(super) async fn drain(&self, context: &Context, limit: Duration) -> State {
        let mut state = self.state.subscribe();
        let drained = state.wait_for(|state| {
            state.waiting == 0 || state.trouble.as_ref().is_some_and(|trouble| !trouble.passing)
        });
        let _ = within(context.clock.as_ref(), limit, drained).await;
        self.state.borrow().clone()
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
    pause: Option<Duration>,
    // Weak, so that the driver itself does not keep the channel open.
    jobs: mpsc::WeakUnboundedSender<Job>,
}

impl Driver {
    async fn drive(mut self, mut incoming: mpsc::UnboundedReceiver<Job>) {
        let mut open = true;
        let mut retry_at: Option<futures::future::BoxFuture<'static, ()>> = None;
        while open || !self.queue.is_empty() || !self.running.is_empty() {
            let width = if self.pause.is_some() { 1 } else { WIDTH };
            while retry_at.is_none() && self.running.len() < width {
                let Some((number, job)) = self.queue.pop_first() else { break };
                self.send(number, job);
            }
            tokio::select! {
                job = incoming.recv(), if open => match job {
                    Some(job) => self.accept(job),
                    None => open = false,
                },
                Some(done) = self.running.join_next() => {
                    if let Some(pause) = self.finish(done) {
                        retry_at = Some(self.context.clock.sleep(pause));
                    }
                }
                () = async { if let Some(sleep) = retry_at.as_mut() { sleep.await } }, if retry_at.is_some() => {
                    retry_at = None;
                }
                () = self.context.shutdown.aborting() => return,
            }
        }
    }

    fn accept(&mut self, job: Job) {
        self.queue.insert(self.next, job);
        self.next += 1;
    }

    fn send(&mut self, number: u64, job: Job) {
        let context = Arc::clone(&self.context);
        self.running.spawn(async move {
            let result = take_up(&context, &job.entry).await;
            (number, job, result)
        });
    }

    /// Settles what came back; answers how long to pause when it was trouble.
    fn finish(
        &mut self,
        done: Result<(u64, Job, Result<Committed, Failure>), tokio::task::JoinError>,
    ) -> Option<Duration> {
        let (number, job, result) = match done {
            Ok(done) => done,
            Err(error) => {
                // The entry is still in the spool: the next start adopts it.
                tracing::error!(%error, "an upload task failed; its object waits in the spool");
                return None;
            }
        };
        match result {
            Ok(committed) => {
                if self.pause.take().is_some() {
                    tracing::info!(store = %self.context.store.url(), "the store is back");
                }
                self.publish(None);
                self.settle(job, Some(committed), None);
                None
            }
            Err(Failure::Unfit(why)) => {
                self.settle(job, None, Some(why));
                None
            }
            Err(Failure::Trouble(trouble)) => {
                self.queue.insert(number, job);
                let pause = self.pause.map_or(FIRST_PAUSE, |pause| (pause * 2).min(LONGEST_PAUSE));
                if self.pause.is_none() {
                    let hint =
                        trouble.problem.hint.as_deref().unwrap_or("it is tried again; nothing is lost");
                    tracing::error!(hint, "{}", trouble.problem.message);
                }
                self.pause = Some(pause);
                self.publish(Some(trouble));
                Some(pause / 2 + self.context.chance.up_to(pause / 2))
            }
        }
    }

    fn settle(&self, job: Job, committed: Option<Committed>, unfit: Option<String>) {
        let Job { mut entry, run, settled } = job;
        if committed.is_some() {
            self.context.note_committed(&entry.parsed);
        }
        if let Err(error) = self.context.spool.remove(&entry) {
            tracing::error!(%error, key = %entry.key, "failed to remove an uploaded object from the spool");
        }
        if let (Some(run), Some(mut attempt)) = (&run, entry.attempt.take()) {
            attempt.finished = self.context.clock.now();
            match (committed, unfit) {
                (Some(Committed::Exists { differs }), _) => {
                    (attempt.outcome, attempt.differs) = (Outcome::Exists, Some(differs));
                }
                (None, why) => {
                    attempt.outcome = Outcome::Failed;
                    (attempt.error_kind, attempt.error) = (Some("unfit".to_owned()), why);
                }
                (Some(Committed::Stored), _) => {}
            }
            run.record(&self.context, &attempt);
        }
        let sealed = run.and_then(|run| run.close_one(&self.context));
        if let (Some(entry), Some(jobs)) = (sealed, self.jobs.upgrade()) {
            self.state.send_modify(|state| state.waiting += 1);
            let _ = jobs.send(Job { entry, run: None, settled: None });
        }
        self.uncount();
        if let Some(settled) = settled {
            let _ = settled.send(());
        }
    }

    /// Tells whether there is trouble.
    fn publish(&self, trouble: Option<Trouble>) {
        metrics::store_up(trouble.is_none());
        self.state.send_if_modified(|state| {
            let changed = state.trouble != trouble;
            state.trouble = trouble;
            changed
        });
    }

    /// One entry less is waiting.
    fn uncount(&self) {
        self.state.send_modify(|state| state.waiting = state.waiting.saturating_sub(1));
        let waiting = self.state.borrow().waiting;
        metrics::spool(self.context.spool.used(), waiting);
        if waiting == 0 {
            self.context.note_drained();
        }
    }
}

async fn take_up(context: &Context, entry: &Entry) -> Result<Committed, Failure> {
    let identity = context.identity().await.map_err(|error| {
        let passing = matches!(&error, IdentityError::Store(error) if error.kind == StoreErrorKind::Away);
        trouble(passing, &error)
    })?;
    if let Parsed::Raw(Slice::Window { span, .. }) = &entry.parsed {
        let grid = identity.grid().map_err(|error| trouble(false, &error))?;
        if !grid.holds(*span) {
            return Err(Failure::Unfit(format!(
                "{span} is no window of this lake: it was fetched before the lake could be read"
            )));
        }
    }
    match commit(context.store.as_ref(), entry).await {
        Ok(committed) => Ok(committed),
        Err(error) => Err(trouble(error.kind == StoreErrorKind::Away, &error)),
    }
}

fn trouble<E: Hinted>(passing: bool, error: &E) -> Failure {
    Failure::Trouble(Trouble { passing, problem: Problem::of(error) })
}
