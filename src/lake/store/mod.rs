//! Where objects are kept: one small trait, whose methods are all atomic, and its implementations.
//! `tests/it/conformance.rs` is the contract in executable form; every implementation passes it.

mod disk;
mod local;
mod memory;
mod probe;
mod s3;

use std::fmt;
use std::ops::Range;
use std::path::Path;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};

use super::key::{Key, Prefix};
use super::meta::ObjectMeta;
use crate::base::check::Check;
use crate::base::error::Hinted;

pub use disk::try_writing;
pub use local::LocalStore;
pub use memory::MemoryStore;
pub use s3::{S3Options, S3Store, Sse};

/// The bytes of an object as they arrive.
pub type ByteStream = BoxStream<'static, Result<Bytes, StoreError>>;

/// What came of a put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PutOutcome {
    /// The object is there now and was not before.
    Created,
    /// Somebody put an object under this key before; it stands, untouched.
    Exists,
}

/// What came of a replacement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replaced {
    /// The object is what was put, in this version.
    Done(ETag),
    /// The object was not as expected, and stands, untouched.
    Changed,
}

/// Which bytes a key stands for, in the store's own words: two equal ones mean the same bytes. Says nothing else, and
/// nothing in another store.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ETag(String);

impl ETag {
    /// Takes what a store says, without the quotes that HTTP puts around it, and without the `W/` that a proxy puts
    /// before it when it packs what it passes on: the bytes that arrive here are the same.
    pub fn new(text: &str) -> Self {
        let text = text.strip_prefix("W/").unwrap_or(text);
        let bare = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
        Self(bare.unwrap_or(text).to_owned())
    }

    /// The tag as text, without quotes.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a store says of an object that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Length of the stored object in bytes.
    pub bytes: u64,
    /// Which bytes it holds.
    pub etag: ETag,
    /// What was put beside it; `None` where Contrail did not write it, or it is damaged.
    pub meta: Option<ObjectMeta>,
}

/// One entry of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The path below the lake's root. A store may hold objects that are none of ours, so this is text:
    /// [`Key::parse`] tells.
    pub key: String,
    /// Length of the stored object in bytes.
    pub bytes: u64,
    /// Which bytes it holds.
    pub etag: ETag,
}

/// Something in the lake's place that is no object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stray {
    /// Where, below the lake's root.
    pub path: String,
    /// What it is.
    pub kind: StrayKind,
}

/// What a [`Stray`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StrayKind {
    /// The metadata of an object that is not there.
    Sidecar,
    /// A copy on its way into the lake, whose process is gone.
    Copy,
    /// A link or a device, or a name that is no text: never listed, and never read.
    NoFile,
}

/// Keeps objects. Safe to share between tasks and, for all but [`MemoryStore`], between processes.
#[async_trait]
pub trait Store: std::fmt::Debug + Send + Sync {
    /// Where it is, for people: `s3://bucket/prefix` or `file:///path`. Holds no secret.
    fn url(&self) -> String;

    /// Where it is, for machines: as [`url`](Self::url), and different for stores that only look alike, such as buckets
    /// of one name at two endpoints.
    fn place(&self) -> String {
        self.url()
    }

    /// Puts the file under `key` unless an object is there. Atomic: a reader sees nothing or all of it, and of
    /// several writers exactly one gets [`PutOutcome::Created`].
    async fn put_if_absent(
        &self,
        key: &Key,
        file: &Path,
        meta: &ObjectMeta,
    ) -> Result<PutOutcome, StoreError>;

    /// Puts the file under `key` if the object there is the `expected` one, or, for `None`, if there is none. Atomic:
    /// a reader sees all of the old object or all of the new one, and of several writers that expect the same exactly
    /// one gets [`Replaced::Done`], as far as the store keeps writers apart (see [`Conditional`]).
    ///
    /// Only what is derived may be replaced ([`Key::is_derived`]): any other key is a [`StoreErrorKind::Config`]
    /// error, and nothing is sent.
    async fn replace(
        &self,
        key: &Key,
        file: &Path,
        meta: &ObjectMeta,
        expected: Option<&ETag>,
    ) -> Result<Replaced, StoreError>;

    /// Streams the object.
    async fn read(&self, key: &Key) -> Result<ByteStream, StoreError>;

    /// The bytes of the `expected` object that lie in `range`, exactly. Another object under the key is a
    /// [`StoreErrorKind::Changed`] error, and a range that it does not have a [`StoreErrorKind::Foreign`] one. An empty
    /// range is not asked for.
    async fn read_range(&self, key: &Key, range: Range<u64>, expected: &ETag) -> Result<Bytes, StoreError>;

    /// What the store says of the object; `None` when there is no such object.
    async fn find(&self, key: &Key) -> Result<Option<Found>, StoreError>;

