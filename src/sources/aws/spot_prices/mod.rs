//! AWS spot prices: what `DescribeSpotPriceHistory` says changed in each region, window by window, and once
//! more for each day that has ended, to catch what was told late.
//!
//! The rows of a fetch are the upstream's own, as text: nothing here may judge, round or reorder a price.

mod audit;
mod carry_over;
mod client;
mod collector;
mod examine;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod identity;
mod inspect;
mod listing;
mod page;
mod plan;
mod rows;
#[cfg(test)]
mod simulation;
mod watch;

use std::collections::HashSet;
use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_config::SdkConfig;
use chrono::TimeDelta;
use tokio::sync::Semaphore;

use self::carry_over::Span;
use self::client::Clients;
use self::collector::Collector;
use self::listing::Listing;
use crate::base::check::Check;
use crate::base::clock::midnight;
use crate::base::units::Period;
use crate::base::{Clock, Time};
use crate::lake::draft::Draft;
use crate::lake::interval::Interval;
use crate::lake::slice::{Slice, Stream};
use crate::net::HostLimits;
use crate::sources::aws::Regions;
use crate::sources::aws::caller::Caller;
use crate::sources::{Dataset, FetchContext, FetchError, FetchErrorKind, Fetched, Plan, PlanContext, Source};

pub(crate) use self::inspect::inspection;
/// The rules of spot history without EC2: what is missing, what a slice keeps, and what the lake holds already. A
/// simulation of the upstream crawls by the same ones.
pub mod rules {
    pub use super::audit::held;
    pub use super::carry_over::{Gap, Span, gap_before};
    pub use super::identity::{Identity, of_line as identity_of};
    pub use super::plan::slices as plan;
    pub use crate::sources::aws::clock::in_step;
}

/// How far back the upstream remembers: "up to the past 90 days", says the documentation of `StartTime`.
pub const RETENTION: TimeDelta = TimeDelta::days(90);

/// The part of a stream's key that names the region.
const REGION: &str = "region";

/// What is always true of the dataset.
pub static DATASET: Dataset = Dataset {
    id: "aws_spot_prices",
    description: "price changes of EC2 spot instances, in every region that the account has enabled",
    needs: "AWS credentials",
    permissions: &["ec2:DescribeRegions", "ec2:DescribeAvailabilityZones", "ec2:DescribeSpotPriceHistory"],
    windows: true,
};

/// How the AWS SDK tries again. Nothing is wrapped around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// How often one request is sent at most, the first time included.
    pub attempts: u32,
    /// The longest wait before the second attempt; it doubles with each one after, and chance shortens it.
    pub initial_backoff: Duration,
    /// The longest wait of all.
    pub max_backoff: Duration,
}

impl Default for Retry {
    /// Enough to outlast a spent request bucket, which EC2 refills within seconds.
    fn default() -> Self {
        Self {
            attempts: 8,
            initial_backoff: Duration::from_millis(500),
            max_backoff: Duration::from_secs(20),
        }
    }
}

/// How spot prices are collected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Which regions.
    pub regions: Regions,
    /// Where EC2 is, instead of each region's own host.
    pub endpoint_url: Option<String>,
    /// How long after its end a window is fetched.
    pub settle: Period,
    /// How far back a stream is first filled.
    pub backfill: Period,
    /// How long after its end a day is audited.
    pub audit: Period,
    /// How requests are repeated.
    pub retry: Retry,
}

/// The source of the dataset `aws_spot_prices`.
#[derive(Debug)]
pub struct AwsSpotPrices {
    options: Options,
    clients: Clients,
    caller: Caller,
    clock: Arc<dyn Clock>,
    // Who holds one may hold the rows of a page. A row in memory is several times its text, and there is no use in
    // more pages than processors to read them.
    pages: Semaphore,
}

impl AwsSpotPrices {
    /// A source that asks with the credentials of `sdk`, and asks its region (else us-east-1) which regions
    /// there are.
    pub fn new(options: Options, sdk: SdkConfig, limits: HostLimits, clock: Arc<dyn Clock>) -> Self {
        let caller = Caller::new(&sdk, options.endpoint_url.as_deref());
        let clients =
            Clients::new(sdk, options.endpoint_url.clone(), options.retry, limits, Arc::clone(&clock));
        let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self { options, clients, caller, clock, pages: Semaphore::new(processors) }
    }

