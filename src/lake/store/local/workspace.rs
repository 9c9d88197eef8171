//! A process's own directory for copies on their way into the lake. A lock, which the system drops with the
//! process, tells the living from the dead: what nobody holds is swept, for it only holds copies.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::base::Chance;
use crate::lake::draft::TemporaryFile;

pub(super) const LOCK: &str = "lock";
const RENAME_LOCK: &str = "rename.lock";

/// A directory that belongs to this owner until it is dropped.
#[derive(Debug)]
pub(super) struct Workspace {
    directory: PathBuf,
    lock: Option<File>,
    files: AtomicU64,
}

impl Workspace {
    /// Makes a directory below `tmp`, which must exist, and sweeps those that nobody holds.
    pub(super) fn claim(tmp: &Path) -> io::Result<Self> {
        sweep(tmp)?;
        let chance = Chance::from_entropy();
        loop {
            let name = format!("{}-{:016x}", std::process::id(), chance.next_u64());
            let directory = tmp.join(name);
            match fs::create_dir(&directory) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(error),
            }
            // Another process may sweep the directory before it is locked; then a new one is made.
            if let Some(lock) = lock(&directory)? {
                return Ok(Self { directory, lock: Some(lock), files: AtomicU64::new(0) });
            }
        }
    }

    pub(super) fn exists(&self) -> bool {
        self.directory.is_dir()
    }

    /// A path in the directory that was never handed out before.
    pub(super) fn new_path(&self) -> PathBuf {
        self.directory.join(format!("{}.tmp", self.files.fetch_add(1, Ordering::Relaxed)))
    }

    /// Like [`new_path`](Self::new_path), for a file that goes away with its owner.
    pub(super) fn new_file(&self) -> TemporaryFile {
        TemporaryFile(self.new_path())
    }

    /// The file that serialises renames where links are missing: one for all processes of a lake.
    pub(super) fn rename_lock(&self) -> PathBuf {
        self.directory.with_file_name(RENAME_LOCK)
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        // What cannot be removed now is swept by the next process that opens the lake.
        let _ = clear(&self.directory);
        drop(self.lock.take());
    }
}

/// Takes the lock of a directory that was just made; `None` when a sweep was faster.
fn lock(directory: &Path) -> io::Result<Option<File>> {
    let path = directory.join(LOCK);
    let file = match File::create_new(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    match file.try_lock() {
        Ok(()) => Ok(path.try_exists()?.then_some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        // Without locks nothing can be told to be dead, so nothing is ever swept either.
        Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => Ok(Some(file)),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Removes the directories whose owners are gone.
fn sweep(tmp: &Path) -> io::Result<()> {
    for entry in fs::read_dir(tmp)? {
        let entry = entry?;
        let directory = entry.path();
        if !entry.file_type()?.is_dir() {
            continue;
        }
        match File::open(directory.join(LOCK)) {
            Ok(lock) => {
                if lock.try_lock().is_ok() {
                    tracing::debug!(path = %directory.display(), "swept the copies of a process that is gone");
                    // Another process may be sweeping the same directory.
                    let _ = clear(&directory);
                }
            }
            // Its owner is between making it and locking it, or was killed there: empty either way.
            Err(_) => drop(fs::remove_dir(&directory)),
        }
    }
    Ok(())
}

/// Removes a workspace; the lock goes last, so that a broken-off sweep can be taken up again.
fn clear(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_name() != LOCK {
            fs::remove_file(entry.path())?;
        }
    }
    fs::remove_file(directory.join(LOCK))?;
    fs::remove_dir(directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workspace_is_kept_while_its_owner_lives_and_swept_afterwards() {
        let tmp = tempfile::tempdir().unwrap();
        let living = Workspace::claim(tmp.path()).unwrap();
        fs::write(living.new_path(), b"copy").unwrap();
        // What a killed process leaves: a directory with a copy, whose lock nobody holds.
        let dead = tmp.path().join("1-dead");
        fs::create_dir(&dead).unwrap();
        fs::write(dead.join(LOCK), b"").unwrap();
        fs::write(dead.join("0.tmp"), b"copy").unwrap();
        let unlocked = tmp.path().join("2-unlocked");
        fs::create_dir(&unlocked).unwrap();

        let other = Workspace::claim(tmp.path()).unwrap();
        assert!(living.exists() && other.exists());
        assert!(!dead.exists() && !unlocked.exists());
        assert_eq!(fs::read_dir(&living.directory).unwrap().count(), 2);
        drop((living, other));
        assert_eq!(fs::read_dir(tmp.path()).unwrap().count(), 0);
    }
}
