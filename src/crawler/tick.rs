//! One tick of one source: plan, fetch what is missing within the source's own bound, and plan again until
//! nothing is missing. An error or a panic in one stream never stops another.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::oneshot;
use tokio::task::{Id, JoinError, JoinSet};

use super::context::{Context, Known, Scheduled};
use super::fetch::{Ended, fetch, mark};
use super::order::{newest_only, newest_then_oldest};
use super::report::Problem;
use super::run::Run;
use super::upload::Uploader;
use crate::base::Name;
use crate::base::error::{Hinted, one_line};
use crate::lake::key::Mark;
use crate::lake::run_log::{Attempt, Outcome};
use crate::lake::slice::{Slice, Stream};
use crate::sources::{FetchError, FetchErrorKind, Plan, PlanContext, Source, Traffic};
use crate::telemetry::metrics::{self, TickResult};

/// After this many payloads of a stream were not what they claimed, the stream rests until the next tick.
const BAD_PAYLOADS: u32 = 3;

/// A tick in progress.
pub(super) struct Tick {
    context: Arc<Context>,
    uploader: Uploader,
    source: Arc<dyn Source>,
    concurrency: usize,
    run: Arc<Run>,
    /// Streams that are left alone until the next tick.
    resting: BTreeSet<Stream>,
    /// Slices that came to nothing, not to be tried twice in one tick.
    failed: BTreeSet<Slice>,
    bad_payloads: HashMap<Stream, u32>,
    /// Nothing more of this source can be done in this tick: a person must act first.
    blocked: bool,
    settling: Vec<oneshot::Receiver<()>>,
}

/// Runs one tick of `scheduled`. Answers the run, whose numbers are whole once everything of it is up. `again`
/// says, once, that the source has become due once more: then the present comes first again.
pub(super) async fn tick(
    context: &Arc<Context>,
    uploader: &Uploader,
    scheduled: &Scheduled,
    again: impl Fn() -> bool + Send,
) -> Arc<Run> {
    let dataset = scheduled.source.dataset().id;
    let run = Run::start(context, dataset);
    let started = context.clock.now();
    let mut tick = Tick {
        context: Arc::clone(context),
        uploader: uploader.clone(),
        source: Arc::clone(&scheduled.source),
        concurrency: scheduled.concurrency.max(1),
        run: Arc::clone(&run),
        resting: BTreeSet::new(),
        failed: BTreeSet::new(),
        bad_payloads: HashMap::new(),
        blocked: false,
        settling: Vec::new(),
    };
    tokio::select! {
        () = tick.run_rounds(&again) => {}
        () = context.shutdown.aborting() => {}
    }
    if let Some(log) = run.close_one(context) {
        uploader.push(log, None);
    }
    let now = context.clock.now();
    let result = if run.is_clean() { TickResult::Done } else { TickResult::Partial };
    metrics::tick(dataset, result, (now - started).to_std().unwrap_or_default());
    if run.is_clean() {
        metrics::success(dataset, now);
    }
    context.observer.ended(dataset);
    run
}

impl Tick {
    async fn run_rounds(&mut self, again: &(impl Fn() -> bool + Send)) {
        loop {
            let Some((known, wanted)) = self.plan().await else { return };
            self.context.observer.planned(self.source.dataset().id, wanted.len());
            if wanted.is_empty() {
                return;
            }
            // Once the windows of a day are all there its audit may be due, so plan again after windows.
            let windows = wanted.iter().any(|slice| matches!(slice, Slice::Window { .. }));
            let (fetched, left) = self.fetch_all(&known, wanted, again).await;
            self.run.leave(left);
            if self.context.shutdown.is_stopping() || self.blocked || fetched == 0 || (!windows && left == 0)
            {
                return;
            }
            // An audit reads what the windows stored, so they must be up. A store that is away ends the tick.
            if !self.settle().await {
                return;
            }
        }
    }

