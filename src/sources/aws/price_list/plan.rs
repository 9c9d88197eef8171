//! What is missing: the versions that the indexes name and the lake does not hold.

use std::collections::BTreeSet;

use futures::future::join_all;

use super::index::{RegionIndex, VersionIndex, offer_index, region_index, version_index};
use super::site::{Partition, Site};
use super::{PriceList, stream};
use crate::base::likeness::nearest;
use crate::base::{Name, Time};
use crate::lake::coverage::{Coverage, Held, StreamCoverage};
use crate::lake::slice::{Slice, Version};
use crate::net::{NetError, NetErrorKind};
use crate::sources::{FetchError, FetchErrorKind, Past, Plan, PlanContext, Sentinel, Traffic};

/// The largest index of 2026 is under 100 KB.
pub(super) const MAX_INDEX_BYTES: usize = 8 << 20;

impl PriceList {
    /// Reads the indexes of every offer in every partition, side by side: the limit of the host paces them.
    pub(super) async fn make_plan(&self, context: &PlanContext<'_>) -> Result<Plan, FetchError> {
        let mut looks = Vec::new();
        for partition in &self.partitions {
            let site = self.site(*partition)?;
            looks.extend(self.offers.iter().map(|offer| {
                let site = site.clone();
                async move { (site.partition, offer, self.look(&site, offer, context.traffic).await) }
            }));
        }
        let mut plan = Plan::default();
        for (partition, offer, found) in join_all(looks).await {
            match found {
                Ok((regions, versions)) => {
                    self.add(&mut plan, partition, offer, regions, versions, context)?;
                }
                Err(error) => self.close(&mut plan, partition, offer, &error, context)?,
            }
        }
        for region in self.regions.named() {
            let partition = Partition::of_region(region).as_str();
            if !self.partitions.iter().any(|known| known.as_str() == partition) {
                plan.warnings.push(format!("region {region} is left out: it is in partition {partition}"));
            }
        }
        Ok(plan)
    }

    async fn look(
        &self,
        site: &Site,
        offer: &Name,
        traffic: &Traffic,
    ) -> Result<(RegionIndex, VersionIndex), FetchError> {
        let regions = match self.client.get_bytes(&site.region_index(offer), MAX_INDEX_BYTES, traffic).await {
            Ok((json, _)) => region_index(&json, site, offer)?,
            Err(error) if error.kind == NetErrorKind::NotFound => {
                return Err(self.no_region_index(site, offer, error, traffic).await);
            }
            Err(error) => return Err(error.into()),
        };
        let versions = match self.client.get_bytes(&site.version_index(offer), MAX_INDEX_BYTES, traffic).await
        {
            Ok((json, _)) => version_index(&json, offer)?,
            Err(error) if error.kind == NetErrorKind::NotFound => VersionIndex {
                warnings: vec![format!("{error}: only the current versions of {offer} are known")],
                ..VersionIndex::default()
            },
            // Going on without it would be quicker today and could leave a version out for good.
            Err(error) => return Err(error.into()),
        };
        Ok((regions, versions))
    }

    /// Why an offer has no region index: most often there is no such offer.
    pub(super) async fn no_region_index(
        &self,
        site: &Site,
        offer: &Name,
        not_found: NetError,
        traffic: &Traffic,
    ) -> FetchError {
        let offers = match self.client.get_bytes(&site.offer_index(), MAX_INDEX_BYTES, traffic).await {
            Ok((json, _)) => offer_index(&json),
            Err(error) => Err(error.into()),
        };
        let partition = site.partition.as_str();
        match offers {
            Ok(offers) if offers.contains(offer.as_str()) => {
                FetchError::upstream(format!("offer {offer} has no price lists by region: {not_found}"))
                    .with_hint("leave it out of [sources.aws_price_list] offers")
            }
            Ok(offers) => {
                let message = format!("partition {partition} has no offer {offer}");
                let hint = match nearest(offer.as_str(), offers.iter().map(String::as_str)) {
                    Some(near) => format!("did you mean {near} in [sources.aws_price_list] offers?"),
                    None => format!("see {} for the offers that there are", site.offer_index()),
                };
                FetchError::new(FetchErrorKind::Config, message).with_hint(hint)
            }
            Err(_) => FetchError::new(FetchErrorKind::Config, format!("no offer {offer}: {not_found}"))
                .with_hint("check offers and base_url in [sources.aws_price_list]"),
        }
    }

