//! The spool: durable staging on this machine's disk. What is in it survives a restart and a dead store, and
//! goes up later. Never the place where anything is decided.
//!
//! ```text
//! <root>/<lake>/<started>-<pid>-<chance>/     one directory for each process, locked while it lives
//!     lock
//!     000000000007.tmp                        a draft that is being written
//!     000000000007.body                       a finished draft …
//!     000000000007.json                       … and what it is; an entry exists once this file does
//!     20261121T201000Z-3f9a1c2b-<dataset>.run.ndjson
//! ```
//!
//! A process that starts adopts the directories that nobody holds: entries go up from where they lie.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::sync::Notify;

use super::draft::{Draft, FinishedDraft, hex, private, private_file};
use super::key::{Key, Parsed};
use super::meta::ObjectMeta;
use super::room::Room;
use super::run_log::{Attempt, Interrupted};
use crate::base::{Chance, Name, Time};

/// Durable staging for one process.
#[derive(Debug)]
pub struct Spool {
    directory: PathBuf,
    // Held for the locks: while a file is open and locked, its directory belongs to this process.
    locks: Vec<(PathBuf, File)>,
    limit: u64,
    level: u32,
    drafts: Arc<Room>,
    sequence: AtomicU64,
    used: AtomicU64,
    room: Notify,
}

/// Something finished that waits to go up.
#[derive(Debug)]
pub struct Entry {
    /// Where it goes.
    pub key: Key,
    /// What the key says.
    pub parsed: Parsed,
    /// The facts that travel with the object.
    pub meta: ObjectMeta,
    /// The line that the run log gets once it is up, if it stands for a slice.
    pub attempt: Option<Attempt>,
    /// Length of the file in bytes.
    pub stored_bytes: u64,
    body: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct EntryFile {
    key: String,
    meta: ObjectMeta,
    attempt: Option<Attempt>,
}

/// What earlier processes left behind.
#[derive(Debug, Default)]
pub struct Adopted {
    /// Finished entries, oldest first.
    pub entries: Vec<Entry>,
    /// Logs of runs that were killed.
    pub interrupted: Vec<Interrupted>,
}

impl Spool {
    /// What tells the spools of different lakes apart: the [place](super::store::Store::place) of the store, and the
    /// lake's origin.
    pub fn identity(place: &str, origin: &str) -> String {
        format!("{place} {origin}")
    }

    /// The directory below `root` that holds the spools of the processes of one lake.
    pub(super) fn home(root: &Path, place: &str, origin: &str) -> PathBuf {
        root.join(directory_of(&Self::identity(place, origin)))
    }

    /// Opens the spool of the lake `identity` (its address and origin) below `root`, and adopts what dead
    /// processes left. `limit` is its byte budget, `level` the gzip level of drafts.
    pub fn open(
        root: &Path,
        identity: &str,
        limit: u64,
        level: u32,
        now: Time,
        chance: &Chance,
    ) -> io::Result<(Self, Adopted)> {
        let lake = root.join(directory_of(identity));
        private_directory(&lake)?;
        let mut locks = Vec::new();
        let mut adopted = Adopted::default();
        let mut used = 0;
        for directory in sorted_entries(&lake)? {
            let Some(lock) = lock(&directory)? else { continue };
            let before = adopted.entries.len();
            adopt(&directory, &mut adopted)?;
            used += adopted.entries.iter().skip(before).map(|entry| entry.stored_bytes).sum::<u64>();
            locks.push((directory, lock));
        }
        let directory = loop {
            let number = Name::hex(chance.next_u32());
            let name = format!("{}-{}-{number}", now.format("%Y%m%dT%H%M%SZ"), std::process::id());
            let directory = lake.join(name);
            // A process that ends at this very moment may remove the lake's directory, and one that starts may
            // adopt the new directory before it is locked.
            private_directory(&directory)?;
            if let Some(held) = lock(&directory)? {
                locks.push((directory.clone(), held));
                break directory;
            }
        };
        let spool = Self {
            directory,
            locks,
            limit,
            level,
            drafts: Room::beside(limit),
            sequence: AtomicU64::new(0),
            used: AtomicU64::new(used),
            room: Notify::new(),
        };
        Ok((spool, adopted))
    }

