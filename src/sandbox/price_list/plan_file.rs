//! One file of a savings plan: the plans that are sold, by term and payment, and what each thing costs under each of them:
//! a share of what it costs on demand in the list of its offer. Written in pieces, the same each time.

use super::offer_file::PIECE;
use super::pretty::Pretty;
use super::{Partition, stamp};
use crate::sandbox::market::money::Money;
use crate::sandbox::market::products::{Product, Shelf};
use crate::sandbox::market::versions::{Offer, Plan, Version};
use crate::sandbox::market::{Listed, Market};

/// A term and a payment, and what one pays under it of a thousandth on demand.
struct Term {
    years: u64,
    option: &'static str,
    permille: u64,
}

const fn term(years: u64, option: &'static str, permille: u64) -> Term {
    Term { years, option, permille }
}

/// Good for any machine.
const FLEXIBLE: [Term; 6] = [
    term(1, "No Upfront", 730),
    term(1, "Partial Upfront", 700),
    term(1, "All Upfront", 690),
    term(3, "No Upfront", 510),
    term(3, "Partial Upfront", 480),
    term(3, "All Upfront", 470),
];
/// Good for one family of machines.
const FAMILY: [Term; 6] = [
    term(1, "No Upfront", 640),
    term(1, "Partial Upfront", 610),
    term(1, "All Upfront", 600),
    term(3, "No Upfront", 440),
    term(3, "Partial Upfront", 410),
    term(3, "All Upfront", 390),
];
/// Databases have one.
const DATABASE: [Term; 1] = [term(1, "No Upfront", 800)];

/// Containers without machines, which the market sells under a plan only: usage, price of an hour in millionths.
const CONTAINERS: [(&str, u64); 2] = [("Fargate-vCPU-Hours:perCPU", 40_480), ("Fargate-GB-Hours", 4_445)];
/// Of so many rates in a thousand the list does not know what they are for, as in reality.
const NOT_FOUND_PERMILLE: u64 = 10;
const COMPUTE: &str = "ComputeSavingsPlans";
const LETTERS: &[u8] = b"23456789ABCDEFGHJKMNPQRSTUVWXYZ";

/// A plan that is sold.
struct Sold {
    sku: String,
    /// `ComputeSavingsPlans`.
    kind: &'static str,
    /// `c5`, for a plan that is good for one family.
    family: Option<String>,
    term: &'static Term,
}

/// Which part of the file comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Head,
    /// A plan begins, if there is another.
    Term,
    /// Its rates.
    Rates,
    Tail,
    Done,
}

/// An iterator over the pieces of the file.
pub(crate) struct PlanFile<'a> {
    market: &'a Market,
    partition: &'static Partition,
    plan: Plan,
    version: Version,
    places: Vec<&'a Listed>,
    sold: Vec<Sold>,
    json: Pretty,
    part: Part,
    /// The number of the plan whose rates are written; what it is good for, by place; and how far that is written: place,
    /// offer and product.
    number: usize,
    good_for: Vec<Listed>,
    at: (usize, usize, usize),
}

impl<'a> PlanFile<'a> {
    /// The file of `plan` in `places`, as `version` has it.
    pub(crate) fn new(
        market: &'a Market,
        partition: &'static Partition,
        plan: Plan,
        version: Version,
        places: Vec<&'a Listed>,
    ) -> Self {
        let (json, part, at) = (Pretty::start(), Part::Head, (0, 0, 0));
        let (sold, good_for) = (Vec::new(), Vec::new());
        let mut file =
            Self { market, partition, plan, version, places, sold, json, part, number: 0, good_for, at };
        file.sold = file.sold();
        file
    }