    /// What is missing now; `None` when the tick is over.
    async fn plan(&mut self) -> Option<(Known, Vec<Slice>)> {
        let started = self.context.clock.now();
        let dataset = self.source.dataset();
        let name = Name::new("dataset", dataset.id).ok()?;
        let known = match self.context.known(&name, dataset.windows).await {
            Ok(known) => known,
            Err(error) => {
                self.fail_dataset(&error, "store", started);
                return None;
            }
        };
        let traffic = Traffic::default();
        let grid =
            known.identity.grid().inspect_err(|error| self.fail_dataset(error, "store", started)).ok()?;
        let plan_context = PlanContext {
            coverage: &known.coverage,
            now: known.planned_at,
            created_at: known.identity.created_at,
            grid,
            traffic: &traffic,
        };
        match self.source.plan(&plan_context).await {
            Ok(plan) => {
                let wanted = self.take_in(plan, known.blind);
                Some((known, wanted))
            }
            Err(error) => {
                self.fail_dataset(&error, error.kind.as_str(), started);
                None
            }
        }
    }

    /// Writes down what the plan says beside the wanted slices, and puts those in order.
    fn take_in(&mut self, plan: Plan, blind: bool) -> Vec<Slice> {
        let now = self.context.clock.now();
        for warning in &plan.warnings {
            tracing::warn!(dataset = self.source.dataset().id, "{warning}");
        }
        for error in &plan.failures {
            self.fail_dataset(error, error.kind.as_str(), now);
        }
        for (stream, error) in plan.closed {
            if self.resting.insert(stream.clone()) {
                self.record_failure(Attempt::at_stream(self.run.id(), &stream, now), &stream, &error);
            }
        }
        if !blind {
            plan.lost.iter().for_each(|slice| self.mark_lost(slice, "the upstream no longer has it"));
        }
        let mut wanted = plan.wanted;
        wanted.retain(|slice| !self.resting.contains(slice.stream()) && !self.failed.contains(slice));
        if blind { newest_only(wanted) } else { newest_then_oldest(wanted) }
    }

    /// Fetches the slices in order; answers how many came to something, and how many were left.
    async fn fetch_all(
        &mut self,
        known: &Known,
        wanted: Vec<Slice>,
        again: &(impl Fn() -> bool + Send),
    ) -> (u64, u64) {
        let (mut fetched, mut left) = (0, 0);
        let mut running: JoinSet<Ended> = JoinSet::new();
        let mut slices: HashMap<Id, Slice> = HashMap::new();
        let mut queue = wanted.into_iter();
        loop {
            while running.len() < self.concurrency {
                let Some(slice) = queue.next() else { break };
                if self.blocked || self.resting.contains(slice.stream()) {
                    continue;
                }
                if self.context.shutdown.is_stopping()
                    || (fetched > 0 && again())
                    || !self.wait_for_room().await
                {
                    left += 1 + queue.by_ref().count() as u64;
                    break;
                }
                let (context, source) = (Arc::clone(&self.context), Arc::clone(&self.source));
                let task = running.spawn(fetch(
                    context,
                    source,
                    known.clone(),
                    slice.clone(),
                    Arc::clone(&self.run),
                ));
                slices.insert(task.id(), slice);
            }
            let Some(done) = running.join_next_with_id().await else { break };
            fetched += u64::from(self.take_back(done, &mut slices));
        }
        (fetched, left)
    }

    /// Waits until the spool has room; `false` when the crawler stops meanwhile.
    async fn wait_for_room(&self) -> bool {
        if !self.context.spool.is_full() {
            return true;
        }
        tracing::warn!(
            used = self.context.spool.used(),
            limit = self.context.spool.limit(),
            "the spool is full: crawling waits until the store takes something up"
        );
        metrics::spool_waiting(true);
        let room = tokio::select! {
            () = self.context.spool.wait_for_room() => true,
            () = self.context.shutdown.stopping() => false,
        };
        metrics::spool_waiting(false);
        room
    }

