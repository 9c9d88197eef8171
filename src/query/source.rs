//! What a name in SQL stands for in the lake: a table or a raw dataset, its columns, the columns that stand in keys alone,
//! and the prefixes under which its objects lie. Pure.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef};
use datafusion::scalar::ScalarValue;

use super::error::QueryError;
use super::listing::Part;

use crate::base::clock::midnight;
use crate::base::{Date, Name};
use crate::lake::key::{Key, Parsed, Prefix, TableObject, TablePart};
use crate::lake::slice::Slice;
use crate::lake::store::Listed;
use crate::tables::raw::RawTable;
use crate::tables::{Partitions, Table};

/// The column of the day. It stands in every key but those of the newest state.
pub(super) const DAY: &str = "dt";
/// The column with the key of a raw object.
const SOURCE_KEY: &str = "source_key";

/// What a name in SQL stands for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Source {
    /// A table, in Parquet.
    Table(&'static Table),
    /// A dataset as the upstream sent it.
    Raw(&'static RawTable),
}

impl Source {
    /// The name in SQL.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Table(table) => table.name,
            Self::Raw(raw) => raw.name,
        }
    }

    /// The columns that stand in objects. All may be unknown: an object of an older release has fewer.
    pub(super) fn stored(self) -> SchemaRef {
        let text = |name: String| Field::new(name, DataType::Utf8, true);
        match self {
            Self::Table(table) => Arc::new(Schema::new(
                table
                    .columns
                    .iter()
                    .map(|column| match column.kind.arrow() {
                        // Views of a page's bytes: nothing is copied.
                        DataType::Utf8 => Field::new(column.name, DataType::Utf8View, true),
                        other => Field::new(column.name, other, true),
                    })
                    .collect::<Vec<_>>(),
            )),
            Self::Raw(raw) => Arc::new(Schema::new(raw.columns().map(text).collect::<Vec<_>>())),
        }
    }

    /// The columns that stand in keys, in the order of [`Part::values`].
    pub(super) fn keyed(self) -> Fields {
        let field = |name: &str| {
            let kind = if name == DAY { DataType::Date32 } else { DataType::Utf8 };
            Field::new(name, kind, false)
        };
        match self {
            Self::Table(table) => table.partitions.columns().iter().map(|name| field(name)).collect(),
            Self::Raw(raw) => {
                let names = [DAY].into_iter().chain(raw.parts.iter().copied()).chain([SOURCE_KEY]);
                names.map(field).collect()
            }
        }
    }

    /// All columns: the stored ones, then those of keys.
    pub(super) fn schema(self) -> SchemaRef {
        let (stored, keyed) = (self.stored(), self.keyed());
        let fields = stored.fields().iter().chain(&keyed).cloned();
        Arc::new(Schema::new(fields.collect::<Fields>()))
    }

    /// Under which all of its objects lie.
    pub(super) fn root(self) -> Result<Prefix, QueryError> {
        Ok(match self {
            Self::Table(table) => Prefix::table(&name(table.name)?),
            Self::Raw(raw) => Prefix::raw(&name(raw.dataset)?),
        })
    }

    /// How its objects are cut, below the root.
    pub(super) fn cut(self) -> Cut {
        match self {
            Self::Table(table) => match table.partitions {
                Partitions::Day => Cut::Days { one_each: true },
                Partitions::ProviderDay => Cut::ProviderDays,
                Partitions::ProviderService => Cut::Few,
            },
            Self::Raw(_) => Cut::Days { one_each: false },
        }
    }

    /// Where the objects of a day lie, below the root or below the folder of a provider.
    pub(super) fn day(self, above: &Prefix, day: Date) -> Result<Option<Prefix>, QueryError> {
        let key = match self {
            Self::Raw(raw) => return Ok(Some(Prefix::raw_day(&name(raw.dataset)?, day))),
            Self::Table(table) => {
                let table = name(table.name)?;
                match above.name().strip_prefix("provider=") {
                    Some(provider) => TableObject::provider_day(table, name(provider)?, day),
                    None => TableObject::day(table, day),
                }
            }
        };
        Ok(above.folder_of(Key::table(&key).as_str()))
    }

    /// One of its objects; `None` for what is none.
    pub(super) fn part(self, listed: Listed) -> Option<Part> {
        let (key, parsed) = Key::parse(&listed.key).ok()?;
        let values = match (self, parsed) {
            (Self::Table(table), Parsed::Table(object)) => table_values(table, &object)?,
            (Self::Raw(raw), Parsed::Raw(slice)) => raw_values(raw, &slice, &key)?,
            _ => return None,
        };
        Some(Part { key, bytes: listed.bytes, etag: listed.etag, values })
    }
}

