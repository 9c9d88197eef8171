//! Where the price lists of a partition lie: the addresses of the bulk API, made and read. Pure.

use url::Url;

use crate::base::Name;
use crate::lake::slice::Version;

/// A group of regions with its own accounts, its own currency and its own price lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Partition {
    /// The commercial regions; their price lists name `GovCloud` as well.
    Aws,
    /// The regions in China, with prices in CNY.
    AwsCn,
}

impl Partition {
    /// Every partition that is known.
    pub const ALL: [Self; 2] = [Self::Aws, Self::AwsCn];

    /// Its name in ARNs and in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::AwsCn => "aws-cn",
        }
    }

    /// The partition of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|partition| partition.as_str() == name)
    }

    /// The partition that `region` belongs to.
    pub fn of_region(region: &Name) -> Self {
        if region.as_str().starts_with("cn-") { Self::AwsCn } else { Self::Aws }
    }

    /// What it is called in the paths of the bulk API.
    fn segment(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::AwsCn => "cn",
        }
    }

    /// Where its bulk API is.
    pub fn host(self) -> &'static str {
        match self {
            Self::Aws => "https://pricing.us-east-1.amazonaws.com",
            Self::AwsCn => "https://pricing.cn-north-1.amazonaws.com.cn",
        }
    }
}

/// The bulk API of one partition.
#[derive(Debug, Clone)]
pub(super) struct Site {
    pub(super) partition: Partition,
    base: Url,
}

impl Site {
    /// The bulk API of `partition`, at `base` instead of the partition's own host when that is given.
    pub(super) fn new(partition: Partition, base: Option<&Url>) -> Result<Self, url::ParseError> {
        let base = base.map_or_else(|| Url::parse(partition.host()), |base| Ok(base.clone()))?;
        Ok(Self { partition, base })
    }

    /// The list of all offers.
    pub(super) fn offer_index(&self) -> Url {
        self.url(&["index.json"])
    }

    /// The versions of an offer.
    pub(super) fn version_index(&self, offer: &Name) -> Url {
        self.url(&[offer.as_str(), "index.json"])
    }

    /// The regions of an offer, each with the address of its current price list.
    pub(super) fn region_index(&self, offer: &Name) -> Url {
        self.url(&[offer.as_str(), "current", "region_index.json"])
    }

    /// One version of the price list of an offer in a region.
    pub(super) fn price_list(&self, offer: &Name, version: &Version, region: &Name) -> Url {
        self.url(&[offer.as_str(), version.as_str(), region.as_str(), "index.json"])
    }

    /// The version that the link to a price list names; what is wrong with the link if it is none to a price list
    /// of this offer and region on this host. The link itself is never followed.
    pub(super) fn version_in(&self, link: &str, offer: &Name, region: &Name) -> Result<Version, String> {
        let shown: String = link.chars().take(200).collect();
        let url = self.base.join(link).map_err(|error| format!("{shown:?} is no address: {error}"))?;
        if url.origin() != self.base.origin() {
            return Err(format!("{shown:?} leads to another host"));
        }
        let version = self
            .version_segment(&url, offer, region)
            .ok_or_else(|| format!("{shown:?} is not the address of a version of {offer} in {region}"))?;
        Version::new(version).map_err(|error| error.to_string())
    }

