//! `contrail status`: what the lake has, what it lacks, what waits, and what it costs. Read from keys, from the
//! newest run logs and from the spool's directory; nothing is written, and no upstream is asked. What cannot be
//! known that way is `None`, and told as unknown.

#[cfg(test)]
mod agreement;
mod cost;
mod expect;
mod judge;
mod runs;
mod survey;

use std::path::PathBuf;

use crate::base::{Date, Time};
use crate::lake::account::{Piece, Share};
use crate::lake::backlog::Backlog;
use crate::lake::identity::Identity;
use crate::lake::slice::Stream;
use crate::lake::store::Conditional;

pub use cost::{Cost, Estimate, Money, PRICE_LIST, Place};
pub use expect::Expectation;
pub use survey::{Request, StatusError, survey};

/// How a lake is doing.
#[derive(Debug)]
pub struct Status {
    /// Where it is.
    pub url: String,
    /// What it is.
    pub identity: Identity,
    /// When it was looked at.
    pub now: Time,
    /// By dataset, in the order of their names.
    pub datasets: Vec<DatasetStatus>,
    /// Objects, marks and run logs together.
    pub volume: Volume,
    /// The tables, which are derived from the objects.
    pub tables: Volume,
    /// Whether the store keeps two writers apart by itself; `None` when no probe has told.
    pub conditional: Option<Conditional>,
    /// Where finished objects wait for the lake.
    pub spool: PathBuf,
    /// How much may wait there, in bytes.
    pub spool_limit: u64,
    /// What waits there; `None` when the directory cannot be read by this user.
    pub backlog: Option<Backlog>,
    /// What it costs.
    pub cost: Cost,
}

/// How one dataset is doing.
#[derive(Debug)]
pub struct DatasetStatus {
    /// Its name.
    pub dataset: String,
    /// The worst that is known of its streams.
    pub state: State,
    /// How much of its streams' recent past is known, all together.
    pub share: Share,
    /// By stream, in their order.
    pub streams: Vec<StreamStatus>,
}

/// How one stream is doing.
#[derive(Debug)]
pub struct StreamStatus {
    /// The stream.
    pub stream: Stream,
    /// Whether it keeps up.
    pub state: State,
    /// The newest slice that is known.
    pub newest: Option<Newest>,
    /// The time that all figures below are about; `None` when nothing is known of the stream.
    pub range: Option<Range>,
    /// How much of it is known.
    pub share: Share,
    /// How many windows, versions or slots are missing and may yet be fetched.
    pub gaps: u64,
    /// The oldest of them.
    pub oldest_gap: Option<Piece>,
    /// When the upstream begins to forget the oldest gap, where it does so at a known time.
    pub expires: Option<Time>,
    /// How many windows, versions or slots are lost for good.
    pub lost: u64,
    /// Days that have ended, and how many of them are proven; `None` where days are not audited.
    pub proven: Option<Proven>,
    /// What came of the last attempt that the newest run logs tell of.
    pub last_attempt: Option<runs::LastAttempt>,
    /// Its objects.
    pub volume: Volume,
    /// Bytes of the payloads of its objects; `None` when no run log tells.
    pub raw: Option<RawBytes>,
}

/// Whether a stream keeps up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// It is not crawled: the configuration says so.
    Off,
    /// It keeps up.
    Current,
    /// Neither keys nor run logs can tell.
    Unknown,
    /// It falls behind.
    Stale,
}

/// The newest slice of a stream that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Newest {
    /// The slice: a window's end, a version, a slot's start.
    pub label: String,
    /// Up to when it tells; of a version, when it was published.
    pub to: Time,
}

/// The recent past: 90 days, or since the stream began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// Its beginning.
    pub from: Time,
    /// Its end: what is newer is not due yet.
    pub to: Time,
    /// Whether the stream began that late.
    pub is_whole: bool,
}

/// How many days are proven.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Proven {
    /// Days with an audit.
    pub days: u64,
    /// Days that have ended since the day before the lake was made: earlier ones were fetched long after their
    /// end, so that nothing could come late.
    pub of: u64,
}

/// Objects and their sizes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Volume {
    /// How many there are.
    pub objects: u64,
    /// Their bytes, as they are stored.
    pub bytes: u64,
    /// Their bytes where an object counts for 128 KiB at least.
    pub at_least_128_kib: u64,
}

/// The length of payloads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawBytes {
    /// In bytes.
    pub bytes: u64,
    /// Whether it was reckoned from the objects that the newest run logs tell of.
    pub is_estimate: bool,
}

impl Volume {
    /// What a store of rarely read objects counts for each at least.
    const LEAST: u64 = 128 << 10;

    fn add(&mut self, bytes: u64) {
        self.objects += 1;
        self.bytes += bytes;
        self.at_least_128_kib += bytes.max(Self::LEAST);
    }

    fn add_all(&mut self, other: Self) {
        self.objects += other.objects;
        self.bytes += other.bytes;
        self.at_least_128_kib += other.at_least_128_kib;
    }
}

impl State {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Current => "current",
            Self::Unknown => "unknown",
            Self::Stale => "stale",
        }
    }
}

impl StreamStatus {
    /// Whether the upstream refused us when it was last asked.
    pub fn is_refused(&self) -> bool {
        self.last_attempt.as_ref().is_some_and(runs::LastAttempt::is_refusal)
    }
}

impl Status {
    /// Whether anything falls behind.
    pub fn is_stale(&self) -> bool {
        self.datasets.iter().any(|dataset| dataset.state == State::Stale)
    }

    /// Whether a stream is closed to us.
    pub fn is_refused(&self) -> bool {
        self.datasets.iter().flat_map(|dataset| &dataset.streams).any(StreamStatus::is_refused)
    }
}

/// The day that `days` days before `day` was.
fn days_before(day: Date, days: u64) -> Date {
    day.checked_sub_days(chrono::Days::new(days)).unwrap_or(Date::MIN)
}
