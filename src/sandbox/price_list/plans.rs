//! The indexes of savings plans: of versions and of regions, both lists where those of offers are objects.

use super::super::Cloud;
use super::super::market::versions::{Plan, Version};
use super::pretty::Pretty;
use super::{Content, File, Found, List, Partition, head, partition, stamp};
use crate::base::Time;

/// Where the lists of a plan lie.
pub(super) fn path(partition: &Partition, plan: Plan) -> String {
    format!("/savingsPlan/v1.0/{}/{}", partition.path, plan.code())
}

/// What stands at `path` (below `/savingsPlan/v1.0/`).
pub(super) fn find(cloud: &Cloud, path: &str, now: Time) -> Option<Found> {
    let segments: Vec<&str> = path.split('/').collect();
    let [segment, code, version, rest @ ..] = segments.as_slice() else { return None };
    let (partition, plan) = (partition(segment)?, Plan::from_code(code)?);
    let history = plan.versions(cloud.market.seed, partition.china, now);
    let current = *history.last()?;
    let version = match *version {
        "current" => current,
        id => *history.iter().find(|version| version.id() == id)?,
    };
    let index = |json: Pretty| {
        let mut json = json;
        Some(Found { published: version.published, content: Content::Index(json.take()) })
    };
    match rest {
        ["index.json"] if version == current => index(version_index(partition, plan, &history)),
        ["region_index.json"] => index(region_index(cloud, partition, plan, version)),
        [region, "index.json"] if !(cloud.faults.stale_index && version == current) => {
            let region = Some((*region).to_owned());
            let file = File { partition, list: List::Plan(plan), version, region };
            file.is_there(cloud).then(|| file.found())
        }
        _ => None,
    }
}

/// Newest first, as the real one is.
fn version_index(partition: &Partition, plan: Plan, history: &[Version]) -> Pretty {
    let newest = history.last().copied();
    let link = |version: Version| format!("{}/{}/index.json", path(partition, plan), version.id());
    let mut json = head(partition, newest.map_or(Time::UNIX_EPOCH, |version| version.published));
    json.text("currentOfferVersionUrl", &newest.map(link).unwrap_or_default());
    json.open_list("versions");
    for version in history.iter().rev() {
        json.element();
        json.text("publicationDate", &stamp(version.published));
        json.text("offerVersionUrl", &link(*version));
        json.close();
    }
    json.close_list();
    json.close();
    json
}

fn region_index(cloud: &Cloud, partition: &'static Partition, plan: Plan, version: Version) -> Pretty {
    let file = File { partition, list: List::Plan(plan), version, region: None };
    let mut json = head(partition, version.published);
    json.open_list("regions");
    for listed in file.places(cloud) {
        json.element();
        json.text("regionCode", listed.code);
        let link = format!("{}/{}/{}/index.json", path(partition, plan), version.id(), listed.code);
        json.text("versionUrl", &link);
        json.close();
    }
    json.close_list();
    json.close();
    json
}
