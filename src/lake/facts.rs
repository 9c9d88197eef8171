//! The facts that a payload itself determines, counted while it passes by: for an object whose metadata is missing
//! or in doubt. A [`Draft`](super::draft::Draft) counts the same while it is written.

use sha2::{Digest as _, Sha256};

use super::draft::{fingerprint_of, hex, rows_hash_text};
use super::meta::ObjectMeta;

/// What is known of a payload so far. Holds nothing of it.
#[derive(Debug, Default)]
pub struct Facts {
    sha256: Sha256,
    bytes: u64,
    lines: Option<Lines>,
}

impl Facts {
    /// Of a payload of rows, one a line.
    pub fn of_rows() -> Self {
        Self { lines: Some(Lines::default()), ..Self::default() }
    }

    /// Of a payload that is no rows.
    pub fn of_bytes() -> Self {
        Self::default()
    }

    /// Takes the next piece.
    pub fn add(&mut self, piece: &[u8]) {
        self.sha256.update(piece);
        self.bytes += piece.len() as u64;
        if let Some(lines) = &mut self.lines {
            lines.add(piece);
        }
    }

    /// The facts of the whole.
    pub fn finish(self) -> ObjectMeta {
        ObjectMeta {
            sha256: hex(&self.sha256.finalize()),
            bytes: self.bytes,
            rows: self.lines.as_ref().map(|lines| lines.count),
            rows_hash: self.lines.map(|lines| rows_hash_text(lines.hash)),
            ..ObjectMeta::default()
        }
    }
}

/// Counts and fingerprints lines as a draft does, without ever holding one.
#[derive(Debug, Default)]
struct Lines {
    count: u64,
    hash: u128,
    line: Sha256,
}

impl Lines {
    fn add(&mut self, piece: &[u8]) {
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            match part.strip_suffix(b"\n") {
                Some(end) => {
                    self.line.update(end);
                    self.count += 1;
                    self.hash = self.hash.wrapping_add(fingerprint_of(&self.line.finalize_reset()));
                }
                None => self.line.update(part),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lake::draft::Draft;

    #[test]
    fn they_are_what_the_draft_said_whatever_the_pieces() {
        let directory = tempfile::tempdir().unwrap();
        let rows = ["{\"a\":1}", "{\"b\":\"x\"}", "{}"];
        let mut draft = Draft::temporary(directory.path(), 6).unwrap();
        for row in rows {
            draft.row(row.as_bytes()).unwrap();
        }
        let told = draft.finish().unwrap().meta();
        let text = rows.join("\n") + "\n";
        for length in [1, 3, 100] {
            let mut facts = Facts::of_rows();
            text.as_bytes().chunks(length).for_each(|piece| facts.add(piece));
            assert_eq!(facts.finish(), told, "{length}");
        }
    }
}
