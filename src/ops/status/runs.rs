//! What the newest run logs tell: what came last of each stream, which versions could not be fetched, and how
//! long payloads were. They explain; what is there is told by keys alone.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufReader, Read as _};

use flate2::read::MultiGzDecoder;
use futures::{StreamExt as _, TryStreamExt as _};

use super::RawBytes;
use crate::base::Time;
use crate::lake::attempts::read_attempts;
use crate::lake::key::Key;
use crate::lake::run_log::{Attempt, Outcome};
use crate::lake::slice::{Stream, Version};
use crate::lake::store::{Store, StoreError};

/// How many run logs are read at once.
const CONCURRENT_READS: usize = 16;
/// A log of a first fill over all regions has 2 MB; what is longer is read so far.
const MAX_BYTES: u64 = 64 << 20;

/// What came of the last attempt at a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastAttempt {
    /// When it was over.
    pub finished: Time,
    /// What came of it.
    pub outcome: Outcome,
    /// Why it failed, in one line.
    pub error: Option<String>,
}

impl LastAttempt {
    /// Whether the upstream refused us.
    pub fn is_refusal(&self) -> bool {
        self.outcome.is_refusal()
    }

    /// Whether nothing came of it.
    pub fn is_failure(&self) -> bool {
        self.outcome.is_failure()
    }
}

/// What the logs tell of one stream.
#[derive(Debug, Clone, Default)]
pub(super) struct Told {
    pub(super) last: Option<LastAttempt>,
    /// When an attempt last came to something.
    pub(super) last_success: Option<Time>,
    /// Versions that were attempted and could not be fetched.
    pub(super) failed: BTreeSet<Version>,
    /// Stored objects by key: the bytes of the payload and of the object.
    objects: BTreeMap<String, (u64, u64)>,
}

/// What the logs tell of all streams.
#[derive(Debug, Default)]
pub(super) struct Runs {
    streams: BTreeMap<Stream, Told>,
}

impl Runs {
    /// Reads the logs under `keys`. One that cannot be read to its end tells what it can.
    pub(super) async fn read(store: &dyn Store, keys: Vec<Key>) -> Result<Self, StoreError> {
        let logs = futures::stream::iter(keys).map(|key| async move {
            let body: Vec<u8> = store.read(&key).await?.map_ok(|chunk| chunk.to_vec()).try_concat().await?;
            Ok::<_, StoreError>(body)
        });
        let mut runs = Self::default();
        let mut logs = logs.buffer_unordered(CONCURRENT_READS);
        while let Some(body) = logs.try_next().await? {
            runs.take_log(&body);
        }
        Ok(runs)
    }

    fn take_log(&mut self, gzipped: &[u8]) {
        let lines = BufReader::new(MultiGzDecoder::new(gzipped).take(MAX_BYTES));
        // A log that was damaged says less, and `verify` says so; it decides nothing.
        let _ = read_attempts(lines, |_, attempt| {
            if let Ok(attempt) = attempt {
                self.take(attempt);
            }
            Ok(())
        });
    }

    pub(super) fn take(&mut self, attempt: Attempt) {
        let Some(stream) = attempt.about() else { return };
        let told = self.streams.entry(stream).or_default();
        let failed = attempt.failed_version();
        let last = LastAttempt { finished: attempt.finished, outcome: attempt.outcome, error: attempt.error };
        told.failed.extend(failed);
        if last.outcome.is_success() {
            told.last_success = told.last_success.max(Some(last.finished));
        }
        if let (Outcome::Stored | Outcome::Empty | Outcome::Suspect, Some(key), Some(raw), Some(stored)) =
            (attempt.outcome, attempt.key, attempt.raw_bytes, attempt.stored_bytes)
        {
            told.objects.insert(key, (raw, stored));
        }
        if told.last.as_ref().is_none_or(|known| known.finished <= last.finished) {
            told.last = Some(last);
        }
    }

    /// Every stream that the logs tell of, in order.
    pub(super) fn streams(&self) -> impl Iterator<Item = &Stream> {
        self.streams.keys()
    }

    /// What the logs tell of a stream.
    pub(super) fn of(&self, stream: &Stream) -> Option<&Told> {
        self.streams.get(stream)
    }

    /// The length of the payloads of a stream that has `objects` of `stored` bytes together. Objects that the
    /// logs do not tell of are taken to shrink as the others do: of the stream, else of its dataset.
    pub(super) fn raw_bytes(&self, stream: &Stream, objects: u64, stored: u64) -> Option<RawBytes> {
        let nothing = Told::default();
        let (count, raw, told) = self.of(stream).unwrap_or(&nothing).sizes();
        if count == objects && told == stored {
            return Some(RawBytes { bytes: raw, is_estimate: false });
        }
        let (raw_of_kind, stored_of_kind) = if told > 0 {
            (raw, told)
        } else {
            let kin = self.streams.iter().filter(|(other, _)| other.dataset() == stream.dataset());
            kin.fold((0_u64, 0_u64), |(raw, stored), (_, told)| {
                let (_, more_raw, more_stored) = told.sizes();
                (raw.saturating_add(more_raw), stored.saturating_add(more_stored))
            })
        };
        let scaled =
            (u128::from(stored) * u128::from(raw_of_kind)).checked_div(u128::from(stored_of_kind))?;
        Some(RawBytes { bytes: u64::try_from(scaled).ok()?, is_estimate: true })
    }
}

