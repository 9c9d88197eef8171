//! What a probe leaves behind: one of two texts, which the store itself chose by how it treats `If-None-Match`.
//! Whoever reads it later knows, and has to write nothing.

use futures::TryStreamExt as _;

use super::{Conditional, Key, Store, StoreError, StoreErrorKind};

/// Put first. It stands where the condition is honoured.
pub(super) const HONOURED: &[u8] =
    b"This store honours If-None-Match: Contrail put another text after this one, and it was refused.\n";

/// Put second, on the same condition. It stands where the condition is ignored.
pub(super) const IGNORED: &[u8] =
    b"This store ignores If-None-Match: Contrail put another text before this one, and it was replaced.\n";

/// No probe is longer; what is, is none of ours.
const LONGEST: usize = 1_000;

/// Reads what the last probe left; `None` when there was none, or not by this release.
pub(super) async fn read(store: &(impl Store + ?Sized)) -> Result<Option<Conditional>, StoreError> {
    let mut body = match store.read(&Key::probe()).await {
        Ok(body) => body,
        Err(error) if error.kind == StoreErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut text = Vec::new();
    while let Some(chunk) = body.try_next().await? {
        text.extend_from_slice(&chunk);
        if text.len() > LONGEST {
            return Ok(None);
        }
    }
    Ok(match text.as_slice() {
        HONOURED => Some(Conditional::Honoured),
        IGNORED => Some(Conditional::Ignored),
        _ => None,
    })
}
