//! The price list's files: offer index, version index, region index and offer files, for the world under
//! `/offers/v1.0/aws/` and for China under `/offers/v1.0/cn/`; and those of savings plans, under `/savingsPlan/v1.0/`.

mod offer_file;
mod plan_file;
mod plans;
mod pretty;

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_NONE_MATCH, LAST_MODIFIED};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::SecondsFormat;

use super::Cloud;
use super::market::Listed;
use super::market::versions::{Offer, Plan, Version};
use crate::base::Time;
use offer_file::OfferFile;
use plan_file::PlanFile;
use pretty::Pretty;

/// What differs between the world and China.
#[derive(Debug)]
pub(crate) struct Partition {
    /// The path segment: `aws` or `cn`.
    path: &'static str,
    china: bool,
    currency: &'static str,
    on_demand_term: &'static str,
    hourly_rate: &'static str,
    upfront_rate: &'static str,
    disclaimer: &'static str,
}

static WORLD: Partition = Partition {
    path: "aws",
    china: false,
    currency: "USD",
    on_demand_term: "JRTCKXETXF",
    hourly_rate: "6YS6EN2CT7",
    upfront_rate: "2TG2D8R56U",
    disclaimer: "Simulated prices by the contrail sandbox, in the form of the AWS price list. None of them is real.",
};
static CHINA: Partition = Partition {
    path: "cn",
    china: true,
    currency: "CNY",
    on_demand_term: "5Y9WH78GDR",
    hourly_rate: "Q7UJUT2CE6",
    upfront_rate: "FK4Y6ZQ3TB",
    disclaimer: WORLD.disclaimer,
};

/// Answers `/offers/v1.0/{path}`.
pub(crate) async fn serve(
    State(cloud): State<Arc<Cloud>>,
    Path(path): Path<String>,
    headers: HeaderMap,
) -> Response {
    let found = find(&cloud, &path, cloud.clock.now());
    answer(&cloud, &path, found, &headers).await
}

/// Answers `/savingsPlan/v1.0/{path}`.
pub(crate) async fn serve_plans(
    State(cloud): State<Arc<Cloud>>,
    Path(path): Path<String>,
    headers: HeaderMap,
) -> Response {
    let found = plans::find(&cloud, &path, cloud.clock.now());
    answer(&cloud, &path, found, &headers).await
}

async fn answer(cloud: &Arc<Cloud>, path: &str, found: Option<Found>, headers: &HeaderMap) -> Response {
    let Some(found) = found else { return not_found() };
    let tag = cloud.market.seed.text("etag").text(path).at_time(found.published.timestamp()).bits();
    let tag = format!("\"{tag:016x}\"");
    let modified = found.published.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let fresh = headers.get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let mut response = if fresh {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        match found.content {
            Content::Index(text) => text.into_response(),
            Content::File(file) => match stream(cloud, file).await {
                Some(response) => response,
                None => return not_found(),
            },
        }
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in [(ETAG, tag), (LAST_MODIFIED, modified)] {
        // Both are made of printable ASCII.
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    response
}

/// What a throttled caller gets.
pub(crate) fn throttled() -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, "<html><body><h1>503 Service Unavailable</h1></body></html>")
        .into_response()
}

fn not_found() -> Response {
    (StatusCode::NOT_FOUND, "<?xml version=\"1.0\"?><Error><Code>NoSuchKey</Code></Error>").into_response()
}

struct Found {
    published: Time,
    content: Content,
}

enum Content {
    Index(String),
    File(File),
}

/// A file that is written while it is sent.
#[derive(Debug, Clone)]
struct File {
    partition: &'static Partition,
    list: List,
    version: Version,
    /// `None` for all regions in one.
    region: Option<String>,
}

/// Whose prices a file has.
#[derive(Debug, Clone, Copy)]
enum List {
    Offer(Offer),
    Plan(Plan),
}

fn partition(segment: &str) -> Option<&'static Partition> {
    [&WORLD, &CHINA].into_iter().find(|partition| partition.path == segment)
}

