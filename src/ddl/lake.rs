//! What has to be known of a lake to tell an engine of it.

use std::fmt;
use std::str::FromStr;

use chrono::{NaiveDate, TimeDelta};
use url::Url;

use super::Engine;
use super::text::folders;
use crate::base::error::Hinted;
use crate::base::{Date, Time};
use crate::tables::Table;
use crate::tables::definitions::{COVERAGE, LIST_PRICES};

/// Clouds whose prices the tables may hold. Partitions of others are found where the lake has them.
pub(super) const PROVIDERS: [&str; 2] = ["aws", "azure"];

/// EC2 remembers 90 days, and a day is begun where they begin.
const FIRST_FILL: TimeDelta = TimeDelta::days(91);

/// Tables with days of price lists, or of what is known of them.
static REACH_BACK: [&str; 2] = [LIST_PRICES.name, COVERAGE.name];

/// Before the first price list: AWS announced them on 9 December 2015. A backfill may reach as far, at any time.
const FIRST_PRICE_LIST: Option<Date> = NaiveDate::from_ymd_opt(2015, 12, 1);

/// A lake, as far as engines are told of it.
#[derive(Debug, Clone)]
pub struct Lake {
    /// Where it is.
    pub place: Place,
    /// What the engine is to call it.
    pub database: Database,
    /// The tables that are asked for.
    pub tables: Vec<Standing>,
    /// Datasets that have raw objects.
    pub raw: Vec<String>,
}

/// Where a lake is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A directory: its absolute path, without a slash at the end.
    Directory(String),
    /// A bucket.
    Bucket {
        /// Its name.
        bucket: String,
        /// What all keys start with, without a slash at either end; empty for the whole bucket.
        prefix: String,
        /// Its region, where that is known.
        region: Option<String>,
        /// The address of a server that speaks S3; `None` for AWS.
        endpoint: Option<Url>,
        /// Whether the bucket is part of the path and not of the host's name.
        path_style: bool,
    },
}

/// How a table stands in a lake.
#[derive(Debug, Clone)]
pub struct Standing {
    /// The table.
    pub table: &'static Table,
    /// A day before which it has nothing and never will.
    pub first_day: Date,
    /// The clouds that its keys name, or may name.
    pub providers: Vec<String>,
    /// Whether it has an object.
    pub is_built: bool,
}

impl Standing {
    /// The table in a lake that was made at `created_at`, with the `oldest` day and the `found` providers of its keys.
    pub fn new(
        table: &'static Table,
        created_at: Time,
        oldest: Option<Date>,
        found: impl IntoIterator<Item = String>,
        is_built: bool,
    ) -> Self {
        let created = created_at.date_naive();
        let first = match FIRST_PRICE_LIST {
            Some(first) if REACH_BACK.contains(&table.name) => first,
            _ => created.checked_sub_signed(FIRST_FILL).unwrap_or(created),
        };
        let mut providers: Vec<String> = PROVIDERS.map(str::to_owned).into_iter().chain(found).collect();
        providers.sort_unstable();
        providers.dedup();
        Self { table, first_day: oldest.map_or(first, |oldest| oldest.min(first)), providers, is_built }
    }
}

impl Place {
    /// Refuses a directory whose path has one of `letters`, which `engine` has no way to write.
    pub(super) fn without(&self, letters: &[char], engine: Engine) -> Result<(), DdlError> {
        let Self::Directory(path) = self else { return Ok(()) };
        match path.chars().find(|letter| letters.contains(letter)) {
            Some(letter) => Err(DdlError::Pattern { engine, path: path.clone(), letter }),
            None => Ok(()),
        }
    }

    /// The address of a folder below the lake, which ends in a slash, with `scheme` for a bucket. A directory is a path.
    pub(super) fn folder(&self, scheme: &str, below: &str) -> String {
        match self {
            Self::Directory(path) => format!("{path}/{below}/"),
            Self::Bucket { bucket, prefix, .. } if prefix.is_empty() => {
                format!("{scheme}://{bucket}/{below}/")
            }
            Self::Bucket { bucket, prefix, .. } => format!("{scheme}://{bucket}/{prefix}/{below}/"),
        }
    }
}

