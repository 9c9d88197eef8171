//! What the simulated upstreams know: drawn once from a seed, never changed.

use std::collections::BTreeMap;

use chrono::{NaiveTime, TimeDelta};
use contrail::base::{Chance, Time};

use super::dice::Dice as _;

/// How long the upstream of spot history remembers.
pub(super) const MEMORY: TimeDelta = TimeDelta::days(90);
/// How long the index of versions lists one.
pub(super) const LISTED: TimeDelta = TimeDelta::days(40);
/// The length of a slot.
pub(super) const SLOT: TimeDelta = TimeDelta::days(1);

/// A change of a spot price.
#[derive(Debug, Clone)]
pub(super) struct Change {
    pub(super) pool: u64,
    pub(super) at: Time,
    /// When the upstream begins to tell of it.
    pub(super) visible: Time,
    /// The row.
    pub(super) line: String,
}

/// All that there is to know.
#[derive(Debug)]
pub(super) struct Truth {
    /// By region, in order of time.
    pub(super) changes: BTreeMap<&'static str, Vec<Change>>,
    /// When each version is published, by region; its body is made of its name.
    pub(super) versions: BTreeMap<&'static str, Vec<Time>>,
    /// When the catalogue becomes another one, by region, and what is in it from then on.
    pub(super) catalogues: BTreeMap<&'static str, Vec<(Time, Vec<String>)>>,
}

impl Truth {
    /// From 90 days before `start` until `end`.
    pub(super) fn draw(chance: &Chance, regions: &[&'static str], start: Time, end: Time) -> Self {
        let mut truth =
            Self { changes: BTreeMap::new(), versions: BTreeMap::new(), catalogues: BTreeMap::new() };
        for region in regions {
            truth.changes.insert(region, changes(chance, region, start - MEMORY - TimeDelta::days(3), end));
            let mut versions = Vec::new();
            let mut catalogues = vec![(start - TimeDelta::days(10), catalogue(chance))];
            let mut at = start - TimeDelta::days(5);
            while at < end {
                at += TimeDelta::seconds(i64::try_from(3_600 + chance.below(5 * 86_400)).unwrap());
                versions.push(at);
                // A state comes back now and then.
                let again =
                    catalogues[usize::try_from(chance.below(catalogues.len() as u64)).unwrap()].1.clone();
                let next = if chance.one_in(3) { again } else { catalogue(chance) };
                catalogues.push((at + TimeDelta::hours(7), next));
            }
            truth.versions.insert(region, versions);
            truth.catalogues.insert(region, catalogues);
        }
        truth
    }

    /// What the upstream tells of `region` at `now`.
    pub(super) fn told(&self, region: &str, now: Time) -> impl Iterator<Item = &Change> {
        self.changes[region].iter().filter(move |change| change.visible <= now)
    }

    /// The catalogue of a region as it is at `now`.
    pub(super) fn catalogue(&self, region: &str, now: Time) -> &[String] {
        let states = &self.catalogues[region];
        &states.iter().rev().find(|(since, _)| *since <= now).unwrap_or(&states[0]).1
    }

    /// The versions that the index of a region lists at `now`.
    pub(super) fn listed(&self, region: &str, now: Time) -> impl Iterator<Item = Time> {
        self.versions[region].iter().copied().filter(move |at| *at <= now && now - *at < LISTED)
    }
}

/// The body of a version.
pub(super) fn body(region: &str, version: &str) -> String {
    format!("{{\"region\":\"{region}\",\"version\":\"{version}\"}}")
}

fn catalogue(chance: &Chance) -> Vec<String> {
    (0..=chance.below(6))
        .map(|row| format!("{{\"meter\":{row},\"price\":\"{}\"}}", chance.below(1_000)))
        .collect()
}

fn changes(chance: &Chance, region: &str, from: Time, to: Time) -> Vec<Change> {
    let mut changes = BTreeMap::new();
    for pool in 0..2 + chance.below(2) {
        let mut at = from;
        while at < to {
            at += TimeDelta::seconds(i64::try_from(1_800 + chance.below(3 * 86_400)).unwrap());
            // Edges are where things go wrong.
            let at = match chance.below(6) {
                0 => at.date_naive().and_time(NaiveTime::MIN).and_utc(),
                1 => at.date_naive().and_time(NaiveTime::MIN).and_utc() - TimeDelta::milliseconds(1),
                2 => Time::from_timestamp(at.timestamp().div_euclid(6 * 3_600) * 6 * 3_600, 0).unwrap(),
                _ => at,
            };
            let late = match chance.below(10) {
                0 => TimeDelta::seconds(i64::try_from(chance.below(60 * 3_600)).unwrap()),
                1 => TimeDelta::seconds(i64::try_from(chance.below(3_600)).unwrap()),
                _ => TimeDelta::zero(),
            };
            let line = serde_json::json!({
                "AvailabilityZone": format!("{region}a"),
                "AvailabilityZoneId": format!("{region}-az1"),
                "InstanceType": format!("m{pool}.large"),
                "ProductDescription": "Linux/UNIX",
                "SpotPrice": format!("0.{:06}", chance.below(1_000_000)),
                "Timestamp": at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
            });
            let told = Change { pool, at, visible: at + late, line: line.to_string() };
            changes.entry((at, pool)).or_insert(told);
        }
    }
    changes.into_values().collect()
}
