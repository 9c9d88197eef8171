//! Rates of one machine as `list_prices` has them: which of them is the plain way to have it, and which state of each
//! applied at a moment. Pure.

use std::collections::BTreeMap;

use super::offer::Kind;
use crate::base::{Price, Time};
use crate::lake::key::{Key, Parsed};
use crate::lake::slice::Slice;
use crate::tables::scan::Row;

/// The columns that rates are read from. `change` is in one of the two tables only.
pub(super) const COLUMNS: [&str; 24] = [
    "provider_name",
    "service_name",
    "region_id",
    "sku_id",
    "sku_price_id",
    "instance_type",
    "operating_system",
    "tenancy",
    "pre_installed_software",
    "product_family",
    "meter",
    "pricing_category",
    "term_years",
    "payment_option",
    "offering_class",
    "pricing_unit",
    "currency",
    "list_unit_price",
    "upfront_price",
    "tier_start",
    "effective_from",
    "effective_to",
    "observed_at",
    "source_key",
];

/// A rate in one of its states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rate {
    pub(super) provider: String,
    pub(super) region: String,
    pub(super) system: String,
    pub(super) kind: Kind,
    pub(super) sku_id: String,
    pub(super) price_id: String,
    pub(super) term_years: Option<i64>,
    pub(super) payment_option: Option<String>,
    pub(super) offering_class: Option<String>,
    pub(super) currency: String,
    pub(super) unit_price: Option<Price>,
    pub(super) upfront: Option<Price>,
    pub(super) effective_from: Option<Time>,
    pub(super) effective_to: Option<Time>,
    pub(super) observed_at: Time,
    /// Whether this state is that the rate is gone.
    pub(super) is_withdrawn: bool,
    /// The dataset and the stream that say so, as `coverage` has them.
    pub(super) stream: (String, String),
    /// When the cloud said so: a version's publication, or when a slot was seen.
    pub(super) said_at: Time,
    pub(super) source_key: String,
}

impl Rate {
    /// Reads a row; `None` for what is no plain way to have a machine: dedicated hardware, software on top, licences that
    /// one brings, capacity that is held and not used, prices for developers.
    pub(super) fn read(row: &Row<'_>, has_changes: bool) -> Option<Self> {
        let text = |column: &str| row.text(column).map(str::to_owned);
        let kind = plain_kind(row)?;
        let (observed_at, source_key) = (row.moment("observed_at")?, text("source_key")?);
        let (stream, published) = stream_of(&source_key)?;
        Some(Self {
            provider: text("provider_name")?,
            region: text("region_id")?,
            // Rates without an operating system are for machines that other services run, such as databases.
            system: text("operating_system").unwrap_or_default(),
            kind,
            sku_id: text("sku_id")?,
            price_id: text("sku_price_id")?,
            term_years: row.integer("term_years"),
            payment_option: text("payment_option"),
            offering_class: if kind == Kind::SavingsPlan { plan_of(row) } else { text("offering_class") },
            currency: text("currency")?,
            unit_price: row.price("list_unit_price"),
            upfront: row.price("upfront_price"),
            effective_from: row.moment("effective_from"),
            effective_to: row.moment("effective_to"),
            observed_at,
            is_withdrawn: has_changes && row.text("change") == Some("withdrawn"),
            stream,
            said_at: published.unwrap_or(observed_at),
            source_key,
        })
    }

    /// What tells the rate from others, whatever state it is in.
    fn identity(&self) -> Identity {
        // Azure lists the price of today and that of tomorrow side by side: two rates, of which one follows the other.
        let begins = if self.provider == "azure" { self.effective_from } else { None };
        (self.stream.clone(), self.region.clone(), self.price_id.clone(), self.currency.clone(), begins)
    }

    /// Since when this state of the rate applied, when `before` is the one that the cloud told before it.
    fn applies_from(&self, before: Option<&Self>) -> Time {
        let Some(before) = before else { return self.effective_from.unwrap_or(self.said_at) };
        if self.is_withdrawn {
            return self.effective_to.unwrap_or(self.said_at);
        }
        // A change that names no new day was not told by then, so nobody was asked for it.
        match (before.effective_from, self.effective_from) {
            (before, Some(new)) if before.is_none_or(|before| before < new) => new,
            _ => self.said_at,
        }
    }

    fn has_ended(&self, moment: Time) -> bool {
        self.is_withdrawn || self.effective_to.is_some_and(|end| end <= moment)
    }
}

type Identity = ((String, String), String, String, String, Option<Time>);

