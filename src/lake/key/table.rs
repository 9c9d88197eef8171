//! The keys of tables: which part of a table an object holds. What is in it belongs to whoever builds the table.

use chrono::{Datelike as _, NaiveDate};

use super::DAY;
use crate::base::{Date, Name};

/// What every key of a table starts with.
pub(super) const ROOT: &str = "tables/";

/// One object of a table: it holds one part of the table, whole, and is replaced whole.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableObject {
    table: Name,
    provider: Option<Name>,
    part: TablePart,
}

/// Which part of a table, or of a provider's share of it, an object holds.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TablePart {
    /// What belongs to a day, in UTC.
    Day(Date),
    /// What belongs to a service. Services have names only within a provider, so [`TableObject::provider`] is there.
    Service(Name),
}

impl TableObject {
    /// What a day adds to a table that all providers share.
    pub fn day(table: Name, day: Date) -> Self {
        Self { table, provider: None, part: TablePart::Day(day) }
    }

    /// What a day adds to a provider's share of a table.
    pub fn provider_day(table: Name, provider: Name, day: Date) -> Self {
        Self { table, provider: Some(provider), part: TablePart::Day(day) }
    }

    /// The newest state of a provider's service.
    pub fn service(table: Name, provider: Name, service: Name) -> Self {
        Self { table, provider: Some(provider), part: TablePart::Service(service) }
    }

    /// The table's name.
    pub fn table(&self) -> &Name {
        &self.table
    }

    /// Whose share of the table it is; `None` where all providers share its objects.
    pub fn provider(&self) -> Option<&Name> {
        self.provider.as_ref()
    }

    /// Which part it is.
    pub fn part(&self) -> &TablePart {
        &self.part
    }

    pub(super) fn path(&self) -> String {
        let table = &self.table;
        let provider =
            self.provider.as_ref().map(|provider| format!("provider={provider}/")).unwrap_or_default();
        let part = match &self.part {
            TablePart::Day(day) => format!("dt={}", day.format(DAY)),
            TablePart::Service(service) => format!("service={service}"),
        };
        format!("{ROOT}{table}/{provider}{part}/{table}.parquet")
    }

    /// Reads what follows [`ROOT`].
    pub(super) fn parse(text: &str) -> Option<Self> {
        let name = |what, value| Name::new(what, value).ok();
        let segments: Vec<&str> = text.split('/').collect();
        let (table, provider, part) = match segments[..] {
            [table, part, _] => (table, None, part),
            [table, provider, part, _] => (table, Some(provider.strip_prefix("provider=")?), part),
            _ => return None,
        };
        let table = name("table", table)?;
        let provider = match provider {
            Some(provider) => Some(name("provider", provider)?),
            None => None,
        };
        let part = match part.split_once('=')? {
            ("dt", day) => TablePart::Day(parse_day(day)?),
            ("service", service) if provider.is_some() => TablePart::Service(name("service", service)?),
            _ => return None,
        };
        Some(Self { table, provider, part })
    }
}

/// A key has four digits for the year.
fn parse_day(text: &str) -> Option<Date> {
    NaiveDate::parse_from_str(text, DAY).ok().filter(|day| (0..=9_999).contains(&day.year()))
}