    /// Lists `span` of the stream's region into `collector`, page by page.
    async fn collect(
        &self,
        region: &str,
        span: Interval,
        mut collector: Collector,
        context: &FetchContext,
    ) -> Result<Fetched, FetchError> {
        let client = self.clients.region(region);
        let mut listing = Listing::new(&client, span, &context.traffic);
        while let Some(body) = listing.next_body().await? {
            let _permit = self.pages.acquire().await.map_err(|error| FetchError::bug(error.to_string()))?;
            let unplaced;
            (collector, unplaced) = listing.read(body, collector).await?;
            if !unplaced.is_empty() {
                collector.learn_zones(client.zones(&context.traffic).await?);
                collector = blocking(move || Ok(collector.take(unplaced)?)).await?;
            }
        }
        let (page_rows, source_url) = (listing.page_rows(), listing.into_source_url());
        if collector.missed_a_zone() {
            client.forget_zones().await;
        }
        let (draft, warnings, watch) = collector.into_parts();
        Ok(Fetched {
            draft,
            source_url,
            etag: None,
            last_modified: None,
            // The zones' names are the account's own.
            account: self.caller.account().map(str::to_owned),
            complete: None,
            warnings,
            habits: watch.habits(page_rows),
        })
    }

    /// Fails when the upstream has begun to forget what starts at `from`.
    fn remembered(&self, slice: &Slice, from: Time) -> Result<(), FetchError> {
        if from >= plan::before(self.clock.now(), RETENTION) {
            return Ok(());
        }
        let days = RETENTION.num_days();
        Err(FetchError::new(FetchErrorKind::Gone, format!("{slice} began more than {days} days ago")))
    }
}

#[async_trait]
impl Source for AwsSpotPrices {
    fn dataset(&self) -> &'static Dataset {
        &DATASET
    }

    async fn plan(&self, context: &PlanContext<'_>) -> Result<Plan, FetchError> {
        let enabled = self.clients.home().regions(context.traffic).await?;
        self.caller.learn(context.traffic).await;
        let mut plan = Plan::default();
        plan.streams =
            plan::streams(DATASET.id, &enabled, &self.options.regions, context.coverage, &mut plan)?;
        if let Some(past) = context.past {
            plan.warnings.extend(plan::forgotten(past, context.now));
        }
        for stream in plan.streams.clone() {
            plan::slices(&stream, context, &self.options, &mut plan);
        }
        Ok(plan)
    }

    async fn fetch(
        &self,
        slice: &Slice,
        context: &FetchContext,
        draft: Draft,
    ) -> Result<Fetched, FetchError> {
        let stream = slice.stream();
        let region = region_of(stream)?;
        match slice {
            Slice::Window { span, .. } => {
                self.remembered(slice, span.from())?;
                let have = context.coverage.stream(stream);
                let gap = carry_over::gap_before(have, *span, context.grid, context.planned_at);
                let (span, kept) = (*span, Span::new(*span, gap));
                let collector = Collector::new(draft, region, kept, HashSet::new(), self.clock.now());
                self.collect(region, span, collector, context).await
            }
            Slice::Audit { day, .. } => {
                self.remembered(slice, midnight(*day))?;
                let whole = day.succ_opt().and_then(|next| Interval::new(midnight(*day), midnight(next)));
                let whole = whole.ok_or_else(|| FetchError::bug(format!("{slice} has no end")))?;
                let held = audit::held(stream, whole, context).await?;
                let kept = Span::new(whole, None);
                let collector = Collector::new(draft, region, kept, held, self.clock.now());
                self.collect(region, whole, collector, context).await
            }
            Slice::Version { .. } | Slice::Slot { .. } => {
                Err(FetchError::bug(format!("{slice} is no slice of spot history")))
            }
        }
    }

    async fn check(&self) -> Vec<Check> {
        self.examine().await
    }
}

fn region_of(stream: &Stream) -> Result<&str, FetchError> {
    stream.part(REGION).ok_or_else(|| FetchError::bug(format!("stream {stream} names no region")))
}

/// Runs what costs CPU or waits for the disk off the async threads.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, FetchError> + Send + 'static,
) -> Result<T, FetchError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome,
        Err(error) => Err(FetchError::bug(format!("reading a page of spot prices broke off: {error}"))),
    }
}
