//! What waits for the lake, seen from outside: the spools of all its processes, living and dead. Takes no lock and
//! changes nothing, so it may run beside any of them.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::spool::Spool;
use crate::base::Time;

/// What waits in the spools of one lake.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Finished objects.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// When the oldest of them was finished.
    pub oldest: Option<Time>,
}

impl Backlog {
    /// Looks below `root` for what waits for the lake at the store's `place` with that `origin`.
    pub fn look(root: &Path, place: &str, origin: &str) -> io::Result<Self> {
        let mut backlog = Self::default();
        for process in entries(&Spool::home(root, place, origin))? {
            for file in entries(&process)? {
                if file.extension().is_some_and(|extension| extension == "json") {
                    backlog.add(&file)?;
                }
            }
        }
        Ok(backlog)
    }

    fn add(&mut self, description: &Path) -> io::Result<()> {
        let sizes =
            || Ok((fs::metadata(description.with_extension("body"))?.len(), fs::metadata(description)?));
        let (bytes, described) = match sizes() {
            Ok(sizes) => sizes,
            // It went up this very moment.
            Err(error) if gone(&error) => return Ok(()),
            Err(error) => return Err(error),
        };
        let finished = Time::from(described.modified()?);
        self.objects += 1;
        self.bytes += bytes;
        self.oldest = Some(self.oldest.map_or(finished, |oldest| oldest.min(finished)));
        Ok(())
    }
}

/// What is in a directory; nothing in one that is not there, or is none.
fn entries(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let found = match fs::read_dir(directory) {
        Ok(found) => found,
        Err(error) if gone(&error) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    found.map(|entry| Ok(entry?.path())).collect()
}

fn gone(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Chance;
    use crate::lake::key::Key;

    const KEY: &str = "raw/s/dt=2026-11-21/region=r/20261121T200000Z-20261121T210000Z.ndjson.gz";

    #[test]
    fn what_living_and_dead_processes_hold_is_counted_and_left_alone() {
        let root = tempfile::tempdir().unwrap();
        let look = |url: &str| Backlog::look(root.path(), url, "upstream").unwrap();
        assert_eq!(look("file:///lake"), Backlog::default());

        let now = "2026-11-21T21:10:00Z".parse().unwrap();
        let chance = Chance::seeded(1);
        let identity = Spool::identity("file:///lake", "upstream");
        let open = || Spool::open(root.path(), &identity, 1_000, 6, now, &chance).unwrap().0;
        let (living, dead) = (open(), open());
        for spool in [&living, &dead] {
            spool.keep_bytes(b"{}\n", &Key::parse(KEY).unwrap().0, None).unwrap();
            std::mem::forget(spool.draft().unwrap());
        }
        drop(dead);
        let backlog = look("file:///lake");
        assert_eq!((backlog.objects, backlog.bytes), (2, 6));
        assert!(backlog.oldest.is_some());
        assert_eq!(look("file:///other"), Backlog::default(), "each lake has its own");
        assert_eq!(look("file:///lake"), backlog);
        assert_eq!(living.waiting().count(), 1);
    }
}
