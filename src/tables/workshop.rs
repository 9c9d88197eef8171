//! Where tables are made: how raw objects get to a decoder and its rows into order. Objects are copied to disk as they
//! are stored, unzipped while they are read, and decoded side by side on threads of their own; nothing is held whole.

use std::fs::File;
use std::io::{self, BufReader, Seek as _, Write as _};
use std::sync::Arc;

use flate2::read::MultiGzDecoder;
use futures::{StreamExt as _, TryStreamExt as _};
use tokio::task::spawn_blocking;

use super::problems::{PAYLOAD, Problems};
use super::run::Run;
use super::scratch::Scratch;
use super::sort::Sorter;
use super::writer::WriteError;
use crate::base::error::Hinted;
use crate::lake::key::Key;
use crate::lake::notice::NoticeError;
use crate::lake::store::{Store, StoreError, StoreErrorKind};

/// Pieces in which payloads are read.
const BUFFER_BYTES: usize = 256 << 10;

/// Why an object of a table was not made.
#[derive(Debug, thiserror::Error)]
pub enum MakeError {
    /// The lake.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The disk with the scratch directory.
    #[error("failed to work on disk: {0}")]
    Disk(#[from] io::Error),
    /// Writing Parquet.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// A fault of Contrail.
    #[error("building broke off: {0}")]
    Broken(String),
}

impl MakeError {
    /// Whether the next part would fare no better: the store does not answer or refuses us, or the disk is full.
    pub(super) fn ends_all(&self) -> bool {
        match self {
            Self::Store(error) => {
                matches!(error.kind, StoreErrorKind::Away | StoreErrorKind::Config | StoreErrorKind::Full)
            }
            Self::Disk(_) | Self::Write(WriteError::Disk(_)) => true,
            Self::Write(_) | Self::Broken(_) => false,
        }
    }
}

impl From<NoticeError> for MakeError {
    fn from(error: NoticeError) -> Self {
        match error {
            NoticeError::Disk(error) => Self::Disk(error),
            NoticeError::Store(error) => Self::Store(error),
        }
    }
}

impl From<super::packed::Damaged> for MakeError {
    fn from(damaged: super::packed::Damaged) -> Self {
        Self::Write(damaged.into())
    }
}

impl Hinted for MakeError {
    fn hint(&self) -> Option<&str> {
        match self {
            Self::Store(error) => error.hint(),
            Self::Disk(_) | Self::Write(WriteError::Disk(_)) => {
                Some("check that the spool directory ([lake] spool_dir) can be written and has room")
            }
            Self::Write(_) | Self::Broken(_) => Some("this is a fault in Contrail: please report it"),
        }
    }
}

/// What makers work with.
#[derive(Debug, Clone)]
pub struct Workshop {
    /// The lake.
    pub store: Arc<dyn Store>,
    /// Room on disk.
    pub scratch: Scratch,
    /// How many bytes of memory sorting may take, all threads together.
    pub memory: usize,
    /// How many objects are decoded side by side.
    pub threads: usize,
}

/// An object on this machine's disk, as it is stored.
#[derive(Debug)]
pub struct Payload {
    file: File,
}

/// Reads a payload, unzipped.
pub type PayloadReader = BufReader<MultiGzDecoder<BufReader<File>>>;

impl Payload {
    /// The bytes as they are stored, from their beginning. One reader at a time.
    pub fn stored(&self) -> io::Result<File> {
        let mut file = self.file.try_clone()?;
        file.rewind()?;
        Ok(file)
    }

    /// What was zipped, from its beginning. One reader at a time.
    pub fn open(&self) -> io::Result<PayloadReader> {
        let zipped = BufReader::with_capacity(BUFFER_BYTES, self.stored()?);
        Ok(BufReader::with_capacity(BUFFER_BYTES, MultiGzDecoder::new(zipped)))
    }
}

/// What was decoded of some objects.
#[derive(Debug, Default)]
pub struct Decoded {
    /// Their rows: each run is in order, and all are to be merged.
    pub runs: Vec<Run>,
    /// What could not be decoded, by object, of those that have any.
    pub problems: Vec<Problems>,
}

impl Workshop {
    /// Copies an object to this machine's disk.
    pub async fn fetch(&self, key: &Key) -> Result<Payload, MakeError> {
        let mut object = self.store.read(key).await?;
        let mut file = self.scratch.nameless()?;
        while let Some(piece) = object.try_next().await? {
            file.write_all(&piece)?;
        }
        Ok(Payload { file })
    }

