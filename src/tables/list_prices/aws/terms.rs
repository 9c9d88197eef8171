//! What is asked for a product: the terms of an offer file as it has them, and the rates that they come to. Never here: how
//! the file is walked.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::document::Text;
use super::products::Described;
use super::words;
use crate::tables::list_prices::{Category, Rate};
use crate::tables::packed::Packer;
use crate::tables::problems::Problems;
use crate::tables::sort::Sorter;

/// One term of a product: its prices, and how long one is bound to them.
#[derive(Debug, Deserialize)]
pub(super) struct Term<'a> {
    #[serde(borrow, rename = "effectiveDate")]
    effective_date: Option<Text<'a>>,
    #[serde(borrow, rename = "priceDimensions")]
    dimensions: Option<Entries<'a, Dimension<'a>>>,
    #[serde(borrow, rename = "termAttributes")]
    attributes: Option<Attributes<'a>>,
}

#[derive(Debug, Deserialize)]
struct Attributes<'a> {
    #[serde(borrow, rename = "LeaseContractLength")]
    lease: Option<Text<'a>>,
    #[serde(borrow, rename = "PurchaseOption")]
    purchase_option: Option<Text<'a>>,
    #[serde(borrow, rename = "OfferingClass")]
    offering_class: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
struct Dimension<'a> {
    #[serde(borrow, rename = "rateCode")]
    rate_code: Option<Text<'a>>,
    #[serde(borrow, rename = "beginRange")]
    begin: Option<Text<'a>>,
    #[serde(borrow, rename = "endRange")]
    end: Option<Text<'a>>,
    #[serde(borrow)]
    unit: Option<Text<'a>>,
    // As written, be it a text or a number: nothing becomes a float.
    #[serde(borrow, rename = "pricePerUnit")]
    prices: Option<Entries<'a, &'a RawValue>>,
}

/// The entries of an object, in the order of the file.
#[derive(Debug)]
struct Entries<'a, V>(Vec<(Text<'a>, V)>);

impl<'de: 'a, 'a, V: Deserialize<'de>> Deserialize<'de> for Entries<'a, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor(PhantomData))
    }
}

struct EntriesVisitor<'a, V>(PhantomData<(Text<'a>, V)>);

impl<'de: 'a, 'a, V: Deserialize<'de>> Visitor<'de> for EntriesVisitor<'a, V> {
    type Value = Entries<'a, V>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Entries(entries))
    }
}

/// Where a term stands in its file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Position<'a> {
    /// `OnDemand` or `Reserved`.
    pub kind: &'a str,
    /// The product.
    pub sku: &'a str,
    /// The term, as its file names it: the product and the kind of term.
    pub term: &'a str,
}

/// Makes rates of the terms of one file.
#[derive(Debug)]
pub(super) struct RateWriter<'a> {
    /// The offer code; of a list of savings plans the plan.
    pub service_name: &'a str,
    /// The region of the file.
    pub region_id: Option<&'a str>,
    /// Packs rates.
    pub packer: &'a mut Packer,
    /// Takes rates.
    pub rates: &'a mut Sorter,
    /// Takes what cannot be read.
    pub problems: &'a mut Problems,
    /// Where identities are written, one after the other.
    pub identity: String,
}

