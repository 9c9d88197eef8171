//! The facts of an object whose sidecar is missing, from its bytes: as much of them as the bytes can tell.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use crate::lake::facts::Facts;
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
            let rows = inner == Format::Ndjson.extension();
            let known = if rows { Facts::of_rows() } else { Facts::of_bytes() };
            facts(MultiGzDecoder::new(io::BufReader::new(file)), known)
        }
        _ => facts(file, Facts::of_bytes()),
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

fn facts(mut payload: impl Read, mut facts: Facts) -> io::Result<ObjectMeta> {
    let mut buffer = vec![0; 64 << 10];
    loop {
        match payload.read(&mut buffer) {
            Ok(0) => return Ok(facts.finish()),
            Ok(read) => facts.add(buffer.get(..read).unwrap_or_default()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