/// The state in which each rate applied at a moment, which may differ from stream to stream; `None` leaves a rate out.
pub(super) fn applying(rates: Vec<Rate>, moment: impl Fn(&Rate) -> Option<Time>) -> Vec<Rate> {
    let mut by_identity: BTreeMap<Identity, Vec<Rate>> = BTreeMap::new();
    for rate in rates {
        by_identity.entry(rate.identity()).or_default().push(rate);
    }
    // Of rates that follow each other, the last that has begun.
    let mut latest: BTreeMap<Identity, Rate> = BTreeMap::new();
    for ((stream, region, price_id, currency, _), mut states) in by_identity {
        states.sort_by_key(|rate| (rate.said_at, rate.observed_at));
        let Some(moment) = states.first().and_then(&moment) else { continue };
        let mut current: Option<&Rate> = None;
        for (index, state) in states.iter().enumerate() {
            let before = index.checked_sub(1).and_then(|before| states.get(before));
            if state.applies_from(before) <= moment {
                current = Some(state);
            }
        }
        let Some(current) = current.filter(|rate| !rate.has_ended(moment)) else { continue };
        let entry =
            latest.entry((stream, region, price_id, currency, None)).or_insert_with(|| current.clone());
        if entry.effective_from < current.effective_from {
            *entry = current.clone();
        }
    }
    latest.into_values().collect()
}

/// On what terms a plain rate is had; `None` for one that is not plain.
fn plain_kind(row: &Row<'_>) -> Option<Kind> {
    let text = |column: &str| row.text(column).unwrap_or_default();
    let (service, meter, class) = (text("service_name"), text("meter"), text("offering_class"));
    let (category, software) = (text("pricing_category"), text("pre_installed_software"));
    let is_first_tier = row.quantity("tier_start").is_none_or(|start| start.units() == 0);
    if class == "dev/test" || !software.is_empty() || !is_first_tier {
        return None;
    }
    let is_plain = match (text("provider_name"), service) {
        ("aws", "AmazonEC2") => text("tenancy") == "Shared" && is_box_usage(meter),
        ("azure", "Virtual Machines") => {
            // Cloud Services are machines of the same names that cannot be had alone.
            text("tenancy") == "Shared" && !is_cloud_service(text("product_family"))
        }
        ("azure", _) => false,
        // Machines of other services, `db.m5.large`: every way to have them.
        _ => true,
    };
    match category {
        _ if !is_plain => None,
        "Standard" => Some(Kind::OnDemand),
        "Committed" if class == "savings plan" => Some(Kind::SavingsPlan),
        "Committed" => Some(Kind::Reserved),
        "Dynamic" if meter.contains("Low Priority") => Some(Kind::LowPriority),
        "Dynamic" => Some(Kind::Spot),
        _ => None,
    }
}

/// The kind of a savings plan: AWS has several that differ in nothing else than their prices, and calls them by product.
fn plan_of(row: &Row<'_>) -> Option<String> {
    let column = if row.text("provider_name") == Some("aws") { "product_family" } else { "offering_class" };
    row.text(column).map(str::to_owned)
}

/// Whether a meter of EC2, `EUW1-BoxUsage:m5.large/RunInstances:0002`, counts machines that run, with licences that are
/// part of the price. `0800` is Windows with a licence that one brings.
fn is_box_usage(meter: &str) -> bool {
    let (usage, operation) = meter.split_once('/').unwrap_or((meter, ""));
    let usage = usage.split_once(':').map_or(usage, |(usage, _)| usage);
    let is_box = usage == "BoxUsage" || usage.ends_with("-BoxUsage");
    is_box && !operation.ends_with(":0800")
}

fn is_cloud_service(product: &str) -> bool {
    product.contains("CloudServices") || product.contains("Cloud Services")
}

