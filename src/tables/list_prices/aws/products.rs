//! What is sold: of each product of an offer file only what the tables say of it, packed, because a file has two hundred
//! thousand of them and all must be at hand while its prices are read. Never here: prices.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;

use super::document::Text;
use super::words;

/// A product as an offer file has it.
#[derive(Debug, Deserialize)]
pub(super) struct Product<'a> {
    #[serde(borrow, rename = "productFamily")]
    family: Option<Text<'a>>,
    #[serde(borrow)]
    attributes: Option<Attributes<'a>>,
}

#[derive(Debug, Default, Deserialize)]
struct Attributes<'a> {
    #[serde(borrow, rename = "instanceType")]
    instance_type: Option<Text<'a>>,
    #[serde(borrow, rename = "operatingSystem")]
    operating_system: Option<Text<'a>>,
    #[serde(borrow)]
    tenancy: Option<Text<'a>>,
    #[serde(borrow, rename = "preInstalledSw")]
    pre_installed_software: Option<Text<'a>>,
    #[serde(borrow, rename = "usagetype")]
    usage_type: Option<Text<'a>>,
    #[serde(borrow)]
    operation: Option<Text<'a>>,
}

/// What the tables say of a product.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Described<'a> {
    /// The machine.
    pub instance_type: Option<&'a str>,
    /// In the words of the tables.
    pub operating_system: Option<&'a str>,
    /// As AWS writes it.
    pub tenancy: Option<&'a str>,
    /// As AWS writes it.
    pub pre_installed_software: Option<&'a str>,
    /// As AWS writes it.
    pub family: Option<&'a str>,
    /// The usage type and, behind a slash, the operation. Only both together tell what a price is for: the operating
    /// system's licence is in the operation, and a machine that runs from one that is only reserved in the usage type.
    pub meter: Option<&'a str>,
}

/// How many texts of a product are kept.
const TEXTS: usize = 6;

/// The products of an offer file.
#[derive(Debug, Default)]
pub(super) struct Products {
    // The texts of all products, one behind the other. Nothing is kept of what is not known.
    texts: String,
    places: HashMap<Box<str>, Place>,
}

/// Where the texts of a product begin, and where each of them ends.
#[derive(Debug, Clone, Copy)]
struct Place {
    start: usize,
    ends: [usize; TEXTS],
}

impl Products {
    /// Keeps what matters of a product.
    pub(super) fn add(&mut self, sku: &str, product: &Product<'_>) {
        let none = Attributes::default();
        let attributes = product.attributes.as_ref().unwrap_or(&none);
        let usage_type = text(attributes.usage_type.as_ref()).and_then(words::known);
        let operation = text(attributes.operation.as_ref()).and_then(words::known);
        let slash = usage_type.and(operation).map(|_| "/");
        let start = self.texts.len();
        let ends = [
            [text(attributes.instance_type.as_ref()).and_then(words::known), None, None],
            [text(attributes.operating_system.as_ref()).and_then(words::operating_system), None, None],
            [text(attributes.tenancy.as_ref()).and_then(words::known), None, None],
            [text(attributes.pre_installed_software.as_ref()).and_then(words::known), None, None],
            [text(product.family.as_ref()).and_then(words::known), None, None],
            [usage_type, slash, operation],
        ]
        .map(|pieces| {
            pieces.into_iter().flatten().for_each(|piece| self.texts.push_str(piece));
            self.texts.len()
        });
        self.places.insert(sku.into(), Place { start, ends });
    }

    /// What is known of a product; `None` for one that the file does not have.
    pub(super) fn find(&self, sku: &str) -> Option<Described<'_>> {
        self.places.get(sku).map(|place| self.described(place))
    }

    /// The products of the meters that are `wanted`, each with its SKU. A meter that two products have is left out, for
    /// nobody knows which of them is meant.
    pub(super) fn of_meters(&self, wanted: &HashSet<String>) -> HashMap<&str, (&str, Described<'_>)> {
        let (mut found, mut shared) = (HashMap::new(), HashSet::new());
        for (sku, place) in &self.places {
            let described = self.described(place);
            if let Some(meter) = described.meter.filter(|meter| wanted.contains(*meter))
                && found.insert(meter, (sku.as_ref(), described)).is_some()
            {
                shared.insert(meter);
            }
        }
        found.retain(|meter, _| !shared.contains(meter));
        found
    }

    fn described(&self, place: &Place) -> Described<'_> {
        let mut start = place.start;
        let [instance_type, operating_system, tenancy, pre_installed_software, family, meter] =
            place.ends.map(|end| {
                let text = self.texts.get(std::mem::replace(&mut start, end)..end);
                text.filter(|text| !text.is_empty())
            });
        Described { instance_type, operating_system, tenancy, pre_installed_software, family, meter }
    }
}

