//! Recorded upstream payloads, which lie outside of the repository.

use std::path::PathBuf;

/// The directory `part` of the recorded payloads: below `$CONTRAIL_PAYLOADS`, else beside the checkout. Says
/// `SKIPPED` and gives `None` where it is absent.
#[expect(clippy::disallowed_methods, clippy::print_stdout, reason = "tests have no configuration and no log")]
pub(crate) fn directory(part: &str) -> Option<PathBuf> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/payloads");
    let root = std::env::var("CONTRAIL_PAYLOADS").map_or_else(|_| beside(), PathBuf::from);
    let directory = root.join(part);
    if directory.is_dir() {
        return Some(directory);
    }
    println!("SKIPPED: no recorded payloads at {}", directory.display());
    None
}
