//! A draft: a payload on its way from an upstream into the spool, through sha256 and gzip, never held whole.
//!
//! Writing is synchronous and costs CPU, so it belongs on a blocking thread. A draft that is dropped before it
//! is finished leaves nothing behind.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};
use sha2::{Digest, Sha256};

use super::meta::ObjectMeta;
use super::room::{Metered, Room};

const BUFFER_BYTES: usize = 64 << 10;

/// A payload that is being written.
#[derive(Debug)]
pub struct Draft {
    path: TemporaryFile,
    level: u32,
    room: Arc<Room>,
    // Rows are short, and both sha256 and gzip have a price for each piece that they are given.
    payload: BufWriter<Payload>,
    bytes: u64,
    rows: u64,
    rows_hash: Option<u128>,
}

/// Takes the payload in large pieces.
#[derive(Debug)]
struct Payload {
    sha256: Sha256,
    gzip: GzEncoder<BufWriter<Metered>>,
}

impl Payload {
    /// No name, no time: the same rows give the same bytes.
    fn new(file: File, room: &Arc<Room>, level: u32) -> BufWriter<Self> {
        let file = BufWriter::with_capacity(BUFFER_BYTES, room.meter(file));
        let gzip = GzBuilder::new().mtime(0).write(file, Compression::new(level));
        BufWriter::with_capacity(BUFFER_BYTES, Self { sha256: Sha256::new(), gzip })
    }
}

impl Write for Payload {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.gzip.write(bytes)?;
        self.sha256.update(bytes.get(..written).unwrap_or(bytes));
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.gzip.flush()
    }
}

/// A payload that is complete and safe on disk, still under its temporary name.
#[derive(Debug)]
pub struct FinishedDraft {
    pub(super) path: TemporaryFile,
    /// sha256 of the payload, in lower-case hex.
    pub sha256: String,
    /// Length of the payload in bytes.
    pub bytes: u64,
    /// Length of the gzipped file in bytes.
    pub stored_bytes: u64,
    /// How many rows were written.
    pub rows: u64,
    /// A fingerprint of the set of rows, whatever their order; `None` where nobody compares payloads.
    pub rows_hash: Option<String>,
}

/// A file that goes away with its owner.
#[derive(Debug)]
pub(super) struct TemporaryFile(pub(super) PathBuf);

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        // Already renamed or already gone: both are fine, and the next start sweeps what is left.
        let _ = std::fs::remove_file(&self.0);
    }
}

impl Draft {
    /// Starts an empty draft in a new file in `directory`, which goes away with the draft.
    pub fn temporary(directory: &Path, level: u32) -> io::Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = directory.join(format!("{}-{number}.tmp", std::process::id()));
        Self::create(path, &Room::beside(0), level)
    }

    /// Starts an empty draft in a new file at `path`, which takes its bytes out of `room`.
    pub(super) fn create(path: PathBuf, room: &Arc<Room>, level: u32) -> io::Result<Self> {
        let payload = Payload::new(private_file(&path)?, room, level);
        let (path, room) = (TemporaryFile(path), Arc::clone(room));
        Ok(Self { path, level, room, payload, bytes: 0, rows: 0, rows_hash: Some(0) })
    }

    /// Writes one NDJSON row, which must be one line of JSON without its line break.
    pub fn row(&mut self, json: &[u8]) -> io::Result<()> {
        self.write_all(json)?;
        self.write_all(b"\n")?;
        self.rows += 1;
        self.rows_hash = self.rows_hash.map(|all| all.wrapping_add(fingerprint(json)));
        Ok(())
    }

    /// Says how many rows a payload has that is not written row by row, and what tells it apart from others whatever
    /// their order, where it is compared with the payload before it.
    pub fn set_rows(&mut self, rows: u64, rows_hash: Option<u128>) {
        (self.rows, self.rows_hash) = (rows, rows_hash);
    }

    /// Forgets everything written so far: an attempt broke off and the next one starts from nothing.
    pub fn restart(&mut self) -> io::Result<()> {
        // A new file, not the old one cut short: the old encoder still writes its trailer when it is dropped.
        std::fs::remove_file(&self.path.0)?;
        self.payload = Payload::new(private_file(&self.path.0)?, &self.room, self.level);
        (self.bytes, self.rows, self.rows_hash) = (0, 0, Some(0));
        Ok(())
    }

    /// How many rows were written.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// How long the payload is so far, in bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The fingerprint of the set of rows written so far, whatever their order; `None` where nobody compares payloads.
    pub fn rows_hash(&self) -> Option<String> {
        self.rows_hash.map(rows_hash_text)
    }

    /// Ends the payload and makes it durable on disk.
    pub fn finish(self) -> io::Result<FinishedDraft> {
        let rows_hash = self.rows_hash();
        let Payload { sha256, gzip } = self.payload.into_inner().map_err(io::IntoInnerError::into_error)?;
        let file = gzip.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        Ok(FinishedDraft {
            stored_bytes: file.len()?,
            path: self.path,
            sha256: hex(&sha256.finalize()),
            bytes: self.bytes,
            rows: self.rows,
            rows_hash,
        })
    }
}