fn text<'a>(text: Option<&'a Text<'_>>) -> Option<&'a str> {
    text.map(|text| text.0.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(json: &str) -> (Products, String) {
        let mut products = Products::default();
        products.add("OTHER", &serde_json::from_str(r#"{"productFamily": "Fee"}"#).unwrap());
        products.add("SKU", &serde_json::from_str(json).unwrap());
        (products, "SKU".to_owned())
    }

    #[test]
    fn a_product_is_found_as_it_was_added() {
        let (products, sku) = described(
            r#"{"sku": "SKU", "productFamily": "Compute Instance", "attributes": {"instanceType": "q1.large",
            "vcpu": "2", "operatingSystem": "SUSE Linux", "tenancy": "Dedicated", "preInstalledSw": "SQL \u0057eb",
            "usagetype": "APN1-DedicatedUsage:q1.large", "operation": "RunInstances:000g"}}"#,
        );
        let expected = Described {
            instance_type: Some("q1.large"),
            operating_system: Some("SUSE"),
            tenancy: Some("Dedicated"),
            pre_installed_software: Some("SQL Web"),
            family: Some("Compute Instance"),
            meter: Some("APN1-DedicatedUsage:q1.large/RunInstances:000g"),
        };
        assert_eq!(products.find(&sku), Some(expected));
        assert_eq!(products.find("OTHER"), Some(Described { family: Some("Fee"), ..Described::default() }));
        assert_eq!(products.find("NONE"), None);
    }

    #[test]
    fn what_makes_no_sense_for_a_product_is_unknown() {
        for attributes in [
            r#"{"instanceType": "NA", "operatingSystem": "NA", "tenancy": "NA", "preInstalledSw": "NA", "operation": ""}"#,
            r#"{"instanceType": null, "usagetype": ""}"#,
            "{}",
            "null",
        ] {
            let (products, sku) = described(&format!(r#"{{"attributes": {attributes}}}"#));
            assert_eq!(products.find(&sku), Some(Described::default()), "{attributes}");
        }
    }

    #[test]
    fn a_meter_without_an_operation_has_no_slash() {
        let (products, sku) =
            described(r#"{"attributes": {"usagetype": "EBS:VolumeUsage.gp3", "operation": ""}}"#);
        assert_eq!(products.find(&sku).unwrap().meter, Some("EBS:VolumeUsage.gp3"));
        let (products, sku) = described(r#"{"attributes": {"operation": "NatGateway"}}"#);
        assert_eq!(products.find(&sku).unwrap().meter, Some("NatGateway"));
    }

    #[test]
    fn a_meter_leads_to_its_product_unless_two_have_it() {
        let mut products = Products::default();
        for (sku, usage) in
            [("A", "BoxUsage:m5.large"), ("B", "Reservation:m5.large"), ("C", "Reservation:m5.large")]
        {
            let json =
                format!(r#"{{"attributes": {{"usagetype": "{usage}", "operation": "RunInstances"}}}}"#);
            products.add(sku, &serde_json::from_str(&json).unwrap());
        }
        let meters = ["BoxUsage:m5.large/RunInstances", "Reservation:m5.large/RunInstances", "Other"];
        let found = products.of_meters(&meters.map(str::to_owned).into());
        let found: Vec<(&str, &str)> = found.iter().map(|(meter, (sku, _))| (*meter, *sku)).collect();
        assert_eq!(found, [(meters[0], "A")]);
        assert!(products.of_meters(&HashSet::new()).is_empty());
    }
}
