//! What the lake has that tables are made of: raw objects, the marks beside them and the run logs, as listings tell.

use std::collections::BTreeMap;

use futures::{StreamExt as _, TryStreamExt as _};

use crate::base::{Date, Name, Time};
use crate::lake::key::{Key, Mark, Parsed, Prefix};
use crate::lake::slice::Slice;
use crate::lake::store::{ETag, Listed, Store, StoreError};

/// How many listings are under way at once.
const CONCURRENT_LISTINGS: usize = 16;

/// An object that tables are made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawObject {
    /// Its key.
    pub key: Key,
    /// What it is a piece of.
    pub slice: Slice,
    /// Which bytes it holds.
    pub etag: ETag,
    /// How many they are, gzipped.
    pub bytes: u64,
}

/// A log of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogObject {
    /// Its key.
    pub key: Key,
    /// When the run started.
    pub started: Time,
    /// Which bytes it holds.
    pub etag: ETag,
}

/// Everything that tables are made of.
#[derive(Debug, Clone, Default)]
pub struct Holdings {
    /// The raw objects of each dataset, in the order of their keys.
    pub raw: BTreeMap<Name, Vec<RawObject>>,
    /// What marks say.
    pub marks: Vec<(Slice, Mark)>,
    /// The run logs, in the order of their keys.
    pub logs: Vec<LogObject>,
}

impl Holdings {
    /// Lists the lake. With `since`, datasets whose slices are windows (`is_windows`) and run logs are listed from that
    /// day on: they have many objects a day, and no table of a later day is made of them.
    pub async fn list(
        store: &dyn Store,
        since: Option<Date>,
        is_windows: impl Fn(&str) -> bool,
    ) -> Result<Self, StoreError> {
        let is_wanted = |folder: &Prefix| match (since, folder.name().strip_prefix("dt=")) {
            (Some(since), Some(day)) => day.parse::<Date>().is_ok_and(|day| day >= since),
            _ => true,
        };
        let mut prefixes = vec![];
        for dataset in store.folders(&Prefix::all_raw()).await? {
            let Ok(name) = Name::new("dataset", dataset.name()) else { continue };
            prefixes.push(Prefix::marks(&name));
            if is_windows(dataset.name()) {
                prefixes.extend(store.folders(&dataset).await?.into_iter().filter(is_wanted));
            } else {
                prefixes.push(dataset);
            }
        }
        prefixes.extend(store.folders(&Prefix::runs()).await?.into_iter().filter(is_wanted));
        let listed: Vec<Vec<Listed>> = futures::stream::iter(prefixes)
            .map(|prefix| store.list(&prefix).try_collect())
            .buffered(CONCURRENT_LISTINGS)
            .try_collect()
            .await?;
        let mut holdings = Self::default();
        listed.into_iter().flatten().for_each(|listed| holdings.add(listed));
        for objects in holdings.raw.values_mut() {
            objects.sort_by(|one, other| one.key.cmp(&other.key));
        }
        holdings.logs.sort_by(|one, other| one.key.cmp(&other.key));
        Ok(holdings)
    }

    fn add(&mut self, Listed { key, bytes, etag }: Listed) {
        // What is none of ours makes no table; `verify` names such objects.
        let Ok((key, parsed)) = Key::parse(&key) else { return };
        match parsed {
            Parsed::Raw(slice) => {
                let dataset = slice.stream().dataset().clone();
                self.raw.entry(dataset).or_default().push(RawObject { key, slice, etag, bytes });
            }
            Parsed::Mark(slice, mark) => self.marks.push((slice, mark)),
            Parsed::RunLog(started, _) => self.logs.push(LogObject { key, started, etag }),
            Parsed::Identity | Parsed::Probe | Parsed::Table(_) => {}
        }
    }

    /// The logs of the runs that started on a day.
    pub fn logs_of(&self, day: Date) -> &[LogObject] {
        // A key begins with its day, so that they stand together.
        let start = self.logs.partition_point(|log| log.started.date_naive() < day);
        let end = self.logs.partition_point(|log| log.started.date_naive() <= day);
        self.logs.get(start..end).unwrap_or_default()
    }

    /// The raw objects of a dataset.
    pub fn of(&self, dataset: &str) -> &[RawObject] {
        self.raw.iter().find(|(name, _)| name.as_str() == dataset).map_or(&[], |(_, objects)| objects)
    }
}
