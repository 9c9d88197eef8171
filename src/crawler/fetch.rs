//! One slice: fetched, judged, and made an entry of the spool, from where on it is safe.

use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt as _;
use serde_json::json;

use super::context::{Context, Known};
use super::judge::{Judgement, judge};
use crate::base::Name;
use crate::base::clock::whole_second;
use crate::lake::draft::Draft;
use crate::lake::key::{Key, Mark};
use crate::lake::meta::ObjectMeta;
use crate::lake::run_log::{Attempt, Outcome};
use crate::lake::slice::Slice;
use crate::lake::spool::Entry;
use crate::sources::{FetchContext, FetchError, Fetched, Source, Traffic};

/// How a fetch ended.
pub(super) struct Ended {
    pub(super) slice: Slice,
    pub(super) result: Result<Entry, Failure>,
}

/// Nothing was kept. The attempt is the line for the run log.
pub(super) struct Failure {
    pub(super) attempt: Box<Attempt>,
    /// What went wrong; `None` when the crawler ended before the fetch did.
    pub(super) error: Option<FetchError>,
}

/// Fetches one slice into the spool. A panic of the source is a failure like others, and ends nothing else.
pub(super) async fn fetch(
    context: Arc<Context>,
    source: Arc<dyn Source>,
    known: Known,
    slice: Slice,
    run: Name,
) -> Ended {
    let traffic = Arc::new(Traffic::default());
    let mut attempt = Box::new(Attempt::at_slice(&run, &slice, context.clock.now()));
    context.observer.started(&slice);
    let result = {
        let bringing = bring(&context, source.as_ref(), &known, &slice, &traffic);
        tokio::select! {
            biased;
            result = AssertUnwindSafe(bringing).catch_unwind() => {
                result.unwrap_or_else(|_| Err(FetchError::bug("the fetch panicked"))).map_err(Some)
            }
            () = context.shutdown.aborting() => Err(None),
        }
    };
    attempt.finished = context.clock.now();
    (attempt.requests, attempt.retries, attempt.pages) = traffic.counted();
    // Not cut short by a shutdown any more: what is here whole is kept.
    let kept = match result {
        Ok((fetched, judgement)) => {
            keep_as_judged(&context, &slice, fetched, judgement, &mut attempt).await.map_err(Some)
        }
        Err(error) => Err(error),
    };
    Ended { slice, result: kept.map_err(|error| Failure { attempt, error }) }
}

/// Has the source fetch the slice, and judges what it brought.
async fn bring(
    context: &Context,
    source: &dyn Source,
    known: &Known,
    slice: &Slice,
    traffic: &Arc<Traffic>,
) -> Result<(Fetched, Judgement), FetchError> {
    let fetch_context = FetchContext {
        clock: Arc::clone(&context.clock),
        coverage: Arc::clone(&known.coverage),
        planned_at: known.planned_at,
        created_at: known.identity.created_at,
        grid: known.grid,
        store: Arc::clone(&context.store),
        traffic: Arc::clone(traffic),
    };
    let draft = context.spool.draft()?;
    let mut fetched = source.fetch(slice, &fetch_context, draft).await?;
    context.memory.compare(context.store.as_ref(), known, slice, &mut fetched).await;
    let judgement = judged(context, known, slice, &fetched).await;
    Ok((fetched, judgement))
}

async fn keep_as_judged(
    context: &Arc<Context>,
    slice: &Slice,
    fetched: Fetched,
    judgement: Judgement,
    attempt: &mut Attempt,
) -> Result<Entry, FetchError> {
    attempt.rows = Some(fetched.draft.rows());
    attempt.raw_bytes = Some(fetched.draft.bytes());
    attempt.url = Some(fetched.source_url.clone());
    attempt.etag.clone_from(&fetched.etag);
    attempt.warnings = fetched.warnings.count;
    attempt.warning_samples.clone_from(&fetched.warnings.samples);
    attempt.sentinels = fetched.warnings.sentinels.iter().map(|raised| raised.as_str().to_owned()).collect();
    match judgement {
        Judgement::Unchanged { same_as } => {
            attempt.outcome = Outcome::Unchanged;
            let reason = json!({ "same_as": same_as.as_str(), "rows_hash": fetched.draft.rows_hash() });
            mark(context, slice, Mark::Unchanged, &reason, attempt.clone()).await
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
    judge(context.store.as_ref(), &known.coverage, stream, *at, rows, rows_hash.as_deref())
        .await
        .unwrap_or_else(|error| {
            tracing::warn!(%error, slice = %slice, "failed to compare a slot with the one before it");
            Judgement::Store { suspect: false }
        })
}

/// Makes the payload an entry.
async fn keep(
    context: &Arc<Context>,
    slice: Slice,
    fetched: Fetched,
    suspect: Option<bool>,
    mut attempt: Attempt,
) -> Result<Entry, FetchError> {
    let context = Arc::clone(context);
    spooled(move || {
        let Fetched { draft, source_url, etag, last_modified, account, complete, habits, .. } = fetched;
        let finished = Draft::finish(draft)?;
        attempt.stored_bytes = Some(finished.stored_bytes);
        attempt.sha256 = Some(finished.sha256.clone());
        let payload = finished.meta();
        let meta = ObjectMeta {
            things: habits.things,
            page_rows: habits.page_rows,
            fields: habits.fields.to_text(),
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
    })
    .await
}

/// Makes a mark about the slice an entry.
pub(super) async fn mark(
    context: &Arc<Context>,
    slice: &Slice,
    mark: Mark,
    reason: &serde_json::Value,
    mut attempt: Attempt,
) -> Result<Entry, FetchError> {
    let key = Key::mark(slice, mark);
    attempt.key = Some(key.as_str().to_owned());
    let noted_at = attempt.finished.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let text = json!({ "mark": mark.as_str(), "noted_at": noted_at, "because": reason }).to_string() + "\n";
    let context = Arc::clone(context);
    spooled(move || context.spool.keep_bytes(text.as_bytes(), &key, Some(attempt))).await
}

/// Files are synced to disk on the way into the spool, which takes its time: not on an async thread.
async fn spooled(keep: impl FnOnce() -> io::Result<Entry> + Send + 'static) -> Result<Entry, FetchError> {
    let kept = tokio::task::spawn_blocking(keep).await;
    Ok(kept.map_err(|error| FetchError::bug(error.to_string()))??)
}
