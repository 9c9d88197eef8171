//! One slice: fetched, judged, and made an entry of the spool, from where on it is safe.

use std::sync::Arc;

use serde_json::json;

use super::context::{Context, Known};
use super::judge::{Judgement, judge};
use super::run::Run;
use crate::base::clock::whole_second;
use crate::base::error::one_line;
use crate::lake::draft::Draft;
use crate::lake::key::{Key, Mark};
use crate::lake::meta::ObjectMeta;
use crate::lake::run_log::{Attempt, Outcome};
use crate::lake::slice::{Format, Slice};
use crate::lake::spool::Entry;
use crate::sources::{FetchContext, FetchError, Fetched, Source, Traffic};

/// How a fetch ended.
pub(super) enum Ended {
    /// It is in the spool, and its line comes when it is up.
    Spooled(Box<Entry>),
    /// Nothing was kept; this is its line.
    Failed(Box<Attempt>, FetchError),
}

/// Fetches one slice into the spool.
pub(super) async fn fetch(
    context: Arc<Context>,
    source: Arc<dyn Source>,
    known: Known,
    slice: Slice,
    run: Arc<Run>,
) -> Ended {
    let traffic = Arc::new(Traffic::default());
    let mut attempt = Attempt::at_slice(run.id(), &slice, context.clock.now());
    context.observer.started(&slice);
    let result = fetch_into_spool(&context, source.as_ref(), &known, &slice, &traffic, &mut attempt).await;
    match result {
        Ok(entry) => Ended::Spooled(Box::new(entry)),
        Err(error) => {
            count(&mut attempt, &traffic);
            attempt.finished = context.clock.now();
            Ended::Failed(Box::new(attempt), error)
        }
    }
}

async fn fetch_into_spool(
    context: &Arc<Context>,
    source: &dyn Source,
    known: &Known,
    slice: &Slice,
    traffic: &Arc<Traffic>,
    attempt: &mut Attempt,
) -> Result<Entry, FetchError> {
    let grid = known.identity.grid().map_err(|error| FetchError::bug(one_line(&error)))?;
    let fetch_context = FetchContext {
        clock: Arc::clone(&context.clock),
        coverage: Arc::clone(&known.coverage),
        planned_at: known.planned_at,
        created_at: known.identity.created_at,
        grid,
        store: Arc::clone(&context.store),
        traffic: Arc::clone(traffic),
    };
    let draft = context.spool.draft()?;
    let fetched = source.fetch(slice, &fetch_context, draft).await?;
    let judgement = judged(context, known, slice, &fetched).await;
    describe(attempt, &fetched);
    count(attempt, traffic);
    attempt.finished = context.clock.now();
    match judgement {
        Judgement::Unchanged { same_as } => {
            attempt.outcome = Outcome::Unchanged;
            let reason = json!({ "same_as": same_as.as_str(), "rows_hash": fetched.draft.rows_hash() });
            mark(context, slice, Mark::Unchanged, &reason, attempt.clone())
        }
        Judgement::Store { suspect } => {
            attempt.outcome = match (suspect, attempt.rows) {
                (true, _) => Outcome::Suspect,
                (false, Some(0)) => Outcome::Empty,
                (false, _) => Outcome::Stored,
            };
            let suspect = matches!(slice, Slice::Slot { .. }).then_some(suspect);
            keep(context, slice.clone(), fetched, suspect, attempt.clone()).await
        }
    }
}

/// Only slots have a past that they are judged by. A store that is away cannot tell it: then nothing is
/// suspected, and a payload that may be unchanged is stored once more rather than not at all.
async fn judged(context: &Context, known: &Known, slice: &Slice, fetched: &Fetched) -> Judgement {
    let Slice::Slot { stream, at, .. } = slice else { return Judgement::Store { suspect: false } };
    let (rows, rows_hash) = (fetched.draft.rows(), fetched.draft.rows_hash());
    judge(context.store.as_ref(), &known.coverage, stream, *at, rows, &rows_hash).await.unwrap_or_else(
        |error| {
            tracing::warn!(%error, slice = %slice, "failed to compare a slot with the one before it");
            Judgement::Store { suspect: false }
        },
    )
}

/// Makes the payload an entry. Flushing gzip and syncing the file take their time, so not on an async thread.
async fn keep(
    context: &Arc<Context>,
    slice: Slice,
    fetched: Fetched,
    suspect: Option<bool>,
    mut attempt: Attempt,
) -> Result<Entry, FetchError> {
    let context = Arc::clone(context);
    let kept = tokio::task::spawn_blocking(move || {
        let Fetched { draft, source_url, etag, last_modified, account, complete, .. } = fetched;
        let finished = Draft::finish(draft)?;
        attempt.stored_bytes = Some(finished.stored_bytes);
        attempt.sha256 = Some(finished.sha256.clone());
        let payload = finished.meta();
        let meta = ObjectMeta {
            rows_hash: payload.rows_hash.filter(|_| slice.format() == Format::Ndjson),
            source_url: Some(source_url),
            fetched_at: Some(whole_second(attempt.finished)),
            etag,
            last_modified,
            account,
            complete,
            suspect,
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            run: Some(attempt.run.clone()),
            ..payload
        };
        context.spool.keep(finished, &Key::raw(&slice), meta, Some(attempt))
    });
    let entry = kept.await.map_err(|error| FetchError::bug(error.to_string()))??;
    Ok(entry)
}

/// Makes a mark about the slice an entry.
pub(super) fn mark(
    context: &Context,
    slice: &Slice,
    mark: Mark,
    reason: &serde_json::Value,
    mut attempt: Attempt,
) -> Result<Entry, FetchError> {
    let key = Key::mark(slice, mark);
    attempt.key = Some(key.as_str().to_owned());
    let noted_at = attempt.finished.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let text = json!({ "mark": mark.as_str(), "noted_at": noted_at, "because": reason }).to_string() + "\n";
    Ok(context.spool.keep_bytes(text.as_bytes(), &key, Some(attempt))?)
}

fn describe(attempt: &mut Attempt, fetched: &Fetched) {
    attempt.rows = Some(fetched.draft.rows());
    attempt.raw_bytes = Some(fetched.draft.bytes());
    attempt.url = Some(fetched.source_url.clone());
    attempt.etag.clone_from(&fetched.etag);
    attempt.warnings = fetched.warnings.count;
    attempt.warning_samples.clone_from(&fetched.warnings.samples);
}

fn count(attempt: &mut Attempt, traffic: &Traffic) {
    (attempt.requests, attempt.retries, attempt.pages) = traffic.counted();
}
