//! The products of an offer in a place, with their rates, as the AWS price list sells them.

mod attributes;
mod fixed;

use attributes::{instance_attributes, operation, size_factor};
use fixed::{EC2_FIXED, Fixed, S3_FIXED};

use super::draw::Draw;
use super::instances::{Instance, System};
use super::money::Money;
use super::versions::{Offer, Version};
use super::{Listed, Market};

/// Something with a SKU.
#[derive(Debug)]
pub(crate) struct Product {
    /// 16 characters.
    pub(crate) sku: String,
    /// `Compute Instance`, `Storage`, …
    pub(crate) family: &'static str,
    /// In the order in which the file prints them.
    pub(crate) attributes: Vec<(&'static str, String)>,
    /// What it costs without a commitment, tier by tier.
    pub(crate) on_demand: Vec<Rate>,
    /// The hourly rate and the name of what can be reserved.
    pub(crate) reservable: Option<(Money, String)>,
}

/// The price of one tier.
#[derive(Debug)]
pub(crate) struct Rate {
    /// Where the tier begins.
    pub(crate) begin: &'static str,
    /// Where it ends, or `Inf`.
    pub(crate) end: &'static str,
    /// `Hrs`, `GB-Mo`, …
    pub(crate) unit: &'static str,
    /// For one unit.
    pub(crate) price: Money,
    /// The part of the description after the price: `per On Demand Linux m5.large Instance Hour`.
    pub(crate) what: String,
}

/// How a kind of instance hour is used.
struct Usage {
    tenancy: &'static str,
    capacity: &'static str,
    /// How the usage type begins: `BoxUsage`.
    code: &'static str,
    what: &'static str,
}

const USED: &str = "Used";
const SHARED: [Usage; 3] = [
    Usage { tenancy: "Shared", capacity: USED, code: "BoxUsage", what: "On Demand" },
    Usage {
        tenancy: "Shared",
        capacity: "UnusedCapacityReservation",
        code: "UnusedBox",
        what: "Unused Reservation",
    },
    Usage {
        tenancy: "Shared",
        capacity: "AllocatedCapacityReservation",
        code: "Reservation",
        what: "Reservation",
    },
];
const DEDICATED: [Usage; 3] = [
    Usage { tenancy: "Dedicated", capacity: USED, code: "DedicatedUsage", what: "Dedicated" },
    Usage {
        tenancy: "Dedicated",
        capacity: "UnusedCapacityReservation",
        code: "UnusedDed",
        what: "Dedicated Unused Reservation",
    },
    Usage {
        tenancy: "Dedicated",
        capacity: "AllocatedCapacityReservation",
        code: "DedicatedRes",
        what: "Dedicated Reservation",
    },
];
/// Software on the image: name, its bits in the billing operation, price of a vCPU hour in millionths.
const SOFTWARE: [(&str, u16, u64); 4] =
    [("NA", 0, 0), ("SQL Web", 0x200, 17_000), ("SQL Std", 0x004, 120_000), ("SQL Ent", 0x100, 375_000)];
const DATABASES: [&str; 5] = ["MySQL", "PostgreSQL", "MariaDB", "Oracle", "SQL Server"];
const CACHES: [&str; 3] = ["Redis", "Memcached", "Valkey"];

/// All that one offer sells in one place, by number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shelf<'a> {
    market: &'a Market,
    offer: Offer,
    listed: &'a Listed,
    version: Version,
    draw: Draw,
}

impl<'a> Shelf<'a> {
    /// What `offer` sells in `listed`, at the prices of `version`.
    pub(crate) fn new(market: &'a Market, offer: Offer, listed: &'a Listed, version: Version) -> Self {
        let draw = market.seed.text("products").text(offer.code()).text(listed.code);
        Self { market, offer, listed, version, draw }
    }

    /// Numbers run from 0 to here; some stand for nothing.
    pub(crate) fn len(&self) -> usize {
        self.fixed().len() + self.listed.types.len() * self.kinds()
    }

    /// The product numbered `index`, unless the version is older than it.
    pub(crate) fn product(&self, index: usize) -> Option<Product> {
        let fixed = self.fixed();
        let product = match index.checked_sub(fixed.len()) {
            None => self.fixed_product(&fixed[index]),
            Some(index) => {
                let instance = &self.market.instances[*self.listed.types.get(index / self.kinds())?];
                let kind = index % self.kinds();
                match self.offer {
                    Offer::Ec2 => self.virtual_machine(instance, kind)?,
                    Offer::Rds => {
                        self.node(instance, "db.", "Database Instance", "databaseEngine", DATABASES[kind])
                    }
                    Offer::ElastiCache => {
                        self.node(instance, "cache.", "Cache Instance", "cacheEngine", CACHES[kind])
                    }
                    Offer::S3 => return None,
                }
            }
        };
        self.is_out(&product.sku).then_some(product)
    }