/// What stands at `path` (below `/offers/v1.0/`).
fn find(cloud: &Cloud, path: &str, now: Time) -> Option<Found> {
    let segments: Vec<&str> = path.split('/').collect();
    let (segment, rest) = segments.split_first()?;
    let partition = partition(segment)?;
    let versions = |offer: Offer| offer.versions(cloud.market.seed, partition.china, now);
    let index = |published: Time, text: String| Some(Found { published, content: Content::Index(text) });
    if rest == ["index.json"] {
        let newest = Offer::ALL.into_iter().filter_map(|offer| versions(offer).last().copied()).max()?;
        return index(newest.published, offer_index(partition, newest));
    }
    let (code, rest) = rest.split_first()?;
    let offer = Offer::from_code(code)?;
    let history = versions(offer);
    let current = *history.last()?;
    match rest {
        ["index.json"] => index(current.published, version_index(cloud, partition, offer, &history)),
        ["current", "region_index.json"] => {
            index(current.published, region_index(cloud, partition, offer, current))
        }
        [id, "region_index.json"] => {
            let version = *history.iter().find(|version| version.id() == **id)?;
            index(version.published, region_index(cloud, partition, offer, version))
        }
        [id, region @ .., "index.json"] if region.len() < 2 => {
            let version = match *id {
                "current" => current,
                id => *history.iter().find(|version| version.id() == id)?,
            };
            if cloud.faults.stale_index && version == current {
                return None;
            }
            let region = region.first().map(|code| (*code).to_owned());
            let file = File { partition, list: List::Offer(offer), version, region };
            file.is_there(cloud).then(|| file.found())
        }
        _ => None,
    }
}

impl File {
    fn found(self) -> Found {
        Found { published: self.version.published, content: Content::File(self) }
    }

    /// Whether the list has the region.
    fn is_there(&self, cloud: &Cloud) -> bool {
        self.region.as_ref().is_none_or(|code| self.places(cloud).any(|listed| listed.code == code))
    }

    fn places<'a>(&self, cloud: &'a Cloud) -> impl Iterator<Item = &'a Listed> + use<'a> {
        let offer = match self.list {
            List::Offer(offer) => Some(offer),
            List::Plan(_) => None,
        };
        cloud
            .market
            .listed(self.partition.china)
            .iter()
            .filter(move |listed| offer == Some(Offer::Ec2) || listed.is_region())
    }

    fn name(&self) -> String {
        let list = match self.list {
            List::Offer(offer) => offer.code(),
            List::Plan(plan) => plan.code(),
        };
        let region = self.region.as_deref().unwrap_or("*");
        format!("{}/{list}/{}/{region}", self.partition.path, self.version.id())
    }

    fn pieces<'a>(&self, cloud: &'a Cloud) -> Box<dyn Iterator<Item = String> + 'a> {
        let Self { partition, version, region, .. } = self;
        let asked = |listed: &&Listed| region.as_ref().is_none_or(|code| code == listed.code);
        let places = self.places(cloud).filter(asked).collect();
        match self.list {
            List::Offer(offer) => Box::new(OfferFile::new(&cloud.market, partition, offer, *version, places)),
            List::Plan(plan) => Box::new(PlanFile::new(&cloud.market, partition, plan, *version, places)),
        }
    }
}

async fn stream(cloud: &Arc<Cloud>, file: File) -> Option<Response> {
    let name = file.name();
    let length = if let Some(length) = cloud.known_length(&name) {
        length
    } else {
        let (shared, file) = (Arc::clone(cloud), file.clone());
        // The file is written once for its length: too long for a thread that serves others.
        let measure = move || {
            let lengths = file.pieces(&shared).map(|piece| u64::try_from(piece.len()).unwrap_or(u64::MAX));
            lengths.sum::<u64>()
        };
        let length = tokio::task::spawn_blocking(measure).await.ok()?;
        cloud.remember_length(name, length);
        length
    };
    let (sender, receiver) = tokio::sync::mpsc::channel::<Result<Bytes, std::io::Error>>(2);
    let cloud = Arc::clone(cloud);
    tokio::task::spawn_blocking(move || {
        for piece in file.pieces(&cloud) {
            // The reader went away.
            if sender.blocking_send(Ok(piece.into())).is_err() {
                break;
            }
        }
    });
    let body = futures::stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|piece| (piece, receiver))
    });
    Some(([(CONTENT_LENGTH, length.to_string())], Body::from_stream(body)).into_response())
}

