//! The first look: every key by itself, and what all of them say together.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::TryStreamExt as _;

use super::findings::Findings;
use super::{Options, marks};
use crate::lake::coverage::Coverage;
use crate::lake::grid::Grid;
use crate::lake::interval::IntervalSet;
use crate::lake::key::{Key, Mark, Parsed};
use crate::lake::slice::{Slice, Stream};
use crate::lake::store::{Store, StoreError, StrayKind};
use crate::sources::inspect::DATASETS;

const FOREIGN: &str = "move it out of the lake: nothing but Contrail should write there";

/// What the keys say.
#[derive(Debug)]
pub(super) struct Survey {
    /// What the objects and marks cover, whatever days were asked for.
    pub(super) coverage: Arc<Coverage>,
    /// How many objects are to be looked at.
    pub(super) objects: u64,
    /// How many bytes they have.
    pub(super) bytes: u64,
}

/// Lists the lake and judges its keys.
pub(super) async fn survey(
    store: &dyn Store,
    options: &Options,
    grid: Option<Grid>,
    findings: &Findings,
) -> Result<Survey, StoreError> {
    let mut surveyor = Surveyor {
        options,
        grid,
        findings,
        // Objects only: what marks cover must not hide that an object is missing.
        objects: Coverage::default(),
        spans: BTreeMap::new(),
        marks: Vec::new(),
        count: 0,
        bytes: 0,
    };
    for prefix in options.prefixes() {
        let mut listing = store.list(&prefix);
        while let Some(listed) = listing.try_next().await? {
            surveyor.take(&listed.key, listed.bytes);
        }
    }
    if options.dataset.is_none() {
        let mut strays = store.strays();
        while let Some(stray) = strays.try_next().await? {
            surveyor.stray(&stray.path, stray.kind);
        }
    }
    for (slice, mark) in &surveyor.marks {
        marks::judge(slice, *mark, &surveyor.objects, findings);
    }
    let Surveyor { objects, count, bytes, .. } = surveyor;
    Ok(Survey { coverage: Arc::new(objects), objects: count, bytes })
}

struct Surveyor<'a> {
    options: &'a Options,
    grid: Option<Grid>,
    findings: &'a Findings,
    objects: Coverage,
    spans: BTreeMap<Stream, IntervalSet>,
    marks: Vec<(Slice, Mark)>,
    count: u64,
    bytes: u64,
}

impl Surveyor<'_> {
    fn take(&mut self, key: &str, bytes: u64) {
        let Ok((_, parsed)) = Key::parse(key) else {
            self.findings.fault(key, "it is no object of a lake", FOREIGN);
            return;
        };
        let asked = self.options.holds(&parsed);
        if asked {
            self.count += 1;
            self.bytes += bytes;
        }
        match parsed {
            Parsed::Raw(slice) => {
                let fault = self.fault_of(&slice);
                if let Some((found, hint)) = fault.filter(|_| asked) {
                    self.findings.fault(key, found, hint);
                }
                self.objects.insert(&Parsed::Raw(slice));
            }
            Parsed::Mark(slice, mark) if asked => self.marks.push((slice, mark)),
            _ => {}
        }
    }

    /// What is wrong with a slice by itself, or with the others.
    fn fault_of(&mut self, slice: &Slice) -> Option<(String, &'static str)> {
        let name = slice.stream().dataset().as_str();
        let Some(dataset) = DATASETS.iter().find(|dataset| dataset.id == name) else {
            return Some((
                format!("this release knows no dataset {name}"),
                "verify it with the release that wrote it; if none did, move it out of the lake",
            ));
        };
        let of_windows = matches!(slice, Slice::Window { .. } | Slice::Audit { .. });
        if dataset.windows != of_windows {
            return Some((format!("{} is no slice of {name}", slice.label()), FOREIGN));
        }
        let Slice::Window { stream, span } = slice else { return None };
        let spans = self.spans.entry(stream.clone()).or_default();
        let is_fresh = spans.missing(*span) == [*span];
        spans.insert(*span);
        if self.grid.is_some_and(|grid| !grid.holds(*span)) {
            let overlaps = if is_fresh { "" } else { ", and overlaps another object of its stream" };
            return Some((
                format!("{span} is no window of this lake{overlaps}"),
                "move it out of the lake: the windows of the lake are fetched while the upstream remembers them",
            ));
        }
        (!is_fresh).then(|| {
            let hint = "move the other object out of the lake: this one is a window of the lake";
            (format!("{span} overlaps another object of its stream"), hint)
        })
    }

    fn stray(&self, path: &str, kind: StrayKind) {
        match kind {
            StrayKind::Sidecar => self.findings.fault(
                path,
                "it describes an object that is not there",
                "restore the object from a backup, or remove this file",
            ),
            StrayKind::Copy => self.findings.note(
                path,
                "a crawler that was killed left this copy behind",
                "nothing needs to be done: the next crawler sweeps it",
            ),
            StrayKind::NoFile => {
                self.findings.fault(path, "it is no file with a readable name", FOREIGN);
            }
        }
    }
}