    /// This process's own directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The directory that holds the spools of this lake's processes.
    pub fn root(&self) -> &Path {
        self.directory.parent().unwrap_or(&self.directory)
    }

    /// The keys of what is finished and not up yet, oldest first.
    pub fn waiting(&self) -> impl Iterator<Item = Key> {
        let directories = self.locks.iter().map(|(directory, _)| directory);
        let files = directories.flat_map(|directory| sorted_entries(directory).unwrap_or_default());
        let descriptions = files.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
        descriptions.filter_map(|path| read_entry(&path)).map(|entry| entry.key)
    }

    /// Bytes of finished entries that wait to go up.
    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Acquire)
    }

    /// The byte budget.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// Whether the budget is spent.
    pub fn is_full(&self) -> bool {
        self.used() >= self.limit
    }

    /// Waits until the budget has room: this is the back pressure on crawling.
    pub async fn wait_for_room(&self) {
        loop {
            let changed = self.room.notified();
            if !self.is_full() {
                return;
            }
            changed.await;
        }
    }

    /// Starts an empty draft.
    pub fn draft(&self) -> io::Result<Draft> {
        Draft::create(self.path(self.next(), "tmp"), &self.drafts, self.level)
    }

    /// Makes a finished draft an entry. From here on it survives this process.
    #[expect(clippy::needless_pass_by_value, reason = "the draft is used up: its file becomes the entry's")]
    pub fn keep(
        &self,
        draft: FinishedDraft,
        key: &Key,
        meta: ObjectMeta,
        attempt: Option<Attempt>,
    ) -> io::Result<Entry> {
        let number = self.next();
        let body = self.path(number, "body");
        fs::rename(draft.path(), &body)?;
        self.enter(number, body, key, meta, attempt, draft.stored_bytes)
    }

    /// Makes an entry of a few bytes that go up as they are: a mark.
    pub fn keep_bytes(&self, bytes: &[u8], key: &Key, attempt: Option<Attempt>) -> io::Result<Entry> {
        let number = self.next();
        let body = self.path(number, "body");
        write_durably(&body, bytes)?;
        let run = attempt.as_ref().map(|attempt| attempt.run.clone());
        let meta = ObjectMeta { run, ..ObjectMeta::of_bytes(bytes) };
        self.enter(number, body, key, meta, attempt, bytes.len() as u64)
    }

    /// Makes an entry of a run log, gzipped, and removes the file that its lines were appended to. A torn last line
    /// is dropped; `last` is added. `None` when there is no such file.
    pub fn keep_run_log(
        &self,
        appended_to: &Path,
        key: &Key,
        last: Option<&Attempt>,
    ) -> io::Result<Option<Entry>> {
        let mut lines = match File::open(appended_to) {
            Ok(file) => BufReader::new(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut draft = self.draft()?;
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line)? > 0 {
            if let Some(whole) = line.strip_suffix(b"\n") {
                draft.row(whole)?;
            }
            line.clear();
        }
        if let Some(last) = last {
            draft.row(&serde_json::to_vec(last)?)?;
        }
        let finished = draft.finish()?;
        let meta = finished.meta();
        let entry = self.keep(finished, key, meta, None)?;
        fs::remove_file(appended_to)?;
        Ok(Some(entry))
    }

    /// Forgets an entry that is up (or can never go up). Its bytes count as free whatever the disk says of its
    /// files: nothing will take them up any more.
    pub fn remove(&self, entry: &Entry) -> io::Result<()> {
        self.used.fetch_sub(entry.stored_bytes, Ordering::AcqRel);
        self.room.notify_waiters();
        remove_files(&entry.body)
    }

    /// Removes the directories of this process that hold nothing any more. What waits stays, for the next start.
    pub fn close(self) {
        for (directory, lock) in self.locks {
            let left = sorted_entries(&directory).unwrap_or_default();
            if left.iter().all(|path| path.file_name().is_some_and(|name| name == "lock")) {
                // The lock is given up last: nobody may adopt a directory that is being removed.
                let _ = fs::remove_file(directory.join("lock"));
                let _ = fs::remove_dir(&directory);
            }
            drop(lock);
            // The lake's own directory and the root go too, once the last process has left them empty.
            if let Some(lake) = directory.parent().filter(|lake| fs::remove_dir(lake).is_ok()) {
                let _ = lake.parent().map(fs::remove_dir);
            }
        }
    }

    fn enter(
        &self,
        number: u64,
        body: PathBuf,
        key: &Key,
        meta: ObjectMeta,
        attempt: Option<Attempt>,
        stored_bytes: u64,
    ) -> io::Result<Entry> {
        let (key, parsed) = Key::parse(key.as_str()).map_err(io::Error::other)?;
        let file = EntryFile { key: key.as_str().to_owned(), meta, attempt };
        if let Err(error) = self.describe(number, &file) {
            // On a full disk the bytes of what cannot become an entry are what is needed most.
            remove_files(&body)?;
            return Err(error);
        }
        self.used.fetch_add(stored_bytes, Ordering::AcqRel);
        Ok(Entry { key, parsed, meta: file.meta, attempt: file.attempt, stored_bytes, body })
    }

    fn describe(&self, number: u64, file: &EntryFile) -> io::Result<()> {
        let temporary = self.path(number, "json.tmp");
        write_durably(&temporary, &serde_json::to_vec(file)?)?;
        fs::rename(&temporary, self.path(number, "json"))?;
        sync_directory(&self.directory)
    }

    fn next(&self) -> u64 {
        self.sequence.fetch_add(1, Ordering::Relaxed)
    }

    fn path(&self, number: u64, extension: &str) -> PathBuf {
        self.directory.join(format!("{number:012}.{extension}"))
    }
}