/// The verbatim way in: bytes go through as they are, and are no rows.
impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.room.check(self.bytes, bytes.len())?;
        let written = self.payload.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.payload.flush()
    }
}

impl FinishedDraft {
    /// Where the gzipped payload lies.
    pub fn path(&self) -> &Path {
        &self.path.0
    }

    /// The metadata that the payload itself determines.
    pub fn meta(&self) -> ObjectMeta {
        ObjectMeta {
            sha256: self.sha256.clone(),
            bytes: self.bytes,
            rows: Some(self.rows),
            rows_hash: self.rows_hash.clone(),
            ..ObjectMeta::default()
        }
    }
}

/// A fingerprint of a set of rows as metadata have it: 32 hex digits.
pub fn rows_hash_text(rows_hash: u128) -> String {
    format!("{rows_hash:032x}")
}

/// 128 bits of sha256: tells rows apart without keeping them.
pub fn fingerprint(row: &[u8]) -> u128 {
    fingerprint_of(&Sha256::digest(row))
}

/// The fingerprint of a row whose sha256 is `digest`.
pub(super) fn fingerprint_of(digest: &[u8]) -> u128 {
    digest.iter().take(16).fold(0, |all, byte| (all << 8) | u128::from(*byte))
}

/// Bytes as lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Payloads may hold what only their owner should read.
pub(super) fn private_file(path: &Path) -> io::Result<File> {
    private(std::fs::OpenOptions::new().write(true).create(true).truncate(true)).open(path)
}

/// Files that are made with these options are their owner's alone.
pub(super) fn private(options: &mut std::fs::OpenOptions) -> &mut std::fs::OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn draft(directory: &tempfile::TempDir) -> Draft {
        Draft::create(directory.path().join("draft.tmp"), &Room::beside(0), 6).unwrap()
    }

    #[test]
    fn the_same_rows_give_the_same_bytes() {
        let directory = tempfile::tempdir().unwrap();
        let stored = |name: &str| {
            let mut draft = Draft::create(directory.path().join(name), &Room::beside(0), 6).unwrap();
            draft.row(b"{\"a\":1}").unwrap();
            std::fs::read(draft.finish().unwrap().path()).unwrap()
        };
        assert_eq!(stored("one"), stored("two"));
    }

    #[test]
    fn what_went_in_comes_out() {
        let directory = tempfile::tempdir().unwrap();
        let mut draft = draft(&directory);
        draft.row(b"{\"a\":1}").unwrap();
        draft.row(b"{\"b\":2}").unwrap();
        let finished = draft.finish().unwrap();
        let mut text = String::new();
        flate2::read::GzDecoder::new(File::open(finished.path()).unwrap()).read_to_string(&mut text).unwrap();
        assert_eq!(text, "{\"a\":1}\n{\"b\":2}\n");
        assert_eq!((finished.rows, finished.bytes), (2, 16));
        assert_eq!(finished.sha256, hex(&Sha256::digest(text.as_bytes())));
    }

    #[test]
    fn the_rows_hash_does_not_know_order_but_knows_repetition() {
        let directory = tempfile::tempdir().unwrap();
        let hash = |rows: &[&str]| {
            let mut draft = draft(&directory);
            for row in rows {
                draft.row(row.as_bytes()).unwrap();
            }
            draft.rows_hash()
        };
        assert_eq!(hash(&["a", "b"]), hash(&["b", "a"]));
        assert_ne!(hash(&["a", "b"]), hash(&["a", "b", "b"]));
    }

    #[test]
    fn a_restarted_draft_remembers_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let mut draft = draft(&directory);
        draft.row(b"{\"broken\":1}").unwrap();
        draft.restart().unwrap();
        draft.row(b"{\"a\":1}").unwrap();
        let finished = draft.finish().unwrap();
        assert_eq!((finished.rows, finished.bytes), (1, 8));
        let mut text = String::new();
        flate2::read::GzDecoder::new(File::open(finished.path()).unwrap()).read_to_string(&mut text).unwrap();
        assert_eq!(text, "{\"a\":1}\n");
    }

    #[test]
    fn an_abandoned_draft_leaves_no_file() {
        let directory = tempfile::tempdir().unwrap();
        drop(draft(&directory));
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
