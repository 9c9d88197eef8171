//! Room on disk for what is being built: a directory of this process, locked while it lives. What a killed process left
//! behind is swept by the next one. Nothing in it is ever needed again.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The start of the name of every scratch directory.
const NAME: &str = "scratch-";
/// The file that a living process has locked.
const LOCK: &str = "lock";

/// A directory for temporary files. Clones share it; it goes away with the last one.
#[derive(Debug, Clone)]
pub struct Scratch(Arc<Directory>);

#[derive(Debug)]
struct Directory {
    path: PathBuf,
    parent: PathBuf,
    _lock: File,
}

/// Leaves nothing behind, not even the directory that it was made in if nobody else needs that. What cannot be removed
/// is swept by the next process.
impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
        let _ = fs::remove_dir(&self.parent);
    }
}

impl Scratch {
    /// A scratch directory below `parent`, which is made if it is missing.
    pub fn within(parent: &Path) -> io::Result<Self> {
        let path = make(parent)?;
        sweep(parent);
        let lock = File::create_new(path.join(LOCK))?;
        // A file system that cannot lock lets others sweep what is in use; files that are open stay readable.
        let _ = lock.try_lock();
        Ok(Self(Arc::new(Directory { path, parent: parent.to_owned(), _lock: lock })))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// A file without a name: it is gone when it is closed, or the process killed.
    pub fn nameless(&self) -> io::Result<File> {
        tempfile::tempfile_in(self.path())
    }

    /// A file with a name, which goes away with its owner.
    pub fn named(&self) -> io::Result<tempfile::NamedTempFile> {
        tempfile::NamedTempFile::new_in(self.path())
    }
}

/// A new directory below `parent`, which another process may remove just now because it is empty.
fn make(parent: &Path) -> io::Result<PathBuf> {
    let mut tries = 0;
    loop {
        fs::create_dir_all(parent)?;
        match tempfile::Builder::new().prefix(NAME).tempdir_in(parent) {
            Ok(directory) => return Ok(directory.keep()),
            Err(error) if error.kind() == io::ErrorKind::NotFound && tries < 10 => tries += 1,
            Err(error) => return Err(error),
        }
    }
}

/// Removes what killed processes left. What cannot be removed is in nobody's way.
fn sweep(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    let abandoned = entries.flatten().map(|entry| entry.path()).filter(|path| is_abandoned(path.as_path()));
    for path in abandoned {
        let _ = fs::remove_dir_all(path);
    }
}

/// Whether nobody has locked it. A directory whose lock is not there yet is being made just now.
fn is_abandoned(path: &Path) -> bool {
    let is_ours = path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(NAME));
    is_ours && File::open(path.join(LOCK)).is_ok_and(|lock| lock.try_lock().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_that_is_needed_no_more_goes_away() {
        let parent = tempfile::tempdir().unwrap();
        let place = parent.path().join("state/spool");
        drop(Scratch::within(&place).unwrap());
        assert!(!place.exists() && parent.path().join("state").exists());
    }

    #[test]
    fn what_a_killed_process_left_is_swept_and_what_lives_is_not() {
        let parent = tempfile::tempdir().unwrap();
        let abandoned = parent.path().join("scratch-gone");
        fs::create_dir(&abandoned).unwrap();
        fs::write(abandoned.join(LOCK), "").unwrap();
        fs::write(abandoned.join("run"), "rows").unwrap();
        fs::create_dir(parent.path().join("spool")).unwrap();

        let one = Scratch::within(parent.path()).unwrap();
        let other = Scratch::within(parent.path()).unwrap();
        assert!(!abandoned.exists());
        assert!(one.path().exists() && other.path().exists() && parent.path().join("spool").exists());
        let path = one.path().to_owned();
        drop(one);
        assert!(!path.exists() && parent.path().join("spool").exists());
    }
}
