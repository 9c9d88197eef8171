//! A run: rows in order, in a file that goes away with the last who holds the run. It is open only while it is read, so
//! that hundreds of runs may lie ready. A row is written as what it shares with the one before and what it does not,
//! because neighbours are much alike.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write as _};
use std::sync::Arc;

use tempfile::{NamedTempFile, TempPath};

use super::scratch::Scratch;

const BUFFER_BYTES: usize = 64 << 10;
/// No row is near this long.
const MAX_ROW_BYTES: usize = 16 << 20;

/// Rows that are written down, to be read as often as one likes.
#[derive(Debug, Clone)]
pub struct Run {
    // Before its room, which goes away with all that is in it.
    path: Arc<TempPath>,
    _room: Scratch,
    rows: u64,
}

/// Writes a run.
#[derive(Debug)]
pub struct RunWriter {
    file: BufWriter<NamedTempFile>,
    room: Scratch,
    last: Vec<u8>,
    rows: u64,
}

impl RunWriter {
    /// A run without rows yet.
    pub fn new(scratch: &Scratch) -> io::Result<Self> {
        let file = BufWriter::with_capacity(BUFFER_BYTES, scratch.named()?);
        Ok(Self { file, room: scratch.clone(), last: Vec::new(), rows: 0 })
    }

    /// Adds a row, which must not come before the one that was added last.
    pub fn push(&mut self, row: &[u8]) -> io::Result<()> {
        let shared = self.last.iter().zip(row).take_while(|(one, other)| one == other).count();
        let (_, rest) = row.split_at(shared);
        write_length(&mut self.file, shared)?;
        write_length(&mut self.file, rest.len())?;
        self.file.write_all(rest)?;
        self.last.truncate(shared);
        self.last.extend_from_slice(rest);
        self.rows += 1;
        Ok(())
    }

    /// The run, whole.
    pub fn finish(self) -> io::Result<Run> {
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(Run { path: Arc::new(file.into_temp_path()), _room: self.room, rows: self.rows })
    }
}

impl Run {
    /// How many rows there are.
    pub fn len(&self) -> u64 {
        self.rows
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// A reader that stands before the first row.
    pub fn rows(&self) -> io::Result<RunReader> {
        let source = BufReader::with_capacity(BUFFER_BYTES, File::open(&*self.path)?);
        Ok(RunReader { source, row: Vec::new(), left: self.rows })
    }
}

/// Reads a run, row by row.
#[derive(Debug)]
pub struct RunReader {
    source: BufReader<File>,
    row: Vec<u8>,
    left: u64,
}

impl RunReader {
    /// Goes on to the next row; `false` when there is none.
    pub fn advance(&mut self) -> io::Result<bool> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(false) };
        self.left = left;
        let (shared, rest) = (read_length(&mut self.source)?, read_length(&mut self.source)?);
        if shared > self.row.len() || rest > MAX_ROW_BYTES {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a sorted run is damaged"));
        }
        self.row.resize(shared + rest, 0);
        let (_, new) = self.row.split_at_mut(shared);
        self.source.read_exact(new)?;
        Ok(true)
    }

    /// The row that the reader stands at.
    pub fn row(&self) -> &[u8] {
        &self.row
    }
}

/// Seven bits a byte, the lowest first; the highest bit says that more follow.
fn write_length(file: &mut BufWriter<NamedTempFile>, mut length: usize) -> io::Result<()> {
    let mut bytes = [0; 10];
    let mut used = 0;
    for byte in &mut bytes {
        *byte = u8::try_from(length & 0x7f).unwrap_or_default();
        length >>= 7;
        used += 1;
        if length == 0 {
            break;
        }
        *byte |= 0x80;
    }
    file.write_all(bytes.split_at(used).0)
}

fn read_length(source: &mut impl Read) -> io::Result<usize> {
    let (mut length, mut shift) = (0_usize, 0);
    loop {
        let mut byte = [0];
        source.read_exact(&mut byte)?;
        length |= usize::from(byte[0] & 0x7f) << shift;
        shift += 7;
        if byte[0] & 0x80 == 0 || shift > 56 {
            return Ok(length);
        }
    }
}
