//! Where a test keeps its lake: in a directory, and in S3 servers that we did not write.

use std::sync::Arc;

use contrail::lake::store::{LocalStore, Store};
use tempfile::TempDir;

use super::lake_reader::LakeReader;
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

    /// The lake as it stands, which keeps every promise that can be checked from outside.
    pub(crate) async fn lake(&self) -> LakeReader {
        LakeReader::of_store(self.store.as_ref()).await.sound()
    }
}
