//! Recorded answers of the real upstreams, which are not part of the project.

use std::io::Read as _;
use std::path::PathBuf;

use super::skip::skipped;

/// The recorded payload at `path`, unpacked when it is gzipped. `None` where there are no recordings:
/// the test says so and has nothing to do.
pub(crate) fn payload(path: &str) -> Option<Vec<u8>> {
    let bytes = std::fs::read(root()?.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    if !bytes.starts_with(b"\x1f\x8b") {
        return Some(bytes);
    }
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(bytes.as_slice()).read_to_end(&mut unpacked).unwrap();
    Some(unpacked)
}

/// The directory `path` of the recorded payloads, or `None` as for [`payload`].
pub(crate) fn directory(path: &str) -> Option<PathBuf> {
    root().map(|root| root.join(path))
}

fn root() -> Option<PathBuf> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/payloads");
    let root = std::env::var_os("CONTRAIL_PAYLOADS").map_or_else(beside, PathBuf::from);
    if root.is_dir() {
        return Some(root);
    }
    skipped(&format!("no recorded payloads at {} (set CONTRAIL_PAYLOADS)", root.display()));
    None
}
