//! The run log: one line for each slice that was attempted. It explains; it decides nothing: keys and marks do.
//!
//! Lines are appended to a file in the spool as things happen, so that the log of a killed run is found and
//! uploaded at the next start, with a last line that says `interrupted`.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use chrono::NaiveDateTime;
use serde::{Deserialize, Serialize};

use super::draft::private;
use super::key::Key;
use super::slice::{Slice, Stream};
use crate::base::{Name, Time};

/// The end of the names of run logs that are still being written.
const EXTENSION: &str = ".run.ndjson";
const MOMENT: &str = "%Y%m%dT%H%M%SZ";

/// What came of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// A new object with rows.
    Stored,
    /// A new object without rows: looked, nothing changed.
    Empty,
    /// The object was there before.
    Exists,
    /// The same as the slot before: marked. Of a stream without a slice: looked, and nothing new was published.
    Unchanged,
    /// Stored, but it looks too small to be the whole truth.
    Suspect,
    /// The upstream refuses us.
    Refused,
    /// Nothing was stored.
    Failed,
    /// The upstream no longer has it: marked.
    Lost,
    /// Nobody asked the upstream: objects that are there were compared, and one shows something odd.
    Noticed,
    /// The run ended before it was over: the last line of a killed run.
    Interrupted,
}

impl Outcome {
    /// The word in the log and in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Empty => "empty",
            Self::Exists => "exists",
            Self::Unchanged => "unchanged",
            Self::Suspect => "suspect",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Lost => "lost",
            Self::Noticed => "noticed",
            Self::Interrupted => "interrupted",
        }
    }

    /// Whether the upstream refused us.
    pub fn is_refusal(self) -> bool {
        self == Self::Refused
    }

    /// Whether nothing came of it.
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Failed | Self::Interrupted)
    }

    /// Whether it came to something: the upstream was asked, and answered.
    pub fn is_success(self) -> bool {
        !self.is_refusal() && !self.is_failure() && self != Self::Noticed
    }
}

/// One line of the run log. Sizes are in bytes, times in UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// The run that attempted it.
    pub run: String,
    /// The dataset.
    pub dataset: String,
    /// The stream's parts as in the key: `offer=AmazonEC2/region=us-east-1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream: Option<String>,
    /// The slice, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slice: Option<String>,
    /// What came of it.
    pub outcome: Outcome,
    /// The key of the object or mark.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Rows in the payload.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// Length of the payload.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw_bytes: Option<u64>,
    /// Length of the gzipped object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stored_bytes: Option<u64>,
    /// sha256 of the payload.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Pages of listings that were read.
    pub pages: u64,
    /// Requests that went out, repeated ones included.
    pub requests: u64,
    /// Requests that had to be repeated.
    pub retries: u64,
    /// How many oddities the payload has.
    pub warnings: u64,
    /// The first few of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warning_samples: Vec<String>,
    /// Changes of the upstream's habits among them: `page_size`, `fewer`, `field_appeared` and so on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sentinels: Vec<String>,
    /// With `exists`: whether the object that stands differs from what was fetched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub differs: Option<bool>,
    /// Where it was fetched, without secrets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The upstream's entity tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// When the attempt started.
    pub started: Time,
    /// When it was over.
    pub finished: Time,
    /// What kind of error it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_kind: Option<String>,
    /// The error in one line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Attempt {
    /// An attempt at something in a stream that has come to nothing so far.
    pub fn at_stream(run: &Name, stream: &Stream, started: Time) -> Self {
        Self { stream: Some(stream.path()), ..Self::at_dataset(run, stream.dataset().as_str(), started) }
    }

    /// An attempt at a slice that has come to nothing so far.
    pub fn at_slice(run: &Name, slice: &Slice, started: Time) -> Self {
        Self {
            slice: Some(slice.label()),
            key: Some(Key::raw(slice).as_str().to_owned()),
            ..Self::at_stream(run, slice.stream(), started)
        }
    }

    /// An attempt at a whole dataset that has come to nothing so far.
    pub fn at_dataset(run: &Name, dataset: &str, started: Time) -> Self {
        Self {
            run: run.to_string(),
            dataset: dataset.to_owned(),
            stream: None,
            slice: None,
            outcome: Outcome::Failed,
            key: None,
            rows: None,
            raw_bytes: None,
            stored_bytes: None,
            sha256: None,
            pages: 0,
            requests: 0,
            retries: 0,
            warnings: 0,
            warning_samples: Vec::new(),
            sentinels: Vec::new(),
            differs: None,
            url: None,
            etag: None,
            started,
            finished: started,
            error_kind: None,
            error: None,
        }
    }
}

