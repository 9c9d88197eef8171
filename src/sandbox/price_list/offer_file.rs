//! One offer file: the products of an offer in one place (or in all), with their terms. It is written in pieces
//! of some 64 KiB; the pieces of a version are the same each time.

use super::Partition;
use super::pretty::Pretty;
use crate::sandbox::market::money::Money;
use crate::sandbox::market::products::{Product, Shelf};
use crate::sandbox::market::versions::{Offer, Version};
use crate::sandbox::market::{Listed, Market};

/// How large a piece is before it is handed out, in bytes.
pub(super) const PIECE: usize = 64 * 1_024;

/// What a reservation of one kind costs, relative to the hours that it replaces.
struct Term {
    code: &'static str,
    years: u64,
    class: &'static str,
    option: &'static str,
    permille: u64,
}

const fn term(
    code: &'static str,
    years: u64,
    class: &'static str,
    option: &'static str,
    permille: u64,
) -> Term {
    Term { code, years, class, option, permille }
}

const TERMS: [Term; 12] = [
    term("4NA7Y494T4", 1, "standard", "No Upfront", 630),
    term("HU7G6KETJZ", 1, "standard", "Partial Upfront", 600),
    term("6QCMYABX3D", 1, "standard", "All Upfront", 588),
    term("BPH4J8HBKS", 3, "standard", "No Upfront", 430),
    term("38NPMPTW36", 3, "standard", "Partial Upfront", 400),
    term("NQ3QZPMQV9", 3, "standard", "All Upfront", 376),
    term("7NE97W5U4E", 1, "convertible", "No Upfront", 720),
    term("CUZHX8X6JH", 1, "convertible", "Partial Upfront", 690),
    term("VJWZNREJX2", 1, "convertible", "All Upfront", 676),
    term("Z2E3P23VKM", 3, "convertible", "No Upfront", 500),
    term("R5XV2EPZQZ", 3, "convertible", "Partial Upfront", 470),
    term("MZU6U2429S", 3, "convertible", "All Upfront", 460),
];

/// Which part of the file comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Head,
    Products,
    OnDemand,
    Reserved,
    Tail,
    Done,
}

/// An iterator over the pieces of the file.
#[derive(Debug)]
pub(crate) struct OfferFile<'a> {
    market: &'a Market,
    partition: &'static Partition,
    offer: Offer,
    version: Version,
    places: Vec<&'a Listed>,
    json: Pretty,
    part: Part,
    place: usize,
    index: usize,
}

impl<'a> OfferFile<'a> {
    /// The file of `offer` in `places`, as `version` has it.
    pub(crate) fn new(
        market: &'a Market,
        partition: &'static Partition,
        offer: Offer,
        version: Version,
        places: Vec<&'a Listed>,
    ) -> Self {
        let (json, part) = (Pretty::start(), Part::Head);
        Self { market, partition, offer, version, places, json, part, place: 0, index: 0 }
    }

    fn step(&mut self) {
        match self.part {
            Part::Head => {
                self.json.text("formatVersion", "v1.0");
                self.json.text("disclaimer", self.partition.disclaimer);
                self.json.text("offerCode", self.offer.code());
                self.json.text("version", &self.version.id());
                self.json.text("publicationDate", &super::stamp(self.version.published));
                self.json.open("products");
                self.part = Part::Products;
            }
            Part::Products => {
                if let Some(product) = self.next_product() {
                    self.write_product(&product);
                } else {
                    self.json.close();
                    self.json.open("terms");
                    self.json.open("OnDemand");
                    self.part = Part::OnDemand;
                }
            }
            Part::OnDemand => {
                if let Some(product) = self.next_product() {
                    self.write_on_demand(&product);
                } else {
                    self.json.close();
                    self.json.open("Reserved");
                    self.part = Part::Reserved;
                }
            }
            Part::Reserved => {
                if let Some(product) = self.next_product() {
                    self.write_reserved(&product);
                } else {
                    self.part = Part::Tail;
                }
            }
            Part::Tail => {
                self.json.close();
                self.json.close();
                self.json.open("attributesList");
                self.json.close();
                self.json.close();
                self.part = Part::Done;
            }
            Part::Done => {}
        }
    }

    /// The next product of the part; `None` once, at its end, after which the next part starts over.
    fn next_product(&mut self) -> Option<Product> {
        while let Some(listed) = self.places.get(self.place) {
            let offered = Shelf::new(self.market, self.offer, listed, self.version);
            while self.index < offered.len() {
                self.index += 1;
                if let Some(product) = offered.product(self.index - 1) {
                    return Some(product);
                }
            }
            (self.place, self.index) = (self.place + 1, 0);
        }
        (self.place, self.index) = (0, 0);
        None
    }

    fn write_product(&mut self, product: &Product) {
        self.json.open(&product.sku);
        self.json.text("sku", &product.sku);
        self.json.text("productFamily", product.family);
        self.json.open("attributes");
        for (name, value) in &product.attributes {
            self.json.text(name, value);
        }
        self.json.close();
        self.json.close();
    }

