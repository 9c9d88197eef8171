//! A notice: a run log of one line about an object that is there already. Whoever reads objects side by side may see
//! what no fetch can. Its key follows from the object alone, so that the notice is there once, whoever takes it and however
//! often. Never here: what is worth one.

use std::io;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::draft::Draft;
use super::key::{Key, Parsed};
use super::run_log::{Attempt, Outcome};
use super::store::{PutOutcome, Store, StoreError};
use crate::base::{Name, Time};

/// The gzip level of something so short.
const LEVEL: u32 = 6;

/// What was seen of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The key of the object.
    pub key: Key,
    /// When the object was fetched.
    pub fetched_at: Time,
    /// The change of its upstream's habits, as in the run log.
    pub sentinel: &'static str,
    /// How many oddities there are.
    pub warnings: u64,
    /// The first few of them.
    pub samples: Vec<String>,
}

/// Why a notice was not put.
#[derive(Debug, thiserror::Error)]
pub enum NoticeError {
    /// The line could not be written to the disk.
    #[error("failed to write a notice: {0}")]
    Disk(#[from] io::Error),
    /// The store did not take it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Notice {
    /// Puts the notice, by way of a file in `directory`. Answers whether it is news; that of something other than a slice
    /// never is.
    pub async fn put(&self, store: &dyn Store, directory: &Path, now: Time) -> Result<bool, NoticeError> {
        let Ok((_, Parsed::Raw(slice))) = Key::parse(self.key.as_str()) else { return Ok(false) };
        let digest = Sha256::digest(self.key.as_str().as_bytes());
        let run = Name::hex(digest.iter().take(4).fold(0, |all, byte| (all << 8) | u32::from(*byte)));
        let line = Attempt {
            outcome: Outcome::Noticed,
            warnings: self.warnings,
            warning_samples: self.samples.clone(),
            sentinels: vec![self.sentinel.to_owned()],
            finished: now,
            ..Attempt::at_slice(&run, &slice, self.fetched_at)
        };
        let mut draft = Draft::temporary(directory, LEVEL)?;
        draft.row(&serde_json::to_vec(&line).map_err(io::Error::from)?)?;
        let draft = draft.finish()?;
        let log = Key::run_log(self.fetched_at, &run);
        Ok(store.put_if_absent(&log, draft.path(), &draft.meta()).await? == PutOutcome::Created)
    }
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt as _;

    use super::*;
    use crate::lake::attempts::read_attempts;
    use crate::lake::key::Prefix;
    use crate::lake::store::MemoryStore;

    #[tokio::test]
    async fn a_notice_is_there_once_and_says_nothing_of_the_upstream() {
        let (store, directory) = (MemoryStore::new(), tempfile::tempdir().unwrap());
        let key = "raw/aws_price_list/dt=2026-11-01/offer=AmazonEC2/region=us-east-1/20261101000000.json.gz";
        let notice = Notice {
            key: Key::parse(key).unwrap().0,
            fetched_at: "2026-11-02T03:04:05Z".parse().unwrap(),
            sentinel: "price",
            warnings: 7,
            samples: vec!["rate A.T.R: the price leaps from 1 to 100".to_owned()],
        };
        let later = |hours| notice.fetched_at + chrono::TimeDelta::hours(hours);
        assert!(notice.put(&store, directory.path(), later(1)).await.unwrap());
        assert!(!notice.put(&store, directory.path(), later(2)).await.unwrap(), "it is no news any more");

        let listed: Vec<_> = store.list(&Prefix::runs()).try_collect().await.unwrap();
        let [log] = listed.as_slice() else { panic!("{listed:?}") };
        let Ok((log, Parsed::RunLog(started, run))) = Key::parse(&log.key) else { panic!("{log:?}") };
        assert_eq!(started, notice.fetched_at);
        let body: Vec<u8> =
            store.read(&log).await.unwrap().map_ok(|part| part.to_vec()).try_concat().await.unwrap();
        let mut lines = Vec::new();
        let text = std::io::BufReader::new(flate2::read::GzDecoder::new(body.as_slice()));
        read_attempts(text, |_, line| {
            lines.push(line.unwrap());
            Ok(())
        })
        .unwrap();
        let [line] = lines.as_slice() else { panic!("{lines:?}") };
        assert_eq!((line.run.as_str(), line.key.as_deref()), (run.as_str(), Some(key)));
        assert_eq!((line.outcome, line.warnings, line.finished), (Outcome::Noticed, 7, later(1)));
        assert_eq!(
            (&line.warning_samples, line.sentinels.as_slice()),
            (&notice.samples, ["price".to_owned()].as_slice())
        );
        assert_eq!(line.about(), None, "nobody asked the upstream");
        assert_eq!(line.failed_version(), None);
    }
}
