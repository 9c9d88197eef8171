//! What the lake already holds of a day, so that an audit keeps only what it lacks.

use std::collections::HashSet;
use std::io;

use super::{identity, region_of};
use crate::base::error::{Hinted as _, one_line};
use crate::lake::interval::Interval;
use crate::lake::key::Key;
use crate::lake::read_back::{AtMost, Lines, ReadBackError, TakeRow, read_back};
use crate::lake::slice::{Slice, Stream};
use crate::lake::store::{StoreError, StoreErrorKind};
use crate::sources::{FetchContext, FetchError, FetchErrorKind};

/// No hour of a region comes near this, before gzip: an object that is longer is none of ours, whatever it was
/// before it was packed.
const MAX_OBJECT_BYTES: u64 = 4 << 30;

/// The identities of all rows in the windows of `day`. Fails when one of them cannot be read: an audit that
/// misses rows would store them twice.
pub async fn held(
    stream: &Stream,
    day: Interval,
    context: &FetchContext,
) -> Result<HashSet<u128>, FetchError> {
    let region = region_of(stream)?;
    let mut held = HashSet::new();
    for span in context.grid.windows(day.from(), day.to()) {
        let key = Key::raw(&Slice::Window { stream: stream.clone(), span });
        let rows = Rows { region: region.to_owned(), held };
        held = read_into(rows, &key, context).await?.held;
    }
    Ok(held)
}

/// Takes in the rows of one object.
async fn read_into(rows: Rows, key: &Key, context: &FetchContext) -> Result<Rows, FetchError> {
    let broken = |error: io::Error| {
        FetchError::upstream(format!("failed to read back {key}: {}", one_line(&error)))
            .with_hint("restore the object from a backup: nothing but Contrail should write there")
    };
    let sink = AtMost::new(MAX_OBJECT_BYTES, Lines::new(rows));
    let read = read_back(context.store.as_ref(), key, sink).await.map_err(|error| match error {
        ReadBackError::Store(error) => unreadable(key, &error),
        ReadBackError::Payload(error) => broken(error),
    })?;
    read.into_inner().end().map_err(broken)
}

/// Remembers rows.
#[derive(Debug)]
struct Rows {
    region: String,
    held: HashSet<u128>,
}

impl TakeRow for Rows {
    fn row(&mut self, line: &[u8]) -> io::Result<()> {
        let identity = identity::of_line(&self.region, line);
        self.held.insert(identity.ok_or_else(|| io::Error::other("a line is no row"))?.own);
        Ok(())
    }
}

fn unreadable(key: &Key, error: &StoreError) -> FetchError {
    let kind = match error.kind {
        StoreErrorKind::Away => FetchErrorKind::Retry { after: None },
        StoreErrorKind::Config => FetchErrorKind::Config,
        // One object is not as it was put. That is no reason to hold up the other streams.
        StoreErrorKind::Full
        | StoreErrorKind::NotFound
        | StoreErrorKind::Foreign
        | StoreErrorKind::Changed => FetchErrorKind::Upstream,
    };
    let failure = FetchError::new(kind, format!("failed to read back {key}: {}", one_line(error)));
    match error.hint() {
        Some(hint) => failure.with_hint(hint),
        None => failure,
    }
}
