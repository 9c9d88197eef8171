//! Where a test keeps its lake: in a directory, and in S3 servers that we did not write.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use contrail::lake::draft::hex;
use contrail::lake::key::{Key, Prefix};
use contrail::lake::meta::ObjectMeta;
use contrail::lake::store::{LocalStore, Store};
use futures::TryStreamExt as _;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use super::servers::{self, Server};

/// A new place for one lake. Gone when dropped, except on a server that all tests share.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) name: &'static str,
    pub(crate) store: Arc<dyn Store>,
    _directory: Option<TempDir>,
    _server: Option<Server>,
}

impl Place {
    pub(crate) async fn directory() -> Self {
        let directory = TempDir::new().unwrap();
        let store = LocalStore::new(directory.path().to_owned());
        store.open().await.unwrap();
        Self { name: "a directory", store: Arc::new(store), _directory: Some(directory), _server: None }
    }

    /// A lake that is there already.
    pub(crate) fn at(directory: &Path) -> Self {
        let store = Arc::new(LocalStore::new(directory.to_owned()));
        Self { name: "a directory", store, _directory: None, _server: None }
    }

    pub(crate) async fn s3s(bucket: &str) -> Self {
        let server = servers::s3s().await;
        let store = Arc::new(server.store(server.options(bucket, "lake").await));
        Self { name: "s3s", store, _directory: None, _server: Some(server) }
    }

    /// `None`, and SKIPPED, where moto is not installed.
    pub(crate) async fn moto(bucket: &str) -> Option<Self> {
        let server = servers::moto()?;
        let store = Arc::new(server.store(server.options(bucket, "lake").await));
        Some(Self { name: "moto", store, _directory: None, _server: None })
    }

    /// One of every kind that is here. `bucket` is no other test's.
    pub(crate) async fn everywhere(bucket: &str) -> Vec<Self> {
        let mut places = vec![Self::directory().await, Self::s3s(bucket).await];
        places.extend(Self::moto(bucket).await);
        places
    }

    /// What the lake holds of what the upstreams said, by key. Every payload is held against its metadata.
    pub(crate) async fn objects(&self) -> BTreeMap<String, Object> {
        let listed: Vec<_> = self.store.list(&Prefix::all_raw()).try_collect().await.unwrap();
        let mut objects = BTreeMap::new();
        for listed in listed {
            let (key, _) = Key::parse(&listed.key).unwrap();
            let meta = self.store.head(&key).await.unwrap().unwrap();
            let bytes: Vec<u8> = self.read(&key).await;
            assert_eq!(bytes.len() as u64, listed.bytes, "{key} in {}", self.name);
            let mut payload = Vec::new();
            flate2::read::MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut payload).unwrap();
            assert_eq!(meta.sha256, hex(&Sha256::digest(&payload)), "{key} in {}", self.name);
            assert_eq!(meta.bytes, payload.len() as u64, "{key} in {}", self.name);
            assert!(objects.insert(listed.key, Object { payload, meta }).is_none(), "listed twice");
        }
        objects
    }

    /// The stored bytes of one object.
    pub(crate) async fn read(&self, key: &Key) -> Vec<u8> {
        let body = self.store.read(key).await.unwrap();
        body.map_ok(|chunk| chunk.to_vec()).try_concat().await.unwrap()
    }

    /// The marks of a dataset, by key.
    pub(crate) async fn marks(&self, dataset: &str) -> Vec<String> {
        let dataset = contrail::base::Name::new("dataset", dataset).unwrap();
        let listed: Vec<_> = self.store.list(&Prefix::marks(&dataset)).try_collect().await.unwrap();
        listed.into_iter().map(|listed| listed.key).collect()
    }
}

/// An object as it came out of a lake, unpacked.
#[derive(Debug)]
pub(crate) struct Object {
    pub(crate) payload: Vec<u8>,
    pub(crate) meta: ObjectMeta,
}

impl Object {
    /// The rows of an object of rows; as many as its metadata says.
    pub(crate) fn rows(&self) -> Vec<&str> {
        let text = std::str::from_utf8(&self.payload).unwrap();
        assert!(text.is_empty() || text.ends_with('\n'), "the last line is cut");
        let rows: Vec<_> = text.lines().collect();
        assert_eq!(self.meta.rows, Some(rows.len() as u64));
        rows
    }
}