/// Where an offer is sold: machines also in Local and Wavelength Zones, the rest in regions only.
fn sold_in<'a>(
    cloud: &'a Cloud,
    partition: &'static Partition,
    offer: Offer,
) -> impl Iterator<Item = &'a Listed> {
    let places = cloud.market.listed(partition.china).iter();
    places.filter(move |listed| offer == Offer::Ec2 || listed.is_region())
}

fn head(partition: &Partition, published: Time) -> Pretty {
    let mut json = Pretty::start();
    json.text("formatVersion", "v1.0");
    json.text("disclaimer", partition.disclaimer);
    json.text("publicationDate", &stamp(published));
    json
}

fn offer_index(partition: &Partition, newest: Version) -> String {
    let mut json = head(partition, newest.published);
    json.open("offers");
    for offer in Offer::ALL {
        let base = format!("/offers/v1.0/{}/{}", partition.path, offer.code());
        json.open(offer.code());
        json.text("offerCode", offer.code());
        json.text("versionIndexUrl", &format!("{base}/index.json"));
        json.text("currentVersionUrl", &format!("{base}/current/index.json"));
        json.text("currentRegionIndexUrl", &format!("{base}/current/region_index.json"));
        if let Some(plan) = Plan::of(offer) {
            let base = plans::path(partition, plan);
            json.text("savingsPlanVersionIndexUrl", &format!("{base}/current/index.json"));
            json.text("currentSavingsPlanIndexUrl", &format!("{base}/current/region_index.json"));
        }
        json.close();
    }
    json.close();
    json.close();
    json.take()
}

/// Each version holds for the month of its publication. One that another replaced within its month is left with
/// a sliver: it ends where the month begins, and begins a second before.
fn version_index(cloud: &Cloud, partition: &Partition, offer: Offer, history: &[Version]) -> String {
    let second = chrono::TimeDelta::seconds(1);
    let ends = |index: usize| history.get(index + 1).map(|next| next.month());
    let mut entries: Vec<(Version, Time, Option<Time>)> = history
        .iter()
        .enumerate()
        .map(|(index, version)| {
            let (month, end) = (version.month(), ends(index));
            (*version, if end == Some(month) { month - second } else { month }, end)
        })
        .collect();
    // The real index is in no order.
    entries.sort_by_key(|(version, ..)| {
        cloud.market.seed.text("order").at_time(version.published.timestamp()).bits()
    });
    let newest = history.last().copied();
    let mut json = head(partition, newest.map_or(Time::UNIX_EPOCH, |version| version.published));
    json.text("offerCode", offer.code());
    json.text("currentVersion", &newest.map(Version::id).unwrap_or_default());
    json.open("versions");
    for (version, begin, end) in entries {
        json.open(&version.id());
        json.text("versionEffectiveBeginDate", &stamp(begin));
        json.text("versionEffectiveEndDate", &end.map(stamp).unwrap_or_default());
        let url = format!("/offers/v1.0/{}/{}/{}/index.json", partition.path, offer.code(), version.id());
        json.text("offerVersionUrl", &url);
        json.close();
    }
    json.close();
    json.close();
    json.take()
}

fn region_index(cloud: &Cloud, partition: &'static Partition, offer: Offer, version: Version) -> String {
    let mut json = head(partition, version.published);
    json.open("regions");
    for listed in sold_in(cloud, partition, offer) {
        let code = listed.code;
        json.open(code);
        json.text("regionCode", code);
        let base = format!("/offers/v1.0/{}/{}/{}", partition.path, offer.code(), version.id());
        json.text("currentVersionUrl", &format!("{base}/{code}/index.json"));
        json.close();
    }
    json.close();
    json.close();
    json.take()
}

/// `2026-11-21T20:00:00Z`.
fn stamp(time: Time) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}
