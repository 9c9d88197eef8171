//! How a file gets its name in the lake: whole, durable, and over another one only where that is asked for.

use std::fs::{self, File};
use std::io::{self, BufRead as _, ErrorKind};
use std::path::Path;

use crate::lake::store::disk::Disk as _;
use crate::lake::store::{PutOutcome, StoreError, StoreErrorKind};

/// Writes a new file and makes its bytes durable.
pub(super) fn write_durably<T>(
    path: &Path,
    write: impl FnOnce(&mut File) -> io::Result<T>,
) -> Result<(), StoreError> {
    let written = File::create_new(path).and_then(|mut file| {
        write(&mut file)?;
        file.sync_all()
    });
    written.explain(StoreErrorKind::Away, "write", path)
}

/// Makes the directories between `root`, which must exist, and `path`, each durable in its parent.
pub(super) fn make_parents(root: &Path, path: &Path) -> Result<(), StoreError> {
    let below = path.parent().and_then(|parent| parent.strip_prefix(root).ok()).unwrap_or(Path::new(""));
    let mut directory = root.to_owned();
    for name in below {
        let parent = directory.clone();
        directory.push(name);
        match fs::create_dir(&directory) {
            Ok(()) => sync_directory(&parent).explain(StoreErrorKind::Away, "sync", &parent)?,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => require_directory(&directory)?,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let message = format!("the lake's directory {} is gone", root.display());
                return Err(StoreError::new(StoreErrorKind::Away, message)
                    .with_hint("check that the disk with the lake is mounted"));
            }
            Err(error) => return Err(error).explain(StoreErrorKind::Away, "create", &directory),
        }
    }
    Ok(())
}

/// A listing does not follow links, so what lay behind one would be stored and never seen.
fn require_directory(path: &Path) -> Result<(), StoreError> {
    let metadata = fs::symlink_metadata(path).explain(StoreErrorKind::Away, "look at", path)?;
    if metadata.is_dir() {
        return Ok(());
    }
    Err(StoreError::new(StoreErrorKind::Config, format!("{} is not a directory", path.display()))
        .with_hint("move it out of the lake; links inside a lake are not followed"))
}

/// Gives the file `copy` the name `target` unless that is taken. Durable when it returns.
pub(super) fn publish(copy: &Path, target: &Path, rename_lock: &Path) -> io::Result<PutOutcome> {
    let outcome = match fs::hard_link(copy, target) {
        Ok(()) => PutOutcome::Created,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(PutOutcome::Exists),
        // FAT says "permission denied" for "no links here"; if it means permission, so will the rename.
        Err(error) if matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::PermissionDenied) => {
            rename_if_absent(copy, target, rename_lock)?
        }
        Err(error) => return Err(error),
    };
    if outcome == PutOutcome::Created {
        sync_parent(target)?;
    }
    Ok(outcome)
}

/// Where links are missing: look and rename, one process at a time. Creating the target with `O_EXCL` and
/// writing into it would need no lock, but show readers half an object, and keep it half if we were killed.
fn rename_if_absent(copy: &Path, target: &Path, rename_lock: &Path) -> io::Result<PutOutcome> {
    let _held = lock(rename_lock)?;
    match fs::symlink_metadata(target) {
        Ok(_) => Ok(PutOutcome::Exists),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            fs::rename(copy, target).map(|()| PutOutcome::Created)
        }
        Err(error) => Err(error),
    }
}

/// Waits until no other process holds the lock file `path`; held until what is returned is dropped.
pub(super) fn lock(path: &Path) -> io::Result<File> {
    let lock = File::options().create(true).truncate(false).write(true).open(path)?;
    lock.lock()?;
    Ok(lock)
}

/// Takes a file away, if it is there. Durable when it returns.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Ok(()) => sync_parent(path),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Gives the file `copy` the name `target`, whatever had it. Durable when it returns.
pub(super) fn replace(copy: &Path, target: &Path) -> io::Result<()> {
    fs::rename(copy, target)?;
    sync_parent(target)
}

/// Whether two files hold the same bytes.
pub(super) fn same_bytes(one: &Path, two: &Path) -> io::Result<bool> {
    let (one, two) = (File::open(one)?, File::open(two)?);
    let length = one.metadata()?.len();
    if length != two.metadata()?.len() {
        return Ok(false);
    }
    let (mut one, mut two) = (io::BufReader::new(one), io::BufReader::new(two));
    loop {
        let (left, right) = (one.fill_buf()?, two.fill_buf()?);
        let both = left.len().min(right.len());
        if both == 0 {
            return Ok(left.is_empty() && right.is_empty());
        }
        if left[..both] != right[..both] {
            return Ok(false);
        }
        one.consume(both);
        two.consume(both);
    }
}

fn sync_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), sync_directory)
}

/// Makes the names in a directory durable. Only unix can open a directory to do so.
fn sync_directory(path: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_links_one_of_many_renames_wins_and_nothing_is_overwritten() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        let outcomes: Vec<PutOutcome> = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..16)
                .map(|writer| {
                    let copy = at(&format!("{writer}.tmp"));
                    fs::write(&copy, writer.to_string()).unwrap();
                    let (target, lock) = (at("object"), at("rename.lock"));
                    scope.spawn(move || rename_if_absent(&copy, &target, &lock).unwrap())
                })
                .collect();
            writers.into_iter().map(|writer| writer.join().unwrap()).collect()
        });
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == PutOutcome::Created).count(), 1);
        let winner = outcomes.iter().position(|outcome| *outcome == PutOutcome::Created).unwrap();
        assert_eq!(fs::read_to_string(at("object")).unwrap(), winner.to_string());
    }

    #[test]
    fn files_are_the_same_only_to_the_last_byte() {
        let directory = tempfile::tempdir().unwrap();
        let file = |name: &str, bytes: &[u8]| {
            let path = directory.path().join(name);
            fs::write(&path, bytes).unwrap();
            path
        };
        let one = file("one", b"abc");
        assert!(same_bytes(&one, &file("two", b"abc")).unwrap());
        assert!(!same_bytes(&one, &file("three", b"abd")).unwrap());
        assert!(!same_bytes(&one, &file("four", b"abcd")).unwrap());
    }
}
