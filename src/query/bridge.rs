//! The lake as the SQL engine sees object stores: the objects that a scan has listed can be read, in pieces, each in the
//! version that was listed. Nothing else is there, and nothing can be written.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::DateTime;
use datafusion::common::DataFusionError;
use datafusion::datasource::object_store::ObjectStoreUrl;
use datafusion::execution::object_store::ObjectStoreRegistry;
use datafusion::object_store::path::Path;
use datafusion::object_store::{
    CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, coalesce_ranges,
};
use futures::stream::{self, BoxStream, StreamExt as _};
use url::Url;

use super::error::QueryError;
use super::listing::Part;
use crate::lake::key::Key;
use crate::lake::store::{ETag, Store, StoreError, StoreErrorKind};

/// The only address that the engine knows.
const ADDRESS: &str = "lake://lake/";
/// Two pieces of an object that are no farther apart are fetched as one. Pieces are fetched side by side, so more would only
/// be bytes that nobody asked for.
const GAP_BYTES: u64 = 64 << 10;

/// The address of the lake within the engine.
pub(super) fn address() -> datafusion::error::Result<ObjectStoreUrl> {
    ObjectStoreUrl::parse(ADDRESS)
}

/// Objects of a lake. Clones share what they have learnt.
#[derive(Debug, Clone)]
pub(super) struct Objects {
    store: Arc<dyn Store>,
    known: Arc<Mutex<Known>>,
}

#[derive(Debug, Default)]
struct Known {
    listed: BTreeMap<String, Part>,
    /// The version in which an object is read, once something of it was.
    read: BTreeMap<String, ETag>,
    /// What went wrong first. The engine hands errors on as text.
    failure: Option<QueryError>,
}

impl Objects {
    /// None so far.
    pub(super) fn of(store: Arc<dyn Store>) -> Self {
        Self { store, known: Arc::default() }
    }

    /// Lets the engine read these.
    pub(super) fn learn(&self, parts: &[Part]) {
        let listed = parts.iter().map(|part| (part.key.to_string(), part.clone()));
        self.known().listed.extend(listed);
    }

    /// The objects of which something was read.
    pub(super) fn read(&self) -> Vec<Key> {
        let known = self.known();
        known.read.keys().filter_map(|key| Some(known.listed.get(key)?.key.clone())).collect()
    }

    /// The object that the engine names in what it says.
    pub(super) fn named(&self, text: &str) -> Option<Key> {
        self.known().listed.values().map(|part| &part.key).find(|key| text.contains(key.as_str())).cloned()
    }

    /// What went wrong first between the engine and the store.
    pub(super) fn failure(&self) -> Option<QueryError> {
        self.known().failure.clone()
    }

    /// How an object is called within the engine. Keys hold nothing that a path would write in another way.
    pub(super) fn meta(part: &Part) -> ObjectMeta {
        ObjectMeta {
            location: Path::from(part.key.as_str()),
            // Versions are told apart by their tags alone.
            last_modified: DateTime::UNIX_EPOCH,
            size: part.bytes,
            e_tag: Some(part.etag.to_string()),
            version: None,
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, location: &Path) -> Result<Part> {
        let part = self.known().listed.get(location.as_ref()).cloned();
        part.ok_or_else(|| Error::NotFound { path: location.to_string(), source: "it was not listed".into() })
    }

    /// A piece of an object. The first one decides in which version all of it is read.
    async fn piece(&self, part: &Part, range: Range<u64>) -> Result<Bytes> {
        let read = match self.read_range(part, range).await {
            Ok(bytes) => return Ok(bytes),
            Err(error) => error,
        };
        let failure = QueryError::from(&read);
        self.known().failure.get_or_insert(failure);
        Err(Error::Generic { store: "lake", source: read.into() })
    }

    async fn read_range(&self, part: &Part, range: Range<u64>) -> std::result::Result<Bytes, StoreError> {
        let decided = self.known().read.get(part.key.as_str()).cloned();
        let expected = decided.as_ref().unwrap_or(&part.etag);
        match self.store.read_range(&part.key, range.clone(), expected).await {
            Ok(bytes) => {
                self.decide(part, expected)?;
                Ok(bytes)
            }
            // Some servers tell versions in listings by other names, or not at all.
            Err(error) if error.kind == StoreErrorKind::Changed && decided.is_none() => {
                match self.store.find(&part.key).await? {
                    Some(found) if found.bytes == part.bytes => {
                        let bytes = self.store.read_range(&part.key, range, &found.etag).await?;
                        self.decide(part, &found.etag)?;
                        Ok(bytes)
                    }
                    _ => Err(error),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// From here on the object is read as `version`, unless another piece has decided otherwise meanwhile.
    fn decide(&self, part: &Part, version: &ETag) -> std::result::Result<(), StoreError> {
        let mut known = self.known();
        let decided = known.read.entry(part.key.to_string()).or_insert_with(|| version.clone());
        if decided == version {
            return Ok(());
        }
        let message = format!("{} in {} was replaced while it was read", part.key, self.store.url());
        Err(StoreError::new(StoreErrorKind::Changed, message))
    }
}

impl fmt::Display for Objects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.store.url())
    }
}

fn refused(operation: &str) -> Error {
    Error::NotSupported { source: format!("queries only read: {operation} is refused").into() }
}

#[async_trait]
impl ObjectStore for Objects {
    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let part = self.find(location)?;
        let range = match &options.range {
            Some(range) => range.as_range(part.bytes).map_err(|error| Error::Generic {
                store: "lake",
                source: format!("{location}: {error}").into(),
            })?,
            None => 0..part.bytes,
        };
        let bytes = if options.head || range.is_empty() {
            Bytes::new()
        } else {
            self.piece(&part, range.clone()).await?
        };
        Ok(GetResult {
            payload: GetResultPayload::Stream(stream::once(async { Ok(bytes) }).boxed()),
            meta: Self::meta(&part),
            range,
            attributes: datafusion::object_store::Attributes::default(),
        })
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let part = self.find(location)?;
        coalesce_ranges(ranges, |range| self.piece(&part, range), GAP_BYTES).await
    }

    fn list(&self, _: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let metas: Vec<_> = self.known().listed.values().map(|part| Ok(Self::meta(part))).collect();
        stream::iter(metas).boxed()
    }

    async fn list_with_delimiter(&self, _: Option<&Path>) -> Result<ListResult> {
        Err(refused("listing folders"))
    }

    async fn put_opts(&self, _: &Path, _: PutPayload, _: PutOptions) -> Result<PutResult> {
        Err(refused("writing"))
    }

    async fn put_multipart_opts(&self, _: &Path, _: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        Err(refused("writing"))
    }

    fn delete_stream(&self, _: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        stream::once(async { Err(refused("deleting")) }).boxed()
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        Err(refused("copying"))
    }
}

/// The lake and no other place: no file, no address of the network.
#[derive(Debug)]
pub(super) struct LakeOnly(pub(super) Objects);

impl ObjectStoreRegistry for LakeOnly {
    fn register_store(&self, _: &Url, _: Arc<dyn ObjectStore>) -> Option<Arc<dyn ObjectStore>> {
        None
    }

