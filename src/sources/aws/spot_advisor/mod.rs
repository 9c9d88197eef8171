//! `aws_spot_advisor`: how often spot instances are interrupted and what they save, as AWS publishes it, byte for byte.
//! Needs no credentials.
//!
//! The feed is one document for all regions. It keeps no history and says nowhere when it was made, so the dataset is a
//! slot every six hours, lost once it is over. An edition that says what the one before said is a mark.

mod feed;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod inspect;
mod members;
mod survey;

use std::collections::BTreeSet;
use std::io::{self, Write as _};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use url::Url;

use self::survey::Survey;
use crate::base::Time;
use crate::base::check::Check;
use crate::base::redact::redacted;
use crate::base::units::{Period, counted, grouped};
use crate::lake::draft::Draft;
use crate::lake::read_back::AtMost;
use crate::lake::slice::{Format, Slice, Stream};
use crate::net::{Client, Download, NetError, NetErrorKind, Retry, Validators};
use crate::sources::clock::in_step;
use crate::sources::slots::{Slots, newest_before};
use crate::sources::{
    Dataset, FetchContext, FetchError, Fetched, Habits, Plan, PlanContext, Sentinel, Source, Traffic,
};

use self::feed::Fault;
pub(crate) use self::feed::{Feed, NoAdvice};
pub(crate) use self::inspect::inspection;

/// How often a slot starts: at midnight and each six hours after, UTC.
pub const SLOT: Period = Period::seconds(6 * 60 * 60);
/// What the feed is called where AWS publishes it.
const FILE: &str = "spot-advisor-data.json";

/// What is always true of the dataset.
pub static DATASET: Dataset = Dataset {
    id: "aws_spot_advisor",
    description: "how often spot instances of AWS are interrupted, and what they save, by region and machine",
    needs: "",
    permissions: &[],
    windows: false,
    publishes: false,
};

const SLOTS: Slots = Slots { dataset: &DATASET, interval: SLOT, format: Format::Json };

/// The source.
#[derive(Debug)]
pub struct SpotAdvisor {
    url: Url,
    client: Client,
}

/// An edition of the feed that came whole.
struct Edition {
    body: Bytes,
    survey: Survey,
    validators: Validators,
}

impl SpotAdvisor {
    /// The source of the feed that lies at `base_url`, an `http` or `https` address: AWS's own, or a mirror's.
    pub fn new(base_url: &Url, client: &Client) -> Self {
        let mut url = base_url.clone();
        // Only an address that cannot have a path refuses one.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push(FILE);
        }
        Self { url, client: client.clone() }
    }

    /// Asks for the feed until it answers, at the time that this machine has.
    async fn answer(&self, retry: &mut Retry<'_>, traffic: &Traffic) -> Result<Download, FetchError> {
        loop {
            match self.client.get(&self.url, traffic).await {
                Ok(download) => {
                    in_step(download.skew().unwrap_or_default(), self.url.host_str().unwrap_or_default())?;
                    return Ok(download);
                }
                Err(error) => retry.after(error, traffic).await.map_err(not_there)?,
            }
        }
    }

    /// Downloads the feed, again when it breaks off, and judges it.
    async fn download(&self, traffic: &Traffic) -> Result<Edition, FetchError> {
        let mut retry = self.client.retry();
        loop {
            let download = self.answer(&mut retry, traffic).await?;
            let validators = download.validators().clone();
            let error = match download.bytes(Feed::MAX_BYTES).await {
                Err(error) => error,
                Ok(body) => {
                    let judged = blocking(move || (Survey::of(&body), body)).await?;
                    match judged {
                        (Ok(survey), body) => return Ok(Edition { body, survey, validators }),
                        (Err(fault @ Fault::Cut(_)), _) => NetError::cut(&self.url, &fault.to_string()),
                        (Err(fault), _) => {
                            let url = redacted(&self.url);
                            let message =
                                format!("{url} is not the feed of the Spot Instance Advisor: {fault}");
                            return Err(FetchError::upstream(message).with_hint(
                                "check that no proxy, login page or mirror answers in the place of the feed",
                            ));
                        }
                    }
                }
            };
            retry.after(error, traffic).await?;
        }
    }
}

/// A document that is not there or not for us: S3 says 403 of both.
fn not_there(error: NetError) -> FetchError {
    let is_absent = matches!(error.kind, NetErrorKind::NotFound | NetErrorKind::Refused);
    let told = FetchError::from(error);
    if is_absent {
        return told.with_hint("check base_url in [sources.aws_spot_advisor]: AWS may have moved its feed");
    }
    told
}

/// Reading a document and zipping it take their time: not on an async thread.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, FetchError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| FetchError::bug(error.to_string()))
}

/// The regions that the newest earlier edition in the lake names; none when there is none, or none that can be read.
async fn regions_before(at: Time, stream: &Stream, context: &FetchContext) -> BTreeSet<String> {
    let sink = || AtMost::new(Feed::MAX_BYTES as u64, Vec::new());
    let Some(json) = newest_before(at, stream, context, sink).await else { return BTreeSet::new() };
    let regions = blocking(move || Survey::of(&json.into_inner()).map(|survey| survey.regions)).await;
    regions.ok().and_then(Result::ok).unwrap_or_default()
}

#[async_trait]
impl Source for SpotAdvisor {
    fn dataset(&self) -> &'static Dataset {
        &DATASET
    }

    async fn plan(&self, context: &PlanContext<'_>) -> Result<Plan, FetchError> {
        let plan = SLOTS.missing(vec![Stream::new(DATASET.id, &[])?], context)?;
        // What is given up is given up by the upstream's time. What is fetched hears it by itself.
        if !plan.lost.is_empty() {
            self.answer(&mut self.client.retry(), context.traffic).await?;
        }
        Ok(plan)
    }

    async fn fetch(
        &self,
        slice: &Slice,
        context: &FetchContext,
        mut draft: Draft,
    ) -> Result<Fetched, FetchError> {
        let (stream, at) = SLOTS.asked(slice)?;
        SLOTS.during(slice, at, context.clock.now())?;
        let before = regions_before(at, stream, context).await;
        let Edition { body, survey, validators } = self.download(&context.traffic).await?;
        let Survey { rows, rows_hash, regions, fields, mut warnings } = survey;
        for region in before.difference(&regions) {
            warnings.raise(Sentinel::StreamVanished, || format!("region {region} is named no more"));
        }
        let draft = blocking(move || {
            draft.write_all(&body)?;
            draft.set_rows(rows, Some(rows_hash));
            Ok::<_, io::Error>(draft)
        });
        Ok(Fetched {
            draft: draft.await??,
            source_url: redacted(&self.url),
            etag: validators.etag,
            last_modified: validators.last_modified,
            account: None,
            // A document is whole, or it is none.
            complete: Some(true),
            warnings,
            habits: Habits { page_rows: None, things: Some(rows), fields },
        })
    }

    /// The feed itself, which is one small document: there is nothing smaller to ask for.
    async fn check(&self) -> Vec<Check> {
        const NAME: &str = "feed";
        let found = self.download(&Arc::<Traffic>::default()).await;
        vec![match found {
            Ok(Edition { survey, .. }) => {
                let regions = counted(survey.regions.len(), "region");
                Check::ok(NAME, format!("{} pieces of advice for {regions}", grouped(survey.rows)))
            }
            Err(error) => error.as_check(NAME),
        }]
    }
}
