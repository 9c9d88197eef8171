//! What the lake says of looks beside what was seen: when each was, and whether it is sound. Asked once for each object.

use std::collections::{BTreeSet, HashMap};

use futures::{StreamExt as _, TryStreamExt as _};
use serde::Deserialize;

use super::timeline::{Look, Timeline};
use super::workshop::{MakeError, Workshop};
use crate::base::Time;
use crate::lake::key::Key;
use crate::lake::slice::Slice;
use crate::lake::store::{Found, Store, StoreError, StoreErrorKind};

/// How many objects are asked for at once.
const CONCURRENT_LOOKS: usize = 16;
/// A mark is a line of text.
const MAX_MARK_BYTES: usize = 64 << 10;

/// What is known of the objects that were asked for.
#[derive(Debug, Default)]
pub(super) struct Facts {
    objects: HashMap<Key, Fact>,
    marks: HashMap<Key, Option<Time>>,
}

#[derive(Debug, Clone, Copy)]
struct Fact {
    fetched_at: Option<Time>,
    is_sound: bool,
}

/// What a mark says beside its name.
#[derive(Deserialize)]
struct Mark {
    noted_at: Time,
}

impl Facts {
    /// Whether a list says something by what is not in it. A version is a whole document; a slot says itself whether it
    /// is complete and above suspicion. One that was not asked for counts as sound.
    pub(super) fn is_sound(&self, look: &Look<'_>) -> bool {
        !says_itself(look) || self.objects.get(&look.seen.key).is_none_or(|fact| fact.is_sound)
    }

    fn knows(&self, look: &Look<'_>) -> bool {
        self.objects.contains_key(&look.seen.key)
    }

    /// When the look was, as far as is known: else when it was due.
    pub(super) fn moment(&self, look: &Look<'_>) -> Time {
        let known = if look.is_mark() {
            self.marks.get(&look.key()).copied().flatten()
        } else {
            self.objects.get(&look.seen.key).and_then(|fact| fact.fetched_at)
        };
        known.unwrap_or_else(|| look.due())
    }

    /// Learns of the objects of `looks`.
    pub(super) async fn learn(&mut self, looks: &[Look<'_>], workshop: &Workshop) -> Result<(), MakeError> {
        let keys: BTreeSet<Key> =
            looks.iter().filter(|look| !self.knows(look)).map(|look| look.seen.key.clone()).collect();
        for (key, found) in find_each(keys.into_iter().collect(), workshop).await? {
            // One that is gone says nothing. Whoever needs to open it will tell.
            let meta = found.and_then(|found| found.meta).unwrap_or_default();
            let is_sound = meta.complete == Some(true) && meta.suspect != Some(true);
            self.objects.insert(key, Fact { fetched_at: meta.fetched_at, is_sound });
        }
        Ok(())
    }

    /// Learns which looks before `end` are sound, as far back as the window reaches.
    pub(super) async fn look_back(
        &mut self,
        patience: usize,
        timeline: &Timeline<'_>,
        end: usize,
        workshop: &Workshop,
    ) -> Result<(), MakeError> {
        loop {
            let window = timeline.window(end, patience, |look| self.is_sound(look));
            let looks = timeline.looks.get(window).unwrap_or_default();
            if looks.iter().all(|look| self.knows(look) || !says_itself(look)) {
                return Ok(());
            }
            self.learn(looks, workshop).await?;
        }
    }

    /// Learns when a look was that a mark tells of.
    pub(super) async fn read_mark(&mut self, look: &Look<'_>, workshop: &Workshop) -> Result<(), MakeError> {
        let key = look.key();
        if look.is_mark() && !self.marks.contains_key(&key) {
            let noted_at = noted_at(workshop.store.as_ref(), &key).await?;
            self.marks.insert(key, noted_at);
        }
        Ok(())
    }
}

/// What the lake says of objects, in any order.
pub(super) async fn find_each(
    keys: Vec<Key>,
    workshop: &Workshop,
) -> Result<Vec<(Key, Option<Found>)>, StoreError> {
    let asked: Vec<(Key, Workshop)> = keys.into_iter().map(|key| (key, workshop.clone())).collect();
    futures::stream::iter(asked)
        .map(|(key, workshop)| async move {
            let found = workshop.store.find(&key).await?;
            Ok((key, found))
        })
        .buffer_unordered(CONCURRENT_LOOKS)
        .try_collect()
        .await
}

/// Whether a list may say that it is not sound.
pub(super) fn says_itself(look: &Look<'_>) -> bool {
    matches!(look.seen.slice, Slice::Slot { .. })
}

/// `None` for a mark that says nothing readable.
async fn noted_at(store: &dyn Store, key: &Key) -> Result<Option<Time>, MakeError> {
    let mut body = Vec::new();
    let mut pieces = match store.read(key).await {
        Ok(pieces) => pieces,
        Err(error) if error.kind == StoreErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    while let Some(piece) = pieces.try_next().await? {
        if body.len() + piece.len() > MAX_MARK_BYTES {
            return Ok(None);
        }
        body.extend_from_slice(&piece);
    }
    Ok(serde_json::from_slice::<Mark>(&body).ok().map(|mark| mark.noted_at))
}
