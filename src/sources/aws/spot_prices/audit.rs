//! What the lake already holds of a day, so that an audit keeps only what it lacks.

use std::collections::HashSet;
use std::io::{self, Write};

use flate2::write::MultiGzDecoder;
use futures::TryStreamExt as _;

use super::{blocking, identity, region_of};
use crate::base::error::{Hinted as _, one_line};
use crate::lake::interval::Interval;
use crate::lake::key::Key;
use crate::lake::slice::{Slice, Stream};
use crate::lake::store::{StoreError, StoreErrorKind};
use crate::sources::{FetchContext, FetchError, FetchErrorKind};

/// No row is near this long: a line that is longer is no row, and is not held in memory.
const MAX_LINE_BYTES: usize = 1 << 20;

/// No hour of a region comes near this, before gzip: an object that is longer is none of ours, whatever it was
/// before it was packed.
const MAX_OBJECT_BYTES: u64 = 4 << 30;

/// The identities of all rows in the windows of `day`. Fails when one of them cannot be read: an audit that
/// misses rows would store them twice.
pub async fn held(
    stream: &Stream,
    day: Interval,
    context: &FetchContext,
) -> Result<HashSet<u128>, FetchError> {
    let region = region_of(stream)?;
    let mut held = HashSet::new();
    for span in context.grid.windows(day.from(), day.to()) {
        let key = Key::raw(&Slice::Window { stream: stream.clone(), span });
        let rows = Rows { region: region.to_owned(), held, line: Vec::new(), left: MAX_OBJECT_BYTES };
        held = read_into(rows, &key, context).await?.held;
    }
    Ok(held)
}

/// Streams one object through gunzip into `rows`.
async fn read_into(rows: Rows, key: &Key, context: &FetchContext) -> Result<Rows, FetchError> {
    let broken = |error: io::Error| {
        FetchError::upstream(format!("failed to read back {key}: {}", one_line(&error)))
            .with_hint("restore the object from a backup: nothing but Contrail should write there")
    };
    let mut object = context.store.read(key).await.map_err(|error| unreadable(key, &error))?;
    let mut gunzip = MultiGzDecoder::new(rows);
    while let Some(bytes) = object.try_next().await.map_err(|error| unreadable(key, &error))? {
        let written = blocking(move || Ok(gunzip.write_all(&bytes).map(|()| gunzip))).await?;
        gunzip = written.map_err(broken)?;
    }
    gunzip.finish().and_then(Rows::end).map_err(broken)
}

/// Takes the text of an object and remembers its rows.
#[derive(Debug)]
struct Rows {
    region: String,
    held: HashSet<u128>,
    line: Vec<u8>,
    /// How much more the object may hold.
    left: u64,
}

impl Rows {
    fn end(self) -> io::Result<Self> {
        if self.line.is_empty() { Ok(self) } else { Err(io::Error::other("its last line is cut")) }
    }
}

impl Write for Rows {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let left = self.left.checked_sub(bytes.len() as u64);
        self.left = left.ok_or_else(|| io::Error::other("it is too long for an object of ours"))?;
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(part);
            if let Some(row) = self.line.strip_suffix(b"\n") {
                let identity = identity::of_line(&self.region, row);
                self.held.insert(identity.ok_or_else(|| io::Error::other("a line is no row"))?.own);
                self.line.clear();
            } else if self.line.len() > MAX_LINE_BYTES {
                return Err(io::Error::other("a line is too long for a row"));
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn unreadable(key: &Key, error: &StoreError) -> FetchError {
    let kind = match error.kind {
        StoreErrorKind::Away => FetchErrorKind::Retry { after: None },
        StoreErrorKind::Config => FetchErrorKind::Config,
        // One object is not as it was put. That is no reason to hold up the other streams.
        StoreErrorKind::Full | StoreErrorKind::NotFound | StoreErrorKind::Foreign => FetchErrorKind::Upstream,
    };
    let failure = FetchError::new(kind, format!("failed to read back {key}: {}", one_line(error)));
    match error.hint() {
        Some(hint) => failure.with_hint(hint),
        None => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: &str = r#"{"InstanceType":"m5.large"}"#;

    fn gzip(text: &str) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    fn read(bytes: &[u8], chunk: usize) -> io::Result<Rows> {
        read_within(4 << 20, bytes, chunk)
    }

    fn read_within(left: u64, bytes: &[u8], chunk: usize) -> io::Result<Rows> {
        let rows = Rows { region: "r".to_owned(), held: HashSet::new(), line: Vec::new(), left };
        let mut gunzip = MultiGzDecoder::new(rows);
        for part in bytes.chunks(chunk) {
            gunzip.write_all(part)?;
        }
        gunzip.finish()?.end()
    }

    #[test]
    fn rows_are_read_whatever_the_chunks() {
        let object = gzip(&format!("{ROW}\n{}\n", ROW.replace("large", "xlarge")));
        for chunk in [1, 7, 4096] {
            assert_eq!(read(&object, chunk).unwrap().held.len(), 2);
        }
        assert!(read(&gzip(""), 4096).unwrap().held.is_empty(), "an object without rows is an object");
    }

    #[test]
    fn an_object_that_unpacks_without_end_is_refused() {
        let bomb = gzip(&format!("{ROW}\n").repeat(10_000));
        assert!(bomb.len() < 10_000, "{} bytes", bomb.len());
        assert!(read(&bomb, 4096).is_ok());
        assert!(read_within(100_000, &bomb, 4096).unwrap_err().to_string().contains("too long"));
        assert!(read(&gzip(&"x".repeat(2 << 20)), 4096).is_err(), "and so is one line without end");
    }

    #[test]
    fn a_damaged_object_is_an_error() {
        let object = gzip(&format!("{ROW}\n").repeat(20));
        for cut in 0..object.len() {
            assert!(read(&object[..cut], 4096).is_err(), "cut at {cut}");
        }
        assert!(read(b"no gzip at all", 4096).is_err());
        assert!(read(&gzip("no row\n"), 4096).is_err());
        assert!(read(&gzip(ROW), 4096).is_err(), "the last line is cut");
    }
}