/// The stream of a raw object, as `coverage` names it, and when it was published, if its key says so.
fn stream_of(key: &str) -> Option<((String, String), Option<Time>)> {
    let (_, Parsed::Raw(slice)) = Key::parse(key).ok()? else { return None };
    let published = match &slice {
        Slice::Version { version, .. } => Some(version.published_at()),
        _ => None,
    };
    let stream = slice.stream();
    let parts: Vec<String> = stream.parts().iter().map(|(part, value)| format!("{part}={value}")).collect();
    Some(((stream.dataset().to_string(), parts.join("/")), published))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Time {
        text.parse().unwrap()
    }

    fn rate(provider: &str, price: &str, said: &str, from: &str, to: Option<&str>) -> Rate {
        Rate {
            provider: provider.to_owned(),
            region: "r".to_owned(),
            system: "Linux".to_owned(),
            kind: Kind::OnDemand,
            sku_id: "SKU".to_owned(),
            price_id: "SKU.T.R".to_owned(),
            term_years: None,
            payment_option: None,
            offering_class: None,
            currency: "USD".to_owned(),
            unit_price: Price::read(price),
            upfront: None,
            effective_from: Some(time(from)),
            effective_to: to.map(time),
            observed_at: time(said),
            is_withdrawn: false,
            stream: ("d".to_owned(), "s".to_owned()),
            said_at: time(said),
            source_key: String::new(),
        }
    }

    fn price_at(rates: &[Rate], moment: &str) -> Option<String> {
        let applying = applying(rates.to_vec(), |_| Some(time(moment)));
        assert!(applying.len() < 2, "one rate has one state");
        applying.first().map(|rate| rate.unit_price.map(|price| price.to_string()).unwrap_or_default())
    }

    const JANUARY: &str = "2026-01-01T00:00:00Z";
    const FEBRUARY: &str = "2026-02-01T00:00:00Z";

    #[test]
    fn a_change_applies_from_the_day_that_it_names() {
        let rates = [
            rate("aws", "2", "2026-02-08T00:00:00Z", FEBRUARY, None),
            rate("aws", "1", "2026-01-24T00:00:00Z", JANUARY, None),
        ];
        assert_eq!(price_at(&rates, "2025-12-31T00:00:00Z"), None);
        assert_eq!(price_at(&rates, "2026-01-31T23:59:59Z").as_deref(), Some("1"));
        assert_eq!(
            price_at(&rates, "2026-02-01T00:00:00Z").as_deref(),
            Some("2"),
            "told late, and for that day"
        );
    }

    #[test]
    fn a_change_that_names_no_new_day_applies_from_when_it_was_told() {
        let rates = [
            rate("aws", "1", "2026-01-24T00:00:00Z", JANUARY, None),
            rate("aws", "2", "2026-02-08T00:00:00Z", JANUARY, None),
        ];
        assert_eq!(price_at(&rates, "2026-02-07T00:00:00Z").as_deref(), Some("1"));
        assert_eq!(price_at(&rates, "2026-02-08T00:00:00Z").as_deref(), Some("2"));
    }

    #[test]
    fn a_price_that_is_announced_does_not_apply_yet() {
        let rates = [
            rate("azure", "1", "2026-01-10T00:00:00Z", JANUARY, None),
            rate("azure", "2", "2026-01-10T00:00:00Z", FEBRUARY, None),
            // Its end is told afterwards.
            rate("azure", "1", "2026-01-20T00:00:00Z", JANUARY, Some(FEBRUARY)),
        ];
        for (moment, price) in [
            ("2026-01-15T00:00:00Z", "1"),
            ("2026-01-25T00:00:00Z", "1"),
            ("2026-02-01T00:00:00Z", "2"),
            ("2026-03-01T00:00:00Z", "2"),
        ] {
            assert_eq!(price_at(&rates, moment).as_deref(), Some(price), "{moment}");
        }
    }

    #[test]
    fn what_is_withdrawn_is_gone_from_then_on() {
        let mut gone = rate("azure", "1", "2026-02-05T00:00:00Z", JANUARY, Some("2026-02-03T00:00:00Z"));
        gone.is_withdrawn = true;
        let rates = [rate("azure", "1", "2026-01-10T00:00:00Z", JANUARY, None), gone];
        assert_eq!(price_at(&rates, "2026-02-02T00:00:00Z").as_deref(), Some("1"));
        assert_eq!(price_at(&rates, "2026-02-03T00:00:00Z"), None);
    }

    #[test]
    fn only_machines_that_run_are_plain() {
        for (meter, is_plain) in [
            ("BoxUsage:m5.large/RunInstances", true),
            ("EUW1-BoxUsage:m5.large/RunInstances:0002", true),
            ("BoxUsage/RunInstances", true),
            ("BoxUsage:m5.large/RunInstances:0800", false),
            ("EUW1-UnusedBox:m5.large/RunInstances", false),
            ("Reservation:m5.large/RunInstances", false),
            ("DedicatedUsage:m5.large/RunInstances", false),
            ("HostBoxUsage:m5/RunInstances", false),
            ("", false),
        ] {
            assert_eq!(is_box_usage(meter), is_plain, "{meter}");
        }
    }

    #[test]
    fn a_key_says_which_stream_it_is_of_and_when_it_was_published() {
        let (stream, published) = stream_of(
            "raw/aws_price_list/dt=2025-05-23/offer=AmazonEC2/region=us-east-1/20250523232744.json.gz",
        )
        .unwrap();
        assert_eq!(stream, ("aws_price_list".to_owned(), "offer=AmazonEC2/region=us-east-1".to_owned()));
        assert_eq!(published, Some(time("2025-05-23T23:27:44Z")));
        assert_eq!(stream_of("raw/k"), None);
    }
}
