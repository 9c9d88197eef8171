//! A price list of savings plans: the plans that are sold, and under each of them the rates that it comes to, one for each
//! thing that it is good for. Both are lists, unlike in an offer file.
//!
//! A rate is what an hour costs out of the plan's hourly commitment, whatever part of the commitment is paid upfront: so it
//! is the unit price, and nothing is due once. `product_family` is the plan's own (`ComputeSavingsPlans`,
//! `EC2InstanceSavingsPlans`): it tells plans apart that have the same term and payment and different prices for the same
//! machine.

use std::collections::HashMap;
use std::io::{self, Read};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::document::{Broken, Document, Text, parse, reason};
use super::terms::{RateWriter, as_text, read_or_note, text};
use super::walk::{Halves, enter, enter_list, walk};
use super::words;
use crate::tables::list_prices::{Category, Rate};
use crate::tables::problems::Problems;

/// The terms of plans.
const TERMS: &str = "savingsPlan";
/// The word of the tables for all plans of all clouds.
const CLASS: &str = "savings plan";

/// Reads a price list of savings plans, which `open` opens.
pub(super) fn read<R: Read>(open: impl Fn() -> io::Result<R>, writer: RateWriter<'_>) -> io::Result<()> {
    walk(open, &mut Reading { plans: HashMap::new(), writer })
}

/// A plan that is sold.
#[derive(Debug, Default)]
struct Plan {
    family: Option<String>,
    term: Option<String>,
    payment_option: Option<String>,
}

#[derive(Deserialize)]
struct Product<'a> {
    #[serde(borrow)]
    sku: Text<'a>,
    #[serde(borrow, rename = "productFamily")]
    family: Option<Text<'a>>,
    #[serde(borrow)]
    attributes: Option<Attributes<'a>>,
}

#[derive(Deserialize)]
struct Attributes<'a> {
    #[serde(borrow, rename = "purchaseTerm")]
    term: Option<Text<'a>>,
    #[serde(borrow, rename = "purchaseOption")]
    option: Option<Text<'a>>,
}

/// What is said of a plan before its rates.
#[derive(Debug, Default)]
struct Head {
    sku: Option<String>,
    effective_date: Option<String>,
    /// `1yr`.
    lease: Option<String>,
}

#[derive(Deserialize)]
struct Lease<'a> {
    #[serde(borrow)]
    duration: Option<&'a RawValue>,
    #[serde(borrow)]
    unit: Option<Text<'a>>,
}

/// What one thing costs under a plan.
#[derive(Deserialize)]
struct Discounted<'a> {
    #[serde(borrow, rename = "discountedSku")]
    sku: Option<Text<'a>>,
    #[serde(borrow, rename = "discountedUsageType")]
    usage_type: Option<Text<'a>>,
    #[serde(borrow, rename = "discountedOperation")]
    operation: Option<Text<'a>>,
    #[serde(borrow, rename = "discountedServiceCode")]
    service: Option<Text<'a>>,
    #[serde(borrow, rename = "discountedRegionCode")]
    region: Option<Text<'a>>,
    #[serde(borrow, rename = "discountedInstanceType")]
    instance_type: Option<Text<'a>>,
    #[serde(borrow, rename = "rateCode")]
    code: Option<Text<'a>>,
    #[serde(borrow)]
    unit: Option<Text<'a>>,
    #[serde(borrow, rename = "discountedRate")]
    rate: Option<Money<'a>>,
}

#[derive(Deserialize)]
struct Money<'a> {
    // As written, be it a text or a number: nothing becomes a float.
    #[serde(borrow)]
    price: Option<&'a RawValue>,
    #[serde(borrow)]
    currency: Option<Text<'a>>,
}

/// A file that is being read.
#[derive(Debug)]
struct Reading<'a> {
    plans: HashMap<String, Plan>,
    writer: RateWriter<'a>,
}

impl Halves for Reading<'_> {
    fn problems(&mut self) -> &mut Problems {
        self.writer.problems
    }

    fn read_products<R: Read>(&mut self, document: &mut Document<R>) -> Result<(), Broken> {
        if !enter_list(document, self.writer.problems, "products")? {
            return Ok(());
        }
        while document.next_element()? {
            let read = document.value(|bytes| {
                let (product, length) = parse::<Product<'_>>(bytes)?;
                self.plans.insert(product.sku.0.to_string(), Plan::of(&product));
                Ok(((), length))
            })?;
            if let Err(error) = read {
                self.writer.problems.note("plan", reason(&error));
            }
        }
        Ok(())
    }

    fn read_terms<R: Read>(&mut self, document: &mut Document<R>) -> Result<(), Broken> {
        let mut kind = String::new();
        if !enter(document, self.writer.problems, "terms")? {
            return Ok(());
        }
        while document.next_entry(&mut kind)? {
            let place = format_args!("terms {kind}");
            if kind != TERMS {
                self.writer.problems.note(place, "are of a kind that is not known");
            }
            if enter_list(document, self.writer.problems, place)? {
                while document.next_element()? {
                    self.read_plan(document)?;
                }
            }
        }
        Ok(())
    }
}

impl Plan {
    fn of(product: &Product<'_>) -> Self {
        let attributes = product.attributes.as_ref();
        let known = |text: Option<&str>| text.and_then(words::known).map(str::to_owned);
        let option = attributes.and_then(|it| text(it.option.as_ref()));
        Self {
            family: known(text(product.family.as_ref())),
            term: known(attributes.and_then(|it| text(it.term.as_ref()))),
            payment_option: option.and_then(words::payment_option).map(str::to_owned),
        }
    }
}

