//! What `doctor` asks: the region index of each offer, which every plan starts with.

use futures::future::join_all;

use super::PriceList;
use super::index::region_index;
use super::plan::MAX_INDEX_BYTES;
use super::site::Site;
use crate::base::Name;
use crate::base::check::Check;
use crate::base::units::counted;
use crate::net::NetErrorKind;
use crate::sources::{FetchError, Traffic};

impl PriceList {
    /// A line for each offer in each partition.
    pub(super) async fn examine(&self) -> Vec<Check> {
        let asked = self.partitions.iter().flat_map(|partition| {
            self.offers.iter().map(move |offer| async move {
                let name = format!("{offer} in {}", partition.as_str());
                let found = match self.site(*partition) {
                    Ok(site) => self.regions_of(&site, offer).await,
                    Err(error) => Err(error),
                };
                match found {
                    Ok(regions) => Check::ok(&name, format!("price lists of {}", counted(regions, "region"))),
                    Err(error) => error.as_check(&name),
                }
            })
        });
        join_all(asked).await
    }

    async fn regions_of(&self, site: &Site, offer: &Name) -> Result<usize, FetchError> {
        let traffic = Traffic::default();
        match self.client.get_bytes(&site.region_index(offer), MAX_INDEX_BYTES, &traffic).await {
            Ok((json, _)) => Ok(region_index(&json, site, offer)?.regions.len()),
            Err(error) if error.kind == NetErrorKind::NotFound => {
                Err(self.no_region_index(site, offer, error, &traffic).await)
            }
            Err(error) => Err(error.into()),
        }
    }
}
