//! One run: a tick of one dataset, its log, and its numbers. A run is over when its last line is written, which
//! is after its tick when the store is away.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use super::context::Context;
use super::report::{Problem, Tally};
use crate::base::Name;
use crate::lake::run_log::{Attempt, Outcome, RunLog};
use crate::lake::spool::Entry;
use crate::telemetry::metrics;

/// A run, shared by its tick and by everything of it that waits to go up.
#[derive(Debug)]
pub(super) struct Run {
    log: RunLog,
    tally: Mutex<Tally>,
    /// How many may still write lines: the tick, and every entry that waits to go up.
    open: watch::Sender<usize>,
}

impl Run {
    /// Starts a run over `dataset`.
    pub(super) fn start(context: &Context, dataset: &str) -> Arc<Self> {
        let run = Name::hex(context.chance.next_u32());
        let log = RunLog::new(context.spool.directory(), run, dataset, context.clock.now());
        Arc::new(Self { log, tally: Mutex::default(), open: watch::Sender::new(1) })
    }

    pub(super) fn id(&self) -> &Name {
        self.log.run()
    }

    pub(super) fn log(&self) -> &RunLog {
        &self.log
    }

    /// Notes that one more line will come later.
    pub(super) fn expect_line(&self) {
        self.open.send_modify(|open| *open += 1);
    }

    /// Completes once no line is expected any more but those of the tick, which waits here.
    pub(super) async fn settled(&self) {
        // An error would mean that this very run is gone.
        let _ = self.open.subscribe().wait_for(|open| *open <= 1).await;
    }

    /// Writes a line: into the log, the numbers, the metrics, and to the observer.
    pub(super) fn record(&self, context: &Context, attempt: &Attempt) {
        self.lock_tally().add(attempt);
        let counts = metrics::SliceCounts {
            rows: attempt.rows.unwrap_or_default(),
            raw_bytes: attempt.raw_bytes.unwrap_or_default(),
            stored_bytes: attempt.stored_bytes.unwrap_or_default(),
            warnings: attempt.warnings,
        };
        metrics::slice(&attempt.dataset, attempt.outcome.as_str(), counts);
        attempt.sentinels.iter().for_each(|sentinel| metrics::sentinel(&attempt.dataset, sentinel));
        metrics::upstream(&attempt.dataset, attempt.requests, attempt.retries);
        context.observer.attempted(attempt);
        say(attempt);
        self.note(attempt);
    }

    /// Writes a line into the log and nowhere else.
    pub(super) fn note(&self, attempt: &Attempt) {
        if let Err(error) = self.log.append(attempt) {
            tracing::error!(%error, path = %self.log.path().display(), "failed to write a line of the run log");
        }
    }

    /// Notes an error for the summary.
    pub(super) fn problem(&self, problem: Problem) {
        self.lock_tally().problem(problem);
    }

    /// Notes slices that are still missing and were not attempted.
    pub(super) fn leave(&self, slices: u64) {
        self.lock_tally().left = slices;
    }

    /// Notes that the tick ended because there was nothing more to do.
    pub(super) fn finish(&self) {
        self.lock_tally().finished = true;
    }

    /// Whether nothing has failed so far.
    pub(super) fn is_clean(&self) -> bool {
        self.lock_tally().count(Outcome::Failed) == 0
    }

    /// The numbers so far.
    pub(super) fn tally(&self) -> Tally {
        self.lock_tally().clone()
    }

    /// Closes the tick, or one expected line. After the last one the log is to be [sealed](Self::seal).
    pub(super) fn close_one(&self) -> bool {
        let mut last = false;
        self.open.send_modify(|open| {
            *open = open.saturating_sub(1);
            last = *open == 0;
        });
        last
    }

    /// Makes the log an entry, which is for the uploader; `None` when nothing was attempted. A log may be long, so
    /// this takes its time.
    pub(super) fn seal(&self, context: &Context) -> Option<Entry> {
        let path = self.log.path();
        let sealed = context.spool.keep_run_log(path, &self.log.key(), None);
        sealed.unwrap_or_else(|error| {
            tracing::error!(%error, path = %path.display(), "failed to seal the run log");
            None
        })
    }

    fn lock_tally(&self) -> std::sync::MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One line for each slice, where no progress bar stands for it. Failures are said where they are handled.
fn say(attempt: &Attempt) {
    if matches!(attempt.outcome, Outcome::Failed | Outcome::Refused | Outcome::Interrupted) {
        return;
    }
    tracing::info!(
        target: "contrail::slice",
        dataset = attempt.dataset,
        stream = attempt.stream,
        slice = attempt.slice,
        rows = attempt.rows,
        raw_bytes = attempt.raw_bytes,
        stored_bytes = attempt.stored_bytes,
        requests = attempt.requests,
        warnings = attempt.warnings,
        "{}",
        attempt.outcome.as_str(),
    );
    for warning in &attempt.warning_samples {
        tracing::warn!(
            dataset = attempt.dataset,
            stream = attempt.stream,
            slice = attempt.slice,
            "{warning}"
        );
    }
}
