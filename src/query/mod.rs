//! Ad hoc SQL over the lake: the tables, and raw datasets that have lines. Only behind the cargo feature `sql`: the engine
//! takes as long to compile as all the rest, and no built-in question needs it. Never here: writing, and any place but
//! the lake.
//!
//! ```text
//! guard     one statement, that reads
//! engine    the tables by name, so much memory (memory shares it out), a scratch directory
//! provider  a scan ── pruning: which days? ── listing: which objects? ── Parquet through bridge, NDJSON through raw
//! output    table, CSV, JSON or Parquet, while rows arrive
//! explain   from what the engine says to what a person reads
//! ```

mod bridge;
mod damage;
mod engine;
mod error;
mod explain;
mod guard;
mod listing;
mod memory;
pub mod output;
mod place;
mod provider;
mod pruning;
mod raw;
mod source;

use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;

use datafusion::error::DataFusionError;
use datafusion::execution::SessionState;
use datafusion::physical_plan::execute_stream;
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _};

use self::bridge::Objects;
use self::explain::Asked;
use self::output::Output;
use crate::lake::identity::Identity;
use crate::lake::key::Prefix;
use crate::lake::store::{Store, StoreErrorKind};
use crate::tables::scratch::Scratch;

pub use error::QueryError;
pub use place::Place;

/// The stack that threads need which run a query: the engine goes down what it is asked, step by step.
pub const STACK_BYTES: usize = 32 << 20;
/// How often a query is asked again, because a table was built anew while it was read.
const TRIES: usize = 3;
/// How the engine begins to say that it cannot read a footer.
const UNREADABLE: &str = "Parquet error: Failed to fetch metadata for file ";

/// What is asked.
#[derive(Debug, Clone)]
pub struct Query {
    /// One statement of SQL.
    pub sql: String,
    /// How much memory its steps may take, in bytes. What does not fit goes to disk, where the step can.
    pub memory: u64,
    /// Where a scratch directory is made: in the first of these that can be written.
    pub scratch: Vec<PathBuf>,
}

/// Answers `query` from the lake in `store`, into `output`, which is ended. Answers with the number of rows. To be run by
/// threads with [`STACK_BYTES`].
pub async fn run(store: Arc<dyn Store>, query: &Query, output: &mut dyn Output) -> Result<u64, QueryError> {
    require_lake(store.as_ref()).await?;
    let scratch = scratch(&query.scratch)?;
    let names: Vec<_> = engine::sources().map(source::Source::name).collect();
    let asked = Asked { sql: &query.sql, names: &names, memory: query.memory };
    let mut tries = 1;
    loop {
        let (state, objects) = engine::engine(&store, query.memory, &scratch)?;
        let answer = AssertUnwindSafe(answer(&state, &query.sql, output)).catch_unwind().await;
        let error = match answer {
            Ok(Ok(rows)) => return Ok(rows),
            Ok(Err(error)) => {
                tracing::debug!("the SQL engine says: {error}");
                objects.failure().unwrap_or_else(|| asked.explain(&error))
            }
            Err(panic) => QueryError::Broken(told(panic.as_ref())),
        };
        let is_changed = matches!(error, QueryError::Store { kind: StoreErrorKind::Changed, .. });
        if !is_changed || tries == TRIES || output.has_begun() {
            return Err(blame(store.as_ref(), &objects, error).await);
        }
        tries += 1;
    }
}

fn scratch(places: &[PathBuf]) -> Result<Scratch, QueryError> {
    let mut reason = "there is no place for it".to_owned();
    for place in places {
        match Scratch::within(place) {
            Ok(scratch) => return Ok(scratch),
            Err(error) => reason = format!("{}: {error}", place.display()),
        }
    }
    Err(QueryError::Disk(reason))
}

/// A place without a lake is told apart from a lake without tables.
async fn require_lake(store: &dyn Store) -> Result<(), QueryError> {
    if Identity::read(store).await?.is_none() && store.list(&Prefix::everything()).try_next().await?.is_none()
    {
        return Err(QueryError::NoLake(store.url()));
    }
    Ok(())
}

async fn answer(state: &SessionState, sql: &str, output: &mut dyn Output) -> Result<u64, DataFusionError> {
    let ours = |error: QueryError| DataFusionError::External(Box::new(error));
    let plan = guard::plan(state, guard::parse(sql)?).await?;
    let plan = state.create_physical_plan(&plan).await?;
    let schema = plan.schema();
    let mut batches = execute_stream(plan, state.task_ctx())?;
    let mut rows = 0;
    // A query that fails at its first step has no headings.
    let mut next = batches.next().await.transpose()?;
    output.begin(&schema).map_err(ours)?;
    while let Some(batch) = next {
        rows += batch.num_rows() as u64;
        output.rows(&batch).map_err(ours)?;
        next = batches.next().await.transpose()?;
    }
    output.end().map_err(ours)?;
    Ok(rows)
}

/// What is wrong, without what the engine says of itself.
fn plain(reason: &str) -> String {
    let reason = match reason.strip_prefix(UNREADABLE).and_then(|rest| rest.split_once(": ")) {
        Some((_, reason)) => reason,
        None => reason,
    };
    reason.replace("Parquet error: ", "")
}

/// The engine does not always say which object it could not read.
async fn blame(store: &dyn Store, objects: &Objects, error: QueryError) -> QueryError {
    match error {
        QueryError::Damaged { object: None, reason } => {
            let mut suspects = objects.read();
            let object = match objects.named(&reason) {
                Some(named) => Some(named),
                None if suspects.len() == 1 => suspects.pop(),
                None => damage::find(store, suspects).await,
            };
            QueryError::Damaged { object, reason: plain(&reason) }
        }
        // A decoder may also break over bytes that nobody wrote.
        QueryError::Broken(reason) => match damage::find(store, objects.read()).await {
            Some(object) => QueryError::Damaged { object: Some(object), reason },
            None => QueryError::Broken(reason),
        },
        other => other,
    }
}

fn told(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    crate::base::error::printable(&text.unwrap_or_else(|| "without a word".to_owned()))
}
