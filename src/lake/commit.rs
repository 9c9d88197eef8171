//! The commit: one entry of the spool becomes one object of the lake, or finds that it is one already.

use super::key::Parsed;
use super::spool::Entry;
use super::store::{PutOutcome, Store, StoreError, StoreErrorKind};

/// What came of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Committed {
    /// The object is there now, put by us.
    Stored,
    /// An object was there before, and stands.
    Exists {
        /// Whether its payload differs from ours: two crawlers saw the upstream a row apart. The first one
        /// stands, and the audit brings what it lacked.
        differs: bool,
    },
}

/// Puts the entry under its key, unless an object is there.
pub async fn commit(store: &dyn Store, entry: &Entry) -> Result<Committed, StoreError> {
    if store.put_if_absent(&entry.key, entry.body(), &entry.meta).await? == PutOutcome::Created {
        return Ok(Committed::Stored);
    }
    let standing = match store.head(&entry.key).await {
        Ok(Some(standing)) => standing,
        // Ours is the only copy now, so it is not given up for an object that nobody can see.
        Ok(None) => {
            let (url, key) = (store.url(), &entry.key);
            let message = format!("{url} says that {key} exists, and then that it does not");
            return Err(StoreError::new(StoreErrorKind::Away, message));
        }
        // Somebody else's object under our key: it stands, and it is not what we have.
        Err(error) if error.kind == StoreErrorKind::Foreign => {
            return Ok(Committed::Exists { differs: true });
        }
        Err(error) => return Err(error),
    };
    let same = standing.sha256 == entry.meta.sha256;
    // What this very run fetched is our own: the answer to an earlier try was lost.
    if same && standing.run.is_some() && standing.run == entry.meta.run {
        return Ok(Committed::Stored);
    }
    // The key of a mark says all that counts; its text only tells who wrote it when.
    Ok(Committed::Exists { differs: !same && !matches!(entry.parsed, Parsed::Mark(..)) })
}
