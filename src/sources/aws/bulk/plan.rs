//! What is missing: the versions that the indexes name and the lake does not hold.

use std::collections::BTreeSet;

use futures::future::join_all;

use super::BulkLists;
use super::index::{RegionIndex, VersionIndex, offer_index, region_index, version_index};
use super::missing::{missing, missing_in};
use super::site::{Partition, Site};
use crate::base::Name;
use crate::base::likeness::nearest;
use crate::lake::coverage::Coverage;
use crate::lake::slice::Slice;
use crate::net::{NetError, NetErrorKind};
use crate::sources::aws::Names;
use crate::sources::{FetchError, FetchErrorKind, Plan, PlanContext, Sentinel, Traffic};

/// The largest index of 2026 is under 100 KB.
pub(super) const MAX_INDEX_BYTES: usize = 8 << 20;

impl BulkLists {
    /// Reads the indexes of every list in every partition, side by side: the limit of the host paces them.
    pub(super) async fn make_plan(&self, context: &PlanContext<'_>) -> Result<Plan, FetchError> {
        let (mut plan, mut looks) = (Plan::default(), Vec::new());
        for partition in &self.partitions {
            let site = self.site(*partition)?;
            let names = match self.names_in(&site, context.traffic).await {
                Ok(names) => names,
                Err(error) => {
                    self.close_all(&mut plan, *partition, &error, context)?;
                    continue;
                }
            };
            self.close_unnamed(&mut plan, *partition, &names, context)?;
            looks.extend(names.into_iter().map(|name| {
                let site = site.clone();
                async move {
                    let found = self.look(&site, &name, context.traffic).await;
                    (site.partition, name, found)
                }
            }));
        }
        for (partition, name, found) in join_all(looks).await {
            match found {
                Ok((regions, versions)) => {
                    self.add(&mut plan, partition, &name, regions, versions, context)?;
                }
                Err(error) => self.close(&mut plan, partition, &name, &error, context)?,
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

    /// The lists that are wanted of a site: those that were named, or else those that its offer index leads to.
    pub(super) async fn names_in(
        &self,
        site: &Site,
        traffic: &Traffic,
    ) -> Result<BTreeSet<Name>, FetchError> {
        let part = self.kind.part;
        if let Names::These(names) = &self.names {
            return Ok(names.clone());
        }
        let (json, _) = self.client.get_bytes(&site.offer_index(), MAX_INDEX_BYTES, traffic).await?;
        let names = offer_index(self.kind, &json, site)?;
        if names.is_empty() {
            let partition = site.partition.as_str();
            let message = format!("the offer index of partition {partition} leads to no {part}");
            return Err(FetchError::upstream(message)
                .with_hint(format!("check partitions and base_url in [sources.{}]", self.kind.dataset.id)));
        }
        let name = |name: String| {
            Name::new(part, &name).map_err(|error| FetchError::upstream(format!("offer index: {error}")))
        };
        names.into_iter().map(name).collect()
    }

    async fn look(
        &self,
        site: &Site,
        name: &Name,
        traffic: &Traffic,
    ) -> Result<(RegionIndex, VersionIndex), FetchError> {
        let regions = match self.client.get_bytes(&site.region_index(name), MAX_INDEX_BYTES, traffic).await {
            Ok((json, _)) => region_index(self.kind, &json, site, name)?,
            Err(error) if error.kind == NetErrorKind::NotFound => {
                return Err(self.no_region_index(site, name, error, traffic).await);
            }
            Err(error) => return Err(error.into()),
        };
        let url = site.below(name, self.kind.version_index);
        let versions = match self.client.get_bytes(&url, MAX_INDEX_BYTES, traffic).await {
            Ok((json, _)) => version_index(self.kind, &json, site, name)?,
            Err(error) if error.kind == NetErrorKind::NotFound => VersionIndex {
                warnings: vec![format!("{error}: only the current versions of {name} are known")],
                ..VersionIndex::default()
            },
            // Going on without it would be quicker today and could leave a version out for good.
            Err(error) => return Err(error.into()),
        };
        Ok((regions, versions))
    }

    /// Why a list has no region index: most often there is no such list.
    pub(super) async fn no_region_index(
        &self,
        site: &Site,
        name: &Name,
        not_found: NetError,
        traffic: &Traffic,
    ) -> FetchError {
        let names = match self.client.get_bytes(&site.offer_index(), MAX_INDEX_BYTES, traffic).await {
            Ok((json, _)) => offer_index(self.kind, &json, site),
            Err(error) => Err(error.into()),
        };
        let (part, dataset) = (self.kind.part, self.kind.dataset.id);
        let partition = site.partition.as_str();
        match names {
            Ok(names) if names.contains(name.as_str()) => {
                FetchError::upstream(format!("{part} {name} has no price lists by region: {not_found}"))
                    .with_hint(format!("leave it out of [sources.{dataset}] {part}s"))
            }
            Ok(names) => {
                let message = format!("partition {partition} has no {part} {name}");
                let hint = match nearest(name.as_str(), names.iter().map(String::as_str)) {
                    Some(near) => format!("did you mean {near} in [sources.{dataset}] {part}s?"),
                    None => format!("see {} for the {part}s that there are", site.offer_index()),
                };
                FetchError::new(FetchErrorKind::Config, message).with_hint(hint)
            }
            Err(_) => FetchError::new(FetchErrorKind::Config, format!("no {part} {name}: {not_found}"))
                .with_hint(format!("check {part}s and base_url in [sources.{dataset}]")),
        }
    }

    /// Adds what is missing of one list in one partition.
    fn add(
        &self,
        plan: &mut Plan,
        partition: Partition,
        name: &Name,
        regions: RegionIndex,
        versions: VersionIndex,
        context: &PlanContext<'_>,
    ) -> Result<(), FetchError> {
        let (part, dataset) = (self.kind.part, self.kind.dataset.id);
        let held = self.held(partition, name, context.coverage);
        let asked = self.regions.named().filter(|region| Partition::of_region(region) == partition);
        let expected: BTreeSet<&Name> = asked.chain(&held).collect();
        for region in expected.into_iter().filter(|region| !regions.regions.contains_key(*region)) {
            let near = nearest(region.as_str(), regions.regions.keys().map(Name::as_str));
            let hint = near.map_or_else(
                || format!("leave it out of [sources.{dataset}] regions"),
                |near| format!("the nearest region that has {name} is {near}"),
            );
            let message = format!("{part} {name} has no price list in region {region}");
            let mut error = FetchError::new(FetchErrorKind::Refused, message).with_hint(hint);
            if held.contains(region) {
                error = error.with_sentinel(Sentinel::StreamVanished);
            }
            plan.closed.push((self.kind.stream(name, region)?, error));
        }
        for (region, current) in regions.regions {
            if !self.regions.hold(&region) {
                continue;
            }
            let stream = self.kind.stream(name, &region)?;
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

    /// Closes what is known to belong to a list whose indexes cannot be read.
    fn close(
        &self,
        plan: &mut Plan,
        partition: Partition,
        name: &Name,
        error: &FetchError,
        context: &PlanContext<'_>,
    ) -> Result<(), FetchError> {
        let held = self.held(partition, name, context.coverage);
        let asked = self.regions.named().filter(|region| Partition::of_region(region) == partition);
        let regions: BTreeSet<&Name> = asked.chain(&held).collect();
        if regions.is_empty() {
            plan.failures.push(error.clone());
        }
        for region in regions {
            let mut error = error.clone();
            // Only a list that is not there is an error of the configuration.
            if error.kind == FetchErrorKind::Config && held.contains(region) {
                error = error.with_sentinel(Sentinel::StreamVanished);
            }
            plan.closed.push((self.kind.stream(name, region)?, error));
        }
        Ok(())
    }

    /// Closes every list that the lake holds of a partition of which nobody knows what it has.
    fn close_all(
        &self,
        plan: &mut Plan,
        partition: Partition,
        error: &FetchError,
        context: &PlanContext<'_>,
    ) -> Result<(), FetchError> {
        let before = plan.closed.len();
        for name in self.known(context.coverage) {
            for region in self.held(partition, &name, context.coverage) {
                plan.closed.push((self.kind.stream(&name, &region)?, error.clone()));
            }
        }
        if plan.closed.len() == before {
            plan.failures.push(error.clone());
        }
        Ok(())
    }

    /// Closes the lists that the lake holds and that the offer index leads to no more. Lists that were named are not
    /// looked for there.
    fn close_unnamed(
        &self,
        plan: &mut Plan,
        partition: Partition,
        names: &BTreeSet<Name>,
        context: &PlanContext<'_>,
    ) -> Result<(), FetchError> {
        let (part, dataset) = (self.kind.part, self.kind.dataset.id);
        for name in self.known(context.coverage).into_iter().filter(|name| !names.contains(name)) {
            for region in self.held(partition, &name, context.coverage) {
                let message = format!("the offer index leads to {part} {name} no more");
                let hint = format!("if it is there all the same, name it in [sources.{dataset}] {part}s");
                let error = FetchError::new(FetchErrorKind::Refused, message).with_hint(hint);
                let error = error.with_sentinel(Sentinel::StreamVanished);
                plan.closed.push((self.kind.stream(&name, &region)?, error));
            }
        }
        Ok(())
    }

    /// The lists that the lake holds, as far as they are wanted.
    fn known(&self, coverage: &Coverage) -> BTreeSet<Name> {
        let part = self.kind.part;
        let names = coverage.streams().filter_map(|(stream, _)| Name::new(part, stream.part(part)?).ok());
        names.filter(|name| self.names.hold(name)).collect()
    }

    /// The regions of a list in a partition that the lake holds, as far as they are wanted.
    fn held(&self, partition: Partition, name: &Name, coverage: &Coverage) -> BTreeSet<Name> {
        let of_list =
            coverage.streams().filter(|(stream, _)| stream.part(self.kind.part) == Some(name.as_str()));
        let regions = of_list.filter_map(|(stream, _)| Name::new("region", stream.part("region")?).ok());
        let wanted = |region: &Name| Partition::of_region(region) == partition && self.regions.hold(region);
        regions.filter(wanted).collect()
    }
}