impl Told {
    /// How many objects, and the bytes of their payloads and of themselves.
    fn sizes(&self) -> (u64, u64, u64) {
        // What a log says may be anything.
        let sum = |(raw, stored): (u64, u64), size: &(u64, u64)| {
            (raw.saturating_add(size.0), stored.saturating_add(size.1))
        };
        let (raw, stored) = self.objects.values().fold((0, 0), sum);
        (self.objects.len() as u64, raw, stored)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::base::Name;
    use crate::lake::slice::Slice;

    fn stream(region: &str) -> Stream {
        Stream::new("aws_price_list", &[("offer", "AmazonEC2"), ("region", region)]).unwrap()
    }

    fn attempt(region: &str, version: &str, outcome: Outcome, finished: &str) -> Attempt {
        let slice = Slice::Version { stream: stream(region), version: Version::new(version).unwrap() };
        let finished = finished.parse().unwrap();
        Attempt { outcome, ..Attempt::at_slice(&Name::hex(1), &slice, finished) }
    }

    fn sized(mut attempt: Attempt, raw: u64, stored: u64) -> Attempt {
        (attempt.raw_bytes, attempt.stored_bytes) = (Some(raw), Some(stored));
        attempt
    }

    fn read(attempts: &[Attempt], more: &str) -> Runs {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        for attempt in attempts {
            writeln!(gzip, "{}", serde_json::to_string(attempt).unwrap()).unwrap();
        }
        gzip.write_all(more.as_bytes()).unwrap();
        let mut runs = Runs::default();
        runs.take_log(&gzip.finish().unwrap());
        runs
    }

    #[test]
    fn the_last_line_counts_in_whatever_order_the_logs_come() {
        let early = attempt("r", "20260101000000", Outcome::Stored, "2026-11-21T20:00:00Z");
        let late = attempt("r", "20260102000000", Outcome::Refused, "2026-11-21T21:00:00Z");
        for lines in [[early.clone(), late.clone()], [late, early]] {
            let runs = read(&lines, "{\"not\": \"a line of ours\"}\nnor this");
            let told = runs.of(&stream("r")).unwrap();
            assert!(told.last.as_ref().unwrap().is_refusal());
            assert_eq!(told.last_success, Some("2026-11-21T20:00:00Z".parse().unwrap()));
        }
    }

    #[test]
    fn a_version_that_failed_is_known_to_be_missing() {
        let runs = read(&[attempt("r", "20260101000000", Outcome::Failed, "2026-11-21T20:00:00Z")], "");
        let failed: Vec<_> = runs.of(&stream("r")).unwrap().failed.iter().map(Version::as_str).collect();
        assert_eq!(failed, ["20260101000000"]);
    }

    #[test]
    fn raw_bytes_are_exact_where_every_object_has_its_line_and_else_an_estimate() {
        let at = "2026-11-21T20:00:00Z";
        let line = sized(attempt("r", "20260101000000", Outcome::Stored, at), 1_000, 100);
        let runs = read(&[line.clone(), line], "");
        let raw = |region, objects, stored| {
            let raw = runs.raw_bytes(&stream(region), objects, stored);
            raw.map(|raw| (raw.bytes, raw.is_estimate))
        };
        assert_eq!(raw("r", 1, 100), Some((1_000, false)), "a line that was written twice counts once");
        assert_eq!(raw("r", 3, 330), Some((3_300, true)));
        assert_eq!(raw("other", 2, 50), Some((500, true)), "as its dataset");
        assert_eq!(raw("other", 0, 0), Some((0, false)));
        assert_eq!(Runs::default().raw_bytes(&stream("r"), 1, 100), None);
    }

    #[test]
    fn a_log_with_impossible_sizes_is_no_panic() {
        let at = "2026-11-21T20:00:00Z";
        let lines = ["20260101000000", "20260102000000"]
            .map(|version| sized(attempt("r", version, Outcome::Stored, at), u64::MAX, u64::MAX));
        let runs = read(&lines, "");
        assert!(runs.raw_bytes(&stream("r"), 1, 100).is_some());
        assert!(runs.raw_bytes(&stream("other"), 1, 100).is_some());
    }

    #[test]
    fn a_damaged_log_tells_what_it_can() {
        let mut runs = Runs::default();
        runs.take_log(b"no gzip at all");
        assert_eq!(runs.streams().count(), 0);
    }
}