    fn version_segment<'a>(&self, url: &'a Url, offer: &Name, region: &Name) -> Option<&'a str> {
        let path = url.path();
        let path = path.strip_prefix(self.prefix()).unwrap_or(path);
        let rest = path.strip_prefix(&format!("/offers/v1.0/{}/{offer}/", self.partition.segment()))?;
        let version = rest.strip_suffix(&format!("/{region}/index.json"))?;
        (url.query().is_none() && url.fragment().is_none()).then_some(version)
    }

    /// The path that a base address of the user's own may have.
    fn prefix(&self) -> &str {
        self.base.path().trim_end_matches('/')
    }

    /// Segments are names, versions and constants, so that nothing needs escaping.
    fn url(&self, segments: &[&str]) -> Url {
        let path =
            format!("{}/offers/v1.0/{}/{}", self.prefix(), self.partition.segment(), segments.join("/"));
        let mut url = self.base.clone();
        url.set_path(&path);
        url.set_query(None);
        url.set_fragment(None);
        url
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::new("name", text).unwrap()
    }

    fn site(partition: Partition, base: Option<&str>) -> Site {
        Site::new(partition, base.map(|base| Url::parse(base).unwrap()).as_ref()).unwrap()
    }

    #[test]
    fn each_partition_has_its_host_and_its_segment() {
        let version = Version::new("20250523232744").unwrap();
        let list =
            |site: &Site, region| site.price_list(&name("AmazonEC2"), &version, &name(region)).to_string();
        assert_eq!(
            list(&site(Partition::Aws, None), "us-east-2"),
            "https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/AmazonEC2/20250523232744/us-east-2/index.json"
        );
        assert_eq!(
            list(&site(Partition::AwsCn, None), "cn-north-1"),
            "https://pricing.cn-north-1.amazonaws.com.cn/offers/v1.0/cn/AmazonEC2/20250523232744/cn-north-1/index.json"
        );
        assert_eq!(
            list(&site(Partition::AwsCn, Some("http://127.0.0.1:1/a/")), "cn-north-1"),
            "http://127.0.0.1:1/a/offers/v1.0/cn/AmazonEC2/20250523232744/cn-north-1/index.json"
        );
    }

    #[test]
    fn a_region_tells_its_partition() {
        for partition in Partition::ALL {
            assert_eq!(Partition::named(partition.as_str()), Some(partition));
        }
        for (region, partition) in [
            ("cn-northwest-1", Partition::AwsCn),
            ("us-gov-west-1", Partition::Aws),
            ("us-west-2-lax-1", Partition::Aws),
            ("ca-central-1", Partition::Aws),
        ] {
            assert_eq!(Partition::of_region(&name(region)), partition);
        }
    }

    #[test]
    fn a_link_names_its_version_only_if_it_stays_where_it_belongs() {
        let site = site(Partition::Aws, Some("http://prices.test/base"));
        let read = |link: &str| site.version_in(link, &name("AmazonEC2"), &name("us-east-2"));
        for link in [
            "/offers/v1.0/aws/AmazonEC2/20250523232744/us-east-2/index.json",
            "/base/offers/v1.0/aws/AmazonEC2/20250523232744/us-east-2/index.json",
            "http://prices.test/offers/v1.0/aws/AmazonEC2/20250523232744/us-east-2/index.json",
        ] {
            assert_eq!(read(link).unwrap().as_str(), "20250523232744", "{link}");
        }
        for link in [
            "",
            "https://prices.test/offers/v1.0/aws/AmazonEC2/20250523232744/us-east-2/index.json",
            "http://evil.test/offers/v1.0/aws/AmazonEC2/20250523232744/us-east-2/index.json",
            "//evil.test/offers/v1.0/aws/AmazonEC2/20250523232744/us-east-2/index.json",
            "/\\evil.test/offers/v1.0/aws/AmazonEC2/20250523232744/us-east-2/index.json",
            "/offers/v1.0/cn/AmazonEC2/20250523232744/us-east-2/index.json",
            "/offers/v1.0/aws/AmazonS3/20250523232744/us-east-2/index.json",
            "/offers/v1.0/aws/AmazonEC2/20250523232744/us-east-1/index.json",
            "/offers/v1.0/aws/AmazonEC2/20250523232744/../20250523232744/us-east-1/index.json",
            "/offers/v1.0/aws/AmazonEC2/current/us-east-2/index.json",
            "/offers/v1.0/aws/AmazonEC2/20250523232744/us-east-2/index.json?x=1",
            "/offers/v1.0/aws/AmazonEC2/20250523232744/x/us-east-2/index.json",
            "/offers/v1.0/aws/AmazonEC2/current/default/empty.json",
            "javascript:alert(1)",
        ] {
            assert!(read(link).is_err(), "{link}");
        }
    }
}