    fn get_store(&self, url: &Url) -> datafusion::error::Result<Arc<dyn ObjectStore>> {
        if url.as_str() == ADDRESS {
            return Ok(Arc::new(self.0.clone()));
        }
        Err(DataFusionError::Plan(format!("queries read the lake and nothing else, and not {url}")))
    }
}

#[cfg(test)]
mod tests {
    use datafusion::object_store::ObjectStoreExt as _;

    use super::*;
    use crate::lake::meta::ObjectMeta as Meta;
    use crate::lake::store::MemoryStore;

    const KEY: &str = "tables/spot_prices/dt=2026-11-21/spot_prices.parquet";

    async fn put(store: &MemoryStore, bytes: &[u8]) -> Part {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        let (key, _) = Key::parse(KEY).unwrap();
        let found = store.find(&key).await.unwrap().map(|found| found.etag);
        store.replace(&key, file.path(), &Meta::default(), found.as_ref()).await.unwrap();
        let found = store.find(&key).await.unwrap().unwrap();
        Part { key, bytes: found.bytes, etag: found.etag, values: Vec::new() }
    }

    #[tokio::test]
    async fn what_was_listed_is_read_in_pieces_and_nothing_else_is_there() {
        let store = MemoryStore::new();
        let part = put(&store, b"0123456789").await;
        let objects = Objects::of(Arc::new(store.clone()));
        let path = Path::from(KEY);
        assert!(matches!(objects.get_range(&path, 0..4).await, Err(Error::NotFound { .. })));
        assert_eq!(objects.read(), []);

        objects.learn(std::slice::from_ref(&part));
        assert_eq!(objects.get_range(&path, 2..4).await.unwrap(), "23");
        assert_eq!(objects.get_ranges(&path, &[0..2, 8..10]).await.unwrap(), ["01", "89"]);
        assert_eq!(objects.head(&path).await.unwrap().size, 10);
        assert_eq!(objects.read(), [part.key]);
        assert!(objects.get_range(&path, 20..24).await.is_err());

        assert!(objects.failure().is_none());
        put(&store, b"9876543210").await;
        let error = objects.get_range(&path, 2..4).await.unwrap_err();
        assert!(error.to_string().contains("was replaced while it was read"), "{error}");
        assert!(objects.failure().unwrap().to_string().contains("was replaced"));
        assert_eq!(objects.named(&format!("file {KEY}: bad")), Some(Key::parse(KEY).unwrap().0));
    }

    #[tokio::test]
    async fn the_first_piece_decides_the_version_where_listings_do_not_tell() {
        let store = MemoryStore::new();
        let mut part = put(&store, b"0123456789").await;
        part.etag = ETag::new("10-1795000000");
        let objects = Objects::of(Arc::new(store.clone()));
        objects.learn(std::slice::from_ref(&part));
        let path = Path::from(KEY);
        assert_eq!(objects.get_range(&path, 0..2).await.unwrap(), "01");
        put(&store, b"9876543210").await;
        assert!(objects.get_range(&path, 2..4).await.is_err());

        // An object of another length is not the one that was listed.
        let objects = Objects::of(Arc::new(store.clone()));
        put(&store, b"short").await;
        objects.learn(&[part]);
        assert!(objects.get_range(&path, 0..2).await.is_err());
    }

    #[tokio::test]
    async fn nothing_is_written_and_no_other_place_is_known() {
        let objects = Objects::of(Arc::new(MemoryStore::new()));
        let path = Path::from(KEY);
        for refused in [
            objects.put(&path, PutPayload::from_static(b"x")).await.err(),
            objects.put_multipart(&path).await.err(),
            objects.delete(&path).await.err(),
            objects.copy(&path, &Path::from("tables/other")).await.err(),
            objects.rename(&path, &Path::from("tables/other")).await.err(),
        ] {
            assert!(refused.unwrap().to_string().contains("queries only read"));
        }
        let registry = LakeOnly(objects);
        assert!(registry.get_store(&Url::parse(ADDRESS).unwrap()).is_ok());
        for other in ["file:///etc/passwd", "s3://bucket/key", "http://127.0.0.1/x", "lake://other/"] {
            assert!(registry.get_store(&Url::parse(other).unwrap()).is_err(), "{other}");
        }
    }
}
