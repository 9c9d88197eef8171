//! The lake: whether its place lets a crawler work, and whether the lake in it is one for this crawler.

use std::sync::Arc;

use crate::base::check::{Check, Verdict};
use crate::lake::identity::{Identity, IdentityError};
use crate::lake::store::Store;

const IDENTITY: &str = "lake.json";

/// What the store says about its place, and what the lake says about itself. `wanted` is the lake that a crawler
/// would make.
pub async fn lake(store: Arc<dyn Store>, wanted: Identity) -> Vec<Check> {
    let mut checks = store.examine().await;
    let first_fails = checks.first().is_some_and(|check| check.verdict == Verdict::Failed);
    checks.push(match Identity::read(store.as_ref()).await {
        Ok(None) => Check::ok(IDENTITY, format!("there is no lake at {} yet", store.url())),
        Ok(Some(found)) => fits(store.as_ref(), &wanted, found),
        // What the store could not do is told already.
        Err(IdentityError::Store(_)) if first_fails => {
            Check::skipped(IDENTITY, "the lake must be readable first")
        }
        Err(error) => Check::of(IDENTITY, &error),
    });
    checks
}

fn fits(store: &dyn Store, wanted: &Identity, found: Identity) -> Check {
    let told =
        format!("{}, made {}, origin {}", store.url(), found.created_at.format("%Y-%m-%d"), found.origin);
    match wanted.admit(store, found) {
        Err(error) => Check::of(IDENTITY, &error),
        Ok(found) if found.spot_window != wanted.spot_window => Check::warning(
            IDENTITY,
            format!("{told}; its spot windows last {}, not {}", found.spot_window, wanted.spot_window),
            format!(
                "set window = \"{}\" in [sources.aws_spot_prices]: it was fixed when the lake was made",
                found.spot_window
            ),
        ),
        Ok(_) => Check::ok(IDENTITY, told),
    }
}