/// The log of one run, open for lines. Shared between tasks.
#[derive(Debug)]
pub struct RunLog {
    run: Name,
    dataset: String,
    started: Time,
    path: PathBuf,
    file: Mutex<Option<File>>,
}

impl RunLog {
    /// The log of a run over `dataset`, to be written in `directory`. The file is made with the first line.
    pub fn new(directory: &Path, run: Name, dataset: &str, started: Time) -> Self {
        let name = format!("{}-{run}-{dataset}{EXTENSION}", started.format(MOMENT));
        Self { path: directory.join(name), run, dataset: dataset.to_owned(), started, file: Mutex::new(None) }
    }

    /// The run that is logged.
    pub fn run(&self) -> &Name {
        &self.run
    }

    /// The dataset of the run.
    pub fn dataset(&self) -> &str {
        &self.dataset
    }

    /// When the run started.
    pub fn started(&self) -> Time {
        self.started
    }

    /// The key that the log gets in the lake.
    pub fn key(&self) -> Key {
        Key::run_log(self.started, &self.run)
    }

    /// Where the lines are until then.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends one line.
    pub fn append(&self, attempt: &Attempt) -> io::Result<()> {
        let mut line = serde_json::to_vec(attempt)?;
        line.push(b'\n');
        let mut slot = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let file = match slot.as_mut() {
            Some(file) => file,
            None => slot.insert(private(OpenOptions::new().append(true).create(true)).open(&self.path)?),
        };
        // One write for each line: a killed process leaves at most one torn line, the last. A full disk may take
        // the half of one, which then goes away again, or the next line would be lost with it.
        let whole = file.metadata()?.len();
        file.write_all(&line).inspect_err(|_| drop(file.set_len(whole)))
    }
}

/// A log that a killed run left behind.
#[derive(Debug)]
pub struct Interrupted {
    /// The run that was killed.
    pub run: Name,
    /// The dataset that it was at.
    pub dataset: String,
    /// When it started.
    pub started: Time,
    /// The file with its lines.
    pub path: PathBuf,
}

impl Interrupted {
    /// Recognises the log of a killed run by its file name.
    pub fn recognise(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.strip_suffix(EXTENSION)?;
        let mut parts = name.splitn(3, '-');
        let started = NaiveDateTime::parse_from_str(parts.next()?, MOMENT).ok()?.and_utc();
        let run = Name::new("run", parts.next()?).ok()?;
        Some(Self { run, dataset: parts.next()?.to_owned(), started, path: path.to_owned() })
    }

    /// The last line that such a log gets: that it was interrupted.
    pub fn last_line(&self, now: Time) -> Attempt {
        let mut last = Attempt::at_dataset(&self.run, &self.dataset, self.started);
        (last.outcome, last.finished) = (Outcome::Interrupted, now);
        last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_killed_run_is_recognised_and_its_torn_line_dropped() {
        use std::io::Read as _;

        let directory = tempfile::tempdir().unwrap();
        let started: Time = "2026-11-21T20:10:00Z".parse().unwrap();
        let run = Name::new("run", "3f9a1c2b").unwrap();
        let log = RunLog::new(directory.path(), run.clone(), "aws_spot_prices", started);
        log.append(&Attempt::at_dataset(&run, "aws_spot_prices", started)).unwrap();
        OpenOptions::new().append(true).open(log.path()).unwrap().write_all(b"{\"run\":\"3f").unwrap();

        let found = Interrupted::recognise(log.path()).unwrap();
        assert_eq!((found.run.as_str(), found.dataset.as_str()), ("3f9a1c2b", "aws_spot_prices"));
        let chance = crate::base::Chance::seeded(1);
        let (spool, _) =
            super::super::spool::Spool::open(directory.path(), "lake", 1, 6, started, &chance).unwrap();
        let key = Key::run_log(found.started, &found.run);
        let kept = spool.keep_run_log(&found.path, &key, Some(&found.last_line(started))).unwrap().unwrap();
        assert!(!log.path().exists());
        assert!(spool.keep_run_log(&found.path, &key, None).unwrap().is_none());
        let mut text = String::new();
        flate2::read::GzDecoder::new(File::open(kept.body()).unwrap()).read_to_string(&mut text).unwrap();
        let outcomes: Vec<Outcome> =
            text.lines().map(|line| serde_json::from_str::<Attempt>(line).unwrap().outcome).collect();
        assert_eq!(outcomes, [Outcome::Failed, Outcome::Interrupted]);
    }

    #[test]
    fn a_run_without_attempts_leaves_no_file() {
        let directory = tempfile::tempdir().unwrap();
        let run = Name::new("run", "00").unwrap();
        drop(RunLog::new(directory.path(), run, "aws_spot_prices", "2026-11-21T20:10:00Z".parse().unwrap()));
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
