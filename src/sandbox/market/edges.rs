//! Local and Wavelength Zones. Each is a code of its own in the `AmazonEC2` region index and a zone of its
//! parent region in EC2.

use super::places::{OptIn, Zone};

/// A Local Zone (`us-west-2-lax-1`) or a carrier's Wavelength Zone (`us-east-1-wl1-atl1`).
#[derive(Debug)]
pub(crate) struct Edge {
    /// The code in the price list's region index.
    pub(crate) code: &'static str,
    /// The city, as the price list's location names it.
    pub(crate) city: &'static str,
}

const fn edge(code: &'static str, city: &'static str) -> Edge {
    Edge { code, city }
}

/// In the order in which a growing market opens them.
#[rustfmt::skip]
pub(crate) const EDGES: [Edge; 65] = [
    edge("us-west-2-lax-1", "Los Angeles"), edge("us-east-1-wl1", "Boston - Verizon"), edge("us-east-1-bos-1", "Boston"),
    edge("us-east-1-nyc-1", "New York City"), edge("us-west-2-wl1-las1", "Las Vegas - Verizon"), edge("us-east-1-mia-1", "Miami"),
    edge("us-west-2-phx-1", "Phoenix"), edge("us-east-1-chi-1", "Chicago"), edge("us-east-1-dfw-1", "Dallas"),
    edge("us-east-1-atl-1", "Atlanta"), edge("us-east-1-iah-1", "Houston"), edge("us-east-1-mci-1", "Kansas City"),
    edge("us-east-1-msp-1", "Minneapolis"), edge("us-east-1-phl-1", "Philadelphia"), edge("us-east-1-bue-1", "Buenos Aires"),
    edge("us-east-1-lim-1", "Lima"), edge("us-east-1-qro-1", "Queretaro"), edge("us-east-1-scl-1", "Santiago"),
    edge("us-west-2-den-1", "Denver"), edge("us-west-2-hnl-1", "Honolulu"), edge("us-west-2-las-1", "Las Vegas"),
    edge("us-west-2-pdx-1", "Portland"), edge("us-west-2-sea-1", "Seattle"), edge("us-west-2-wl1", "San Francisco - Verizon"),
    edge("us-east-1-wl1-atl1", "Atlanta - Verizon"), edge("us-east-1-wl1-bna1", "Nashville - Verizon"), edge("us-east-1-wl1-chi1", "Chicago - Verizon"),
    edge("us-east-1-wl1-clt1", "Charlotte - Verizon"), edge("us-east-1-wl1-dfw1", "Dallas - Verizon"), edge("us-east-1-wl1-dtw1", "Detroit - Verizon"),
    edge("us-east-1-wl1-foe1", "Topeka - Verizon"), edge("us-east-1-wl1-iah1", "Houston - Verizon"), edge("us-east-1-wl1-mia1", "Miami - Verizon"),
    edge("us-east-1-wl1-msp1", "Minneapolis - Verizon"), edge("us-east-1-wl1-nyc1", "New York City - Verizon"), edge("us-east-1-wl1-tpa1", "Tampa - Verizon"),
    edge("us-east-1-wl1-was1", "Washington DC - Verizon"), edge("us-west-2-wl1-den1", "Denver - Verizon"), edge("us-west-2-wl1-lax1", "Los Angeles - Verizon"),
    edge("us-west-2-wl1-phx1", "Phoenix - Verizon"), edge("us-west-2-wl1-sea1", "Seattle - Verizon"), edge("ap-northeast-1-wl1-kix1", "Osaka - KDDI"),
    edge("ap-northeast-1-wl1-nrt1", "Tokyo - KDDI"), edge("eu-central-1-ham-1", "Hamburg"), edge("eu-central-1-waw-1", "Warsaw"),
    edge("eu-central-1-wl1-ber1", "Berlin - Vodafone"), edge("eu-central-1-wl1-dtm1", "Dortmund - Vodafone"), edge("eu-central-1-wl1-muc1", "Munich - Vodafone"),
    edge("ap-southeast-1-bkk-1", "Bangkok"), edge("ap-southeast-1-mnl-1", "Manila"), edge("ap-south-1-ccu-1", "Kolkata"),
    edge("ap-south-1-del-1", "Delhi"), edge("ap-southeast-2-per-1", "Perth"), edge("eu-west-2-wl1-lon1", "London - Vodafone"),
    edge("eu-west-2-wl1-man1", "Manchester - Vodafone"), edge("eu-west-2-wl2-man1", "Manchester - BT"), edge("ap-northeast-2-wl1-cjj1", "Daejeon - SKT"),
    edge("ap-northeast-2-wl1-sel1", "Seoul - SKT"), edge("ca-central-1-wl1-yto1", "Toronto - Bell"), edge("eu-west-3-wl1-cmn1", "Casablanca - Orange"),
    edge("eu-west-3-wl1-dss1", "Dakar - Sonatel"), edge("eu-north-1-cph-1", "Copenhagen"), edge("eu-north-1-hel-1", "Helsinki"),
    edge("af-south-1-los-1", "Lagos"), edge("me-south-1-mct-1", "Muscat"),
];

