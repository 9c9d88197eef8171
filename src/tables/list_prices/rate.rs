//! A rate: what one price list says of one price, in the words that all clouds share. Decoders make rates, and the
//! difference of two lists is the difference of their rates. Never here: how any cloud writes its prices.

use crate::base::{Price, Quantity, Time};
use crate::tables::packed::{Damaged, Packer, Unpacker, Value};
use crate::tables::schema::Kind::{Integer, Moment, Price as Money, Quantity as Amount, Text};
use crate::tables::schema::{Column, Partitions, Table};

/// What a price is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Category {
    /// As you go.
    Standard,
    /// For a term that one commits to.
    Committed,
    /// That the cloud changes as it likes and may take back: spot, low priority.
    Dynamic,
}

impl Category {
    /// The word of the tables, as FOCUS has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "Standard",
            Self::Committed => "Committed",
            Self::Dynamic => "Dynamic",
        }
    }

    /// The category that is called so.
    pub fn named(text: &str) -> Option<Self> {
        [Self::Standard, Self::Committed, Self::Dynamic].into_iter().find(|known| known.as_str() == text)
    }
}

/// A rate. Text is as the cloud writes it, unless a field says otherwise; what is not known is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rate<'a> {
    /// What tells the rate from all others of its stream, today and in later lists. Made by the decoder, and shown to
    /// nobody: see lake.md's rules of identity for each cloud.
    pub identity: &'a str,
    /// `aws` or `azure`.
    pub provider_name: &'a str,
    /// The offer code of AWS, the service name of Azure.
    pub service_name: &'a str,
    /// The region.
    pub region_id: Option<&'a str>,
    /// What is sold.
    pub sku_id: &'a str,
    /// The rate: AWS's rate code; for Azure made of what tells its rates apart.
    pub sku_price_id: &'a str,
    /// The machine.
    pub instance_type: Option<&'a str>,
    /// `Linux`, `Windows`, `RHEL`, `SUSE` or what else the cloud names.
    pub operating_system: Option<&'a str>,
    /// `Shared`, `Dedicated` or `Host`.
    pub tenancy: Option<&'a str>,
    /// Software that the price includes; `None` for none.
    pub pre_installed_software: Option<&'a str>,
    /// What kind of thing it is.
    pub product_family: Option<&'a str>,
    /// What is metered. AWS: the usage type and, behind a slash, the operation, as bills have them. Azure: the meter's name.
    pub meter: Option<&'a str>,
    /// What the price is asked for.
    pub pricing_category: Category,
    /// The years of a commitment.
    pub term_years: Option<i64>,
    /// `No Upfront`, `Partial Upfront` or `All Upfront`.
    pub payment_option: Option<&'a str>,
    /// `standard`, `convertible`, `reservation`, `savings plan` or `dev/test`.
    pub offering_class: Option<&'a str>,
    /// The unit that the price is for.
    pub pricing_unit: Option<&'a str>,
    /// The currency.
    pub currency: &'a str,
    /// The price of a unit.
    pub list_unit_price: Option<Price>,
    /// What is due once for the whole term.
    pub upfront_price: Option<Price>,
    /// From how many units on the price applies.
    pub tier_start: Option<Quantity>,
    /// Up to how many units it applies; `None` without an end.
    pub tier_end: Option<Quantity>,
    /// Since when it applies.
    pub effective_from: Option<Time>,
    /// Until when it applies; `None` while that is open.
    pub effective_to: Option<Time>,
}

/// How rates are packed while lists are compared: identity first, then whatever makes a change, then the rest.
/// No table of the lake.
pub(super) static RATES: Table = Table {
    name: "rates",
    description: "rates on their way into list_prices",
    columns: &[
        Column::known("identity", Text, "what tells it from others"),
        Column::maybe("effective_to", Moment, "see list_prices"),
        Column::maybe("list_unit_price", Money, "see list_prices"),
        Column::maybe("upfront_price", Money, "see list_prices"),
        Column::maybe("pricing_unit", Text, "see list_prices"),
        Column::maybe("tier_start", Amount, "see list_prices"),
        Column::maybe("tier_end", Amount, "see list_prices"),
        Column::maybe("effective_from", Moment, "see list_prices"),
        Column::known("provider_name", Text, "see list_prices"),
        Column::known("service_name", Text, "see list_prices"),
        Column::maybe("region_id", Text, "see list_prices"),
        Column::known("sku_id", Text, "see list_prices"),
        Column::known("sku_price_id", Text, "see list_prices"),
        Column::maybe("instance_type", Text, "see list_prices"),
        Column::maybe("operating_system", Text, "see list_prices"),
        Column::maybe("tenancy", Text, "see list_prices"),
        Column::maybe("pre_installed_software", Text, "see list_prices"),
        Column::maybe("product_family", Text, "see list_prices"),
        Column::maybe("meter", Text, "see list_prices"),
        Column::known("pricing_category", Text, "see list_prices"),
        Column::maybe("term_years", Integer, "see list_prices"),
        Column::maybe("payment_option", Text, "see list_prices"),
        Column::maybe("offering_class", Text, "see list_prices"),
        Column::known("currency", Text, "see list_prices"),
    ],
    order: &["identity"],
    partitions: Partitions::Day,
    sought: &[],
};