    /// Adds what is missing of one offer in one partition.
    fn add(
        &self,
        plan: &mut Plan,
        partition: Partition,
        offer: &Name,
        regions: RegionIndex,
        versions: VersionIndex,
        context: &PlanContext<'_>,
    ) -> Result<(), FetchError> {
        let held = self.held(partition, offer, context.coverage);
        let asked = self.regions.named().filter(|region| Partition::of_region(region) == partition);
        let expected: BTreeSet<&Name> = asked.chain(&held).collect();
        for region in expected.into_iter().filter(|region| !regions.regions.contains_key(*region)) {
            let near = nearest(region.as_str(), regions.regions.keys().map(Name::as_str));
            let hint = near.map_or_else(
                || "leave it out of [sources.aws_price_list] regions".to_owned(),
                |near| format!("the nearest region that has {offer} is {near}"),
            );
            let message = format!("offer {offer} has no price list in region {region}");
            let mut error = FetchError::new(FetchErrorKind::Refused, message).with_hint(hint);
            if held.contains(region) {
                error = error.with_sentinel(Sentinel::StreamVanished);
            }
            plan.closed.push((stream(offer, region)?, error));
        }
        for (region, current) in regions.regions {
            if !self.regions.hold(&region) {
                continue;
            }
            let stream = stream(offer, &region)?;
            match current {
                Ok(current) => {
                    plan.streams.push(stream.clone());
                    self.saw_current(&stream, &current);
                    let held = context.coverage.stream(&stream);
                    let missing = match context.past {
                        None => missing(held, &current, &versions.versions, context.created_at),
                        Some(past) => missing_in(held, &current, &versions.versions, past),
                    };
                    plan.wanted.extend(
                        missing.into_iter().map(|version| Slice::Version { stream: stream.clone(), version }),
                    );
                }
                Err(error) => plan.closed.push((stream, error)),
            }
        }
        plan.failures.extend(regions.nameless);
        plan.warnings.extend(versions.warnings);
        Ok(())
    }

    /// Closes what is known to belong to an offer whose indexes cannot be read.
    fn close(
        &self,
        plan: &mut Plan,
        partition: Partition,
        offer: &Name,
        error: &FetchError,
        context: &PlanContext<'_>,
    ) -> Result<(), FetchError> {
        let held = self.held(partition, offer, context.coverage);
        let asked = self.regions.named().filter(|region| Partition::of_region(region) == partition);
        let regions: BTreeSet<&Name> = asked.chain(&held).collect();
        if regions.is_empty() {
            plan.failures.push(error.clone());
        }
        for region in regions {
            let mut error = error.clone();
            // Only an offer that is not there is an error of the configuration.
            if error.kind == FetchErrorKind::Config && held.contains(region) {
                error = error.with_sentinel(Sentinel::StreamVanished);
            }
            plan.closed.push((stream(offer, region)?, error));
        }
        Ok(())
    }

    /// The regions of an offer in a partition that the lake holds, as far as they are wanted.
    fn held(&self, partition: Partition, offer: &Name, coverage: &Coverage) -> BTreeSet<Name> {
        let of_offer = coverage.streams().filter(|(stream, _)| stream.part("offer") == Some(offer.as_str()));
        let regions = of_offer.filter_map(|(stream, _)| Name::new("region", stream.part("region")?).ok());
        let wanted = |region: &Name| Partition::of_region(region) == partition && self.regions.hold(region);
        regions.filter(wanted).collect()
    }
}

/// The versions of a stream that should be fetched: the current one, and those published since the lake was made
/// (or since the newest one that the lake holds from before).
///
/// A version that failed once stays missing even when a newer one is stored meanwhile. Versions newer than the
/// region's current one are not there for this region yet: the region index will name them.
fn missing(
    held: Option<&StreamCoverage>,
    current: &Version,
    published: &BTreeSet<Version>,
    created_at: Time,
) -> BTreeSet<Version> {
    let created = published_at(created_at);
    let holds = |version: &Version| held.is_some_and(|held| held.versions.contains_key(version));
    let before = held.and_then(|held| {
        let stored = held.versions.iter().filter(|(_, held)| **held == Held::Stored);
        stored.map(|(version, _)| version).rfind(|version| Some(*version) < created.as_ref())
    });
    let since = before.or(created.as_ref());
    let between = published.iter().filter(|version| since.is_none_or(|since| *version >= since));
    between
        .filter(|version| *version < current)
        .chain([current])
        .filter(|version| !holds(version))
        .cloned()
        .collect()
}

/// The versions of a stream that were published in a stretch of the past and are not there.
///
/// A stream of which nothing is stored begins with its current version: what lies between that and the past would
/// be missing from the next plan otherwise.
fn missing_in(
    held: Option<&StreamCoverage>,
    current: &Version,
    published: &BTreeSet<Version>,
    past: Past,
) -> BTreeSet<Version> {
    let (since, until) = (past.since.and_then(published_at), published_at(past.until));
    let asked = |version: &&Version| {
        since.as_ref().is_none_or(|since| *version >= since)
            && until.as_ref().is_none_or(|until| *version < until)
    };
    let begins = held.and_then(StreamCoverage::newest_version).is_none();
    let asked = published.iter().filter(|version| *version < current).chain([current]).filter(asked);
    asked
        .chain(begins.then_some(current))
        .filter(|version| !held.is_some_and(|held| held.versions.contains_key(*version)))
        .cloned()
        .collect()
}