    fn sold(&self) -> Vec<Sold> {
        let sold = |kind, family: Option<&str>, term: &'static Term| {
            let draw = self.market.seed.text("plans").text(kind).text(family.unwrap_or_default());
            let sku = draw.text(term.option).at(term.years).code(LETTERS, 16);
            Sold { sku, kind, family: family.map(str::to_owned), term }
        };
        match self.plan {
            Plan::Database => DATABASE.iter().map(|term| sold("DatabaseSavingsPlans", None, term)).collect(),
            Plan::Compute => {
                let flexible = FLEXIBLE.iter().map(|term| sold(COMPUTE, None, term));
                let families = self.families();
                let bound = families.iter().flat_map(|family| {
                    FAMILY.iter().map(|term| sold("EC2InstanceSavingsPlans", Some(family), term))
                });
                flexible.chain(bound).collect()
            }
        }
    }

    fn families(&self) -> Vec<String> {
        let types = self.places.iter().flat_map(|listed| &listed.types);
        let mut families: Vec<String> =
            types.map(|index| family_of(&self.market.instances[*index].name).to_owned()).collect();
        families.sort();
        families.dedup();
        families
    }

    fn step(&mut self) {
        match self.part {
            Part::Head => {
                self.write_head();
                self.part = Part::Term;
            }
            Part::Term => self.part = if self.open_term() { Part::Rates } else { Part::Tail },
            Part::Rates => {
                if let Some((product, offer, region)) = self.next_product() {
                    self.write_rate(&product, offer, region);
                } else {
                    self.write_containers();
                    self.json.close_list();
                    self.json.close();
                    self.number += 1;
                    self.part = Part::Term;
                }
            }
            Part::Tail => {
                self.json.close_list();
                self.json.close();
                self.json.close();
                self.part = Part::Done;
            }
            Part::Done => {}
        }
    }

    fn write_head(&mut self) {
        let json = &mut self.json;
        json.text("version", &self.version.id());
        json.text("publicationDate", &stamp(self.version.published));
        json.text("regionCode", self.places.first().map_or("", |listed| listed.code));
        json.open_list("products");
        for sold in &self.sold {
            let Term { years, option, .. } = sold.term;
            let of_family = sold.family.as_ref().map(|family| format!("{family}.")).unwrap_or_default();
            json.element();
            json.text("sku", &sold.sku);
            json.text("productFamily", sold.kind);
            json.text("serviceCode", self.plan.service());
            let usage = format!("{}:{of_family}{years}yr{}", sold.kind, option.replace(' ', ""));
            json.text("usageType", &usage);
            json.text("operation", "");
            json.open("attributes");
            json.text("purchaseOption", option);
            json.text("granularity", "hourly");
            if let Some(family) = &sold.family {
                json.text("instanceType", family);
            }
            json.text("locationType", "AWS Region");
            json.text("purchaseTerm", &format!("{years}yr"));
            json.text("location", self.places.first().map_or("Any", |listed| &listed.location));
            json.close();
            json.close();
        }
        json.close_list();
        json.open("terms");
        json.open_list("savingsPlan");
    }

    /// Begins the next plan; `false` when there is none.
    fn open_term(&mut self) -> bool {
        let Some(sold) = self.sold.get(self.number) else { return false };
        let instances = &self.market.instances;
        let good_for = |listed: &&Listed| {
            let mut listed = (*listed).clone();
            if let Some(family) = &sold.family {
                listed.types.retain(|index| family_of(&instances[*index].name) == family);
            }
            listed
        };
        self.good_for = self.places.iter().map(good_for).collect();
        self.at = (0, 0, 0);
        let json = &mut self.json;
        json.element();
        json.text("sku", &sold.sku);
        json.text("description", &format!("{} year {} {}", sold.term.years, sold.term.option, sold.kind));
        json.text("effectiveDate", &stamp(self.version.month()));
        json.open("leaseContractLength");
        json.number("duration", sold.term.years);
        json.text("unit", "year");
        json.close();
        json.open_list("rates");
        true
    }

    /// What the plan is good for next: a product, its offer and its region.
    fn next_product(&mut self) -> Option<(Product, Offer, &'static str)> {
        while let Some(listed) = self.good_for.get(self.at.0) {
            while let Some(offer) = self.plan.offers().get(self.at.1) {
                let shelf = Shelf::new(self.market, *offer, listed, Plan::list(self.version));
                while self.at.2 < shelf.len() {
                    self.at.2 += 1;
                    let product = shelf.product(self.at.2 - 1).filter(is_planned);
                    if let Some(product) = product {
                        return Some((product, *offer, listed.code));
                    }
                }
                self.at = (self.at.0, self.at.1 + 1, 0);
            }
            self.at = (self.at.0 + 1, 0, 0);
        }
        None
    }

    fn write_rate(&mut self, product: &Product, offer: Offer, region: &str) {
        let (Some(sold), Some(rate)) = (self.sold.get(self.number), product.on_demand.first()) else {
            return;
        };
        let draw = self.market.seed.text("not found").text(&product.sku).text(&sold.sku);
        let is_found = !draw.permille(NOT_FOUND_PERMILLE);
        let planned = Planned {
            code: &product.sku,
            sku: if is_found { &product.sku } else { "_not_found_" },
            usage: value(product, "usagetype"),
            operation: value(product, "operation"),
            service: offer.code(),
            unit: rate.unit,
            price: rate.price.times(sold.term.permille, 1_000),
            machine: value(product, "instanceType"),
        };
        planned.write(&mut self.json, &sold.sku, self.partition.currency, region);
    }

    fn write_containers(&mut self) {
        let Some(sold) = self.sold.get(self.number).filter(|sold| sold.kind == COMPUTE) else { return };
        for listed in &self.good_for {
            for (usage, micros) in CONTAINERS {
                let draw = self.market.seed.text("containers").text(usage).text(listed.code);
                let (sku, usage) = (draw.code(LETTERS, 16), format!("{}{usage}", listed.usage_prefix));
                let planned = Planned {
                    code: &sku,
                    sku: &sku,
                    usage: &usage,
                    operation: "",
                    service: "AmazonECS",
                    unit: "Hrs",
                    price: Money::micros(micros).times(sold.term.permille, 1_000),
                    machine: "",
                };
                planned.write(&mut self.json, &sold.sku, self.partition.currency, listed.code);
            }
        }
    }
}

