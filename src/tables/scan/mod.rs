//! Reading tables for questions that are known: what of a table matches a few conditions, reading as little as can be.
//! Which objects: by their keys. Which row groups: by statistics and bloom filter. Which pages: by the page index. Which
//! columns: those that are asked for. Then every row is looked at. Never here: SQL, and what any answer means.

mod columns;
mod condition;
mod error;
mod object;
mod pieces;
mod prune;
#[cfg(test)]
mod tests;

use std::ops::RangeInclusive;

use futures::{StreamExt as _, TryStreamExt as _};

use super::schema::Table;
use crate::base::{Date, Name};
use crate::lake::key::{Key, Parsed, Prefix, TableObject, TablePart};
use crate::lake::store::{ETag, Store};

pub use columns::Row;
pub use condition::Condition;
pub use error::ScanError;
pub use pieces::Tally;

/// How many objects are read side by side.
const CONCURRENT_OBJECTS: usize = 8;

/// A question about one table.
#[derive(Debug, Clone)]
pub struct Scan {
    table: &'static Table,
    columns: Vec<&'static str>,
    conditions: Vec<Condition>,
    days: Option<RangeInclusive<Date>>,
    provider: Option<String>,
}

/// An object of a table, as a listing tells of it.
#[derive(Debug, Clone)]
pub struct Part {
    /// Which part of the table it is.
    pub object: TableObject,
    /// Its key.
    pub key: Key,
    /// Which bytes it holds.
    pub etag: ETag,
    /// How many they are.
    pub bytes: u64,
}

impl Part {
    /// The day that it holds; `None` for an object that is not cut by days.
    pub fn day(&self) -> Option<Date> {
        match self.object.part() {
            TablePart::Day(day) => Some(*day),
            TablePart::Service(_) => None,
        }
    }
}

impl Scan {
    /// What `columns` of `table` say, in all rows.
    pub fn of(table: &'static Table, columns: &[&'static str]) -> Self {
        let columns = columns.to_vec();
        Self { table, columns, conditions: Vec::new(), days: None, provider: None }
    }

    /// Only rows that `condition` admits, too.
    #[must_use]
    pub fn only(mut self, condition: Condition) -> Self {
        self.conditions.push(condition);
        self
    }

    /// Only objects of these days. Objects that are not cut by days are read all the same.
    #[must_use]
    pub fn days(mut self, days: RangeInclusive<Date>) -> Self {
        self.days = Some(days);
        self
    }

    /// Only objects of this provider. Objects that all providers share are read all the same.
    #[must_use]
    pub fn provider(mut self, provider: Option<&str>) -> Self {
        self.provider = provider.map(str::to_owned);
        self
    }

    /// The objects that can hold an answer, in the order of their keys, and of the listing no more. A table of which
    /// there is nothing at all is [`ScanError::NotBuilt`].
    pub async fn parts(&self, store: &dyn Store, tally: &Tally) -> Result<Vec<Part>, ScanError> {
        let mut listing = store.list(&Prefix::table(&self.table_name()?));
        let (mut parts, mut is_built) = (Vec::new(), false);
        while let Some(listed) = listing.try_next().await? {
            // What is none of ours is no part of the table; `verify` names such objects.
            let Ok((key, Parsed::Table(object))) = Key::parse(&listed.key) else { continue };
            is_built = true;
            let part = Part { object, key, etag: listed.etag, bytes: listed.bytes };
            if self.may_hold(&part) {
                parts.push(part);
            }
        }
        tally.listed();
        if is_built {
            return Ok(parts);
        }
        Err(ScanError::NotBuilt { table: self.table.name, url: store.url() })
    }

    fn table_name(&self) -> Result<Name, ScanError> {
        Name::new("table", self.table.name).map_err(|error| ScanError::Broken(error.to_string()))
    }

    fn may_hold(&self, part: &Part) -> bool {
        let day = part.day().zip(self.days.as_ref()).is_none_or(|(day, days)| days.contains(&day));
        let provider = part.object.provider().zip(self.provider.as_ref());
        day && provider.is_none_or(|(provider, asked)| provider.as_str() == asked)
    }

    /// Reads `parts` of the table and has `add` take in each row that matches. Answers what came of each part, in the
    /// order of `parts`; rows of a part come in the table's order. A part that is replaced meanwhile is begun again, so
    /// its answer is always of one object.
    pub async fn gather<A: Default + Send>(
        &self,
        store: &dyn Store,
        parts: &[Part],
        tally: &Tally,
        add: impl Fn(&mut A, &Row<'_>) + Sync,
    ) -> Result<Vec<A>, ScanError> {
        let add = &add;
        let readings: Vec<_> =
            parts.iter().map(|part| object::read(self, store, part.clone(), tally, add)).collect();
        futures::stream::iter(readings).buffered(CONCURRENT_OBJECTS).try_collect().await
    }

    /// Lists and reads at once: everything that `make` makes of the rows that match.
    pub async fn collect<T: Send>(
        &self,
        store: &dyn Store,
        tally: &Tally,
        make: impl Fn(&Row<'_>) -> Option<T> + Sync,
    ) -> Result<Vec<T>, ScanError> {
        let parts = self.parts(store, tally).await?;
        let add = |found: &mut Vec<T>, row: &Row<'_>| found.extend(make(row));
        Ok(self.gather(store, &parts, tally, add).await?.into_iter().flatten().collect())
    }

    /// The columns that must be read: those that are asked for, and those that conditions look at.
    fn read_columns(&self) -> impl Iterator<Item = &'static str> {
        let looked_at = self.conditions.iter().map(Condition::column);
        self.columns.iter().copied().chain(looked_at)
    }
}
