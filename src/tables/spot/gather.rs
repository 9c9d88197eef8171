//! The rows of raw objects, gathered as pools, and what can only be told once all objects of a day have been seen.

use std::collections::BTreeSet;
use std::io;

use super::pool::{POOLS, Pool};
use super::region_of;
use super::rows;
use crate::base::Time;
use crate::lake::slice::Slice;
use crate::tables::holdings::RawObject;
use crate::tables::packed::Packer;
use crate::tables::problems::Problems;
use crate::tables::sort::Sorter;
use crate::tables::workshop::Payload;

/// What was seen in raw objects beside changes.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Regions and starts of windows that hold rows from before.
    carried: BTreeSet<(String, Time)>,
    /// Regions and names of zones that were told with an id.
    placed: BTreeSet<(String, String)>,
    /// Regions and names of zones that were told without one.
    lone: BTreeSet<(String, String)>,
}

impl Seen {
    /// Takes in what was seen elsewhere.
    pub(super) fn add(&mut self, mut other: Self) {
        self.carried.append(&mut other.carried);
        self.placed.append(&mut other.placed);
        self.lone.append(&mut other.lone);
    }

    /// Whether the window of the region that starts then carried over what was before it.
    pub(super) fn carried_over(&self, region: &str, from: Time) -> bool {
        self.carried.contains(&(region.to_owned(), from))
    }

    /// Whether a pool's changes may stand under another one this day: its zone was told with its id and without.
    pub(super) fn is_ambiguous(&self, pool: &Pool<'_>) -> bool {
        let others = if pool.zone_id.is_some() { &self.lone } else { &self.placed };
        !others.is_empty()
            && pool.zone.is_some_and(|zone| others.contains(&(pool.region_id.to_owned(), zone.to_owned())))
    }
}

/// Pushes the rows of one object.
pub(super) fn decode(
    object: &RawObject,
    payload: &Payload,
    sorter: &mut Sorter,
    problems: &mut Problems,
) -> io::Result<Seen> {
    let region = region_of(&object.slice);
    let starts = match &object.slice {
        Slice::Window { span, .. } => Some(span.from()),
        _ => None,
    };
    let mut packer = Packer::new(&POOLS);
    let mut is_carrying = false;
    let (mut placed, mut lone) = (Vec::new(), Vec::new());
    rows::read(payload.open()?, problems, |row| {
        is_carrying |= starts.is_some_and(|from| row.effective_from < from);
        if let Some(zone) = row.zone {
            let names: &mut Vec<String> = if row.zone_id.is_some() { &mut placed } else { &mut lone };
            // A region has few zones.
            if !names.iter().any(|known| known == zone) {
                names.push(zone.to_owned());
            }
        }
        let pool = Pool {
            instance_type: row.instance_type,
            region_id: region,
            zone_id: row.zone_id,
            zone: row.zone,
            product_description: row.product_description,
            effective_from: Some(row.effective_from),
            unit_price: row.unit_price,
        };
        sorter.push(pool.pack(&mut packer))
    })?;
    let named = |names: Vec<String>| names.into_iter().map(|name| (region.to_owned(), name)).collect();
    let carried = starts.filter(|_| is_carrying).map(|from| (region.to_owned(), from));
    Ok(Seen { carried: carried.into_iter().collect(), placed: named(placed), lone: named(lone) })
}
