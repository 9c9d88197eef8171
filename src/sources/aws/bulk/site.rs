//! Where the lists of a kind lie in a partition: the addresses of the bulk API, made and read. Pure.

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

/// What leads to all lists of all kinds.
const OFFERS: &str = "offers";

/// The bulk API of one partition, as far as it has lists of one kind.
#[derive(Debug, Clone)]
pub(in crate::sources::aws) struct Site {
    pub(super) partition: Partition,
    directory: &'static str,
    base: Url,
}

impl Site {
    /// The bulk API of `partition`, at `base` instead of the partition's own host when that is given.
    pub(super) fn new(
        directory: &'static str,
        partition: Partition,
        base: Option<&Url>,
    ) -> Result<Self, url::ParseError> {
        let base = base.map_or_else(|| Url::parse(partition.host()), |base| Ok(base.clone()))?;
        Ok(Self { partition, directory, base })
    }

    /// The list of all offers.
    pub(super) fn offer_index(&self) -> Url {
        self.url(OFFERS, &["index.json"])
    }

    /// The regions of a list, each with the address of its current version.
    pub(super) fn region_index(&self, name: &Name) -> Url {
        self.below(name, &["current", "region_index.json"])
    }

    /// One version of a list in a region.
    pub(super) fn list(&self, name: &Name, version: &Version, region: &Name) -> Url {
        self.below(name, &[version.as_str(), region.as_str(), "index.json"])
    }

    /// What lies in the directory of a list.
    pub(super) fn below(&self, name: &Name, segments: &[&str]) -> Url {
        self.url(self.directory, &[&[name.as_str()], segments].concat())
    }

    /// The list whose region index a link leads to, if it leads to one of this host.
    pub(in crate::sources::aws) fn named_by(&self, link: &str) -> Option<String> {
        let path = self.path_of(link).ok()?;
        let (name, rest) = path.split_once('/')?;
        (rest == "current/region_index.json").then(|| name.to_owned())
    }

    /// The version that a link to something of a list names; what is wrong with the link if it leads elsewhere. The link
    /// itself is never followed.
    pub(in crate::sources::aws) fn version_below(&self, link: &str, name: &Name) -> Result<Version, String> {
        let path = self.path_of(link)?;
        let segments: Vec<&str> = path.split('/').collect();
        match segments[..] {
            [list, version, ..] if list == name.as_str() => {
                Version::new(version).map_err(|error| error.to_string())
            }
            _ => Err(format!("{:?} is not the address of a version of {name}", shown(link))),
        }
    }

    /// The version that the link to a list names; what is wrong with the link if it is none to a list of this name and
    /// region on this host. The link itself is never followed.
    pub(super) fn version_in(&self, link: &str, name: &Name, region: &Name) -> Result<Version, String> {
        let path = self.path_of(link)?;
        let version = path
            .strip_prefix(&format!("{name}/"))
            .and_then(|rest| rest.strip_suffix(&format!("/{region}/index.json")))
            .ok_or_else(|| {
                format!("{:?} is not the address of a version of {name} in {region}", shown(link))
            })?;
        Version::new(version).map_err(|error| error.to_string())
    }

    /// Where a link leads below the directory of all lists; what is wrong with one that leads elsewhere.
    fn path_of(&self, link: &str) -> Result<String, String> {
        let url =
            self.base.join(link).map_err(|error| format!("{:?} is no address: {error}", shown(link)))?;
        if url.origin() != self.base.origin() {
            return Err(format!("{:?} leads to another host", shown(link)));
        }
        let path = url.path();
        let path = path.strip_prefix(self.prefix()).unwrap_or(path);
        let is_plain = url.query().is_none() && url.fragment().is_none();
        path.strip_prefix(&format!("/{}/v1.0/{}/", self.directory, self.partition.segment()))
            .filter(|_| is_plain)
            .map(str::to_owned)
            .ok_or_else(|| format!("{:?} is not the address of a list", shown(link)))
    }

    /// The path that a base address of the user's own may have.
    fn prefix(&self) -> &str {
        self.base.path().trim_end_matches('/')
    }

    /// Segments are names, versions and constants, so that nothing needs escaping.
    fn url(&self, directory: &str, segments: &[&str]) -> Url {
        let segment = self.partition.segment();
        let path = format!("{}/{directory}/v1.0/{segment}/{}", self.prefix(), segments.join("/"));
        let mut url = self.base.clone();
        url.set_path(&path);
        url.set_query(None);
        url.set_fragment(None);
        url
    }
}

fn shown(link: &str) -> String {
    link.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::new("name", text).unwrap()
    }

    fn site(partition: Partition, base: Option<&str>) -> Site {
        of("offers", partition, base)
    }

    fn of(directory: &'static str, partition: Partition, base: Option<&str>) -> Site {
        Site::new(directory, partition, base.map(|base| Url::parse(base).unwrap()).as_ref()).unwrap()
    }

    #[test]
    fn each_partition_has_its_host_and_its_segment() {
        let version = Version::new("20250523232744").unwrap();
        let list = |site: &Site, region| site.list(&name("AmazonEC2"), &version, &name(region)).to_string();
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

    #[test]
    fn a_link_names_its_plan_and_its_version_wherever_it_leads_below_them() {
        let site = of("savingsPlan", Partition::Aws, Some("http://prices.test/base"));
        let plan = "/savingsPlan/v1.0/aws/AWSComputeSavingsPlan";
        assert_eq!(
            site.named_by(&format!("{plan}/current/region_index.json")).as_deref(),
            Some("AWSComputeSavingsPlan")
        );
        for link in [
            &format!("{plan}/default/empty.json"),
            &format!("http://evil.test{plan}/current/region_index.json"),
            "/offers/v1.0/aws/AmazonEC2/current/region_index.json",
            "/savingsPlan/v1.0/cn/AWSComputeSavingsPlan/current/region_index.json",
            "/savingsPlan/v1.0/aws/../../x/current/region_index.json",
            "",
        ] {
            assert_eq!(site.named_by(link), None, "{link}");
        }
        let version = |link: &str| site.version_below(link, &name("AWSComputeSavingsPlan"));
        for rest in ["index.json", "region_index.json", "us-east-1/index.json"] {
            let link = format!("{plan}/20260422194203/{rest}");
            assert_eq!(version(&link).unwrap().as_str(), "20260422194203", "{link}");
        }
        for link in [
            &format!("{plan}/current/index.json"),
            &format!("//evil.test{plan}/20260422194203/index.json"),
            "/savingsPlan/v1.0/aws/AWSDatabaseSavingsPlans/20260422194203/index.json",
        ] {
            assert!(version(link).is_err(), "{link}");
        }
        assert_eq!(
            site.list(&name("P"), &Version::new("20260422194203").unwrap(), &name("us-east-1")).as_str(),
            "http://prices.test/base/savingsPlan/v1.0/aws/P/20260422194203/us-east-1/index.json"
        );
        assert_eq!(site.offer_index().as_str(), "http://prices.test/base/offers/v1.0/aws/index.json");
    }
}
