//! Regions and their zones, under their real names. Where a name is from: the AWS documentation of regions,
//! zones and zone ids. Local and Wavelength Zones are in [`super::edges`].

use super::draw::Draw;
use super::edges::Edge;

/// The account's relation to a region or zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OptIn {
    /// Enabled for every account.
    NotRequired,
    /// Enabled by this account.
    OptedIn,
    /// Known, but closed to this account.
    NotOptedIn,
}

impl OptIn {
    /// As EC2 writes it for a region.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::NotRequired => "opt-in-not-required",
            Self::OptedIn => "opted-in",
            Self::NotOptedIn => "not-opted-in",
        }
    }
}

/// What never changes about a region.
#[derive(Debug)]
pub(crate) struct Place {
    /// `us-east-1`.
    pub(crate) code: &'static str,
    /// How the ids of its zones begin: `use1`.
    pub(crate) short: &'static str,
    /// The letters of its zones' names.
    letters: &'static str,
    /// The number in the id of each zone, in the order of `letters` before the account's shuffle.
    numbers: &'static str,
    /// The name that the price list uses: `US East (N. Virginia)`.
    pub(crate) location: &'static str,
    /// How its usage types begin: `USW2-`, nothing in us-east-1.
    pub(crate) usage_prefix: &'static str,
    /// On-demand prices relative to us-east-1, in parts per thousand.
    pub(crate) price_permille: u64,
    /// The country or state, as `DescribeRegions` tells it.
    pub(crate) geography: &'static str,
    /// The account's relation to it.
    pub(crate) opt_in: OptIn,
}

type Row = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    u64,
    &'static str,
    OptIn,
);

const fn place(row: Row) -> Place {
    let (code, short, letters, numbers, location, usage_prefix, price_permille, geography, opt_in) = row;
    Place { code, short, letters, numbers, location, usage_prefix, price_permille, geography, opt_in }
}

use OptIn::{NotOptedIn, NotRequired, OptedIn};

/// The commercial regions, in the order in which a growing market opens them. The fourth is closed to the
/// account, so that even a small market has a region that refuses.
#[rustfmt::skip]
pub(crate) const COMMERCIAL: [Place; 34] = [
    place(("us-east-1", "use1", "abcdef", "123456", "US East (N. Virginia)", "", 1_000, "United States of America", NotRequired)),
    place(("us-west-2", "usw2", "abcd", "1234", "US West (Oregon)", "USW2-", 1_000, "United States of America", NotRequired)),
    place(("eu-west-1", "euw1", "abc", "123", "EU (Ireland)", "EU-", 1_115, "Ireland", NotRequired)),
    place(("af-south-1", "afs1", "abc", "123", "Africa (Cape Town)", "AFS1-", 1_320, "South Africa", NotOptedIn)),
    place(("ap-northeast-1", "apne1", "acd", "412", "Asia Pacific (Tokyo)", "APN1-", 1_292, "Japan", NotRequired)),
    place(("eu-central-1", "euc1", "abc", "231", "EU (Frankfurt)", "EUC1-", 1_198, "Germany", NotRequired)),
    place(("us-east-2", "use2", "abc", "123", "US East (Ohio)", "USE2-", 1_000, "United States of America", NotRequired)),
    place(("ap-southeast-1", "apse1", "abc", "123", "Asia Pacific (Singapore)", "APS1-", 1_250, "Singapore", NotRequired)),
    place(("ap-south-1", "aps1", "abc", "132", "Asia Pacific (Mumbai)", "APS3-", 1_052, "India", NotRequired)),
    place(("ap-southeast-2", "apse2", "abc", "312", "Asia Pacific (Sydney)", "APS2-", 1_250, "Australia", NotRequired)),
    place(("eu-west-2", "euw2", "abc", "231", "EU (London)", "EUW2-", 1_156, "United Kingdom", NotRequired)),
    place(("us-west-1", "usw1", "ac", "13", "US West (N. California)", "USW1-", 1_167, "United States of America", NotRequired)),
    place(("ap-northeast-2", "apne2", "abcd", "1234", "Asia Pacific (Seoul)", "APN2-", 1_229, "Republic of Korea", NotRequired)),
    place(("ca-central-1", "cac1", "abd", "124", "Canada (Central)", "CAN1-", 1_115, "Canada", NotRequired)),
    place(("eu-west-3", "euw3", "abc", "123", "EU (Paris)", "EUW3-", 1_167, "France", NotRequired)),
    place(("eu-north-1", "eun1", "abc", "123", "EU (Stockholm)", "EUN1-", 1_063, "Sweden", NotRequired)),
    place(("sa-east-1", "sae1", "abc", "123", "South America (Sao Paulo)", "SAE1-", 1_594, "Brazil", NotRequired)),
    place(("ap-northeast-3", "apne3", "abc", "312", "Asia Pacific (Osaka)", "APN3-", 1_292, "Japan", NotRequired)),
    place(("ap-east-1", "ape1", "abc", "123", "Asia Pacific (Hong Kong)", "APE1-", 1_375, "Hong Kong", OptedIn)),
    place(("eu-south-1", "eus1", "abc", "123", "EU (Milan)", "EUS1-", 1_167, "Italy", OptedIn)),
    place(("me-south-1", "mes1", "abc", "123", "Middle East (Bahrain)", "MES1-", 1_227, "Bahrain", NotOptedIn)),
    place(("ap-southeast-3", "apse3", "abc", "123", "Asia Pacific (Jakarta)", "APS4-", 1_250, "Indonesia", OptedIn)),
    place(("eu-central-2", "euc2", "abc", "123", "Europe (Zurich)", "EUC2-", 1_318, "Switzerland", OptedIn)),
    place(("eu-south-2", "eus2", "abc", "123", "Europe (Spain)", "EUS2-", 1_115, "Spain", OptedIn)),
    place(("ap-south-2", "aps2", "abc", "123", "Asia Pacific (Hyderabad)", "APS5-", 1_052, "India", OptedIn)),
    place(("me-central-1", "mec1", "abc", "123", "Middle East (UAE)", "MEC1-", 1_227, "United Arab Emirates", OptedIn)),
    place(("ap-southeast-4", "apse4", "abc", "123", "Asia Pacific (Melbourne)", "APS6-", 1_250, "Australia", OptedIn)),
    place(("il-central-1", "ilc1", "abc", "123", "Israel (Tel Aviv)", "ILC1-", 1_226, "Israel", NotOptedIn)),
    place(("ca-west-1", "caw1", "abc", "123", "Canada West (Calgary)", "CAN2-", 1_115, "Canada", OptedIn)),
    place(("ap-southeast-5", "apse5", "abc", "123", "Asia Pacific (Malaysia)", "APS7-", 1_125, "Malaysia", OptedIn)),
    place(("mx-central-1", "mxc1", "abc", "123", "Mexico (Central)", "MXC1-", 1_050, "Mexico", OptedIn)),
    place(("ap-southeast-7", "apse7", "abc", "123", "Asia Pacific (Thailand)", "APS9-", 1_125, "Thailand", OptedIn)),
    place(("ap-east-2", "ape2", "abc", "123", "Asia Pacific (Taipei)", "APE2-", 1_292, "Taiwan", OptedIn)),
    place(("ap-southeast-6", "apse6", "abc", "123", "Asia Pacific (New Zealand)", "APS8-", 1_275, "New Zealand", OptedIn)),
];