impl Reading<'_> {
    fn read_plan<R: Read>(&mut self, document: &mut Document<R>) -> Result<(), Broken> {
        if !enter(document, self.writer.problems, "plan")? {
            return Ok(());
        }
        let (mut head, mut name) = (Head::default(), String::new());
        while document.next_entry(&mut name)? {
            match name.as_str() {
                "sku" => head.sku = self.read_text(document, "sku")?,
                "effectiveDate" => head.effective_date = self.read_text(document, "effectiveDate")?,
                "leaseContractLength" => head.lease = self.read_lease(document)?,
                "rates" => self.read_rates(document, &head)?,
                _ => document.pass_over(0)?,
            }
        }
        Ok(())
    }

    fn read_text<R: Read>(
        &mut self,
        document: &mut Document<R>,
        what: &str,
    ) -> Result<Option<String>, Broken> {
        let read = document.value(|bytes| {
            let (text, length) = parse::<Text<'_>>(bytes)?;
            Ok((text.0.into_owned(), length))
        })?;
        Ok(self.known_or_note(read, what).filter(|text| !text.is_empty()))
    }

    fn read_lease<R: Read>(&mut self, document: &mut Document<R>) -> Result<Option<String>, Broken> {
        let read = document.value(|bytes| {
            let (lease, length) = parse::<Lease<'_>>(bytes)?;
            // Without a unit it says nothing.
            let lease = lease.duration.zip(lease.unit);
            Ok((lease.map(|(duration, unit)| format!("{} {}", as_text(duration), unit.0)), length))
        })?;
        Ok(self.known_or_note(read, "leaseContractLength").flatten())
    }

    fn known_or_note<T>(&mut self, read: serde_json::Result<T>, what: &str) -> Option<T> {
        read.map_err(|error| self.writer.problems.note(format_args!("plan's {what}"), reason(&error))).ok()
    }

    fn read_rates<R: Read>(&mut self, document: &mut Document<R>, head: &Head) -> Result<(), Broken> {
        let sku = head.sku.as_deref().unwrap_or_default();
        let place = format_args!("plan {sku}");
        if !enter_list(document, self.writer.problems, place)? {
            return Ok(());
        }
        let unknown = Plan::default();
        let plan = self.plans.get(sku).unwrap_or_else(|| {
            self.writer.problems.note(place, "has rates and is not described before them");
            &unknown
        });
        let written = head.lease.as_deref().or(plan.term.as_deref());
        let common = Rate {
            identity: "",
            provider_name: "aws",
            service_name: self.writer.service_name,
            region_id: self.writer.region_id,
            sku_id: sku,
            sku_price_id: "",
            instance_type: None,
            operating_system: None,
            tenancy: None,
            pre_installed_software: None,
            product_family: plan.family.as_deref(),
            meter: None,
            pricing_category: Category::Committed,
            term_years: read_or_note(self.writer.problems, place, "a number of years", written, words::years),
            payment_option: plan.payment_option.as_deref(),
            offering_class: Some(CLASS),
            pricing_unit: None,
            currency: "",
            list_unit_price: None,
            upfront_price: None,
            tier_start: None,
            tier_end: None,
            effective_from: read_or_note(
                self.writer.problems,
                place,
                "a moment",
                head.effective_date.as_deref(),
                words::moment,
            ),
            effective_to: None,
        };
        while document.next_element()? {
            let read = document.value(|bytes| {
                let (rate, length) = parse::<Discounted<'_>>(bytes)?;
                Ok((write(&mut self.writer, &common, &rate), length))
            })?;
            match read {
                Ok(written) => written.map_err(Broken::Unreadable)?,
                Err(error) => {
                    self.writer.problems.note(format_args!("rate of plan {sku}"), reason(&error));
                }
            }
        }
        Ok(())
    }
}

/// Writes a rate of a plan, of which all rates have what is `common`.
fn write(writer: &mut RateWriter<'_>, common: &Rate<'_>, rate: &Discounted<'_>) -> io::Result<()> {
    let known = |it: &'_ Option<Text<'_>>| text(it.as_ref()).and_then(words::known).map(str::to_owned);
    let sku = known(&rate.sku);
    let code = known(&rate.code)
        .unwrap_or_else(|| format!("{}.{}", common.sku_id, sku.as_deref().unwrap_or_default()));
    let place = format_args!("rate {code}");
    let written = rate.rate.as_ref().and_then(|money| money.price).map(as_text);
    if written.is_none() {
        writer.problems.note(place, "has no price");
    }
    let price = read_or_note(writer.problems, place, "a price that fits", written.as_deref(), words::price);
    let currency = rate.rate.as_ref().and_then(|money| known(&money.currency));
    if currency.is_none() {
        writer.problems.note(place, "has no currency");
    }
    let (service, region) = (known(&rate.service), known(&rate.region));
    let (instance_type, unit) = (known(&rate.instance_type), known(&rate.unit));
    let meter = meter(known(&rate.usage_type), known(&rate.operation));
    writer.push(&Rate {
        service_name: service.as_deref().unwrap_or(common.service_name),
        region_id: region.as_deref().or(common.region_id),
        sku_id: sku.as_deref().unwrap_or(common.sku_id),
        sku_price_id: &code,
        instance_type: instance_type.as_deref(),
        meter: meter.as_deref(),
        pricing_unit: unit.as_deref(),
        currency: currency.as_deref().unwrap_or_default(),
        list_unit_price: price,
        ..*common
    })
}

/// As products have it: what tells a meter to the last is usage type and operation together.
fn meter(usage_type: Option<String>, operation: Option<String>) -> Option<String> {
    match (usage_type, operation) {
        (Some(usage_type), Some(operation)) => Some(format!("{usage_type}/{operation}")),
        (usage_type, operation) => usage_type.or(operation),
    }
}
