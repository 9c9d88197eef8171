//! The spool: whether it can be written, and whether there is room for an outage of the lake.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::base::check::Check;
use crate::base::units::ByteSize;
use crate::lake::store::try_writing;

const WRITE: &str = "write";
const ROOM: &str = "room";

/// Tries the spool at `root`, which may hold `limit` bytes. What is not there is not made.
pub async fn spool(root: PathBuf, limit: u64) -> Vec<Check> {
    let examined = tokio::task::spawn_blocking(move || vec![writable(&root), room(&root, limit)]);
    examined.await.unwrap_or_default()
}

/// The nearest directory that is there.
fn existing(root: &Path) -> &Path {
    root.ancestors().find(|directory| directory.exists()).unwrap_or(root)
}

fn writable(root: &Path) -> Check {
    match try_writing(existing(root)) {
        Ok(()) if root.exists() => Check::ok(WRITE, root.display().to_string()),
        Ok(()) => Check::ok(WRITE, format!("{} can be made", root.display())),
        Err(error) => Check::failed(
            WRITE,
            format!("failed to write to {}: {error}", existing(root).display()),
            "let this user write there, or set [lake] spool_dir to a directory that can be written",
        ),
    }
}

fn room(root: &Path, limit: u64) -> Check {
    let (used, free) = match (used(root), free(existing(root))) {
        (Ok(used), Ok(free)) => (used, free),
        (Err(error), _) | (_, Err(error)) => {
            return Check::skipped(ROOM, format!("cannot be told: {error}"));
        }
    };
    let told = format!("{} wait for the lake, of at most {}", ByteSize(used), ByteSize(limit));
    if used >= limit {
        return Check::failed(
            ROOM,
            format!("{told}: crawling waits"),
            "mend the lake so that the spool empties, or raise [lake] spool_limit",
        );
    }
    match free {
        Some(free) if free < limit - used => Check::warning(
            ROOM,
            format!("{told}; the disk has room for {} only", ByteSize(free)),
            "make room, set [lake] spool_dir to a larger disk, or lower [lake] spool_limit",
        ),
        Some(free) => Check::ok(ROOM, format!("{told}; {} of the disk are free", ByteSize(free))),
        None => Check::ok(ROOM, told),
    }
}

/// How many bytes lie below `directory`. What goes away meanwhile counts for nothing.
fn used(directory: &Path) -> io::Result<u64> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    let mut bytes = 0;
    for entry in entries {
        let entry = entry?;
        bytes += match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => used(&entry.path())?,
            Ok(metadata) => metadata.len(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(error) => return Err(error),
        };
    }
    Ok(bytes)
}

/// How many bytes this user may still write to the disk of `directory`; `None` where the system does not tell.
#[cfg(unix)]
fn free(directory: &Path) -> io::Result<Option<u64>> {
    let disk = rustix::fs::statvfs(directory)?;
    Ok(Some(disk.f_bavail.saturating_mul(disk.f_frsize)))
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "as where the system tells")]
fn free(_: &Path) -> io::Result<Option<u64>> {
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::check::Verdict;

    #[tokio::test]
    async fn a_spool_is_tried_and_leaves_nothing_behind() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("state/spool");
        let checks = spool(root.clone(), 1 << 20).await;
        assert_eq!(checks[0].verdict, Verdict::Ok, "{checks:?}");
        assert!(checks[0].found.ends_with("spool can be made"), "{checks:?}");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);

        fs::create_dir_all(root.join("1-process")).unwrap();
        fs::write(root.join("1-process/0.body"), vec![0; 600]).unwrap();
        assert_eq!(room(&root, 601).verdict, Verdict::Ok);
        let full = room(&root, 600);
        assert_eq!(full.verdict, Verdict::Failed);
        assert!(full.found.starts_with("600 B wait for the lake, of at most 600 B"), "{full:?}");
        let small = room(&root, u64::MAX);
        assert_eq!(small.verdict, Verdict::Warning, "no disk is that large: {small:?}");
    }

    #[tokio::test]
    async fn a_spool_below_a_file_cannot_be_written() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        fs::write(&file, "mine").unwrap();
        let checks = spool(file.join("spool"), 1).await;
        assert_eq!(checks[0].verdict, Verdict::Failed);
        assert!(checks[0].hint.as_deref().unwrap().contains("spool_dir"));
        assert_eq!(fs::read_to_string(file).unwrap(), "mine");
    }
}