    fn fixed(&self) -> &'static [Fixed] {
        match self.offer {
            Offer::Ec2 => &EC2_FIXED,
            Offer::S3 => &S3_FIXED,
            Offer::Rds | Offer::ElastiCache => &[],
        }
    }

    fn kinds(&self) -> usize {
        match self.offer {
            Offer::Ec2 => self.market.variants(),
            Offer::S3 => 0,
            Offer::Rds => DATABASES.len(),
            Offer::ElastiCache => CACHES.len(),
        }
    }

    /// One product in twelve came out at a time of its own between 2024 and 2028, the others long ago.
    fn is_out(&self, sku: &str) -> bool {
        const START_OF_2024: i64 = 1_704_067_200;
        const FIVE_YEARS: i64 = 5 * 365 * 86_400;
        let draw = self.draw.text("release").text(sku);
        draw.below(12) != 0
            || self.version.published.timestamp() >= START_OF_2024 + draw.at(1).seconds_below(FIVE_YEARS)
    }

    fn sku(&self, of: &str) -> String {
        self.draw.text(of).code(b"23456789ABCDEFGHJKMNPQRSTUVWXYZ", 16)
    }

    fn located(&self) -> [(&'static str, String); 3] {
        [
            ("servicecode", self.offer.code().to_owned()),
            ("location", self.listed.location.clone()),
            ("locationType", self.listed.kind.to_owned()),
        ]
    }

    fn common_end(&self) -> [(&'static str, String); 2] {
        [("regionCode", self.listed.code.to_owned()), ("servicename", self.offer.service_name().to_owned())]
    }

    fn fixed_product(&self, row: &Fixed) -> Product {
        let permille = self.listed.place.price_permille;
        let mut attributes: Vec<(&'static str, String)> = if row.family == "Data Transfer" {
            // A transfer has no location, but two ends.
            vec![
                ("servicecode", "AWSDataTransfer".to_owned()),
                ("fromLocation", self.listed.location.clone()),
                ("fromLocationType", self.listed.kind.to_owned()),
            ]
        } else {
            self.located().into()
        };
        attributes.extend(row.attributes.iter().map(|(name, value)| (*name, (*value).to_owned())));
        attributes.push(("usagetype", format!("{}{}", self.listed.usage_prefix, row.usage)));
        attributes.push(("operation", row.operation.to_owned()));
        attributes.extend(self.common_end());
        let rate = |&(begin, end, units): &(&'static str, &'static str, u64)| Rate {
            begin,
            end,
            unit: row.unit,
            price: Money::tenths_of_nano(units).times_exactly(permille, 1_000),
            what: format!("{} - {}", row.what, self.listed.location),
        };
        Product {
            sku: self.sku(row.usage),
            family: row.family,
            attributes,
            on_demand: row.tiers.iter().map(rate).collect(),
            reservable: None,
        }
    }

    /// The plain kinds of each system come first, then those of its reservations, then paid software.
    fn virtual_machine(&self, instance: &Instance, kind: usize) -> Option<Product> {
        let (system, software, usage) = kind_of_machine(kind)?;
        if instance.family.is_arm() && system == System::Windows || software > 0 && system == System::Suse {
            return None;
        }
        let (software, bits, vcpu_micros) = *SOFTWARE.get(software)?;
        let at = self.version.published.timestamp();
        let place = self.listed.place;
        let hour = instance
            .on_demand(self.market.seed, place, system, at)
            .plus(Money::micros(vcpu_micros * instance.vcpus).times(place.price_permille, 1_000));
        let price = match (usage.tenancy, usage.capacity) {
            (_, "AllocatedCapacityReservation") => Money::ZERO,
            ("Dedicated", _) => hour.times(1_060, 1_000),
            _ => hour,
        };
        let with_software = if software == "NA" { String::new() } else { format!(" with {software}") };
        let name = format!("{}{with_software} {}", system.list_name(), instance.name);
        let mut attributes: Vec<(&'static str, String)> = self.located().into();
        attributes.extend(instance_attributes(instance));
        attributes.extend([
            ("tenancy", usage.tenancy.to_owned()),
            ("operatingSystem", system.list_name().to_owned()),
            ("licenseModel", "No License required".to_owned()),
            ("usagetype", format!("{}{}:{}", self.listed.usage_prefix, usage.code, instance.name)),
            ("operation", operation(system, bits)),
            ("availabilityzone", "NA".to_owned()),
            ("capacitystatus", usage.capacity.to_owned()),
            ("classicnetworkingsupport", "false".to_owned()),
            ("ecu", "NA".to_owned()),
            ("enhancedNetworkingSupported", "Yes".to_owned()),
            ("marketoption", "OnDemand".to_owned()),
            ("normalizationSizeFactor", size_factor(instance.quarters)),
            ("preInstalledSw", software.to_owned()),
            ("vpcnetworkingsupport", "true".to_owned()),
        ]);
        attributes.extend(self.common_end());
        Some(Product {
            sku: self.sku(&format!("{name} {}", usage.code)),
            family: if instance.name.contains(".metal") {
                "Compute Instance (bare metal)"
            } else {
                "Compute Instance"
            },
            attributes,
            on_demand: vec![Rate {
                begin: "0",
                end: "Inf",
                unit: "Hrs",
                price,
                what: format!("per {} {name} Instance Hour", usage.what),
            }],
            reservable: (usage.capacity == USED
                && software == "NA"
                && matches!(system, System::Linux | System::Windows)
                // As in reality, some types cannot be reserved.
                && self.draw.text("reservable").text(&instance.name).permille(750))
            .then(|| {
                let vpc = if system == System::Windows {
                    "Windows (Amazon VPC)"
                } else {
                    "Linux/UNIX (Amazon VPC)"
                };
                (price, format!("{vpc}, {}", instance.name))
            }),
        })
    }

    fn node(
        &self,
        instance: &Instance,
        prefix: &str,
        family: &'static str,
        engine_attribute: &'static str,
        engine: &str,
    ) -> Product {
        let at = self.version.published.timestamp();
        let paid = matches!(engine, "Oracle" | "SQL Server");
        let price = instance
            .on_demand(self.market.seed, self.listed.place, System::Linux, at)
            .times(if paid { 2_900 } else { 1_780 }, 1_000);
        let name = format!("{prefix}{}", instance.name);
        let usage = if prefix == "db." { "InstanceUsage" } else { "NodeUsage" };
        let mut attributes: Vec<(&'static str, String)> = self.located().into();
        attributes.extend(instance_attributes(instance));
        if let Some((_, value)) = attributes.iter_mut().find(|(key, _)| *key == "instanceType") {
            value.clone_from(&name);
        }
        attributes.extend([
            (engine_attribute, engine.to_owned()),
            ("usagetype", format!("{}{usage}:{name}", self.listed.usage_prefix)),
            (
                "operation",
                format!("Create{}:{engine}", if prefix == "db." { "DBInstance" } else { "CacheCluster" }),
            ),
        ]);
        attributes.extend(self.common_end());
        Product {
            sku: self.sku(&format!("{name} {engine}")),
            family,
            attributes,
            on_demand: vec![Rate {
                begin: "0",
                end: "Inf",
                unit: "Hrs",
                price,
                what: format!("per {name} instance hour (or partial hour) running {engine}"),
            }],
            reservable: (!paid).then(|| (price, format!("{engine}, {name}"))),
        }
    }
}

/// System, position in [`SOFTWARE`] and usage of the kind numbered `kind`.
fn kind_of_machine(kind: usize) -> Option<(System, usize, &'static Usage)> {
    const SYSTEMS: usize = System::ALL.len();
    let usages = || SHARED.iter().chain(&DEDICATED);
    let (software, usage, rest) = match kind {
        0..SYSTEMS => (0, &SHARED[0], kind),
        SYSTEMS..24 => (0, usages().nth(1 + (kind - SYSTEMS) % 5)?, (kind - SYSTEMS) / 5),
        _ => (1 + (kind - 24) / (6 * SYSTEMS), usages().nth((kind - 24) % 6)?, (kind - 24) / 6),
    };
    Some((System::ALL[rest % SYSTEMS], software, usage))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use chrono::{TimeZone, Utc};

    use super::*;

    fn version(year: i32) -> Version {
        Version { published: Utc.with_ymd_and_hms(year, 5, 6, 7, 8, 9).unwrap() }
    }

    #[test]
    fn skus_are_unique_within_a_file() {
        let market = Market::new(1, 0.05);
        for offer in Offer::ALL {
            let shelf = Shelf::new(&market, offer, &market.listed(false)[0], version(2026));
            let skus: Vec<String> = (0..shelf.len())
                .filter_map(|index| shelf.product(index))
                .map(|product| product.sku)
                .collect();
            assert_eq!(skus.iter().collect::<HashSet<_>>().len(), skus.len(), "{}", offer.code());
            assert!(skus.len() > 5, "{}", offer.code());
        }
    }

    #[test]
    fn later_versions_sell_more_and_nothing_vanishes() {
        let market = Market::new(1, 0.01);
        let skus = |year| -> HashSet<String> {
            let shelf = Shelf::new(&market, Offer::Ec2, &market.listed(false)[0], version(year));
            (0..shelf.len()).filter_map(|index| shelf.product(index)).map(|product| product.sku).collect()
        };
        let (early, late) = (skus(2024), skus(2028));
        assert!(early.is_subset(&late) && early.len() < late.len());
    }

    #[test]
    fn windows_never_runs_on_graviton() {
        let market = Market::new(1, 1.0);
        let shelf = Shelf::new(&market, Offer::Ec2, &market.listed(false)[0], version(2026));
        for product in (0..shelf.len()).filter_map(|index| shelf.product(index)) {
            let value =
                |name| product.attributes.iter().find(|(key, _)| *key == name).map(|(_, value)| value);
            let arm = value("physicalProcessor").is_some_and(|name| name.contains("Graviton"));
            assert!(!(arm && value("operatingSystem").is_some_and(|name| name == "Windows")));
        }
    }
}
