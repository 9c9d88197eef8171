//! One tick of one source: plan, fetch what is missing within the source's own bound, and plan again until
//! nothing is missing. An error or a panic in one stream never stops another.

use std::collections::{BTreeSet, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use futures::FutureExt as _;
use serde_json::json;
use tokio::task::JoinSet;

use super::context::{Context, Known, Scheduled};
use super::fetch::{Ended, Failure, fetch, mark};
use super::order::{newest_only, newest_then_oldest, present_and_past};
use super::report::Problem;
use super::rest::Rest;
use super::run::Run;
use super::upload::Uploader;
use crate::base::Name;
use crate::base::error::{Hinted, printable};
use crate::lake::key::Mark;
use crate::lake::run_log::{Attempt, Outcome};
use crate::lake::slice::{Slice, Stream};
use crate::lake::spool::Entry;
use crate::sources::{Dataset, FetchError, FetchErrorKind, Plan, PlanContext, Traffic};
use crate::telemetry::metrics::{self, TickResult};

/// How far a clock may be put back for no more than to keep the time.
const PUT_BACK: TimeDelta = TimeDelta::minutes(1);

/// Why a tick runs, and what may end it.
#[derive(Debug, Clone, Default)]
pub(super) struct Occasion {
    /// Set when the source has become due once more: then the present comes first again.
    pub(super) due_again: Arc<AtomicBool>,
    /// How long a single run waits for the store. `None` for one that comes again: it leaves the rest to its
    /// next tick, but waits for room in the spool for as long as it takes.
    pub(super) patience: Option<Duration>,
}

/// A tick in progress.
struct Tick {
    context: Arc<Context>,
    uploader: Uploader,
    scheduled: Arc<Scheduled>,
    occasion: Occasion,
    run: Arc<Run>,
    rest: Rest,
    /// What was said of the dataset as a whole: a later plan need not say it again.
    said: BTreeSet<String>,
    /// Streams that were looked at, and of which nothing has come yet.
    looked_at: BTreeSet<Stream>,
    /// Streams of which something came: a line of their own tells of it.
    attempted: BTreeSet<Stream>,
    /// Whether a plan could be made.
    planned: bool,
    /// Why the last plan was made without knowing what the lake has, if it was.
    blind: Option<Problem>,
    /// Whether fetching waits for room in the spool.
    held_up: bool,
}

/// A plan, in order.
struct Planned {
    /// What it was made from.
    known: Known,
    /// What is to be fetched.
    wanted: Vec<Slice>,
    /// What is to be marked.
    lost: Vec<Slice>,
}

/// What fetching the slices of one plan came to.
struct Round {
    /// How many came to something.
    fetched: u64,
    /// How many were not attempted.
    left: u64,
}

/// Runs one tick of `scheduled`. Answers the run, whose numbers are whole once everything of it is up.
pub(super) async fn tick(
    context: &Arc<Context>,
    uploader: &Uploader,
    scheduled: &Arc<Scheduled>,
    occasion: Occasion,
) -> Arc<Run> {
    let dataset = scheduled.source.dataset().id;
    let started = context.clock.now();
    let mut tick = Tick {
        context: Arc::clone(context),
        uploader: uploader.clone(),
        scheduled: Arc::clone(scheduled),
        occasion,
        run: Run::start(context, dataset),
        rest: Rest::default(),
        said: BTreeSet::new(),
        looked_at: BTreeSet::new(),
        attempted: BTreeSet::new(),
        planned: false,
        blind: None,
        held_up: false,
    };
    // A source may panic while it plans; that ends its tick and nothing else.
    if AssertUnwindSafe(tick.run_rounds()).catch_unwind().await.is_err() {
        tick.fail_dataset(Problem::of(&FetchError::bug("the tick panicked")), "bug");
    }
    if let Some(problem) = tick.blind.take() {
        tick.fail_dataset(problem, "store");
    }
    tick.note_looks();
    let Tick { run, planned, .. } = tick;
    uploader.close_one(&run);
    let result = match (planned, run.is_clean()) {
        (false, _) => TickResult::Failed,
        (true, false) => TickResult::Partial,
        (true, true) => TickResult::Done,
    };
    let now = context.clock.now();
    metrics::tick(dataset, result, (now - started).to_std().unwrap_or_default());
    if result == TickResult::Done {
        metrics::success(dataset, now);
    }
    run
}

impl Tick {
    fn dataset(&self) -> &'static Dataset {
        self.scheduled.source.dataset()
    }

    async fn run_rounds(&mut self) {
        let shutdown = self.context.shutdown.clone();
        loop {
            // This plan sees everything that is due by now.
            self.occasion.due_again.store(false, Ordering::Release);
            let planned = tokio::select! {
                biased;
                planned = self.plan() => planned,
                () = shutdown.aborting() => None,
            };
            let Some(Planned { known, wanted, lost }) = planned else { return };
            self.context.observer.planned(self.dataset().id, wanted.len());
            if wanted.is_empty() && lost.is_empty() {
                return self.run.finish();
            }
            // Once the windows of a day are all up its audit may be due, and whoever was blind may see now.
            let more =
                known.blind.is_some() || wanted.iter().any(|slice| matches!(slice, Slice::Window { .. }));
            // After a year away there is much to mark: that does not hold up the present. The past waits for it: a window
            // that carries over what was before it relies on the marks, should the clock be put back.
            let (present, past) = present_and_past(wanted, &lost);
            let mut round = self.fetch_all(&known, present).await;
            round.left += self.mark_all_lost(lost).await;
            let rest = self.fetch_all(&known, past).await;
            (round.fetched, round.left) = (round.fetched + rest.fetched, round.left + rest.left);
            self.run.leave(round.left);
            if round.left == 0 && (round.fetched == 0 || !more) {
                return self.run.finish();
            }
            if shutdown.is_stopping() || self.rest.is_blocked() {
                return;
            }
            if !self.is_due_again() && (round.left > 0 || !self.settle().await) {
                return;
            }
        }
    }

    fn is_due_again(&self) -> bool {
        self.occasion.due_again.load(Ordering::Acquire)
    }

    /// What is missing now; `None` when it cannot be told.
    async fn plan(&mut self) -> Option<Planned> {
        let dataset = self.dataset();
        let name = Name::new("dataset", dataset.id).ok()?;
        let known = match self.context.known(&name, dataset.windows).await {
            Ok(known) => known,
            Err(error) => {
                self.fail_dataset(Problem::of(&error), "store");
                return None;
            }
        };
        self.blind.clone_from(&known.blind);
        let traffic = Traffic::default();
        let plan_context = PlanContext {
            coverage: &known.stored,
            expected: &known.coverage,
            now: known.planned_at,
            created_at: known.identity.created_at,
            grid: known.grid,
            past: None,
            traffic: &traffic,
        };
        match self.scheduled.source.plan(&plan_context).await {
            // Judged by a time that was ahead, it may give up what can be had.
            Ok(_) if self.context.clock.now() + PUT_BACK < known.planned_at => {
                let error = FetchError::new(
                    FetchErrorKind::Config,
                    "this machine's clock was put back while the plan was made",
                );
                self.fail_dataset(Problem::of(&error.with_hint("the next tick plans anew")), "config");
                None
            }
            Ok(plan) => {
                self.planned = true;
                Some(self.take_in(plan, known))
            }
            Err(error) => {
                self.fail_dataset(Problem::of(&error), error.kind.as_str());
                None
            }
        }
    }

    /// Writes down what the plan says beside its slices, and puts those in order.
    fn take_in(&mut self, plan: Plan, known: Known) -> Planned {
        for warning in plan.warnings.iter().map(|warning| printable(warning)) {
            if self.said.insert(warning.clone()) {
                tracing::warn!(dataset = self.dataset().id, "{warning}");
            }
        }
        for error in &plan.failures {
            self.fail_dataset(Problem::of(error), error.kind.as_str());
        }
        if self.dataset().publishes {
            self.looked_at.extend(plan.streams);
        }
        for (stream, error) in &plan.closed {
            if self.rest.close(stream) {
                self.attempted.insert(stream.clone());
                let attempt = Attempt::at_stream(self.run.id(), stream, self.context.clock.now());
                self.record_failure(attempt, stream, error, true);
            }
        }
        let blind = known.blind.is_some();
        let mut lost = plan.lost;
        lost.retain(|slice| !blind && !known.spooled.contains(slice));
        let mut wanted = if blind { newest_only(plan.wanted) } else { newest_then_oldest(plan.wanted) };
        wanted.retain(|slice| {
            self.rest.allows(slice)
                && !known.spooled.contains(slice)
                && !self.context.is_asked_to_wait(slice.stream())
        });
        Planned { known, wanted, lost }
    }

    /// Fetches the slices in order, as many at once as the source's bound allows.
    async fn fetch_all(&mut self, known: &Known, wanted: Vec<Slice>) -> Round {
        let mut queue = VecDeque::from(wanted);
        let mut running: JoinSet<Ended> = JoinSet::new();
        let shutdown = self.context.shutdown.clone();
        let (mut fetched, mut gave_up) = (0, false);
        loop {
            while queue.front().is_some_and(|slice| !self.rest.allows(slice)) {
                queue.pop_front();
            }
            let ending = gave_up || shutdown.is_stopping() || (fetched > 0 && self.is_due_again());
            let may_start = !ending && !queue.is_empty() && running.len() < self.scheduled.concurrency.max(1);
            self.hold_up(may_start && self.context.spool.is_full());
            tokio::select! {
                biased;
                Some(ended) = running.join_next() => match ended {
                    Ok(ended) => fetched += u64::from(self.take_back(ended).await),
                    Err(error) => tracing::error!(%error, "a fetch was lost: this is a fault in contrail"),
                },
                () = self.context.spool.wait_for_room(), if may_start => {
                    if let Some(slice) = queue.pop_front() {
                        self.start(&mut running, known, slice);
                    }
                }
                () = self.uploader.hopeless(self.occasion.patience.unwrap_or_default()),
                    if self.held_up && self.occasion.patience.is_some() => gave_up = true,
                () = shutdown.stopping(), if may_start => {}
                else => break,
            }
        }
        Round { fetched, left: queue.iter().filter(|slice| self.rest.allows(slice)).count() as u64 }
    }

    fn start(&mut self, running: &mut JoinSet<Ended>, known: &Known, slice: Slice) {
        self.rest.attempt(&slice);
        self.attempted.insert(slice.stream().clone());
        let (context, source) = (Arc::clone(&self.context), Arc::clone(&self.scheduled.source));
        running.spawn(fetch(context, source, known.clone(), slice, self.run.id().clone()));
    }

    /// Notes whether fetching waits for room in the spool.
    fn hold_up(&mut self, held_up: bool) {
        if held_up == std::mem::replace(&mut self.held_up, held_up) {
            return;
        }
        metrics::spool_waiting(held_up);
        if held_up {
            tracing::warn!(
                used = self.context.spool.used(),
                limit = self.context.spool.limit(),
                "the spool is full: crawling waits until the store takes something up"
            );
        }
    }

    /// Takes in how a fetch ended; answers whether it came to something.
    async fn take_back(&mut self, ended: Ended) -> bool {
        let Ended { slice, result } = ended;
        let stream = slice.stream();
        match result {
            Ok(entry) => {
                self.rest.went_well(stream);
                self.context.note_open(stream);
                self.hand_over(entry);
                true
            }
            Err(Failure { mut attempt, error: None }) => {
                attempt.outcome = Outcome::Interrupted;
                attempt.error = Some("the crawler ended before the fetch did".to_owned());
                self.run.record(&self.context, &attempt);
                false
            }
            Err(Failure { attempt, error: Some(error) }) => {
                let news = self.rest.failed(stream, error.kind);
                match error.kind {
                    FetchErrorKind::Gone => self.mark_lost(&slice, &error.to_string(), *attempt).await,
                    kind => {
                        if let FetchErrorKind::Retry { after: Some(wait) } = kind {
                            self.context.note_asked_to_wait(stream, wait);
                        }
                        self.record_failure(*attempt, stream, &error, news);
                    }
                }
                false
            }
        }
    }

    fn hand_over(&self, entry: Entry) {
        self.run.expect_line();
        self.uploader.push(entry, Some(Arc::clone(&self.run)));
    }

    /// Writes down a failure, and says it if it is news.
    fn record_failure(&self, mut attempt: Attempt, stream: &Stream, error: &FetchError, news: bool) {
        let refused = error.kind == FetchErrorKind::Refused;
        attempt.outcome = if refused { Outcome::Refused } else { Outcome::Failed };
        attempt.error_kind = Some(error.kind.as_str().to_owned());
        attempt.error = Some(error.to_string());
        if news && (!refused || self.context.is_first_refusal(stream)) {
            attempt.sentinels.extend(error.sentinel.map(|sentinel| sentinel.as_str().to_owned()));
            tracing::warn!(
                dataset = attempt.dataset,
                stream = attempt.stream,
                slice = attempt.slice,
                kind = error.kind.as_str(),
                hint = error.hint(),
                "{error}"
            );
            self.run.problem(Problem::of(error));
        }
        self.run.record(&self.context, &attempt);
    }

    /// Writes down which streams were looked at and had nothing new: nothing else would tell of it.
    fn note_looks(&self) {
        for stream in self.looked_at.difference(&self.attempted) {
            let now = self.context.clock.now();
            let attempt = Attempt::at_stream(self.run.id(), stream, now);
            self.run.note(&Attempt { outcome: Outcome::Unchanged, finished: now, ..attempt });
        }
    }

    /// Writes down and says, once, what is wrong with the dataset as a whole.
    fn fail_dataset(&mut self, problem: Problem, kind: &str) {
        if !self.said.insert(problem.message.clone()) {
            return;
        }
        let dataset = self.dataset().id;
        let mut attempt = Attempt::at_dataset(self.run.id(), dataset, self.context.clock.now());
        attempt.error_kind = Some(kind.to_owned());
        attempt.error = Some(problem.message.clone());
        tracing::error!(dataset, kind, hint = problem.hint, "{}", problem.message);
        self.run.problem(problem);
        self.run.record(&self.context, &attempt);
    }

    /// Marks what the upstream no longer has, as far as nothing else is to be done; answers how many are left.
    async fn mark_all_lost(&self, slices: Vec<Slice>) -> u64 {
        let mut slices = slices.into_iter();
        while !self.context.shutdown.is_stopping()
            && !self.is_due_again()
            && let Some(slice) = slices.next()
        {
            let attempt = Attempt::at_slice(self.run.id(), &slice, self.context.clock.now());
            self.mark_lost(&slice, "the upstream no longer has it", attempt).await;
        }
        slices.len() as u64
    }

    /// Marks a slice as lost, once.
    async fn mark_lost(&self, slice: &Slice, why: &str, mut attempt: Attempt) {
        attempt.outcome = Outcome::Lost;
        attempt.error = Some(why.to_owned());
        match mark(&self.context, slice, Mark::Lost, &json!(why), attempt).await {
            Ok(entry) => self.hand_over(entry),
            Err(error) => tracing::error!(slice = %slice, %error, "failed to mark a slice as lost"),
        }
    }

    /// Waits until all that was handed over is up; `false` when there is no point in waiting for it.
    async fn settle(&self) -> bool {
        tokio::select! {
            biased;
            () = self.run.settled() => true,
            () = self.context.shutdown.stopping() => false,
            () = self.uploader.hopeless(self.occasion.patience.unwrap_or_default()) => false,
        }
    }
}