/// `GovCloud`: in the commercial price list, not in the commercial EC2.
#[rustfmt::skip]
pub(crate) const GOVERNMENT: [Place; 2] = [
    place(("us-gov-west-1", "usgw1", "abc", "123", "AWS GovCloud (US-West)", "UGW1-", 1_260, "United States of America", NotOptedIn)),
    place(("us-gov-east-1", "usge1", "abc", "123", "AWS GovCloud (US-East)", "UGE1-", 1_260, "United States of America", NotOptedIn)),
];

/// China, a partition of its own. Its prices are in CNY, so the factor holds the exchange rate too.
#[rustfmt::skip]
pub(crate) const CHINA: [Place; 2] = [
    place(("cn-north-1", "cnn1", "ab", "12", "China (Beijing)", "CNN1-", 7_350, "China", NotOptedIn)),
    place(("cn-northwest-1", "cnnw1", "abc", "123", "China (Ningxia)", "CNW1-", 5_100, "China", NotOptedIn)),
];

/// A zone as `DescribeAvailabilityZones` tells it.
#[derive(Debug, Clone)]
pub(crate) struct Zone {
    /// `us-east-1a`, `us-west-2-lax-1a`: shuffled between accounts.
    pub(crate) name: String,
    /// `use1-az1`: the same for every account.
    pub(crate) id: String,
    /// `us-east-1`, `us-west-2-lax-1`.
    pub(crate) group: String,
    /// `US East (N. Virginia) 1`.
    pub(crate) group_long_name: String,
    /// `availability-zone`, `local-zone` or `wavelength-zone`.
    pub(crate) kind: &'static str,
    /// Name and id of the zone that a Local or Wavelength Zone hangs from.
    pub(crate) parent: Option<(String, String)>,
    /// The account's relation to it.
    pub(crate) opt_in: OptIn,
}

impl Place {
    /// The zones of the region itself, then those of the `edges` that hang from it.
    ///
    /// Which letter stands for which id is shuffled by `seed`, as it is between real accounts.
    pub(crate) fn zones<'a>(&self, seed: Draw, edges: impl Iterator<Item = &'a Edge>) -> Vec<Zone> {
        let mut numbers: Vec<char> = self.numbers.chars().collect();
        numbers.sort_by_key(|number| seed.text(self.code).at(u64::from(*number)).bits());
        let mut zones: Vec<Zone> = self
            .letters
            .chars()
            .zip(numbers)
            .map(|(letter, number)| Zone {
                name: format!("{}{letter}", self.code),
                id: format!("{}-az{number}", self.short),
                group: self.code.to_owned(),
                group_long_name: format!("{} 1", self.location),
                kind: "availability-zone",
                parent: None,
                opt_in: OptIn::NotRequired,
            })
            .collect();
        let parents: Vec<(String, String)> =
            zones.iter().map(|zone| (zone.name.clone(), zone.id.clone())).collect();
        zones.extend(edges.map(|edge| {
            let parent = seed.text(edge.code).pick(&parents).clone();
            edge.zone(self.short, self.code, parent)
        }));
        zones
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn region_codes_and_zone_ids_are_unique() {
        let mut codes: Vec<&str> = COMMERCIAL.iter().map(|place| place.code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), 34);
        let mut shorts: Vec<&str> = COMMERCIAL.iter().map(|place| place.short).collect();
        shorts.sort_unstable();
        shorts.dedup();
        assert_eq!(shorts.len(), 34);
    }

    #[test]
    fn each_letter_stands_for_one_zone_id_whatever_the_shuffle() {
        for seed in 0..20 {
            let zones = COMMERCIAL[0].zones(Draw::seeded(seed), std::iter::empty());
            let mut ids: Vec<&str> = zones.iter().map(|zone| zone.id.as_str()).collect();
            ids.sort_unstable();
            assert_eq!(ids, ["use1-az1", "use1-az2", "use1-az3", "use1-az4", "use1-az5", "use1-az6"]);
            assert_eq!(zones[0].name, "us-east-1a");
        }
    }
}
