//! Listing a directory tree in the order of keys, without holding more of it than one directory a level.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use futures::stream::{self, BoxStream, StreamExt as _};
use tokio::sync::mpsc;

use super::{META, SPOOL, TMP, version};
use crate::base::thread::own_thread;
use crate::lake::key::Prefix;
use crate::lake::store::disk::Disk as _;
use crate::lake::store::{ETag, Listed, StoreError, StoreErrorKind};

/// How far the walk may be ahead of its reader, in entries.
const AHEAD: usize = 1024;

struct Entry {
    /// Below the root; ends in `/` for a directory, so that sorting by it is sorting by key.
    key: String,
    path: PathBuf,
    bytes: u64,
    etag: ETag,
}

/// Why a walk ends early.
enum Stop {
    Trouble(StoreError),
    NobodyListens,
}

/// The regular files below `root`/`prefix` in the byte order of their keys. Files that are neither objects nor
/// marks nor logs (copies on their way, sidecars, waiting drafts, links, names that are no UTF-8) are left out.
pub(super) fn walk(root: PathBuf, prefix: &str) -> BoxStream<'static, Result<Listed, StoreError>> {
    let (sender, mut receiver) = mpsc::channel(AHEAD);
    let start = prefix.to_owned();
    let refused = sender.clone();
    // It waits for its reader, and ends by itself when that is gone.
    let walking = own_thread("local-lake-walk", move || {
        if let Err(Stop::Trouble(error)) = descend(&root.join(&start), &start, &sender) {
            let _ = sender.blocking_send(Err(error));
        }
    });
    if let Err(error) = walking {
        let message = format!("failed to start a thread to list the lake: {error}");
        let _ = refused.try_send(Err(StoreError::new(StoreErrorKind::Away, message)));
    }
    stream::poll_fn(move |context| receiver.poll_recv(context)).boxed()
}

/// The directories directly below `root`/`prefix`, in the byte order of their keys. An empty one counts too.
pub(super) fn folders(root: &Path, prefix: &Prefix) -> Result<Vec<Prefix>, StoreError> {
    let directory = root.join(prefix.as_str());
    let entries = entries(&directory, prefix.as_str()).explain(StoreErrorKind::Away, "list", &directory)?;
    let mut keys: Vec<String> = entries.into_iter().map(|entry| entry.key).collect();
    keys.sort_unstable();
    Ok(keys.iter().filter_map(|key| prefix.folder_of(key)).collect())
}

fn descend(
    directory: &Path,
    prefix: &str,
    sender: &mpsc::Sender<Result<Listed, StoreError>>,
) -> Result<(), Stop> {
    let mut entries =
        entries(directory, prefix).explain(StoreErrorKind::Away, "list", directory).map_err(Stop::Trouble)?;
    entries.sort_unstable_by(|one, two| one.key.cmp(&two.key));
    for entry in entries {
        if entry.key.ends_with('/') {
            descend(&entry.path, &entry.key, sender)?;
        } else {
            let listed = Listed { key: entry.key, bytes: entry.bytes, etag: entry.etag };
            sender.blocking_send(Ok(listed)).map_err(|_| Stop::NobodyListens)?;
        }
    }
    Ok(())
}

fn entries(directory: &Path, prefix: &str) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    let found = match fs::read_dir(directory) {
        Ok(found) => found,
        // Nothing was ever put there, or it went away since its parent was read.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(entries),
        Err(error) => return Err(error),
    };
    for entry in found {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        // Of the entry itself: links are neither files nor directories.
        let metadata = match entry.metadata() {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        let mut key = format!("{prefix}{name}");
        if metadata.is_dir() && ![TMP, META, SPOOL].contains(&key.as_str()) {
            key.push('/');
        } else if !metadata.is_file() {
            continue;
        }
        entries.push(Entry {
            key,
            path: entry.path(),
            bytes: metadata.len(),
            etag: version::etag(&metadata)?,
        });
    }
    Ok(entries)
}
