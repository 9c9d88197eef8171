//! Looks at a lake for what engines are told of it: which tables are built, since when, of which clouds. Reads names of
//! folders, one listing for each, and no object. Never here: SQL.

use super::lake::Standing;
use crate::base::{Date, Name, Time};
use crate::lake::key::Prefix;
use crate::lake::store::{Store, StoreError, StoreErrorKind};
use crate::tables::{Partitions, Table};

/// How `tables` stand in the lake, which was made at `created_at`, and which datasets have raw objects.
pub async fn describe(
    store: &dyn Store,
    created_at: Time,
    tables: &[&'static Table],
) -> Result<(Vec<Standing>, Vec<String>), StoreError> {
    let mut standings = Vec::new();
    for table in tables {
        standings.push(standing(store, created_at, table).await?);
    }
    let raw = store.folders(&Prefix::all_raw()).await?;
    Ok((standings, raw.iter().map(|folder| folder.name().to_owned()).collect()))
}

async fn standing(
    store: &dyn Store,
    created_at: Time,
    table: &'static Table,
) -> Result<Standing, StoreError> {
    let name = Name::new("table", table.name)
        .map_err(|error| StoreError::new(StoreErrorKind::Config, error.to_string()))?;
    let folders = store.folders(&Prefix::table(&name)).await?;
    let (mut days, mut providers) = (Vec::new(), Vec::new());
    match table.partitions {
        Partitions::Day => days.extend(folders.iter().filter_map(day)),
        Partitions::ProviderDay | Partitions::ProviderService => {
            for folder in &folders {
                providers.extend(folder.name().strip_prefix("provider=").map(str::to_owned));
                if table.partitions == Partitions::ProviderDay {
                    days.extend(store.folders(folder).await?.iter().filter_map(day));
                }
            }
        }
    }
    Ok(Standing::new(table, created_at, days.into_iter().min(), providers, !folders.is_empty()))
}

fn day(folder: &Prefix) -> Option<Date> {
    folder.name().strip_prefix("dt=")?.parse().ok()
}