impl RateWriter<'_> {
    /// Writes the rates of a term of `product`.
    pub(super) fn write_term(
        &mut self,
        position: Position<'_>,
        term: &Term<'_>,
        product: Described<'_>,
    ) -> io::Result<()> {
        let place = format_args!("term {}", position.term);
        let attributes = term.attributes.as_ref();
        let lease = attributes.and_then(|it| text(it.lease.as_ref())).and_then(words::known);
        let option = attributes.and_then(|it| text(it.purchase_option.as_ref()));
        let class =
            attributes.and_then(|it| text(it.offering_class.as_ref())).and_then(words::offering_class);
        let common = Rate {
            identity: "",
            provider_name: "aws",
            service_name: self.service_name,
            region_id: self.region_id,
            sku_id: position.sku,
            sku_price_id: "",
            instance_type: product.instance_type,
            operating_system: product.operating_system,
            tenancy: product.tenancy,
            pre_installed_software: product.pre_installed_software,
            product_family: product.family,
            meter: product.meter,
            pricing_category: words::category(position.kind, lease.is_some()),
            term_years: read_or_note(self.problems, place, "a number of years", lease, words::years),
            payment_option: option.and_then(words::payment_option),
            offering_class: class.as_deref(),
            pricing_unit: None,
            currency: "",
            list_unit_price: None,
            upfront_price: None,
            tier_start: None,
            tier_end: None,
            effective_from: read_or_note(
                self.problems,
                place,
                "a moment",
                text(term.effective_date.as_ref()),
                words::moment,
            ),
            effective_to: None,
        };
        for (name, dimension) in term.dimensions.iter().flat_map(|dimensions| &dimensions.0) {
            let code = text(dimension.rate_code.as_ref()).and_then(words::known).unwrap_or(&name.0);
            self.write_dimension(&common, code, dimension)?;
        }
        Ok(())
    }

    /// Writes one rate for each currency of a price.
    fn write_dimension(
        &mut self,
        common: &Rate<'_>,
        code: &str,
        dimension: &Dimension<'_>,
    ) -> io::Result<()> {
        let place = format_args!("rate {code}");
        let mut bound = |written: &Option<Text<'_>>| {
            read_or_note(self.problems, place, "a quantity", text(written.as_ref()), words::bound).flatten()
        };
        let (tier_start, tier_end) = (bound(&dimension.begin), bound(&dimension.end));
        let pricing_unit = text(dimension.unit.as_ref()).filter(|unit| !unit.is_empty());
        let has_range = dimension.begin.is_some() || dimension.end.is_some();
        let is_upfront =
            common.pricing_category == Category::Committed && words::is_upfront(pricing_unit, has_range);
        let prices = dimension.prices.as_ref().map_or(&[][..], |prices| &prices.0);
        if prices.is_empty() {
            self.problems.note(place, "has no price");
        }
        for (currency, written) in prices {
            let written = as_text(written);
            let price = read_or_note(self.problems, place, "a price that fits", Some(&written), words::price);
            let (list_unit_price, upfront_price) = if is_upfront { (None, price) } else { (price, None) };
            self.push(&Rate {
                sku_price_id: code,
                pricing_unit,
                currency: &currency.0,
                list_unit_price,
                upfront_price,
                tier_start,
                tier_end,
                ..*common
            })?;
        }
        Ok(())
    }

    /// Pushes a rate, which gets its identity.
    pub(super) fn push(&mut self, rate: &Rate<'_>) -> io::Result<()> {
        self.identity.clear();
        for piece in [rate.sku_price_id, "/", rate.currency, "/", rate.region_id.unwrap_or_default()] {
            self.identity.push_str(piece);
        }
        let rate = Rate { identity: &self.identity, ..*rate };
        self.rates.push(rate.pack(self.packer))
    }
}

/// The value of what is written; `None` where nothing is, and where it cannot be read, which is noted.
pub(super) fn read_or_note<'t, T>(
    problems: &mut Problems,
    place: fmt::Arguments<'_>,
    what: &str,
    written: Option<&'t str>,
    read: impl FnOnce(&'t str) -> Result<T, &'t str>,
) -> Option<T> {
    match read(written?) {
        Ok(value) => Some(value),
        Err(unreadable) => {
            problems.note(place, format_args!("{unreadable:?} is not {what}"));
            None
        }
    }
}

/// What is written between the quotes, or, without quotes, as it stands.
pub(super) fn as_text<'a>(raw: &'a RawValue) -> Cow<'a, str> {
    match serde_json::from_str::<Text<'a>>(raw.get()) {
        Ok(text) => text.0,
        Err(_) => raw.get().into(),
    }
}

/// The text, where there is one.
pub(super) fn text<'a>(text: Option<&'a Text<'_>>) -> Option<&'a str> {
    text.map(|text| text.0.as_ref())
}