/// One entry of `rates`.
struct Planned<'p> {
    code: &'p str,
    sku: &'p str,
    usage: &'p str,
    operation: &'p str,
    service: &'p str,
    unit: &'p str,
    price: Money,
    machine: &'p str,
}

impl Planned<'_> {
    fn write(&self, json: &mut Pretty, plan: &str, currency: &str, region: &str) {
        json.element();
        json.text("discountedSku", self.sku);
        json.text("discountedUsageType", self.usage);
        json.text("discountedOperation", self.operation);
        json.text("discountedServiceCode", self.service);
        json.text("rateCode", &format!("{plan}.{}", self.code));
        json.text("unit", self.unit);
        json.open("discountedRate");
        json.text("price", &self.price.shortest());
        json.text("currency", currency);
        json.close();
        json.text("discountedRegionCode", region);
        json.text("discountedInstanceType", self.machine);
        json.close();
    }
}

/// `c5` of `c5.large`.
fn family_of(machine: &str) -> &str {
    machine.split_once('.').map_or(machine, |(family, _)| family)
}

fn value<'p>(product: &'p Product, attribute: &str) -> &'p str {
    product.attributes.iter().find(|(name, _)| *name == attribute).map_or("", |(_, value)| value)
}

/// Whether a plan is good for a product: machines without software, unless a reservation of capacity pays for them.
fn is_planned(product: &Product) -> bool {
    match product.family {
        "Database Instance" | "Cache Instance" => true,
        family if family.starts_with("Compute Instance") => {
            value(product, "preInstalledSw") == "NA"
                && value(product, "capacitystatus") != "AllocatedCapacityReservation"
        }
        _ => false,
    }
}

impl Iterator for PlanFile<'_> {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        while self.part != Part::Done && self.json.waiting() < PIECE {
            self.step();
        }
        let piece = self.json.take();
        (!piece.is_empty()).then_some(piece)
    }
}