/// The pattern that all keys of a table match, below its folder: `dt=*/spot_prices.parquet`.
pub(super) fn pattern(table: &Table) -> String {
    let any = |_: &str| "*".to_owned();
    format!("{}{}.parquet", folders(table.partitions.columns(), any), table.name)
}

/// The name of a database: a lower-case letter, then lower-case letters, digits and underscores, 63 at most, which is a
/// name in every engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database(String);

/// The text is no [`Database`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be a lower-case letter, then lower-case letters, digits and underscores, 63 at most")]
pub struct DatabaseError;

impl FromStr for Database {
    type Err = DatabaseError;

    fn from_str(text: &str) -> Result<Self, DatabaseError> {
        let begins = text.starts_with(|c: char| c.is_ascii_lowercase());
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if begins && text.len() <= 63 && text.bytes().all(fits) {
            Ok(Self(text.to_owned()))
        } else {
            Err(DatabaseError)
        }
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Database {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why an engine cannot be told of a lake.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DdlError {
    /// The engine reads buckets only.
    #[error("{} cannot read a lake in a directory", .0.name())]
    NeedsBucket(Engine),
    /// The path of the lake would be taken for a pattern.
    #[error("{} takes {letter:?} in the path of the lake, {path}, for more than a letter", .engine.name())]
    Pattern {
        /// The engine.
        engine: Engine,
        /// The path.
        path: String,
        /// The letter.
        letter: char,
    },
}

impl Hinted for DdlError {
    fn hint(&self) -> Option<&str> {
        Some(match self {
            Self::NeedsBucket(_) => {
                "name a lake in a bucket with --lake s3://bucket/prefix, or print the statements of duckdb, clickhouse or spark"
            }
            Self::Pattern { .. } => {
                "make a link to the lake whose path has plain letters only, and name that with --lake"
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::definitions::SPOT_PRICES;

    #[test]
    fn databases_have_names_that_every_engine_takes() {
        for good in ["contrail", "c", "prices_2026"] {
            assert_eq!(good.parse::<Database>().unwrap().as_str(), good);
        }
        for bad in ["", "Contrail", "2026", "_c", "a-b", "a.b", "a'b", "é", &"a".repeat(64)] {
            assert_eq!(bad.parse::<Database>(), Err(DatabaseError), "{bad}");
        }
    }

    #[test]
    fn the_first_day_is_before_everything_that_may_come() {
        let created: Time = "2026-11-21T10:00:00Z".parse().unwrap();
        let first = |table, oldest: Option<&str>| {
            let oldest = oldest.map(|day| day.parse().unwrap());
            Standing::new(table, created, oldest, [], true).first_day.to_string()
        };
        assert_eq!(first(&SPOT_PRICES, None), "2026-08-22");
        assert_eq!(first(&SPOT_PRICES, Some("2026-11-01")), "2026-08-22");
        assert_eq!(first(&SPOT_PRICES, Some("2024-02-29")), "2024-02-29", "a lake that was moved here");
        assert_eq!(first(&LIST_PRICES, Some("2026-11-01")), "2015-12-01", "a backfill may come");
        assert_eq!(first(&LIST_PRICES, Some("2014-01-01")), "2014-01-01");
        assert_eq!(first(&COVERAGE, None), "2015-12-01", "as far as price lists");
    }

    #[test]
    fn clouds_that_the_lake_has_are_told_of() {
        let created: Time = "2026-11-21T10:00:00Z".parse().unwrap();
        let providers = |found: &[&str]| {
            let found = found.iter().map(ToString::to_string);
            Standing::new(&LIST_PRICES, created, None, found, true).providers
        };
        assert_eq!(providers(&["azure"]), ["aws", "azure"]);
        assert_eq!(providers(&["gcp", "aws"]), ["aws", "azure", "gcp"]);
    }
}