/// The version that the upstream would give to what it publishes at `time`.
fn published_at(time: Time) -> Option<Version> {
    Version::new(&time.format("%Y%m%d%H%M%S").to_string()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lake::key::{Key, Mark, Parsed};

    fn version(text: &str) -> Version {
        Version::new(text).unwrap()
    }

    fn wanted(stored: &[&str], lost: &[&str], current: &str, published: &[&str]) -> Vec<String> {
        let name = |text| Name::new("name", text).unwrap();
        let stream = stream(&name("AmazonEC2"), &name("us-east-1")).unwrap();
        let slice = |text: &&str| Slice::Version { stream: stream.clone(), version: version(text) };
        let mut coverage = Coverage::default();
        for text in stored {
            coverage.insert(&Key::parse(Key::raw(&slice(text)).as_str()).unwrap().1);
        }
        for text in lost {
            coverage.insert(&Parsed::Mark(slice(text), Mark::Lost));
        }
        let published = published.iter().map(|text| version(text)).collect();
        let created_at = "2026-03-10T12:00:00Z".parse().unwrap();
        let missing = missing(coverage.stream(&stream), &version(current), &published, created_at);
        missing.iter().map(ToString::to_string).collect()
    }

    const V1: &str = "20260301000000";
    const V2: &str = "20260305000000";
    const V3: &str = "20260315000000";
    const V4: &str = "20260320000000";
    const ALL: [&str; 4] = [V1, V2, V3, V4];

    fn asked_for(stored: &[&str], since: Option<&str>, until: &str) -> Vec<String> {
        let mut held = StreamCoverage::default();
        held.versions.extend(stored.iter().map(|text| (version(text), Held::Stored)));
        let past = Past { since: since.map(|text| text.parse().unwrap()), until: until.parse().unwrap() };
        let missing = missing_in(Some(&held), &version(V4), &ALL.map(version).into(), past);
        missing.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_past_wants_what_was_published_in_it_and_is_not_there() {
        let since = Some("2026-03-05T00:00:00Z");
        assert_eq!(asked_for(&[V4], since, "2026-03-15T00:00:00Z"), [V2], "since is within, until is not");
        assert_eq!(asked_for(&[V4], since, "2026-03-15T00:00:01Z"), [V2, V3]);
        assert_eq!(asked_for(&[V2, V4], since, "2026-04-01T00:00:00Z"), [V3]);
        assert_eq!(asked_for(&[V2], since, "2026-04-01T00:00:00Z"), [V3, V4]);
        assert_eq!(asked_for(&[V4], None, "2026-04-01T00:00:00Z"), [V1, V2, V3]);
    }

    #[test]
    fn a_stream_that_is_filled_from_its_past_begins_with_the_present() {
        assert_eq!(asked_for(&[], None, "2026-03-02T00:00:00Z"), [V1, V4]);
        assert_eq!(wanted(&[V1, V4], &[], V4, &ALL), [V2, V3], "what came after a backfill is healed");
        assert_eq!(wanted(&["20200101000000", V2], &[], V2, &ALL), Vec::<String>::new());
    }

    #[test]
    fn a_new_lake_wants_the_current_version_only() {
        assert_eq!(wanted(&[], &[], V2, &[V1, V2]), [V2]);
        assert_eq!(wanted(&[V2], &[], V2, &[V1, V2]), Vec::<String>::new());
    }

    #[test]
    fn versions_published_since_the_lake_was_made_are_missing() {
        assert_eq!(wanted(&[], &[], V4, &ALL), [V3, V4]);
        assert_eq!(wanted(&[V2], &[], V4, &ALL), [V3, V4]);
        assert_eq!(wanted(&[V1], &[], V4, &ALL), [V2, V3, V4], "since the newest from before the lake");
    }

    #[test]
    fn a_version_that_failed_is_still_missing_when_a_newer_one_is_stored() {
        assert_eq!(wanted(&[V2, V4], &[], V4, &ALL), [V3]);
    }

    #[test]
    fn what_is_lost_is_not_asked_for_again() {
        assert_eq!(wanted(&[V2], &[V3], V4, &ALL), [V4]);
    }

    #[test]
    fn old_versions_are_left_to_a_backfill() {
        assert_eq!(wanted(&["20200101000000", V2], &[], V2, &ALL), Vec::<String>::new());
    }

    #[test]
    fn a_version_that_the_region_does_not_have_yet_is_not_asked_for() {
        assert_eq!(wanted(&[V2], &[], V3, &ALL), [V3]);
    }
}
