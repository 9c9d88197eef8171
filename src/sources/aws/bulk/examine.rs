//! What `doctor` asks: the region index of each list, which every plan starts with, and before it, where lists are not
//! named, the offer index.

use futures::future::join_all;

use super::BulkLists;
use super::index::region_index;
use super::plan::MAX_INDEX_BYTES;
use super::site::{Partition, Site};
use crate::base::Name;
use crate::base::check::Check;
use crate::base::units::counted;
use crate::net::NetErrorKind;
use crate::sources::{FetchError, Traffic};

impl BulkLists {
    /// A line for each list in each partition.
    pub(super) async fn examine(&self) -> Vec<Check> {
        join_all(self.partitions.iter().map(|partition| self.examine_in(*partition))).await.concat()
    }

    async fn examine_in(&self, partition: Partition) -> Vec<Check> {
        let found = match self.site(partition) {
            Ok(site) => self.names_in(&site, &Traffic::default()).await.map(|names| (site, names)),
            Err(error) => Err(error),
        };
        let (site, names) = match found {
            Ok(found) => found,
            Err(error) => return vec![error.as_check(&format!("offer index of {}", partition.as_str()))],
        };
        let site = &site;
        let asked = names.into_iter().map(|list| async move {
            let name = format!("{list} in {}", partition.as_str());
            match self.regions_of(site, &list).await {
                Ok(regions) => Check::ok(&name, format!("price lists of {}", counted(regions, "region"))),
                Err(error) => error.as_check(&name),
            }
        });
        join_all(asked).await
    }

    async fn regions_of(&self, site: &Site, name: &Name) -> Result<usize, FetchError> {
        let traffic = Traffic::default();
        match self.client.get_bytes(&site.region_index(name), MAX_INDEX_BYTES, &traffic).await {
            Ok((json, _)) => Ok(region_index(self.kind, &json, site, name)?.regions.len()),
            Err(error) if error.kind == NetErrorKind::NotFound => {
                Err(self.no_region_index(site, name, error, &traffic).await)
            }
            Err(error) => Err(error.into()),
        }
    }
}