impl Edge {
    /// True when it hangs from the region `code`.
    pub(crate) fn is_in(&self, code: &str) -> bool {
        self.code.strip_prefix(code).is_some_and(|rest| rest.starts_with('-'))
    }

    /// True for a carrier's zone.
    pub(crate) fn is_wavelength(&self) -> bool {
        self.code.contains("-wl")
    }

    /// The zone that EC2 shows for it in the region `code`, whose zone ids begin with `short`.
    ///
    /// The account has opted in to Los Angeles and New York City and to nothing else.
    pub(crate) fn zone(&self, short: &str, code: &str, parent: (String, String)) -> Zone {
        let tail = self.code.strip_prefix(code).and_then(|rest| rest.strip_prefix('-')).unwrap_or(self.code);
        let opt_in = if matches!(self.code, "us-west-2-lax-1" | "us-east-1-nyc-1") {
            OptIn::OptedIn
        } else {
            OptIn::NotOptedIn
        };
        let group_long_name = format!("{} 1", self.city);
        if self.is_wavelength() {
            let (carrier, city) = match tail.split_once('-') {
                Some((carrier, city)) => (carrier, city.trim_end_matches('1')),
                None if code == "us-east-1" => (tail, "bos"),
                None => (tail, "sfo"),
            };
            Zone {
                name: format!("{code}-{carrier}-{city}-wlz-1"),
                id: format!("{short}-{carrier}-{city}-wlz1"),
                group: format!("{code}-{carrier}"),
                group_long_name,
                kind: "wavelength-zone",
                parent: Some(parent),
                opt_in,
            }
        } else {
            Zone {
                name: format!("{}a", self.code),
                id: format!("{short}-{}-az1", tail.replace('-', "")),
                group: self.code.to_owned(),
                group_long_name,
                kind: "local-zone",
                parent: Some(parent),
                opt_in,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::market::places::COMMERCIAL;

    #[test]
    fn every_edge_hangs_from_exactly_one_region() {
        for edge in &EDGES {
            let parents = COMMERCIAL.iter().filter(|place| edge.is_in(place.code)).count();
            assert_eq!(parents, 1, "{}", edge.code);
        }
    }

    #[test]
    fn zones_of_edges_have_the_names_that_ec2_gives_them() {
        let zone = |code: &str, region: &str, short: &str| {
            let edge = EDGES.iter().find(|edge| edge.code == code).unwrap();
            let zone = edge.zone(short, region, (format!("{region}a"), format!("{short}-az1")));
            (zone.name, zone.id, zone.group)
        };
        assert_eq!(
            zone("us-west-2-lax-1", "us-west-2", "usw2"),
            ("us-west-2-lax-1a".into(), "usw2-lax1-az1".into(), "us-west-2-lax-1".into())
        );
        assert_eq!(
            zone("us-east-1-wl1", "us-east-1", "use1"),
            ("us-east-1-wl1-bos-wlz-1".into(), "use1-wl1-bos-wlz1".into(), "us-east-1-wl1".into())
        );
        assert_eq!(
            zone("us-east-1-wl1-atl1", "us-east-1", "use1"),
            ("us-east-1-wl1-atl-wlz-1".into(), "use1-wl1-atl-wlz1".into(), "us-east-1-wl1".into())
        );
    }
}
