//! What differs between the kinds of lists that are published in bulk: where they lie, how their indexes are written, and
//! what a list says of itself.

use std::collections::BTreeSet;

use super::site::Site;
use crate::base::Name;
use crate::base::name::NameError;
use crate::lake::slice::{Stream, Version};
use crate::sources::Dataset;

/// A kind of lists.
#[derive(Debug)]
pub(in crate::sources::aws) struct Kind {
    /// The dataset.
    pub(in crate::sources::aws) dataset: &'static Dataset,
    /// What a list is named by: the part of its stream, the word for people, and, with an `s`, the setting that names them.
    pub(in crate::sources::aws) part: &'static str,
    /// The directory of all lists, `offers`.
    pub(in crate::sources::aws) directory: &'static str,
    /// Where the version index of a list lies, below the list's own directory.
    pub(in crate::sources::aws) version_index: &'static [&'static str],
    /// Reads the offer index, which leads to all lists of a site: their names.
    pub(in crate::sources::aws) names: fn(&[u8], &Site) -> serde_json::Result<BTreeSet<String>>,
    /// Reads a region index.
    pub(in crate::sources::aws) regions: fn(&[u8]) -> serde_json::Result<Vec<RegionEntry>>,
    /// Reads the version index of a list: each version, or what is wrong with its entry. The error is that of the whole.
    pub(in crate::sources::aws) versions: VersionReader,
    /// What the list of that name, in that version and region, says of itself.
    pub(in crate::sources::aws) promises: fn(&Name, &Version, &Name) -> Vec<Promised>,
}

/// Reads a version index.
pub(in crate::sources::aws) type VersionReader =
    fn(&[u8], &Site, &Name) -> serde_json::Result<Result<Vec<Result<Version, String>>, String>>;

/// An entry of a region index.
#[derive(Debug)]
pub(in crate::sources::aws) struct RegionEntry {
    /// What the index calls the entry.
    pub(in crate::sources::aws) key: String,
    /// The region that it says it is of, and the link to its current list; what is wrong with it.
    pub(in crate::sources::aws) found: Result<(String, String), String>,
}

/// A member of a list, and what it must say.
#[derive(Debug)]
pub(in crate::sources::aws) struct Promised {
    /// The member.
    pub(in crate::sources::aws) member: &'static str,
    /// What it must say.
    pub(in crate::sources::aws) value: String,
    /// Whether a list without it is none.
    pub(in crate::sources::aws) is_required: bool,
}

impl Kind {
    /// The series of the list `name` in `region`. Regions of all partitions have different codes, so the partition is not
    /// part of it.
    pub(super) fn stream(&self, name: &Name, region: &Name) -> Result<Stream, NameError> {
        Stream::new(self.dataset.id, &[(self.part, name.as_str()), ("region", region.as_str())])
    }
}
