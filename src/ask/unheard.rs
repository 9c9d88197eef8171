//! A machine that the lake has nothing of: whether that is so, and which one may have been meant.

use std::collections::BTreeSet;

use super::error::AskError;
use crate::base::likeness::nearest;
use crate::lake::store::Store;
use crate::tables::Table;
use crate::tables::definitions::{LIST_PRICES_CURRENT, SPOT_PRICES_DAILY};
use crate::tables::scan::{Condition, Part, Scan, ScanError, Tally};

/// Whether the lake has the machine at all, at whatever time and place.
pub(super) async fn exists(store: &dyn Store, instance_type: &str, tally: &Tally) -> Result<bool, AskError> {
    for table in [&LIST_PRICES_CURRENT, &SPOT_PRICES_DAILY] {
        let scan = Scan::of(table, &["region_id"]).only(Condition::is("instance_type", instance_type));
        let parts = newest_parts(store, &scan, tally).await?;
        let found = scan.gather(store, &parts, tally, |found: &mut bool, _| *found = true).await?;
        if found.contains(&true) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The error that names the machine that may have been meant.
pub(super) async fn unheard(
    store: &dyn Store,
    instance_type: &str,
    tally: &Tally,
) -> Result<AskError, AskError> {
    let mut machines = BTreeSet::new();
    for table in [&LIST_PRICES_CURRENT, &SPOT_PRICES_DAILY] {
        machines.extend(machines_of(store, table, tally).await?);
    }
    let asked = instance_type;
    let same = machines.iter().find(|known| known.eq_ignore_ascii_case(asked)).map(String::as_str);
    let hint = match same.or_else(|| nearest(asked, machines.iter().map(String::as_str))) {
        Some(nearest) => format!("did you mean {nearest}?"),
        None if machines.is_empty() => {
            "crawl prices first, then build the tables: contrail crawler --once".to_owned()
        }
        None => format!("the lake has {} others, such as {}", machines.len(), some_of(&machines)),
    };
    Ok(AskError::Unheard { message: format!("this lake has no prices of {asked}"), hint })
}

fn some_of(machines: &BTreeSet<String>) -> String {
    machines.iter().take(3).cloned().collect::<Vec<_>>().join(", ")
}

async fn machines_of(
    store: &dyn Store,
    table: &'static Table,
    tally: &Tally,
) -> Result<BTreeSet<String>, AskError> {
    let scan = Scan::of(table, &["instance_type"]);
    let parts = newest_parts(store, &scan, tally).await?;
    let found = scan.gather(store, &parts, tally, |found: &mut BTreeSet<String>, row| {
        if let Some(machine) = row.text("instance_type").filter(|machine| !found.contains(*machine)) {
            found.insert(machine.to_owned());
        }
    });
    Ok(found.await?.into_iter().flatten().collect())
}

/// The objects of the newest day, or all objects of a table that is not cut by days.
async fn newest_parts(store: &dyn Store, scan: &Scan, tally: &Tally) -> Result<Vec<Part>, AskError> {
    let parts = match scan.parts(store, tally).await {
        Err(ScanError::NotBuilt { .. }) => return Ok(Vec::new()),
        parts => parts?,
    };
    let newest = parts.iter().filter_map(Part::day).max();
    Ok(parts.into_iter().filter(|part| part.day() == newest).collect())
}