    /// The object's metadata; `None` when there is no such object. An object without our metadata is a
    /// [`StoreErrorKind::Foreign`] error.
    async fn head(&self, key: &Key) -> Result<Option<ObjectMeta>, StoreError>;

    /// The objects whose key starts with `prefix`, in the order of their keys (bytes).
    fn list(&self, prefix: &Prefix) -> BoxStream<'static, Result<Listed, StoreError>>;

    /// The folders directly below `prefix` that hold something, in the order of their keys.
    async fn folders(&self, prefix: &Prefix) -> Result<Vec<Prefix>, StoreError> {
        let mut folders = Vec::new();
        let mut listing = self.list(prefix);
        while let Some(listed) = listing.try_next().await? {
            folders.extend(prefix.folder_of(&listed.key).filter(|folder| folders.last() != Some(folder)));
        }
        Ok(folders)
    }

    /// Learns whether the store honours `If-None-Match`, by putting [`Key::probe`] twice. Where it does not,
    /// later puts look first and then write. Local stores have nothing to learn.
    async fn probe(&self) -> Result<Conditional, StoreError>;

    /// The metadata that was put with the object, and no other: a store that can make up for a loss does not do so
    /// here. [`StoreErrorKind::Foreign`] where there is none, or none that can be read.
    async fn kept_meta(&self, key: &Key) -> Result<ObjectMeta, StoreError> {
        self.head(key).await?.ok_or_else(|| not_found(&self.url(), key))
    }

    /// What lies in the lake's place beside its objects and has no business there. Nothing, unless a store says
    /// otherwise.
    fn strays(&self) -> BoxStream<'static, Result<Stray, StoreError>> {
        stream::empty().boxed()
    }

    /// What `doctor` asks: whether everything that a crawler does is possible here, and what the place is like.
    /// Leaves nothing behind but [`Key::probe`]. Nothing to ask, unless a store says otherwise.
    async fn examine(&self) -> Vec<Check> {
        Vec::new()
    }

    /// What the last [`probe`](Self::probe) of any process learnt; `None` when that is not known. Writes nothing.
    async fn probed(&self) -> Result<Option<Conditional>, StoreError> {
        probe::read(self).await
    }
}

/// How a store keeps two writers apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conditional {
    /// It refuses the second put itself: "never twice" holds for any number of writers.
    Honoured,
    /// It ignores the condition: we look before we write, and "never twice" holds for one writer only.
    Ignored,
}

/// What kind of trouble a store has, which is: what the crawler should do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreErrorKind {
    /// Out of reach, throttling or failing: try again later, keep the draft.
    Away,
    /// The bucket, the credentials, the permissions or the region are wrong: a person must act.
    Config,
    /// The disk under a local lake is full, or a quota is spent.
    Full,
    /// The object that was asked for is not there.
    NotFound,
    /// The object is there but was not written by Contrail, or is damaged.
    Foreign,
    /// The object is there and is another one than was expected: look again.
    Changed,
}

/// Why a store did not do as it was told.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct StoreError {
    /// What the crawler should do.
    pub kind: StoreErrorKind,
    /// What failed, on what.
    message: String,
    hint: Option<String>,
    denied: bool,
}

impl StoreError {
    /// An error of `kind`; `message` says what failed and on what.
    pub fn new(kind: StoreErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None, denied: false }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same error, which says that a permission is missing.
    #[must_use]
    pub fn denied(mut self) -> Self {
        self.denied = true;
        self
    }

    /// Whether the store knows us and does not allow us this. What else we may do it does not say.
    pub fn is_denied(&self) -> bool {
        self.denied
    }
}

/// The error of a read that found nothing under `key`.
fn not_found(url: &str, key: &Key) -> StoreError {
    StoreError::new(StoreErrorKind::NotFound, format!("there is no object {key} in {url}"))
}

/// The error of a read that found another object under `key` than it was to read.
fn changed(url: &str, key: &Key) -> StoreError {
    StoreError::new(StoreErrorKind::Changed, format!("{key} in {url} was replaced while it was read"))
}

/// The error of a read beyond the end of an object.
fn out_of_range(url: &str, key: &Key, range: &Range<u64>) -> StoreError {
    let message = format!("{key} in {url} has no bytes {} to {}", range.start, range.end);
    StoreError::new(StoreErrorKind::Foreign, message)
}

/// A fault of ours must never overwrite what cannot be made again.
fn require_derived(url: &str, key: &Key) -> Result<(), StoreError> {
    if key.is_derived() {
        return Ok(());
    }
    let message = format!("{key} in {url} is never replaced: only tables are");
    Err(StoreError::new(StoreErrorKind::Config, message).with_hint("report this: it is a fault of Contrail"))
}

impl Hinted for StoreError {
    fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}
