//! The key grammar: the only place that builds or reads a key. A contract with everyone who queries the lake,
//! held by `tests/golden/keys.txt`. Nothing here knows the time or draws a number: a key is a pure function of
//! its slice, or of the part of a table that it holds.
//!
//! ```text
//! raw/<dataset>/dt=YYYY-MM-DD/<part>=<value>/…/<name>.<ext>.gz      one slice
//! tables/<table>/[provider=<p>/]dt=YYYY-MM-DD/<table>.parquet       what one day adds to a table
//! tables/<table>/provider=<p>/service=<s>/<table>.parquet           the newest state of a service
//! _contrail/lake.json                                               what this lake is
//! _contrail/marks/<raw key>.<unchanged|lost>.json                   what a raw key cannot say
//! _contrail/runs/dt=YYYY-MM-DD/<started>-<run>.ndjson.gz            what was tried
//! _contrail/probe                                                   does the store honour If-None-Match?
//! ```

mod table;

use std::fmt;

use chrono::{Datelike as _, NaiveDate, NaiveDateTime};

use super::interval::Interval;
use super::slice::{Format, Slice, Stream, Version};
use crate::base::clock::whole_second;
use crate::base::{Date, Name, Time};

pub use self::table::{TableObject, TablePart};

const MOMENT: &str = "%Y%m%dT%H%M%SZ";
const COMPACT_DAY: &str = "%Y%m%d";
const DAY: &str = "%Y-%m-%d";

/// The path of an object below the lake's root, in the grammar of this module.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(String);

/// The start of keys: what a listing is limited to. Ends in `/`, unless it is nothing at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prefix(String);

/// What a raw key cannot say about its slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mark {
    /// Looked, and it was the same as before.
    Unchanged,
    /// The upstream no longer has it: lost for good.
    Lost,
}

impl Mark {
    /// The word that stands in the key.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged",
            Self::Lost => "lost",
        }
    }
}

/// What a key says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parsed {
    /// The object of a slice.
    Raw(Slice),
    /// A mark about a slice.
    Mark(Slice, Mark),
    /// An object of a table.
    Table(TableObject),
    /// A run log: when the run started and which run it was.
    RunLog(Time, Name),
    /// `_contrail/lake.json`.
    Identity,
    /// `_contrail/probe`.
    Probe,
}

/// The text is no key of a lake.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a key of a Contrail lake")]
pub struct KeyError(String);

impl Key {
    /// The object of a slice.
    pub fn raw(slice: &Slice) -> Self {
        let stream = slice.stream();
        let mut key = format!("raw/{}/dt={}/", stream.dataset(), slice.day().format(DAY));
        for (part, value) in stream.parts() {
            key.push_str(part.as_str());
            key.push('=');
            key.push_str(value.as_str());
            key.push('/');
        }
        key.push_str(&file_name(slice));
        Self(key)
    }

    /// A mark about a slice.
    pub fn mark(slice: &Slice, mark: Mark) -> Self {
        Self(format!("_contrail/marks/{}.{}.json", Self::raw(slice), mark.as_str()))
    }

    /// The log of the run that started then.
    pub fn run_log(started: Time, run: &Name) -> Self {
        Self(format!("_contrail/runs/dt={}/{}-{run}.ndjson.gz", started.format(DAY), started.format(MOMENT)))
    }

    /// An object of a table.
    pub fn table(object: &TableObject) -> Self {
        Self(object.path())
    }

    /// What this lake is.
    pub fn identity() -> Self {
        Self("_contrail/lake.json".to_owned())
    }

    /// Put twice at start to learn how the store treats `If-None-Match`.
    pub fn probe() -> Self {
        Self("_contrail/probe".to_owned())
    }