impl Entry {
    /// The file that goes up.
    pub fn body(&self) -> &Path {
        &self.body
    }
}

fn directory_of(identity: &str) -> String {
    hex(&Sha256::digest(identity.as_bytes())).chars().take(16).collect()
}

/// Takes the directory for this process, unless a living process holds it.
fn lock(directory: &Path) -> io::Result<Option<File>> {
    let path = directory.join("lock");
    let file = match private(File::options().create(true).append(true)).open(&path) {
        Ok(file) => file,
        // Its owner is just removing it, or it is no directory at all.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    match file.try_lock() {
        // Its owner may have removed it between the two steps, and another process may have made it anew.
        Ok(()) => Ok(is_at(&file, &path)?.then_some(file)),
        Err(fs::TryLockError::WouldBlock) => Ok(None),
        Err(fs::TryLockError::Error(error)) => Err(unlockable(&error)),
    }
}

/// Whether the open file is the one that the path leads to now.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    let held = file.metadata()?;
    match fs::metadata(path) {
        Ok(there) => Ok((there.dev(), there.ino()) == (held.dev(), held.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Without locks two processes would take up each other's work.
fn unlockable(error: &io::Error) -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, format!("its file system does not lock files: {error}"))
}

/// Finds what a dead process finished, and sweeps what it did not.
fn adopt(directory: &Path, adopted: &mut Adopted) -> io::Result<()> {
    for path in sorted_entries(directory)? {
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        match extension {
            "json" => {
                if let Some(entry) = read_entry(&path) {
                    adopted.entries.push(entry);
                } else {
                    tracing::warn!(file = %path.display(), "left an unreadable entry in the spool");
                }
            }
            "body" if !path.with_extension("json").exists() => remove(&path)?,
            "tmp" => remove(&path)?,
            _ => adopted.interrupted.extend(Interrupted::recognise(&path)),
        }
    }
    Ok(())
}

fn read_entry(description: &Path) -> Option<Entry> {
    let file: EntryFile = serde_json::from_slice(&fs::read(description).ok()?).ok()?;
    let (key, parsed) = Key::parse(&file.key).ok()?;
    let body = description.with_extension("body");
    let stored_bytes = fs::metadata(&body).ok()?.len();
    // A body that was cut would be in the lake for good.
    let expected = file.attempt.as_ref().and_then(|attempt| attempt.stored_bytes);
    if expected.is_some_and(|expected| expected != stored_bytes) {
        return None;
    }
    Some(Entry { key, parsed, meta: file.meta, attempt: file.attempt, stored_bytes, body })
}

fn sorted_entries(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(directory) {
        // Whoever ends as another starts removes what it leaves empty.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

/// Removes the files of an entry. The description first: a body without one is swept, a description without a
/// body would be a fault.
fn remove_files(body: &Path) -> io::Result<()> {
    remove(&body.with_extension("json"))?;
    remove(body)
}

/// Removes a file, unless it has gone already.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Writes a file and sees it onto the disk. A file that cannot be written whole goes away.
fn write_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = private_file(path)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    written.inspect_err(|_| drop(fs::remove_file(path)))
}

/// Makes a directory and those above it that are missing, for their owner alone. What is there stays as it is: a
/// person may have made it, for a group.
fn private_directory(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true);
    // Whoever ends at this moment removes the directories above this one, once they are empty.
    let passes =
        |error: &io::Error| matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::AlreadyExists);
    let mut tries_left = 100;
    loop {
        match builder.create(path) {
            Err(error) if tries_left > 0 && passes(&error) => tries_left -= 1,
            made => return made,
        }
    }
}

fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lake::run_log::RunLog;

    const KEY: &str =
        "raw/aws_spot_prices/dt=2026-11-21/region=r/20261121T200000Z-20261121T210000Z.ndjson.gz";

    fn now() -> Time {
        "2026-11-21T21:10:00Z".parse().unwrap()
    }

    fn open(root: &Path) -> (Spool, Adopted) {
        Spool::open(root, "file:///lake upstream", 1000, 6, now(), &Chance::from_entropy()).unwrap()
    }

    fn keep(spool: &Spool) -> Entry {
        let mut draft = spool.draft().unwrap();
        draft.row(b"{\"a\":1}").unwrap();
        let finished = draft.finish().unwrap();
        let meta = finished.meta();
        spool.keep(finished, &Key::parse(KEY).unwrap().0, meta, None).unwrap()
    }

    /// It went up as it was, and nobody could ever read it.
    #[test]
    fn a_body_that_was_cut_on_the_disk_is_not_taken_up() {
        let root = tempfile::tempdir().unwrap();
        let (spool, _) = open(root.path());
        let mut draft = spool.draft().unwrap();
        draft.row(b"{\"a\":1}").unwrap();
        let finished = draft.finish().unwrap();
        let (key, parsed) = Key::parse(KEY).unwrap();
        let crate::lake::key::Parsed::Raw(slice) = parsed else { panic!() };
        let attempt = Attempt {
            stored_bytes: Some(finished.stored_bytes),
            ..Attempt::at_slice(&Name::hex(1), &slice, now())
        };
        let meta = finished.meta();
        let entry = spool.keep(finished, &key, meta, Some(attempt)).unwrap();
        drop(spool);
        let (spool, adopted) = open(root.path());
        assert_eq!(adopted.entries.len(), 1);
        drop((spool, adopted));
        File::options().write(true).open(entry.body()).unwrap().set_len(7).unwrap();
        assert!(open(root.path()).1.entries.is_empty());
    }

    #[test]
    fn what_a_dead_process_finished_is_adopted_and_the_rest_swept() {
        let root = tempfile::tempdir().unwrap();
        let (spool, adopted) = open(root.path());
        assert!(adopted.entries.is_empty());
        let entry = keep(&spool);
        std::mem::forget(spool.draft().unwrap());
        drop(spool);

        let (spool, adopted) = open(root.path());
        let found = adopted.entries.first().unwrap();
        assert_eq!((found.key.as_str(), &found.meta, adopted.entries.len()), (KEY, &entry.meta, 1));
        assert_eq!(spool.used(), found.stored_bytes);
        spool.remove(found).unwrap();
        assert_eq!(spool.used(), 0);
        spool.close();
        assert!(!root.path().exists(), "nothing is left behind");
    }

    #[test]
    fn what_a_living_process_holds_is_left_alone() {
        let root = tempfile::tempdir().unwrap();
        let (spool, _) = open(root.path());
        keep(&spool);
        let (other, adopted) = open(root.path());
        assert!(adopted.entries.is_empty());
        other.close();
        assert_eq!(fs::read_dir(spool.directory()).unwrap().count(), 3, "body, description and lock");
    }

    #[test]
    fn a_lock_that_was_removed_and_made_anew_is_not_held() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("lock");
        let old = private_file(&path).unwrap();
        assert!(is_at(&old, &path).unwrap());
        fs::remove_file(&path).unwrap();
        assert!(!is_at(&old, &path).unwrap());
        let new = private_file(&path).unwrap();
        assert!(!is_at(&old, &path).unwrap() && is_at(&new, &path).unwrap());
    }

    #[test]
    fn processes_that_start_and_end_at_once_do_not_stumble_over_each_other() {
        let root = tempfile::tempdir().unwrap();
        let spool = root.path().join("spool");
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        open(&spool).0.close();
                    }
                });
            }
        });
        assert!(!spool.exists());
    }

    #[test]
    fn a_file_system_without_locks_is_named() {
        let error = unlockable(&io::Error::other("No locks available (os error 37)"));
        assert_eq!(error.kind(), io::ErrorKind::Unsupported);
        assert!(error.to_string().contains("does not lock files: No locks available"), "{error}");
    }

    #[test]
    fn files_in_the_spool_are_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let root = tempfile::tempdir().unwrap();
        let fresh = root.path().join("made");
        let (spool, _) = open(&fresh);
        keep(&spool);
        let _draft = spool.draft().unwrap();
        let run = Name::hex(7);
        let log = RunLog::new(spool.directory(), run.clone(), "aws_spot_prices", now());
        log.append(&Attempt::at_dataset(&run, "aws_spot_prices", now())).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let files = sorted_entries(spool.directory()).unwrap();
        assert_eq!(files.len(), 5, "lock, body, description, draft and log: {files:?}");
        assert!(files.iter().all(|file| mode(file) == 0o600), "{files:?}");
        for directory in [spool.directory(), spool.root(), &fresh] {
            assert_eq!(mode(directory), 0o700, "{}", directory.display());
        }
    }

    #[test]
    fn what_cannot_become_an_entry_takes_no_room() {
        let root = tempfile::tempdir().unwrap();
        let (spool, _) = open(root.path());
        fs::create_dir(spool.path(0, "json.tmp")).unwrap();
        spool.keep_bytes(b"{}\n", &Key::parse(KEY).unwrap().0, None).unwrap_err();
        assert_eq!(spool.used(), 0);
        assert!(!spool.path(0, "body").exists());
    }

    #[test]
    fn an_entry_whose_files_are_gone_frees_its_bytes_all_the_same() {
        let root = tempfile::tempdir().unwrap();
        let (spool, _) = open(root.path());
        let entry = keep(&spool);
        fs::remove_file(entry.body()).unwrap();
        spool.remove(&entry).unwrap();
        assert_eq!(spool.used(), 0);
    }

    #[tokio::test]
    async fn a_full_spool_holds_crawling_up_until_something_is_gone() {
        let root = tempfile::tempdir().unwrap();
        let (spool, _) = Spool::open(root.path(), "lake", 1, 6, now(), &Chance::seeded(1)).unwrap();
        spool.wait_for_room().await;
        let entry = keep(&spool);
        assert!(spool.is_full());
        let waiting = spool.wait_for_room();
        tokio::pin!(waiting);
        assert!(futures::poll!(waiting.as_mut()).is_pending());
        spool.remove(&entry).unwrap();
        waiting.await;
    }
}
