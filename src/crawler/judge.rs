//! What a slot's payload means in the light of the slots before it. Reads metadata, decides, stores nothing.

use crate::base::Time;
use crate::lake::coverage::{Coverage, Held};
use crate::lake::key::Key;
use crate::lake::meta::ObjectMeta;
use crate::lake::slice::{Slice, Stream};
use crate::lake::store::{Store, StoreError};

/// How many objects are looked at to find a complete one: a quarter of a year of daily slots.
const LOOK_BACK: usize = 90;

/// What to do with a slot's payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Judgement {
    /// The same set of rows as the slot before: a mark says so, and nothing is stored again.
    Unchanged {
        /// The object that has these rows.
        same_as: Key,
    },
    /// Store it. `suspect`: it has fewer than 90 % of the rows of the last complete, unsuspected slot.
    Store {
        /// Whether it looks too small to be the whole truth.
        suspect: bool,
    },
}

/// Judges the payload of the slot of `stream` at `at`, which has `rows` rows and the fingerprint `rows_hash`, if it has one.
pub(super) async fn judge(
    store: &dyn Store,
    coverage: &Coverage,
    stream: &Stream,
    at: Time,
    rows: u64,
    rows_hash: Option<&str>,
) -> Result<Judgement, StoreError> {
    let earlier = coverage.stream(stream).map(|stream| &stream.slots);
    let stored = earlier.into_iter().flat_map(|slots| slots.range(..at).rev());
    let mut newest = true;
    for (at, (_, format)) in stored.filter(|(_, (held, _))| *held == Held::Stored).take(LOOK_BACK) {
        let key = Key::raw(&Slice::Slot { stream: stream.clone(), at: *at, format: *format });
        let is_newest = std::mem::take(&mut newest);
        // Still in the spool: what it holds is not known here, and nothing older is "the one before".
        let Some(meta) = store.head(&key).await? else { continue };
        if is_newest && rows_hash.is_some() && meta.rows_hash.as_deref() == rows_hash {
            return Ok(Judgement::Unchanged { same_as: key });
        }
        if is_sound(&meta) {
            let before = meta.rows.unwrap_or_default();
            return Ok(Judgement::Store { suspect: u128::from(rows) * 10 < u128::from(before) * 9 });
        }
    }
    Ok(Judgement::Store { suspect: false })
}

fn is_sound(meta: &ObjectMeta) -> bool {
    meta.complete != Some(false) && meta.suspect != Some(true)
}
