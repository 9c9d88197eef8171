//! What a lake is: `_contrail/lake.json`, put once by the first crawler and read by every later one, so that
//! simulated and real prices never meet and every crawler cuts time the same way.

use std::cmp::Ordering;
use std::path::Path;

use chrono::TimeDelta;
use futures::TryStreamExt;
use serde::{Deserialize, Serialize};

use super::draft::{TemporaryFile, private_file};
use super::grid::Grid;
use super::key::Key;
use super::meta::ObjectMeta;
use super::store::{Store, StoreError, StoreErrorKind};
use crate::base::Time;
use crate::base::error::Hinted;
use crate::base::units::Period;

/// The format of keys and objects that this release reads and writes.
pub const FORMAT: u32 = 1;

/// The `origin` of a lake that holds what the real clouds said.
pub const UPSTREAM: &str = "upstream";

/// How far the clocks of crawlers may be apart.
const CLOCKS_DIFFER: TimeDelta = TimeDelta::minutes(10);

/// What a lake is. Written once, never changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The format of keys and objects.
    pub format: u32,
    /// When the lake was made.
    pub created_at: Time,
    /// Where its prices come from: [`UPSTREAM`], or `sandbox:<seed>:<scale>`.
    pub origin: String,
    /// How long the spot windows last since then; divides a day.
    pub spot_window: Period,
}

/// The lake cannot be used by this crawler.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The store did not answer or refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The lake is not one that this crawler may write to.
    #[error("{message}")]
    Unfit {
        /// What does not fit.
        message: String,
        /// What to do about it.
        hint: String,
    },
}

impl Hinted for IdentityError {
    fn hint(&self) -> Option<&str> {
        match self {
            Self::Store(error) => error.hint(),
            Self::Unfit { hint, .. } => Some(hint),
        }
    }
}

impl Identity {
    /// How the lake cuts time.
    pub fn grid(&self) -> Result<Grid, IdentityError> {
        Grid::new(self.created_at.date_naive(), self.spot_window.delta()).ok_or_else(|| {
            IdentityError::Unfit {
                message: format!(
                    "the lake says in _contrail/lake.json that spot windows last {}, which does not divide a day",
                    self.spot_window
                ),
                hint: "restore _contrail/lake.json from a backup: nothing but Contrail should write there"
                    .to_owned(),
            }
        })
    }

    /// Reads what the lake is; `None` when nobody has made it yet. Fails when it is of another format.
    pub async fn read(store: &dyn Store) -> Result<Option<Self>, IdentityError> {
        let body = match store.read(&Key::identity()).await {
            Ok(body) => body,
            Err(error) if error.kind == StoreErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let bytes: Vec<u8> = body.map_ok(|chunk| chunk.to_vec()).try_concat().await?;
        let damaged = |error: serde_json::Error| IdentityError::Unfit {
            message: format!("{}/{} is damaged: {error}", store.url(), Key::identity()),
            hint: "restore it from a backup: nothing but Contrail should write there".to_owned(),
        };
        // The format first: another one may say the rest in other words.
        let Format { format } = serde_json::from_slice(&bytes).map_err(damaged)?;
        check_format(store, format)?;
        serde_json::from_slice(&bytes).map_err(damaged).map(Some)
    }

    /// Makes the lake as `self` describes it, unless somebody has made it already; answers what it is then.
    /// Fails when it is not a lake that a crawler for `self` may write to. `scratch` is a directory for one
    /// small temporary file.
    pub async fn open(&self, store: &dyn Store, scratch: &Path) -> Result<Self, IdentityError> {
        if let Some(found) = Self::read(store).await? {
            return self.admit(store, found);
        }
        self.put(store, scratch).await?;
        // Another crawler may have been first; what stands in the lake is what counts.
        match Self::read(store).await? {
            Some(found) => self.admit(store, found),
            None => Err(IdentityError::Unfit {
                message: format!("{} forgot an object that it had just taken", store.url()),
                hint: "use a store that reads its own writes".to_owned(),
            }),
        }
    }

    /// Whether a crawler for `self` may write to the lake `found`.
    pub fn admit(&self, store: &dyn Store, found: Self) -> Result<Self, IdentityError> {
        if found.origin != self.origin {
            return Err(IdentityError::Unfit {
                message: format!(
                    "{} holds prices of origin {:?}, and this crawler would add prices of origin {:?}",
                    store.url(),
                    found.origin,
                    self.origin
                ),
                hint: if [&found.origin, &self.origin].contains(&&UPSTREAM.to_owned()) {
                    "simulated and real prices never share a lake: choose another one with --lake"
                } else {
                    "each simulated cloud has a lake of its own: give the same --seed and --scale, or another --lake"
                }
                .to_owned(),
            });
        }
        found.grid()?;
        if found.created_at > self.created_at + CLOCKS_DIFFER {
            return Err(IdentityError::Unfit {
                message: format!("{} was made at {}, which is yet to come", store.url(), found.created_at),
                hint: "set this machine's clock; if it is right, a clock that was ahead made the lake: crawl into a new one"
                    .to_owned(),
            });
        }
        Ok(found)
    }

    async fn put(&self, store: &dyn Store, scratch: &Path) -> Result<(), IdentityError> {
        let file = TemporaryFile(scratch.join("lake.json.tmp"));
        let local = |error: std::io::Error| {
            StoreError::new(StoreErrorKind::Full, format!("failed to write {}: {error}", file.0.display()))
                .with_hint("check that the spool directory ([lake] spool_dir) can be written and has room")
        };
        let text = serde_json::to_string_pretty(self).map_err(|error| local(error.into()))? + "\n";
        let meta = ObjectMeta::of_bytes(text.as_bytes());
        let written =
            private_file(&file.0).and_then(|mut out| std::io::Write::write_all(&mut out, text.as_bytes()));
        written.map_err(local)?;
        store.put_if_absent(&Key::identity(), &file.0, &meta).await?;
        Ok(())
    }
}

/// What every format of `lake.json` says.
#[derive(Deserialize)]
struct Format {
    format: u32,
}

fn check_format(store: &dyn Store, format: u32) -> Result<(), IdentityError> {
    let url = store.url();
    let (message, hint) = match format.cmp(&FORMAT) {
        Ordering::Equal => return Ok(()),
        Ordering::Less => (
            format!("{url} is a lake of format {format}, and this release writes format {FORMAT}"),
            "crawl into a new [lake] url, or use the release that made this lake",
        ),
        Ordering::Greater => (
            format!("{url} is a lake of format {format}, made by a newer release"),
            "install a newer release of Contrail",
        ),
    };
    Err(IdentityError::Unfit { message, hint: hint.to_owned() })
}