/// How many columns of [`RATES`], after the identity, make a change when they differ.
pub(super) const COMPARED: usize = 6;

impl<'a> Rate<'a> {
    /// Packs the rate as [`RATES`] says.
    pub(super) fn pack<'p>(&self, packer: &'p mut Packer) -> &'p [u8] {
        packer
            .begin()
            .put("identity", self.identity)
            .put_or_unknown("effective_to", self.effective_to)
            .put_or_unknown("list_unit_price", self.list_unit_price)
            .put_or_unknown("upfront_price", self.upfront_price)
            .put_or_unknown("pricing_unit", self.pricing_unit)
            .put_or_unknown("tier_start", self.tier_start)
            .put_or_unknown("tier_end", self.tier_end)
            .put_or_unknown("effective_from", self.effective_from)
            .put("provider_name", self.provider_name)
            .put("service_name", self.service_name)
            .put_or_unknown("region_id", self.region_id)
            .put("sku_id", self.sku_id)
            .put("sku_price_id", self.sku_price_id)
            .put_or_unknown("instance_type", self.instance_type)
            .put_or_unknown("operating_system", self.operating_system)
            .put_or_unknown("tenancy", self.tenancy)
            .put_or_unknown("pre_installed_software", self.pre_installed_software)
            .put_or_unknown("product_family", self.product_family)
            .put_or_unknown("meter", self.meter)
            .put("pricing_category", self.pricing_category.as_str())
            .put_or_unknown("term_years", self.term_years)
            .put_or_unknown("payment_option", self.payment_option)
            .put_or_unknown("offering_class", self.offering_class)
            .put("currency", self.currency);
        packer.row()
    }

    /// Reads what [`pack`](Self::pack) wrote.
    pub(super) fn unpack(row: &'a [u8]) -> Result<Self, Damaged> {
        let mut fields = Fields { unpacker: Unpacker::new(row), columns: RATES.columns.iter() };
        Ok(Self {
            identity: fields.text()?.ok_or(Damaged)?,
            effective_to: fields.moment()?,
            list_unit_price: fields.price()?,
            upfront_price: fields.price()?,
            pricing_unit: fields.text()?,
            tier_start: fields.quantity()?,
            tier_end: fields.quantity()?,
            effective_from: fields.moment()?,
            provider_name: fields.text()?.ok_or(Damaged)?,
            service_name: fields.text()?.ok_or(Damaged)?,
            region_id: fields.text()?,
            sku_id: fields.text()?.ok_or(Damaged)?,
            sku_price_id: fields.text()?.ok_or(Damaged)?,
            instance_type: fields.text()?,
            operating_system: fields.text()?,
            tenancy: fields.text()?,
            pre_installed_software: fields.text()?,
            product_family: fields.text()?,
            meter: fields.text()?,
            pricing_category: fields.text()?.and_then(Category::named).ok_or(Damaged)?,
            term_years: fields.integer()?,
            payment_option: fields.text()?,
            offering_class: fields.text()?,
            currency: fields.text()?.ok_or(Damaged)?,
        })
    }

    /// Packs the rate as a row of `list_prices` or `list_prices_current`; the first has a `change`.
    pub(super) fn pack_row<'p>(
        &self,
        packer: &'p mut Packer,
        observed_at: Time,
        change: Option<&str>,
        source_key: &str,
    ) -> &'p [u8] {
        packer
            .begin()
            .put("service_name", self.service_name)
            .put_or_unknown("instance_type", self.instance_type)
            .put_or_unknown("region_id", self.region_id)
            .put("sku_id", self.sku_id)
            .put("sku_price_id", self.sku_price_id)
            .put("currency", self.currency)
            .put_or_unknown("effective_from", self.effective_from)
            .put("observed_at", observed_at)
            .put("provider_name", self.provider_name)
            .put_or_unknown("operating_system", self.operating_system)
            .put_or_unknown("tenancy", self.tenancy)
            .put_or_unknown("pre_installed_software", self.pre_installed_software)
            .put_or_unknown("product_family", self.product_family)
            .put_or_unknown("meter", self.meter)
            .put("pricing_category", self.pricing_category.as_str())
            .put_or_unknown("term_years", self.term_years)
            .put_or_unknown("payment_option", self.payment_option)
            .put_or_unknown("offering_class", self.offering_class)
            .put_or_unknown("pricing_unit", self.pricing_unit)
            .put_or_unknown("list_unit_price", self.list_unit_price)
            .put_or_unknown("upfront_price", self.upfront_price)
            .put_or_unknown("tier_start", self.tier_start)
            .put_or_unknown("tier_end", self.tier_end)
            .put_or_unknown("effective_to", self.effective_to);
        if let Some(change) = change {
            packer.put("change", change);
        }
        packer.put("source_key", source_key);
        packer.row()
    }
}