    /// How much memory one thread may sort in.
    pub fn share(&self) -> usize {
        self.memory / self.threads.max(1)
    }

    /// Decodes `objects` side by side, each with `decode`, which pushes packed rows. An object that is no whole gzip file
    /// is a problem of that object: what could be read of it stands. One that is gone is an error.
    pub async fn decode<O, D>(
        &self,
        objects: Vec<O>,
        key: impl Fn(&O) -> Key,
        decode: D,
    ) -> Result<Decoded, MakeError>
    where
        O: Send + 'static,
        D: Fn(&O, &Payload, &mut Sorter, &mut Problems) -> io::Result<()> + Clone + Send + 'static,
    {
        // Each thread sorts many objects into one sorter, or there would be a run for each.
        let (idle, sorters) = async_channel(self.threads.max(1), || Sorter::new(&self.scratch, self.share()));
        let work = objects.into_iter().map(|object| {
            let (decode, key, sorters, idle) = (decode.clone(), key(&object), &sorters, idle.clone());
            async move {
                let payload = self.fetch(&key).await?;
                let mut sorter = sorters
                    .lock()
                    .await
                    .recv()
                    .await
                    .ok_or_else(|| MakeError::Broken("no sorter".to_owned()))?;
                let (sorter, problems) = read(&key, payload, move |payload, problems| {
                    let read = decode(&object, payload, &mut sorter, problems);
                    Ok((sorter, read))
                })
                .await?;
                idle.send(sorter).await.map_err(|_| MakeError::Broken("no sorter".to_owned()))?;
                Ok::<_, MakeError>(problems)
            }
        });
        let found: Vec<Problems> =
            futures::stream::iter(work).buffered(self.threads.max(1)).try_collect().await?;
        drop(idle);
        let mut decoded = Decoded {
            problems: found.into_iter().filter(|it| it.count() > 0).collect(),
            ..Decoded::default()
        };
        let mut sorters = sorters.into_inner();
        while let Some(sorter) = sorters.recv().await {
            decoded.runs.extend(spawn_blocking(|| sorter.finish()).await.map_err(broken)??);
        }
        Ok(decoded)
    }

    /// The error that says that a raw object, which nobody removes, is gone.
    pub fn gone(&self, key: &Key) -> MakeError {
        let message = format!("{}/{key} is gone", self.store.url());
        StoreError::new(StoreErrorKind::NotFound, message)
            .with_hint("restore it: nothing but Contrail should write below raw/")
            .into()
    }
}

/// Has `work` read the object under `key` on a thread of its own: it gives back what it made, and how its reading ended.
/// An object that is no whole gzip file is a problem of that object: what could be read of it stands.
pub(super) async fn read<T: Send + 'static>(
    key: &Key,
    payload: Payload,
    work: impl FnOnce(&Payload, &mut Problems) -> io::Result<(T, io::Result<()>)> + Send + 'static,
) -> Result<(T, Problems), MakeError> {
    let mut problems = Problems::of(key);
    let done = spawn_blocking(move || {
        let (made, read) = work(&payload, &mut problems)?;
        match read {
            Err(error) if is_damage(&error) => problems.note(PAYLOAD, format!("is damaged: {error}")),
            Err(error) => return Err(error),
            Ok(()) => {}
        }
        Ok((made, problems))
    });
    Ok(done.await.map_err(broken)??)
}

/// As many things as there are threads, handed from one to the next.
fn async_channel<T>(
    count: usize,
    make: impl Fn() -> T,
) -> (tokio::sync::mpsc::Sender<T>, tokio::sync::Mutex<tokio::sync::mpsc::Receiver<T>>) {
    let (sender, receiver) = tokio::sync::mpsc::channel(count);
    for _ in 0..count {
        let _ = sender.try_send(make());
    }
    (sender, tokio::sync::Mutex::new(receiver))
}

#[expect(clippy::needless_pass_by_value, reason = "map_err hands it over")]
pub(super) fn broken(error: tokio::task::JoinError) -> MakeError {
    MakeError::Broken(error.to_string())
}

/// Whether the payload is to blame, not the disk: an unzipper says so in these kinds.
fn is_damage(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof
    )
}
