//! Writes the rows of a listing that belong to a slice into its draft, each once, as they came.

use std::collections::HashSet;
use std::io;
use std::sync::Arc;

use super::carry_over::Span;
use super::client::Zones;
use super::identity;
use super::rows::Row;
use super::watch::Watch;
use crate::base::Time;
use crate::lake::draft::Draft;
use crate::sources::Warnings;

/// A slice that is being collected.
#[derive(Debug)]
pub(super) struct Collector {
    draft: Draft,
    region: String,
    span: Span,
    held: HashSet<u128>,
    zones: Option<Arc<Zones>>,
    missed_a_zone: bool,
    warnings: Warnings,
    watch: Watch,
}

impl Collector {
    /// Collects what lies in `span` and is not among `held` already; it is `now`.
    pub(super) fn new(draft: Draft, region: &str, span: Span, held: HashSet<u128>, now: Time) -> Self {
        let region = region.to_owned();
        let (warnings, watch) = (Warnings::default(), Watch::new(now));
        Self { draft, region, span, held, zones: None, missed_a_zone: false, warnings, watch }
    }

    /// Whether the row tells its zone by the name only, and the ids are not known yet.
    pub(super) fn needs_zones(&self, row: &Row) -> bool {
        self.zones.is_none() && row.lacks_zone_id()
    }

    /// Takes in the ids of the region's zones.
    pub(super) fn learn_zones(&mut self, zones: Arc<Zones>) {
        self.zones = Some(zones);
    }

    /// Whether a row was in a zone that the region's zones do not know.
    pub(super) fn missed_a_zone(&self) -> bool {
        self.missed_a_zone
    }

    /// Writes what of a page belongs here. Costs CPU and waits for the disk.
    pub(super) fn take(mut self, rows: Vec<Row>) -> io::Result<Self> {
        for row in rows {
            self.watch.see(&row, &mut self.warnings);
            // A row that does not say when is kept in the slice that was asked for.
            if row.timestamp().is_none_or(|at| self.span.keeps(at)) {
                self.keep(row)?;
            }
        }
        Ok(self)
    }

    fn keep(&mut self, mut row: Row) -> io::Result<()> {
        let unknown_zone = self.complete_zone(&mut row);
        let line = serde_json::to_vec(&row)?;
        let identity = identity::of_row(&self.region, &row, &line);
        if self.held.contains(&identity.by_name) || !self.held.insert(identity.own) {
            return Ok(());
        }
        if let Some(zone) = unknown_zone {
            self.missed_a_zone = true;
            self.warnings.add(|| format!("the zone {zone:?} is not among the zones of {}", self.region));
        } else if let Some(oddity) = row.oddity() {
            self.warnings.add(|| oddity);
        }
        self.draft.row(&line)
    }

    /// Adds the zone's id where the upstream left it out; gives back the name of a zone that has none.
    fn complete_zone(&self, row: &mut Row) -> Option<String> {
        if !row.lacks_zone_id() {
            return None;
        }
        let name = row.text("AvailabilityZone")?.to_owned();
        let Some(id) = self.zones.as_ref().and_then(|zones| zones.get(&name)) else { return Some(name) };
        row.add_zone_id(id);
        None
    }

    /// The draft, what was odd about its rows, and what the listing shows.
    pub(super) fn into_parts(self) -> (Draft, Warnings, Watch) {
        (self.draft, self.warnings, self.watch)
    }
}
