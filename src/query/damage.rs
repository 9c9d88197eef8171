//! Which of the objects that a query read is not what was written: for when the engine does not say.

use futures::TryStreamExt as _;
use sha2::{Digest as _, Sha256};

use crate::lake::draft::hex;
use crate::lake::key::Key;
use crate::lake::store::{Store, StoreError};

/// The first of `suspects` whose bytes are not those that its metadata tell of. One that cannot be looked at is passed
/// over. All are Parquet: what is gzipped is read elsewhere, and names itself.
pub(super) async fn find(store: &dyn Store, suspects: Vec<Key>) -> Option<Key> {
    for key in suspects {
        if is_sound(store, &key).await.is_ok_and(|sound| !sound) {
            return Some(key);
        }
    }
    None
}

async fn is_sound(store: &dyn Store, key: &Key) -> Result<bool, StoreError> {
    let Some(meta) = store.head(key).await? else { return Ok(true) };
    let mut object = store.read(key).await?;
    let mut sha256 = Sha256::new();
    while let Some(piece) = object.try_next().await? {
        sha256.update(&piece);
    }
    Ok(hex(&sha256.finalize()) == meta.sha256)
}
