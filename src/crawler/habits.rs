//! Remembers what upstreams usually do, stream by stream, so that a change is noticed. While the process lives it
//! remembers what it fetched last; before that, what the newest object of the stream says. Decides nothing.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::TimeDelta;

use super::context::Known;
use crate::lake::coverage::{Held, StreamCoverage};
use crate::lake::grid::Grid;
use crate::lake::key::Key;
use crate::lake::slice::{Slice, Stream};
use crate::lake::store::Store;
use crate::sources::{Fetched, Habits};

/// What was usual when each stream was fetched last. The names of keys sort as time does.
#[derive(Debug, Default)]
pub(super) struct Memory(Mutex<BTreeMap<Stream, (Key, Habits)>>);

impl Memory {
    /// Warns of what has changed since the newest slice before this one. An older slice changes nothing: habits are
    /// those of the present.
    pub(super) async fn compare(
        &self,
        store: &dyn Store,
        known: &Known,
        slice: &Slice,
        fetched: &mut Fetched,
    ) {
        if fetched.habits.is_empty() || matches!(slice, Slice::Audit { .. }) {
            return;
        }
        let stream = slice.stream();
        let remembered = self.lock().get(stream).cloned();
        let before = match remembered {
            Some(remembered) => Some(remembered),
            None => recall(store, known, stream).await,
        };
        let key = Key::raw(slice);
        let habits = std::mem::take(&mut fetched.habits);
        fetched.habits = match before {
            Some((newest, _)) if newest >= key => habits,
            Some((_, before)) => {
                habits.compare(&before, &mut fetched.warnings);
                habits.after(&before)
            }
            None => habits,
        };
        let mut memory = self.lock();
        if memory.get(stream).is_none_or(|(newest, _)| *newest < key) {
            memory.insert(stream.clone(), (key, fetched.habits.clone()));
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Stream, (Key, Habits)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the newest object of the stream says. A store that is away cannot tell, and then nothing is compared.
async fn recall(store: &dyn Store, known: &Known, stream: &Stream) -> Option<(Key, Habits)> {
    let newest = newest(known.stored.stream(stream)?, stream, known.grid)?;
    let key = Key::raw(&newest);
    let meta = store.head(&key).await.inspect_err(|error| {
        tracing::debug!(%error, %stream, "failed to recall what the upstream usually does");
    });
    Some((key, Habits::of_meta(&meta.ok()??)))
}

/// The newest slice that is stored.
fn newest(have: &StreamCoverage, stream: &Stream, grid: Grid) -> Option<Slice> {
    let stream = stream.clone();
    if let Some(end) = have.windows.end() {
        let span = grid.window_at(end - TimeDelta::seconds(1))?;
        return Some(Slice::Window { stream, span });
    }
    if let Some((version, _)) = have.versions.iter().rfind(|(_, held)| **held == Held::Stored) {
        return Some(Slice::Version { stream, version: version.clone() });
    }
    let (at, (_, format)) = have.slots.iter().rfind(|(_, (held, _))| *held == Held::Stored)?;
    Some(Slice::Slot { stream, at: *at, format: *format })
}
