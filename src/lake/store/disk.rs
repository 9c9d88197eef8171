//! Disk trouble told to people: which operation, on which path, and what mends it.

use std::io::{self, ErrorKind};
use std::path::Path;

use super::{StoreError, StoreErrorKind};

/// Says what was being done when an I/O error came.
pub(super) trait Disk<T> {
    /// The error as a [`StoreError`]: "cannot `verb` `path`: …". Errors that the disk or its owner must mend
    /// have a kind of their own; `otherwise` is the kind of all others.
    fn explain(self, otherwise: StoreErrorKind, verb: &str, path: &Path) -> Result<T, StoreError>;
}

impl<T> Disk<T> for io::Result<T> {
    fn explain(self, otherwise: StoreErrorKind, verb: &str, path: &Path) -> Result<T, StoreError> {
        self.map_err(|error| {
            let message = format!("cannot {verb} {}: {error}", path.display());
            match error.kind() {
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
                    StoreError::new(StoreErrorKind::Full, message)
                        .with_hint("free space on this disk, or move the lake to a larger one")
                }
                ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                    StoreError::new(StoreErrorKind::Config, message).with_hint(
                        "let this user write there, or choose another lake with [lake] url or --lake",
                    )
                }
                ErrorKind::NotADirectory | ErrorKind::AlreadyExists => {
                    StoreError::new(StoreErrorKind::Config, message).with_hint(
                        "move the file that is in the way, or choose another lake with [lake] url or --lake",
                    )
                }
                _ if otherwise == StoreErrorKind::Config => StoreError::new(otherwise, message)
                    .with_hint("choose another directory with [lake] url or --lake"),
                _ => StoreError::new(otherwise, message),
            }
        })
    }
}

/// Makes a file in `directory` and removes it. Its name is like no other's, so that any number may try at once.
///
/// # Errors
///
/// Why a file cannot be made or removed there.
pub fn try_writing(directory: &Path) -> io::Result<()> {
    tempfile::Builder::new().prefix(".contrail-trial-").tempfile_in(directory)?.close()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::error::Hinted as _;

    #[test]
    fn a_full_disk_and_a_missing_permission_have_their_own_kind_and_hint() {
        let told = |kind: ErrorKind| {
            let result: io::Result<()> = Err(kind.into());
            result.explain(StoreErrorKind::Away, "write", Path::new("/lake/raw")).unwrap_err()
        };
        for (error, kind) in [
            (ErrorKind::StorageFull, StoreErrorKind::Full),
            (ErrorKind::QuotaExceeded, StoreErrorKind::Full),
            (ErrorKind::PermissionDenied, StoreErrorKind::Config),
            (ErrorKind::ReadOnlyFilesystem, StoreErrorKind::Config),
        ] {
            let error = told(error);
            assert_eq!(error.kind, kind);
            assert!(error.hint().is_some());
            assert!(error.to_string().starts_with("cannot write /lake/raw: "), "{error}");
        }
        assert_eq!(told(ErrorKind::TimedOut).kind, StoreErrorKind::Away);
    }

    /// Two that shared a name took each other's file for something in the way.
    #[test]
    fn many_try_one_directory_at_once_and_leave_nothing() {
        let directory = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| (0..50).for_each(|_| try_writing(directory.path()).unwrap()));
            }
        });
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
