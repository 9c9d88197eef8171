//! A lake in a directory. Objects appear whole, by link(2) or, where they are replaced, by rename(2), and are never
//! written in place; metadata lies in sidecars. Everything here blocks, so everything here runs on tokio's blocking threads.
//!
//! ```text
//! <root>/raw/…                         objects
//! <root>/_contrail/meta/<key>.json     their metadata
//! <root>/_contrail/tmp/<process>/      copies on their way, swept when a later process starts
//! <root>/_contrail/spool/              drafts that wait, which are none of the store's
//! ```

mod examine;
mod publish;
mod read_range;
mod recompute;
mod replace;
mod strays;
mod version;
mod walk;
mod workspace;

use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{StreamExt as _, TryStreamExt as _};
use tokio_util::io::ReaderStream;

use self::workspace::Workspace;
use super::disk::Disk as _;
use super::{
    ByteStream, Conditional, ETag, Found, Key, Listed, ObjectMeta, Prefix, PutOutcome, Replaced, Store,
};
use super::{StoreError, StoreErrorKind, Stray, not_found, require_derived};
use crate::base::check::Check;

const TMP: &str = "_contrail/tmp";
const META: &str = "_contrail/meta";
/// Where the configuration puts the spool of a local lake unless it is told otherwise.
const SPOOL: &str = "_contrail/spool";
const READ_BYTES: usize = 128 << 10;

/// Keeps objects in a directory that any number of processes share.
#[derive(Debug, Clone)]
pub struct LocalStore {
    lake: Arc<Lake>,
}

#[derive(Debug)]
struct Lake {
    root: PathBuf,
    workspace: Mutex<Option<Arc<Workspace>>>,
}

impl LocalStore {
    /// The lake in the directory `root`. Touches nothing: [`open`](Self::open) does.
    pub fn new(root: PathBuf) -> Self {
        let root = std::path::absolute(&root).unwrap_or(root);
        Self { lake: Arc::new(Lake { root, workspace: Mutex::new(None) }) }
    }

    /// Makes the directory if it is missing, proves that it can be written, and sweeps the copies that killed
    /// processes left. Fails with [`StoreErrorKind::Config`] where this user may not write.
    pub async fn open(&self) -> Result<(), StoreError> {
        self.blocking(|lake| {
            fs::create_dir_all(&lake.root).explain(StoreErrorKind::Config, "create", &lake.root)?;
            let workspace = lake.workspace()?;
            let trial = workspace.new_path();
            fs::write(&trial, b"").explain(StoreErrorKind::Config, "write", &trial)?;
            fs::remove_file(&trial).explain(StoreErrorKind::Config, "remove", &trial)
        })
        .await
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Lake) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let lake = Arc::clone(&self.lake);
        tokio::task::spawn_blocking(move || work(&lake)).await.unwrap_or_else(|error| {
            Err(StoreError::new(StoreErrorKind::Away, format!("work on the local lake broke off: {error}")))
        })
    }
}

impl Lake {
    fn url(&self) -> String {
        format!("file://{}", self.root.display())
    }

    fn object(&self, key: &Key) -> PathBuf {
        self.root.join(key.as_str())
    }

    fn sidecar(&self, key: &Key) -> PathBuf {
        self.root.join(format!("{META}/{key}.json"))
    }

    /// This process's own place for copies; claimed at the first use, and again if somebody removed it.
    fn workspace(&self) -> Result<Arc<Workspace>, StoreError> {
        let mut claimed = self.workspace.lock().unwrap_or_else(PoisonError::into_inner);
        match &*claimed {
            Some(workspace) if workspace.exists() => Ok(Arc::clone(workspace)),
            _ => {
                let tmp = self.root.join(TMP);
                publish::make_parents(&self.root, &tmp.join("any"))?;
                let workspace = Workspace::claim(&tmp).explain(StoreErrorKind::Away, "use", &tmp)?;
                let workspace = Arc::new(workspace);
                *claimed = Some(Arc::clone(&workspace));
                Ok(workspace)
            }
        }
    }

