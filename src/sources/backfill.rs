//! A source that plans a stretch of the past instead of what is due by itself. Everything else is as the source
//! itself does it, so that a backfill is crawled like everything: same keys, same spool, same run log.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;

use super::{Dataset, FetchContext, FetchError, FetchErrorKind, Fetched, Past, Plan, PlanContext, Source};
use crate::base::Name;
use crate::base::likeness::nearest;
use crate::lake::draft::Draft;
use crate::lake::slice::{Slice, Stream};

const REGION: &str = "region";

/// Plans a past of another source, of all its regions or of one.
#[derive(Debug)]
pub struct Backfill {
    source: Arc<dyn Source>,
    past: Past,
    region: Option<Name>,
}

impl Backfill {
    /// Asks `source` for `past`; with a `region` only for the streams of that.
    pub fn new(source: Arc<dyn Source>, past: Past, region: Option<Name>) -> Self {
        Self { source, past, region }
    }

    fn asks_for(&self, stream: &Stream) -> bool {
        self.region.as_ref().is_none_or(|region| stream.part(REGION) == Some(region.as_str()))
    }

    /// Fails when the dataset has no stream in the region. What could not be planned has no streams, and says
    /// itself why.
    fn require_region(&self, plan: &Plan) -> Result<(), FetchError> {
        let Some(region) = &self.region else { return Ok(()) };
        let streams = || plan.streams.iter().chain(plan.closed.iter().map(|(stream, _)| stream));
        if streams().any(|stream| self.asks_for(stream)) || !plan.failures.is_empty() {
            return Ok(());
        }
        let dataset = self.dataset().id;
        let error = FetchError::new(
            FetchErrorKind::Config,
            format!("region {region} is no stream of {dataset} as it is configured"),
        );
        let regions: BTreeSet<&str> = streams().filter_map(|stream| stream.part(REGION)).collect();
        Err(error.with_hint(match nearest(region.as_str(), regions.iter().copied()) {
            Some(near) => format!("did you mean {near}?"),
            None if regions.is_empty() => format!("no region of {dataset} is open to this account"),
            None => format!("there are {}", regions.into_iter().collect::<Vec<_>>().join(", ")),
        }))
    }
}

#[async_trait]
impl Source for Backfill {
    fn dataset(&self) -> &'static Dataset {
        self.source.dataset()
    }

    async fn plan(&self, context: &PlanContext<'_>) -> Result<Plan, FetchError> {
        let mut plan = self.source.plan(&PlanContext { past: Some(self.past), ..*context }).await?;
        self.require_region(&plan)?;
        plan.streams.retain(|stream| self.asks_for(stream));
        plan.wanted.retain(|slice| self.asks_for(slice.stream()));
        plan.lost.retain(|slice| self.asks_for(slice.stream()));
        plan.closed.retain(|(stream, _)| self.asks_for(stream));
        Ok(plan)
    }

    async fn fetch(
        &self,
        slice: &Slice,
        context: &FetchContext,
        draft: Draft,
    ) -> Result<Fetched, FetchError> {
        self.source.fetch(slice, context, draft).await
    }
}
