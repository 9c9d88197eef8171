//! Reading an object of the lake back: streamed, unzipped where its key says so, never held whole.

use std::io::{self, Write};

use flate2::write::MultiGzDecoder;
use futures::TryStreamExt as _;

use super::key::Key;
use super::store::{Store, StoreError};

/// No row is near this long: a line that is longer is no row, and is not held in memory.
const MAX_LINE_BYTES: usize = 1 << 20;

/// Why an object was not read to its end.
#[derive(Debug, thiserror::Error)]
pub enum ReadBackError {
    /// The store did not hand it out.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It is no whole gzip file, or whoever took its payload would not go on.
    #[error(transparent)]
    Payload(io::Error),
}

/// Streams the payload under `key` into `sink`, which is given back. It runs on blocking threads, piece by piece.
pub async fn read_back<S: Write + Send + 'static>(
    store: &dyn Store,
    key: &Key,
    sink: S,
) -> Result<S, ReadBackError> {
    let mut object = store.read(key).await?;
    let zipped = key.content_type() == "application/gzip";
    let mut payload =
        if zipped { Payload::Gzip(Box::new(MultiGzDecoder::new(sink))) } else { Payload::Plain(sink) };
    while let Some(piece) = object.try_next().await? {
        payload = blocking(move || payload.write(&piece)).await?;
    }
    blocking(move || payload.finish()).await
}

enum Payload<S: Write> {
    Gzip(Box<MultiGzDecoder<S>>),
    Plain(S),
}

impl<S: Write> Payload<S> {
    fn write(mut self, piece: &[u8]) -> io::Result<Self> {
        match &mut self {
            Self::Gzip(gunzip) => gunzip.write_all(piece)?,
            Self::Plain(sink) => sink.write_all(piece)?,
        }
        Ok(self)
    }

    fn finish(self) -> io::Result<S> {
        match self {
            Self::Gzip(gunzip) => gunzip.finish(),
            Self::Plain(sink) => Ok(sink),
        }
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, ReadBackError> {
    let done = tokio::task::spawn_blocking(work).await.map_err(io::Error::other);
    done.and_then(|done| done).map_err(ReadBackError::Payload)
}

/// Takes so many bytes and no more: what is stored may have been made to unpack without end.
#[derive(Debug)]
pub struct AtMost<W> {
    sink: W,
    bytes: u64,
    left: u64,
}

impl<W: Write> AtMost<W> {
    /// At most `bytes` bytes for `sink`.
    pub fn new(bytes: u64, sink: W) -> Self {
        Self { sink, bytes, left: bytes }
    }

    /// Gives back who took the bytes.
    pub fn into_inner(self) -> W {
        self.sink
    }
}

impl<W: Write> Write for AtMost<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let too_long = || io::Error::other(format!("its payload is longer than {} bytes", self.bytes));
        let left = self.left.checked_sub(bytes.len() as u64).ok_or_else(too_long)?;
        self.sink.write_all(bytes)?;
        self.left = left;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }
}

/// Takes rows, one after the other.
pub trait TakeRow {
    /// Takes a line without its line break. An error ends the reading.
    fn row(&mut self, line: &[u8]) -> io::Result<()>;
}

/// Cuts what is written into lines.
#[derive(Debug)]
pub struct Lines<R> {
    rows: R,
    line: Vec<u8>,
}

impl<R: TakeRow> Lines<R> {
    /// Lines for `rows`.
    pub fn new(rows: R) -> Self {
        Self { rows, line: Vec::new() }
    }

    /// Who takes the rows.
    pub fn rows_mut(&mut self) -> &mut R {
        &mut self.rows
    }

    /// Whether the last line is not whole so far.
    pub fn is_within_a_line(&self) -> bool {
        !self.line.is_empty()
    }

    /// Forgets what there is of a line: another payload begins.
    pub fn clear(&mut self) {
        self.line.clear();
    }

