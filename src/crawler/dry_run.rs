//! What a tick would do, without doing it. Reads the lake and the upstreams' indexes, and writes nothing.

use std::sync::Arc;

use super::context::{LakeSetup, Scheduled};
use super::ledgers::extent;
use super::order::newest_then_oldest;
use super::report::Problem;
use super::supervise::CrawlerError;
use crate::base::{Clock, Name};
use crate::lake::identity::{Identity, IdentityError};
use crate::lake::ledger;
use crate::lake::slice::Slice;
use crate::sources::{Dataset, FetchError, PlanContext, Traffic};

/// What a dry run found missing in one dataset.
#[derive(Debug)]
pub struct Planned {
    /// The dataset.
    pub dataset: &'static Dataset,
    /// The slices, in the order in which they would be fetched.
    pub slices: Vec<Slice>,
    /// What could not be planned.
    pub problems: Vec<Problem>,
    /// Why nothing could be planned at all, if so.
    pub failure: Option<FetchError>,
}

/// Plans one tick of every source. Writes nothing, not even into an empty lake.
pub async fn dry_run(
    lake: &LakeSetup,
    sources: &[Scheduled],
    clock: &dyn Clock,
) -> Result<Vec<Planned>, CrawlerError> {
    let store = Arc::clone(&lake.store);
    let now = clock.now();
    let identity = match Identity::read(store.as_ref()).await? {
        Some(found) => lake.wanted.admit(store.as_ref(), found)?,
        None => lake.wanted.clone(),
    };
    let grid = identity.grid()?;
    let mut all = Vec::new();
    for scheduled in sources {
        let dataset = scheduled.source.dataset();
        let Ok(name) = Name::new("dataset", dataset.id) else { continue };
        let extent = extent(dataset.windows, true, now);
        let coverage = ledger::read(store.as_ref(), &name, extent).await.map_err(IdentityError::from)?;
        let traffic = Traffic::default();
        let context = PlanContext {
            coverage: &coverage,
            expected: &coverage,
            now,
            created_at: identity.created_at,
            grid,
            past: None,
            traffic: &traffic,
        };
        let mut planned = Planned { dataset, slices: Vec::new(), problems: Vec::new(), failure: None };
        match scheduled.source.plan(&context).await {
            Ok(plan) => {
                for warning in &plan.warnings {
                    tracing::warn!(dataset = dataset.id, "{warning}");
                }
                let closed = plan.closed.iter().map(|(_, error)| Problem::of(error));
                planned.problems = closed.chain(plan.failures.iter().map(Problem::of)).collect();
                planned.slices = newest_then_oldest(plan.wanted);
            }
            Err(error) => planned.failure = Some(error),
        }
        all.push(planned);
    }
    Ok(all)
}
