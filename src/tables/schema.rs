//! What a table is: its columns, how it is cut into objects and how its rows are ordered. The same description makes
//! the Parquet files, the reading of them and the DDL of every engine. Never here: how rows come about.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};

use crate::base::decimal::SCALE;

/// A table of the lake.
#[derive(Debug)]
pub struct Table {
    /// The name, in keys and in SQL.
    pub name: &'static str,
    /// One line for people.
    pub description: &'static str,
    /// The columns in the order in which they are published. Partition columns stand in keys alone.
    pub columns: &'static [Column],
    /// The columns that its rows are sorted by. Rows that are equal in all of these are sorted by the others, in the
    /// order of `columns`, so that equal inputs give equal bytes.
    pub order: &'static [&'static str],
    /// How it is cut into objects.
    pub partitions: Partitions,
    /// Columns that are asked for single values: they get bloom filters.
    pub sought: &'static [&'static str],
}

/// A column of a table.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// The name, in Parquet and in SQL: lower case, after FOCUS where that has the notion.
    pub name: &'static str,
    /// What its values are.
    pub kind: Kind,
    /// Whether a value may be unknown, or make no sense for a row.
    pub nullable: bool,
    /// One line for people.
    pub description: &'static str,
}

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// UTF-8.
    Text,
    /// [`Price`](crate::base::Price).
    Price,
    /// [`Quantity`](crate::base::Quantity).
    Quantity,
    /// A moment in UTC, to the microsecond.
    Moment,
    /// A whole number of 64 bits.
    Integer,
    /// True or false.
    Boolean,
}

/// How a table is cut into objects, each replaced whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Partitions {
    /// `dt=YYYY-MM-DD/`
    Day,
    /// `provider=<provider>/dt=YYYY-MM-DD/`
    ProviderDay,
    /// `provider=<provider>/service=<service>/`
    ProviderService,
}

impl Partitions {
    /// The partition columns in the order of the key. All are text; `dt` is a date, `YYYY-MM-DD`.
    pub fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Day => &["dt"],
            Self::ProviderDay => &["provider", "dt"],
            Self::ProviderService => &["provider", "service"],
        }
    }
}

impl Table {
    /// Where a column stands among the published ones.
    pub fn index(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|known| known.name == column)
    }

    /// The columns as a packed row has them: first those that rows are sorted by, then the others.
    pub fn packed(&self) -> impl Iterator<Item = (usize, &'static Column)> {
        let sorted = self.order.iter().filter_map(|name| self.index(name));
        let others = (0..self.columns.len())
            .filter(|index| !self.columns.get(*index).is_some_and(|it| self.order.contains(&it.name)));
        sorted.chain(others).filter_map(|index| Some((index, self.columns.get(index)?)))
    }

    /// The schema of its Parquet files.
    pub fn arrow(&self) -> SchemaRef {
        let fields: Vec<Field> = self
            .columns
            .iter()
            .map(|column| Field::new(column.name, column.kind.arrow(), column.nullable))
            .collect();
        Arc::new(Schema::new(fields))
    }
}

impl Kind {
    /// The type in Arrow.
    pub fn arrow(self) -> DataType {
        // Never negative, and far below what the type holds.
        let scale = i8::try_from(SCALE).unwrap_or_default();
        match self {
            Self::Text => DataType::Utf8,
            Self::Price => DataType::Decimal128(20, scale),
            Self::Quantity => DataType::Decimal128(38, scale),
            Self::Moment => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::Integer => DataType::Int64,
            Self::Boolean => DataType::Boolean,
        }
    }
}

impl Column {
    /// A column whose values are always there.
    pub(super) const fn known(name: &'static str, kind: Kind, description: &'static str) -> Self {
        Self { name, kind, nullable: false, description }
    }

    /// A column whose values may be unknown.
    pub(super) const fn maybe(name: &'static str, kind: Kind, description: &'static str) -> Self {
        Self { name, kind, nullable: true, description }
    }
}

#[cfg(test)]
mod tests {
    use crate::tables::TABLES;

    #[test]
    fn every_description_holds_together() {
        for table in TABLES {
            let names: Vec<&str> = table.columns.iter().map(|column| column.name).collect();
            for (index, name) in names.iter().enumerate() {
                assert_eq!(table.index(name), Some(index), "{name} is there twice in {}", table.name);
                let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
                assert!(name.bytes().all(plain), "{name}");
            }
            for name in table.order.iter().chain(table.sought) {
                assert!(names.contains(name), "{} has no column {name}", table.name);
            }
            for partition in table.partitions.columns() {
                assert!(
                    !names.contains(partition),
                    "{partition} is a column and a partition of {}",
                    table.name
                );
            }
            let mut packed: Vec<usize> = table.packed().map(|(index, _)| index).collect();
            packed.sort_unstable();
            assert_eq!(packed, (0..names.len()).collect::<Vec<_>>(), "{}", table.name);
            for text in table.columns.iter().map(|column| column.description).chain([table.description]) {
                assert!(!text.is_empty() && !text.ends_with('.') && !text.contains('\''), "{text}");
            }
        }
    }
}
