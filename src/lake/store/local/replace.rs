//! Replacing an object that is derived from others: one writer of the lake at a time looks at what is there and puts
//! the new file in its place. A reader that has the old one open keeps it.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use super::{Key, Lake, ObjectMeta, Workspace, is_there, publish, require_file, version};
use crate::lake::store::disk::Disk as _;
use crate::lake::store::{ETag, Replaced, StoreError, StoreErrorKind};

/// An object that is in its place and has no facts yet. Nobody else replaces it while this is held.
pub(super) struct Placed {
    etag: ETag,
    _lock: File,
}

impl Lake {
    /// Blocks, also while another writer is at it.
    pub(super) fn replace(
        &self,
        key: &Key,
        file: &Path,
        meta: &ObjectMeta,
        expected: Option<&ETag>,
    ) -> Result<Replaced, StoreError> {
        let workspace = self.workspace()?;
        let Some(placed) = self.place(&workspace, key, file, expected)? else { return Ok(Replaced::Changed) };
        self.write_sidecar(&workspace, key, meta)?;
        Ok(Replaced::Done(placed.etag))
    }

    /// Puts the file in the place of the expected object, or does nothing where there is another.
    pub(super) fn place(
        &self,
        workspace: &Workspace,
        key: &Key,
        file: &Path,
        expected: Option<&ETag>,
    ) -> Result<Option<Placed>, StoreError> {
        let object = self.object(key);
        // Not the decision, which is made under the lock, but it saves copying for nothing.
        if self.etag(key)?.as_ref() != expected {
            return Ok(None);
        }
        let copy = workspace.new_file();
        let mut source = File::open(file).explain(StoreErrorKind::Away, "read", file)?;
        publish::write_durably(&copy.0, |target| io::copy(&mut source, target))?;
        publish::make_parents(&self.root, &object)?;

        let lock = workspace.rename_lock();
        let held = publish::lock(&lock).explain(StoreErrorKind::Away, "lock", &lock)?;
        if self.etag(key)?.as_ref() != expected {
            return Ok(None);
        }
        // The old facts go first: a crash leaves an object without facts, which are found out again from its bytes,
        // and never one with those of another.
        let sidecar = self.sidecar(key);
        publish::remove(&sidecar).explain(StoreErrorKind::Away, "remove", &sidecar)?;
        let etag = fs::symlink_metadata(&copy.0).and_then(|metadata| version::etag(&metadata));
        let etag = etag.explain(StoreErrorKind::Away, "look at", &copy.0)?;
        publish::replace(&copy.0, &object).explain(StoreErrorKind::Away, "write", &object)?;
        Ok(Some(Placed { etag, _lock: held }))
    }

    /// Which bytes the object holds; `None` when there is none.
    pub(super) fn etag(&self, key: &Key) -> Result<Option<ETag>, StoreError> {
        let object = self.object(key);
        if !is_there(&object)? {
            return Ok(None);
        }
        require_file(&object)?;
        match fs::symlink_metadata(&object).and_then(|metadata| version::etag(&metadata)) {
            Ok(etag) => Ok(Some(etag)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).explain(StoreErrorKind::Away, "look at", &object),
        }
    }
}