    fn put(&self, key: &Key, file: &Path, meta: &ObjectMeta) -> Result<PutOutcome, StoreError> {
        let object = self.object(key);
        // Not the decision, which the link makes, but it saves copying what is there.
        if is_there(&object)? {
            self.complete(key, file, meta)?;
            return Ok(PutOutcome::Exists);
        }
        let workspace = self.workspace()?;
        let copy = workspace.new_file();
        let mut source = File::open(file).explain(StoreErrorKind::Away, "read", file)?;
        publish::write_durably(&copy.0, |target| io::copy(&mut source, target))?;
        publish::make_parents(&self.root, &object)?;
        let outcome = publish::publish(&copy.0, &object, &workspace.rename_lock()).explain(
            StoreErrorKind::Away,
            "write",
            &object,
        )?;
        match outcome {
            PutOutcome::Created => self.write_sidecar(&workspace, key, meta)?,
            PutOutcome::Exists => self.complete(key, file, meta)?,
        }
        Ok(outcome)
    }

    fn write_sidecar(&self, workspace: &Workspace, key: &Key, meta: &ObjectMeta) -> Result<(), StoreError> {
        let sidecar = self.sidecar(key);
        let copy = workspace.new_file();
        let json = serde_json::to_vec(meta).map_err(io::Error::from).explain(
            StoreErrorKind::Away,
            "write",
            &sidecar,
        )?;
        publish::write_durably(&copy.0, |target| io::Write::write_all(target, &json))?;
        publish::make_parents(&self.root, &sidecar)?;
        publish::replace(&copy.0, &sidecar).explain(StoreErrorKind::Away, "write", &sidecar)
    }

    /// Writes the sidecar of an object that was put with these very bytes by a process that was killed before
    /// it came to the sidecar: what a draft knows beyond its bytes is not lost. Which run put them is not known:
    /// its process may live, and be about to write the sidecar itself.
    fn complete(&self, key: &Key, file: &Path, meta: &ObjectMeta) -> Result<(), StoreError> {
        let object = self.object(key);
        if is_there(&self.sidecar(key))? || require_file(&object).is_err() {
            return Ok(());
        }
        if publish::same_bytes(file, &object).explain(StoreErrorKind::Away, "read", &object)? {
            let meta = ObjectMeta { run: None, ..meta.clone() };
            self.write_sidecar(&*self.workspace()?, key, &meta)?;
        }
        Ok(())
    }

    fn head(&self, key: &Key) -> Result<Option<ObjectMeta>, StoreError> {
        let object = self.object(key);
        if !is_there(&object)? {
            return Ok(None);
        }
        require_file(&object)?;
        let sidecar = self.sidecar(key);
        match fs::read(&sidecar) {
            Ok(json) => {
                if let Ok(meta) = serde_json::from_slice(&json) {
                    return Ok(Some(meta));
                }
                tracing::warn!(path = %sidecar.display(), "a damaged sidecar is ignored: its facts are recomputed");
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).explain(StoreErrorKind::Away, "read", &sidecar),
        }
        recompute::recompute(key, &object).map(Some)
    }

    fn find(&self, key: &Key) -> Result<Option<Found>, StoreError> {
        let object = self.object(key);
        if !is_there(&object)? {
            return Ok(None);
        }
        require_file(&object)?;
        let metadata = fs::symlink_metadata(&object).explain(StoreErrorKind::Away, "look at", &object)?;
        let etag = version::etag(&metadata).explain(StoreErrorKind::Away, "look at", &object)?;
        let meta = match self.head(key) {
            Ok(meta) => meta,
            Err(error) if error.kind == StoreErrorKind::Foreign => None,
            Err(error) => return Err(error),
        };
        Ok(Some(Found { bytes: metadata.len(), etag, meta }))
    }

    /// The facts that were put beside the object, and no others.
    fn kept_meta(&self, key: &Key) -> Result<ObjectMeta, StoreError> {
        let (object, sidecar) = (self.object(key), self.sidecar(key));
        if !is_there(&object)? {
            return Err(not_found(&self.url(), key));
        }
        require_file(&object)?;
        let foreign = |what: &str| {
            Err(StoreError::new(StoreErrorKind::Foreign, format!("its metadata {META}/{key}.json {what}")))
        };
        match fs::read(&sidecar) {
            Ok(json) => {
                serde_json::from_slice(&json).or_else(|error| foreign(&format!("is damaged: {error}")))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => foreign("is missing"),
            Err(error) => Err(error).explain(StoreErrorKind::Away, "read", &sidecar),
        }
    }

    fn open_object(&self, key: &Key) -> Result<File, StoreError> {
        let object = self.object(key);
        if !is_there(&object)? {
            return Err(not_found(&self.url(), key));
        }
        require_file(&object)?;
        File::open(&object).explain(StoreErrorKind::Away, "read", &object)
    }
}

#[async_trait]
impl Store for LocalStore {
    fn url(&self) -> String {
        self.lake.url()
    }

