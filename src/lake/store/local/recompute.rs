//! The facts of an object whose sidecar is missing, from its bytes: as much of them as the bytes can tell.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use sha2::{Digest, Sha256};

use crate::lake::draft::{fingerprint_of, hex};
use crate::lake::key::Key;
use crate::lake::meta::ObjectMeta;
use crate::lake::slice::Format;
use crate::lake::store::disk::Disk as _;
use crate::lake::store::{StoreError, StoreErrorKind};

/// Reads the object once and says what it holds. [`StoreErrorKind::Foreign`] when it is no whole gzip file.
pub(super) fn recompute(key: &Key, object: &Path) -> Result<ObjectMeta, StoreError> {
    let file = File::open(object).explain(StoreErrorKind::Away, "read", object)?;
    let mut extensions = key.as_str().rsplit('.');
    let facts = match (extensions.next(), extensions.next()) {
        (Some("gz"), Some(inner)) => {
            facts(MultiGzDecoder::new(io::BufReader::new(file)), inner == Format::Ndjson.extension())
        }
        _ => facts(file, false),
    };
    facts.map_err(|error| match error.kind() {
        ErrorKind::InvalidInput | ErrorKind::InvalidData | ErrorKind::UnexpectedEof => {
            let message = format!("{} is damaged: {error}", object.display());
            StoreError::new(StoreErrorKind::Foreign, message)
                .with_hint("move it out of the lake; it is fetched again while the upstream remembers it")
        }
        _ => StoreError::new(StoreErrorKind::Away, format!("cannot read {}: {error}", object.display())),
    })
}

fn facts(mut payload: impl Read, rows: bool) -> io::Result<ObjectMeta> {
    let mut buffer = vec![0; 64 << 10];
    let (mut sha256, mut bytes, mut lines) = (Sha256::new(), 0, Lines::default());
    loop {
        let read = match payload.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let chunk = buffer.get(..read).unwrap_or_default();
        sha256.update(chunk);
        bytes += read as u64;
        if rows {
            lines.add(chunk);
        }
    }
    Ok(ObjectMeta {
        sha256: hex(&sha256.finalize()),
        bytes,
        rows: rows.then_some(lines.count),
        rows_hash: rows.then(|| format!("{:032x}", lines.hash)),
        ..ObjectMeta::default()
    })
}

/// Counts and fingerprints lines as a draft does, without ever holding one.
#[derive(Default)]
struct Lines {
    count: u64,
    hash: u128,
    line: Sha256,
}

impl Lines {
    fn add(&mut self, chunk: &[u8]) {
        for piece in chunk.split_inclusive(|byte| *byte == b'\n') {
            match piece.strip_suffix(b"\n") {
                Some(end) => {
                    self.line.update(end);
                    self.count += 1;
                    self.hash = self.hash.wrapping_add(fingerprint_of(&self.line.finalize_reset()));
                }
                None => self.line.update(piece),
            }
        }
    }
}