    /// Gives back who took the rows. Fails when the last line is not whole.
    pub fn end(self) -> io::Result<R> {
        if self.line.is_empty() { Ok(self.rows) } else { Err(io::Error::other("its last line is cut")) }
    }
}

impl<R: TakeRow> Write for Lines<R> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            match part.strip_suffix(b"\n") {
                // Most lines lie within one piece.
                Some(end) if self.line.is_empty() => self.rows.row(end)?,
                Some(end) => {
                    self.line.extend_from_slice(end);
                    self.rows.row(&self.line)?;
                    self.line.clear();
                }
                None => self.line.extend_from_slice(part),
            }
            if self.line.len() > MAX_LINE_BYTES {
                return Err(io::Error::other("a line is too long for a row"));
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::lake::meta::ObjectMeta;
    use crate::lake::store::MemoryStore;

    const KEY: &str = "raw/a/dt=2026-11-21/20261121T000000Z.ndjson.gz";
    const ROW: &str = r#"{"InstanceType":"m5.large"}"#;

    struct Count(usize);

    impl TakeRow for Count {
        fn row(&mut self, line: &[u8]) -> io::Result<()> {
            self.0 += 1;
            if line.starts_with(b"{") { Ok(()) } else { Err(io::Error::other("a line is no row")) }
        }
    }

    fn gzip(text: &str) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    async fn rows(object: &[u8]) -> Result<usize, String> {
        let (store, file) = (MemoryStore::new(), tempfile::NamedTempFile::new().unwrap());
        std::fs::write(file.path(), object).unwrap();
        let (key, _) = Key::parse(KEY).unwrap();
        store.put_if_absent(&key, file.path(), &ObjectMeta::default()).await.unwrap();
        let lines = read_back(&store, &key, Lines::new(Count(0))).await.map_err(|error| error.to_string())?;
        lines.end().map(|count| count.0).map_err(|error| error.to_string())
    }

    #[test]
    fn lines_are_whole_whatever_the_pieces() {
        let text = format!("{ROW}\n{ROW}\n");
        for length in [1, 7, 4096] {
            let mut lines = Lines::new(Count(0));
            text.as_bytes().chunks(length).for_each(|piece| lines.write_all(piece).unwrap());
            assert_eq!(lines.end().unwrap().0, 2, "{length}");
        }
        let mut lines = Lines::new(Count(0));
        assert!(
            (0..3).any(|_| lines.write_all(&vec![b'{'; MAX_LINE_BYTES]).is_err()),
            "a line has its bounds"
        );
    }

    #[test]
    fn an_object_that_unpacks_without_end_is_refused() {
        let rows = format!("{ROW}\n").repeat(10_000);
        let bomb = gzip(&rows);
        assert!(bomb.len() < 10_000, "{} bytes", bomb.len());
        let unpack = |most| {
            let mut gunzip = MultiGzDecoder::new(AtMost::new(most, Lines::new(Count(0))));
            gunzip.write_all(&bomb)?;
            gunzip.finish()?.into_inner().end()
        };
        assert_eq!(unpack(rows.len() as u64).unwrap().0, 10_000);
        let error = unpack(rows.len() as u64 - 1).err().unwrap();
        assert!(error.to_string().contains("longer than"), "{error}");
    }

    #[tokio::test]
    async fn a_damaged_object_is_an_error() {
        assert_eq!(rows(&gzip("")).await, Ok(0), "an object without rows is an object");
        let object = gzip(&format!("{ROW}\n").repeat(20));
        assert_eq!(rows(&object).await, Ok(20));
        for cut in 0..object.len() {
            assert!(rows(&object[..cut]).await.is_err(), "cut at {cut}");
        }
        for damaged in [b"no gzip at all".to_vec(), gzip("no row\n"), gzip(ROW)] {
            assert!(rows(&damaged).await.is_err());
        }
    }
}