    /// Reads a key that a store listed. Only what [`Key`] itself would write is accepted.
    pub fn parse(text: &str) -> Result<(Self, Parsed), KeyError> {
        let error = || KeyError(text.chars().take(200).collect());
        let parsed = parse(text).ok_or_else(error)?;
        let key = match &parsed {
            Parsed::Raw(slice) => Self::raw(slice),
            Parsed::Mark(slice, mark) => Self::mark(slice, *mark),
            Parsed::Table(object) => Self::table(object),
            Parsed::RunLog(started, run) => Self::run_log(*started, run),
            Parsed::Identity => Self::identity(),
            Parsed::Probe => Self::probe(),
        };
        // One spelling for each slice: `dt` must be the slice's own day, numbers must be padded, and so on.
        if key.0 == text { Ok((key, parsed)) } else { Err(error()) }
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the object under the key is derived from others, and may therefore be replaced.
    pub fn is_derived(&self) -> bool {
        self.0.starts_with(table::ROOT)
    }

    /// The media type of the object under the key.
    pub fn content_type(&self) -> &'static str {
        match self.0.rsplit_once('.') {
            Some((_, "gz")) => "application/gzip",
            Some((_, "json")) => "application/json",
            Some((_, "parquet")) => "application/vnd.apache.parquet",
            _ => "application/octet-stream",
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Prefix {
    /// Every raw object of a dataset.
    pub fn raw(dataset: &Name) -> Self {
        Self(format!("raw/{dataset}/"))
    }

    /// The raw objects of one day of a dataset.
    pub fn raw_day(dataset: &Name, day: Date) -> Self {
        Self(format!("raw/{dataset}/dt={}/", day.format(DAY)))
    }

    /// Every mark of a dataset.
    pub fn marks(dataset: &Name) -> Self {
        Self(format!("_contrail/marks/raw/{dataset}/"))
    }

    /// Every run log.
    pub fn runs() -> Self {
        Self("_contrail/runs/".to_owned())
    }

    /// Everything that Contrail keeps about itself in the lake.
    pub fn system() -> Self {
        Self("_contrail/".to_owned())
    }

    /// Everything there is.
    pub fn everything() -> Self {
        Self(String::new())
    }

    /// Every raw object of every dataset.
    pub fn all_raw() -> Self {
        Self("raw/".to_owned())
    }

    /// Every object of a table.
    pub fn table(table: &Name) -> Self {
        Self(format!("{}{table}/", table::ROOT))
    }

    /// Every object of every table.
    pub fn all_tables() -> Self {
        Self(table::ROOT.to_owned())
    }

    /// The folder directly below this one that `key` lies in; `None` when it lies in none.
    pub fn folder_of(&self, key: &str) -> Option<Self> {
        let (name, _) = key.strip_prefix(&self.0)?.split_once('/')?;
        Some(Self(format!("{}{name}/", self.0)))
    }

    /// The last part of the prefix: the name of the folder that it is.
    pub fn name(&self) -> &str {
        let path = self.0.strip_suffix('/').unwrap_or(&self.0);
        path.rsplit_once('/').map_or(path, |(_, name)| name)
    }

    /// The prefix as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn file_name(slice: &Slice) -> String {
    let extension = slice.format().extension();
    match slice {
        Slice::Window { span, .. } => {
            format!("{}-{}.{extension}.gz", span.from().format(MOMENT), span.to().format(MOMENT))
        }
        Slice::Audit { day, .. } => {
            let next = day.succ_opt().unwrap_or(*day);
            format!("{}-{}.late.{extension}.gz", day.format(COMPACT_DAY), next.format(COMPACT_DAY))
        }
        Slice::Version { version, .. } => format!("{version}.{extension}.gz"),
        Slice::Slot { at, .. } => format!("{}.{extension}.gz", whole_second(*at).format(MOMENT)),
    }
}

fn parse(text: &str) -> Option<Parsed> {
    if text == "_contrail/lake.json" {
        return Some(Parsed::Identity);
    }
    if text == "_contrail/probe" {
        return Some(Parsed::Probe);
    }
    if let Some(rest) = text.strip_prefix("_contrail/marks/") {
        let (raw, mark) = rest.strip_suffix(".json")?.rsplit_once('.')?;
        let mark = [Mark::Unchanged, Mark::Lost].into_iter().find(|known| known.as_str() == mark)?;
        return Some(Parsed::Mark(parse_raw(raw)?, mark));
    }
    if let Some(rest) = text.strip_prefix("_contrail/runs/") {
        let (_, name) = rest.split_once('/')?;
        let (started, run) = name.strip_suffix(".ndjson.gz")?.split_once('-')?;
        return Some(Parsed::RunLog(parse_moment(started)?, Name::new("run", run).ok()?));
    }
    if let Some(rest) = text.strip_prefix(table::ROOT) {
        return TableObject::parse(rest).map(Parsed::Table);
    }
    parse_raw(text).map(Parsed::Raw)
}

fn parse_raw(text: &str) -> Option<Slice> {
    let mut segments = text.strip_prefix("raw/")?.split('/');
    let dataset = segments.next()?;
    segments.next()?.strip_prefix("dt=")?;
    let mut parts: Vec<&str> = segments.collect();
    let name = parts.pop()?.strip_suffix(".gz")?;
    let parts = parts.into_iter().map(|part| part.split_once('=')).collect::<Option<Vec<_>>>()?;
    parse_file_name(Stream::new(dataset, &parts).ok()?, name)
}

fn parse_file_name(stream: Stream, name: &str) -> Option<Slice> {
    if let Some(days) = name.strip_suffix(".late.ndjson") {
        let (day, _) = days.split_once('-')?;
        let day = NaiveDate::parse_from_str(day, COMPACT_DAY).ok()?;
        // The key names the next day as well, in four digits for the year.
        return day.succ_opt().filter(|next| next.year() <= 9_999).map(|_| Slice::Audit { stream, day });
    }
    let (stem, format) = if let Some(stem) = name.strip_suffix(".ndjson") {
        (stem, Format::Ndjson)
    } else {
        (name.strip_suffix(".json")?, Format::Json)
    };
    if let Some((from, to)) = stem.split_once('-') {
        let span = Interval::new(parse_moment(from)?, parse_moment(to)?)?;
        return Some(Slice::Window { stream, span });
    }
    if let Some(at) = parse_moment(stem) {
        return Some(Slice::Slot { stream, at, format });
    }
    Version::new(stem).ok().map(|version| Slice::Version { stream, version })
}

fn parse_moment(text: &str) -> Option<Time> {
    NaiveDateTime::parse_from_str(text, MOMENT).ok().map(|time| time.and_utc())
}

#[cfg(test)]
mod tests;