    async fn put_if_absent(
        &self,
        key: &Key,
        file: &Path,
        meta: &ObjectMeta,
    ) -> Result<PutOutcome, StoreError> {
        let (key, file, meta) = (key.clone(), file.to_owned(), meta.clone());
        self.blocking(move |lake| lake.put(&key, &file, &meta)).await
    }

    async fn replace(
        &self,
        key: &Key,
        file: &Path,
        meta: &ObjectMeta,
        expected: Option<&ETag>,
    ) -> Result<Replaced, StoreError> {
        require_derived(&self.url(), key)?;
        let (key, file, meta, expected) = (key.clone(), file.to_owned(), meta.clone(), expected.cloned());
        self.blocking(move |lake| lake.replace(&key, &file, &meta, expected.as_ref())).await
    }

    async fn read(&self, key: &Key) -> Result<ByteStream, StoreError> {
        let object = self.lake.object(key);
        let key = key.clone();
        let file = self.blocking(move |lake| lake.open_object(&key)).await?;
        let chunks = ReaderStream::with_capacity(tokio::fs::File::from_std(file), READ_BYTES);
        Ok(chunks
            .map(move |chunk: io::Result<_>| chunk.explain(StoreErrorKind::Away, "read", &object))
            .boxed())
    }

    async fn read_range(&self, key: &Key, range: Range<u64>, expected: &ETag) -> Result<Bytes, StoreError> {
        if range.start == range.end {
            return Ok(Bytes::new());
        }
        let (key, expected) = (key.clone(), expected.clone());
        self.blocking(move |lake| lake.read_range(&key, &range, &expected)).await
    }

    async fn find(&self, key: &Key) -> Result<Option<Found>, StoreError> {
        let key = key.clone();
        self.blocking(move |lake| lake.find(&key)).await
    }

    async fn head(&self, key: &Key) -> Result<Option<ObjectMeta>, StoreError> {
        let key = key.clone();
        self.blocking(move |lake| lake.head(&key)).await
    }

    fn list(&self, prefix: &Prefix) -> BoxStream<'static, Result<Listed, StoreError>> {
        let (lake, prefix) = (Arc::clone(&self.lake), prefix.as_str().to_owned());
        // Lazily: the walk starts when somebody asks for the first entry.
        stream::once(async move { Ok(walk::walk(lake.root.clone(), &prefix)) }).try_flatten().boxed()
    }

    async fn folders(&self, prefix: &Prefix) -> Result<Vec<Prefix>, StoreError> {
        let prefix = prefix.clone();
        self.blocking(move |lake| walk::folders(&lake.root, &prefix)).await
    }

    async fn probe(&self) -> Result<Conditional, StoreError> {
        Ok(Conditional::Honoured)
    }

    async fn kept_meta(&self, key: &Key) -> Result<ObjectMeta, StoreError> {
        let key = key.clone();
        self.blocking(move |lake| lake.kept_meta(&key)).await
    }

    fn strays(&self) -> BoxStream<'static, Result<Stray, StoreError>> {
        strays::strays(self.lake.root.clone())
    }

    async fn examine(&self) -> Vec<Check> {
        let examined = self.blocking(|lake| Ok(examine::examine(&lake.root))).await;
        examined.unwrap_or_else(|error| vec![Check::of("read", &error)])
    }

    async fn probed(&self) -> Result<Option<Conditional>, StoreError> {
        Ok(Some(Conditional::Honoured))
    }
}

/// Whether anything has this name, a dangling link included.
fn is_there(path: &Path) -> Result<bool, StoreError> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error).explain(StoreErrorKind::Away, "look at", path),
    }
}

/// An object is a regular file; links and other things are none of ours, and are not followed.
fn require_file(path: &Path) -> Result<(), StoreError> {
    let metadata = fs::symlink_metadata(path).explain(StoreErrorKind::Away, "look at", path)?;
    if metadata.is_file() {
        return Ok(());
    }
    Err(StoreError::new(StoreErrorKind::Foreign, format!("{} is not a regular file", path.display()))
        .with_hint("move it out of the lake"))
}

#[cfg(test)]
mod tests;