/// How objects are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// Into folders of days, each with one object or with many.
    Days {
        /// Whether a day is one object.
        one_each: bool,
    },
    /// Into folders of providers, and these into days of one object each.
    ProviderDays,
    /// Into a handful of objects.
    Few,
}

fn table_values(table: &Table, object: &TableObject) -> Option<Vec<ScalarValue>> {
    let provider = object.provider().map(|provider| text(provider.as_str()));
    Some(match (table.partitions, object.part()) {
        (Partitions::Day, TablePart::Day(day)) if provider.is_none() => vec![date(*day)],
        (Partitions::ProviderDay, TablePart::Day(day)) => vec![provider?, date(*day)],
        (Partitions::ProviderService, TablePart::Service(service)) => vec![provider?, text(service.as_str())],
        _ => return None,
    })
}

fn raw_values(raw: &RawTable, slice: &Slice, key: &Key) -> Option<Vec<ScalarValue>> {
    let parts = raw.parts.iter().map(|part| slice.stream().part(part).map(text));
    let parts = parts.collect::<Option<Vec<_>>>()?;
    Some([date(slice.day())].into_iter().chain(parts).chain([text(key.as_str())]).collect())
}

fn text(value: &str) -> ScalarValue {
    ScalarValue::Utf8(Some(value.to_owned()))
}

/// Days since 1970, as Arrow counts them.
pub(super) fn date(day: Date) -> ScalarValue {
    let days = midnight(day).timestamp().div_euclid(24 * 60 * 60);
    ScalarValue::Date32(i32::try_from(days).ok())
}

fn name(text: &str) -> Result<Name, QueryError> {
    Name::new("name", text).map_err(|error| QueryError::Broken(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lake::store::ETag;
    use crate::tables::TABLES;
    use crate::tables::raw::RAW_TABLES;

    fn part(source: Source, key: &str) -> Option<Vec<String>> {
        let part = source.part(Listed { key: key.to_owned(), bytes: 1, etag: ETag::new("1") })?;
        Some(part.values.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn keys_hold_the_values_of_the_partition_columns() {
        let [spot, azure] = RAW_TABLES;
        let key =
            "raw/aws_spot_prices/dt=2026-11-21/region=us-east-1/20261121T200000Z-20261121T210000Z.ndjson.gz";
        assert_eq!(part(Source::Raw(spot), key).unwrap(), ["2026-11-21", "us-east-1", key]);
        assert_eq!(part(Source::Raw(azure), key), None, "it has no currency");
        let key = "raw/azure_retail_prices/dt=2026-11-21/currency=USD/price_type=Consumption/20261121T000000Z.ndjson.gz";
        assert_eq!(part(Source::Raw(azure), key).unwrap(), ["2026-11-21", "USD", "Consumption", key]);

        let of = |name: &str| Source::Table(TABLES.into_iter().find(|table| table.name == name).unwrap());
        let days = part(of("spot_prices"), "tables/spot_prices/dt=2026-11-21/spot_prices.parquet");
        assert_eq!(days.unwrap(), ["2026-11-21"]);
        let days =
            part(of("list_prices"), "tables/list_prices/provider=aws/dt=2026-11-21/list_prices.parquet");
        assert_eq!(days.unwrap(), ["aws", "2026-11-21"]);
        let key = "tables/list_prices_current/provider=aws/service=AmazonEC2/list_prices_current.parquet";
        assert_eq!(part(of("list_prices_current"), key).unwrap(), ["aws", "AmazonEC2"]);
        assert_eq!(part(of("spot_prices"), "tables/spot_prices/spot_prices.parquet"), None);
        assert_eq!(part(of("spot_prices"), key), None);
    }

    #[test]
    fn every_name_and_column_is_there_once_and_needs_no_quotes() {
        let sources = TABLES.into_iter().map(Source::Table).chain(RAW_TABLES.into_iter().map(Source::Raw));
        let mut names = std::collections::BTreeSet::new();
        for source in sources {
            assert!(names.insert(source.name()));
            let schema = source.schema();
            let mut columns = std::collections::BTreeSet::new();
            for field in schema.fields() {
                assert!(columns.insert(field.name()), "{} has {} twice", source.name(), field.name());
                assert_eq!(*field.name(), field.name().to_lowercase());
            }
            source.root().unwrap();
        }
    }
}