    fn write_on_demand(&mut self, product: &Product) {
        let (term_code, hourly) = (self.partition.on_demand_term, self.partition.hourly_rate);
        self.json.open(&product.sku);
        // The month, not the version: a republished list differs in this alone.
        self.open_term(product, term_code, &super::stamp(self.version.month()));
        let single = product.on_demand.len() == 1;
        for (number, rate) in product.on_demand.iter().enumerate() {
            let code = if single {
                hourly.to_owned()
            } else {
                format!("{}{number}", hourly.get(..9).unwrap_or(hourly))
            };
            let price = rate.price.ten_decimals();
            let shown = price.trim_end_matches('0');
            let description = if self.partition.currency == "USD" {
                format!("${shown} {}", rate.what)
            } else {
                format!("{shown} {} {}", self.partition.currency, rate.what)
            };
            let dimension = Dimension {
                code: &code,
                description: &description,
                range: Some((rate.begin, rate.end)),
                unit: rate.unit,
                price: &price,
            };
            self.write_dimension(&format!("{}.{term_code}", product.sku), &dimension);
        }
        self.json.close();
        self.json.open("termAttributes");
        self.json.close();
        self.json.close();
        self.json.close();
    }

    fn write_reserved(&mut self, product: &Product) {
        let Some((hour, name)) = &product.reservable else { return };
        self.json.open(&product.sku);
        for term in &TERMS {
            self.write_term(product, term, *hour, name);
        }
        self.json.close();
    }

    fn write_term(&mut self, product: &Product, term: &Term, hour: Money, name: &str) {
        let draw = self.market.seed.text("reserved").text(&product.sku).text(term.code);
        let code = match self.partition.on_demand_term {
            "JRTCKXETXF" => term.code.to_owned(),
            _ => self.market.seed.text("china").text(term.code).code(b"23456789ABCDEFGHJKMNPQRSTUVWXYZ", 10),
        };
        let since = format!("20{}-{:02}-01T00:00:00Z", 16 + draw.below(9), 1 + draw.at(1).below(12));
        let prefix = format!("{}.{code}", product.sku);
        self.open_term(product, &code, &since);
        let (upfront, by_the_hour) = match term.option {
            "No Upfront" => (0, term.permille),
            "Partial Upfront" => (term.permille / 2, term.permille - term.permille / 2),
            _ => (term.permille, 0),
        };
        if upfront > 0 {
            // As published: a whole number, a unit of its own, and no range at all.
            let fee = hour.times(8_760 * term.years * upfront, 1_000).whole().to_string();
            let dimension = Dimension {
                code: self.partition.upfront_rate,
                description: "Upfront Fee",
                range: None,
                unit: "Quantity",
                price: &fee,
            };
            self.write_dimension(&prefix, &dimension);
        }
        let price = hour.times(by_the_hour, 1_000);
        let zero =
            if by_the_hour == 0 { format!("{} 0.0 per ", self.partition.currency) } else { String::new() };
        let dimension = Dimension {
            code: self.partition.hourly_rate,
            description: &format!("{zero}{name} reserved instance applied"),
            range: Some(("0", "Inf")),
            unit: "Hrs",
            price: &price.ten_decimals(),
        };
        self.write_dimension(&prefix, &dimension);
        self.json.close();
        self.json.open("termAttributes");
        self.json.text("LeaseContractLength", &format!("{}yr", term.years));
        self.json.text("OfferingClass", term.class);
        self.json.text("PurchaseOption", term.option);
        self.json.close();
        self.json.close();
    }

    /// Opens a term and its price dimensions.
    fn open_term(&mut self, product: &Product, code: &str, since: &str) {
        self.json.open(&format!("{}.{code}", product.sku));
        self.json.text("offerTermCode", code);
        self.json.text("sku", &product.sku);
        self.json.text("effectiveDate", since);
        self.json.open("priceDimensions");
    }

    fn write_dimension(&mut self, prefix: &str, dimension: &Dimension<'_>) {
        let code = format!("{prefix}.{}", dimension.code);
        self.json.open(&code);
        self.json.text("rateCode", &code);
        self.json.text("description", dimension.description);
        if let Some((begin, end)) = dimension.range {
            self.json.text("beginRange", begin);
            self.json.text("endRange", end);
        }
        self.json.text("unit", dimension.unit);
        self.json.open("pricePerUnit");
        self.json.text(self.partition.currency, dimension.price);
        self.json.close();
        self.json.empty_list("appliesTo");
        self.json.close();
    }
}

/// One entry of `priceDimensions`.
struct Dimension<'a> {
    code: &'a str,
    description: &'a str,
    range: Option<(&'static str, &'static str)>,
    unit: &'a str,
    price: &'a str,
}

impl Iterator for OfferFile<'_> {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        while self.part != Part::Done && self.json.waiting() < PIECE {
            self.step();
        }
        let piece = self.json.take();
        (!piece.is_empty()).then_some(piece)
    }
}