/// Reads the columns of a packed rate one by one.
struct Fields<'a> {
    unpacker: Unpacker<'a>,
    columns: std::slice::Iter<'static, Column>,
}

impl<'a> Fields<'a> {
    fn next(&mut self) -> Result<Option<Value<'a>>, Damaged> {
        self.unpacker.next(self.columns.next().ok_or(Damaged)?)
    }

    fn text(&mut self) -> Result<Option<&'a str>, Damaged> {
        match self.next()? {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(_) => Err(Damaged),
        }
    }

    fn price(&mut self) -> Result<Option<Price>, Damaged> {
        match self.next()? {
            None => Ok(None),
            Some(Value::Price(price)) => Ok(Some(price)),
            Some(_) => Err(Damaged),
        }
    }

    fn quantity(&mut self) -> Result<Option<Quantity>, Damaged> {
        match self.next()? {
            None => Ok(None),
            Some(Value::Quantity(quantity)) => Ok(Some(quantity)),
            Some(_) => Err(Damaged),
        }
    }

    fn moment(&mut self) -> Result<Option<Time>, Damaged> {
        match self.next()? {
            None => Ok(None),
            Some(Value::Moment(time)) => Ok(Some(time)),
            Some(_) => Err(Damaged),
        }
    }

    fn integer(&mut self) -> Result<Option<i64>, Damaged> {
        match self.next()? {
            None => Ok(None),
            Some(Value::Integer(number)) => Ok(Some(number)),
            Some(_) => Err(Damaged),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::definitions::{LIST_PRICES, LIST_PRICES_CURRENT};

    pub(crate) fn rate() -> Rate<'static> {
        Rate {
            identity: "us-east-1/SKU.TERM.RATE/USD",
            provider_name: "aws",
            service_name: "AmazonEC2",
            region_id: Some("us-east-1"),
            sku_id: "SKU",
            sku_price_id: "SKU.TERM.RATE",
            instance_type: Some("m5.large"),
            operating_system: Some("Linux"),
            tenancy: Some("Shared"),
            pre_installed_software: None,
            product_family: Some("Compute Instance"),
            meter: Some("BoxUsage:m5.large/RunInstances"),
            pricing_category: Category::Committed,
            term_years: Some(3),
            payment_option: Some("Partial Upfront"),
            offering_class: Some("convertible"),
            pricing_unit: Some("Hrs"),
            currency: "USD",
            list_unit_price: Price::read("0.0960000000"),
            upfront_price: None,
            tier_start: Quantity::read("0"),
            tier_end: None,
            effective_from: "2026-11-01T00:00:00Z".parse().ok(),
            effective_to: None,
        }
    }

    #[test]
    fn a_rate_reads_back() {
        let mut packer = Packer::new(&RATES);
        let row = rate().pack(&mut packer).to_vec();
        assert_eq!(Rate::unpack(&row), Ok(rate()));
        for cut in 0..row.len() {
            assert_eq!(Rate::unpack(&row[..cut]), Err(Damaged), "{cut}");
        }
    }

    #[test]
    fn a_rate_becomes_a_row_of_either_table() {
        let now: Time = "2026-11-21T00:00:00Z".parse().unwrap();
        for (table, change) in [(&LIST_PRICES, Some("new")), (&LIST_PRICES_CURRENT, None)] {
            let mut packer = Packer::new(table);
            let row = rate().pack_row(&mut packer, now, change, "raw/k").to_vec();
            let mut unpacker = Unpacker::new(&row);
            for (_, column) in table.packed() {
                unpacker.next(column).unwrap();
            }
            assert!(unpacker.rest().is_empty());
        }
    }
}
