//! What lies in the directory of a lake and is none of its objects: for `verify`, which names it.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use futures::stream::{self, BoxStream, StreamExt as _};
use tokio::sync::mpsc;

use super::{META, SPOOL, TMP, workspace};
use crate::base::thread::own_thread;
use crate::lake::store::disk::Disk as _;
use crate::lake::store::{StoreError, StoreErrorKind, Stray, StrayKind};

/// How far the walk may be ahead of its reader, in entries.
const AHEAD: usize = 64;

type Sender = mpsc::Sender<Result<Stray, StoreError>>;

/// Nobody listens any more, or there was trouble, which was told.
struct Ended;

/// Everything below `root` that [`list`](super::super::Store::list) leaves out and that has no business there.
pub(super) fn strays(root: PathBuf) -> BoxStream<'static, Result<Stray, StoreError>> {
    let (sender, mut receiver) = mpsc::channel(AHEAD);
    let refused = sender.clone();
    // It waits for its reader, and ends by itself when that is gone.
    let walking = own_thread("local-lake-strays", move || {
        let walk = Walk { root: &root, sender: &sender };
        let _ = walk.descend(Path::new(""), &|_, _| None).and_then(|()| {
            walk.descend(Path::new(META), &sidecar)?;
            walk.copies()
        });
    });
    if let Err(error) = walking {
        let message = format!("failed to start a thread to look through the lake: {error}");
        let _ = refused.try_send(Err(StoreError::new(StoreErrorKind::Away, message)));
    }
    stream::poll_fn(move |context| receiver.poll_recv(context)).boxed()
}

struct Walk<'a> {
    root: &'a Path,
    sender: &'a Sender,
}

impl Walk<'_> {
    /// Tells what is neither a directory nor a file with a readable name, and of each file what `judge` thinks.
    fn descend(&self, below: &Path, judge: &dyn Fn(&Path, &str) -> Option<StrayKind>) -> Result<(), Ended> {
        for entry in self.entries(below)? {
            let path = below.join(entry.file_name());
            let Some(name) = path.to_str() else {
                self.tell(&path, StrayKind::NoFile)?;
                continue;
            };
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => {
                    // These have a way of their own.
                    if ![TMP, META, SPOOL].contains(&name) {
                        self.descend(&path, judge)?;
                    }
                }
                Ok(kind) if kind.is_file() => {
                    if let Some(kind) = judge(self.root, name) {
                        self.tell(&path, kind)?;
                    }
                }
                Ok(_) => self.tell(&path, StrayKind::NoFile)?,
                // It went away meanwhile.
                Err(_) => {}
            }
        }
        Ok(())
    }

    /// The copies of processes that are gone.
    fn copies(&self) -> Result<(), Ended> {
        for entry in self.entries(Path::new(TMP))? {
            let directory = Path::new(TMP).join(entry.file_name());
            if !entry.file_type().is_ok_and(|kind| kind.is_dir()) || is_held(&self.root.join(&directory)) {
                continue;
            }
            for copy in self.entries(&directory)? {
                if copy.file_name() != workspace::LOCK {
                    self.tell(&directory.join(copy.file_name()), StrayKind::Copy)?;
                }
            }
        }
        Ok(())
    }

    fn entries(&self, below: &Path) -> Result<Vec<fs::DirEntry>, Ended> {
        let directory = self.root.join(below);
        let found = fs::read_dir(&directory).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let mut entries = match found {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            Err(error) => {
                let error = Err(error).explain(StoreErrorKind::Away, "list", &directory);
                let _ = self.sender.blocking_send(error);
                return Err(Ended);
            }
        };
        entries.sort_unstable_by_key(fs::DirEntry::file_name);
        Ok(entries)
    }

    fn tell(&self, path: &Path, kind: StrayKind) -> Result<(), Ended> {
        let stray = Stray { path: path.to_string_lossy().into_owned(), kind };
        self.sender.blocking_send(Ok(stray)).map_err(|_| Ended)
    }
}

/// Whether the process that a directory of copies belongs to lives, as far as locks can tell.
fn is_held(directory: &Path) -> bool {
    File::open(directory.join(workspace::LOCK)).is_ok_and(|lock| lock.try_lock().is_err())
}

/// A sidecar is written after its object, so one without is left over from an object that was taken away.
fn sidecar(root: &Path, name: &str) -> Option<StrayKind> {
    let key = name.strip_prefix(META)?.strip_prefix('/')?;
    let object = key.strip_suffix(".json").map(|key| root.join(key));
    object.is_none_or(|object| !object.exists()).then_some(StrayKind::Sidecar)
}
