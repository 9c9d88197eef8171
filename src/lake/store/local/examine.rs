//! What `doctor` asks of a directory: whether it can be read and written. A lake that is not there is not made.

use std::fs;
use std::path::Path;

use super::TMP;
use crate::base::check::Check;
use crate::lake::store::disk::{Disk as _, try_writing};
use crate::lake::store::{StoreError, StoreErrorKind};

const READ: &str = "read";
const WRITE: &str = "write";

/// Blocks.
pub(super) fn examine(root: &Path) -> Vec<Check> {
    vec![check(READ, readable(root)), check(WRITE, writable(root))]
}

fn check(name: &str, found: Result<String, StoreError>) -> Check {
    match found {
        Ok(found) => Check::ok(name, found),
        Err(error) => Check::of(name, &error),
    }
}

fn readable(root: &Path) -> Result<String, StoreError> {
    match fs::read_dir(root) {
        Ok(_) => Ok(root.display().to_string()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Ok(format!("{} is not there yet", root.display()))
        }
        Err(error) => Err(error).explain(StoreErrorKind::Config, "list", root),
    }
}

/// Tries it where a crawler would: among the copies of a lake that is there, else in the nearest directory above.
fn writable(root: &Path) -> Result<String, StoreError> {
    let copies = root.join(TMP);
    let directory = copies.ancestors().find(|directory| directory.exists()).unwrap_or(root);
    try_writing(directory).explain(StoreErrorKind::Config, "write to", directory)?;
    Ok(if directory.starts_with(root) {
        "files can be added".to_owned()
    } else {
        format!("it can be made in {}", directory.display())
    })
}