    /// Takes in how a fetch ended; answers whether it came to something.
    fn take_back(&mut self, done: Result<(Id, Ended), JoinError>, slices: &mut HashMap<Id, Slice>) -> bool {
        let (id, ended) = match done {
            Ok((id, ended)) => (id, Some(ended)),
            Err(error) => (error.id(), None),
        };
        let Some(slice) = slices.remove(&id) else { return false };
        match ended {
            Some(Ended::Spooled(entry)) => {
                self.bad_payloads.remove(slice.stream());
                self.hand_over(*entry);
                true
            }
            Some(Ended::Failed(attempt, error)) => {
                self.fail_slice(*attempt, slice, &error);
                false
            }
            None => {
                let attempt = Attempt::at_slice(self.run.id(), &slice, self.context.clock.now());
                self.fail_slice(attempt, slice, &FetchError::bug("the fetch panicked"));
                false
            }
        }
    }

    fn hand_over(&mut self, entry: crate::lake::spool::Entry) {
        self.context.note_spooled(&entry.parsed);
        self.run.expect_line();
        self.settling.push(self.uploader.push(entry, Some(Arc::clone(&self.run))));
    }

    fn fail_slice(&mut self, attempt: Attempt, slice: Slice, error: &FetchError) {
        let stream = slice.stream().clone();
        match error.kind {
            FetchErrorKind::Gone => {
                self.mark_lost(&slice, &error.to_string());
                return;
            }
            FetchErrorKind::Upstream => {
                let bad = self.bad_payloads.entry(stream.clone()).or_default();
                *bad += 1;
                if *bad >= BAD_PAYLOADS {
                    self.resting.insert(stream.clone());
                }
            }
            FetchErrorKind::Config | FetchErrorKind::Local => self.blocked = true,
            FetchErrorKind::Retry { .. } | FetchErrorKind::Refused | FetchErrorKind::Bug => {
                self.resting.insert(stream.clone());
            }
        }
        self.failed.insert(slice);
        self.record_failure(attempt, &stream, error);
    }

    fn record_failure(&self, mut attempt: Attempt, stream: &Stream, error: &FetchError) {
        let refused = error.kind == FetchErrorKind::Refused;
        attempt.outcome = if refused { Outcome::Refused } else { Outcome::Failed };
        attempt.error_kind = Some(error.kind.as_str().to_owned());
        attempt.error = Some(error.to_string());
        if !refused || self.context.is_first_refusal(stream) {
            let hint = error.hint().unwrap_or_default();
            tracing::warn!(
                stream = %stream,
                slice = attempt.slice.as_deref().unwrap_or_default(),
                kind = error.kind.as_str(),
                hint,
                "{error}"
            );
            self.run.problem(Problem::of(error));
        }
        self.run.record(&self.context, &attempt);
    }

    fn fail_dataset<E: Hinted>(&self, error: &E, kind: &str, started: crate::base::Time) {
        let mut attempt = Attempt::at_dataset(self.run.id(), self.source.dataset().id, started);
        attempt.finished = self.context.clock.now();
        attempt.error_kind = Some(kind.to_owned());
        attempt.error = Some(one_line(error));
        tracing::error!(
            dataset = attempt.dataset,
            kind,
            hint = error.hint().unwrap_or_default(),
            "{}",
            one_line(error)
        );
        self.run.problem(Problem::of(error));
        self.run.record(&self.context, &attempt);
    }

    /// Marks a slice as lost, once.
    fn mark_lost(&mut self, slice: &Slice, why: &str) {
        let mut attempt = Attempt::at_slice(self.run.id(), slice, self.context.clock.now());
        attempt.outcome = Outcome::Lost;
        match mark(&self.context, slice, Mark::Lost, &json!(why), attempt) {
            Ok(entry) => self.hand_over(entry),
            Err(error) => tracing::error!(slice = %slice, %error, "failed to mark a slice as lost"),
        }
    }

    /// Waits until all that was handed over is up; `false` when the store is in trouble or the crawler stops.
    async fn settle(&mut self) -> bool {
        const LOOK: Duration = Duration::from_millis(200);
        for settled in std::mem::take(&mut self.settling) {
            tokio::pin!(settled);
            loop {
                tokio::select! {
                    _ = &mut settled => break,
                    () = self.context.shutdown.stopping() => return false,
                    () = self.context.clock.sleep(LOOK) => {
                        if self.uploader.state().trouble.is_some() {
                            return false;
                        }
                    }
                }
            }
        }
        true
    }
}
