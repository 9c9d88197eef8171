//! One object: whether its metadata is there and makes sense, and whether its payload is what they say.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;

use super::Verifier;
use crate::base::Time;
use crate::base::error::one_line;
use crate::lake::facts::Facts;
use crate::lake::key::{Key, Parsed};
use crate::lake::meta::ObjectMeta;
use crate::lake::read_back::{AtMost, ReadBackError, read_back};
use crate::lake::slice::{Format, Slice};
use crate::lake::store::{Listed, StoreError, StoreErrorKind};
use crate::sources::inspect::Inspector;

/// The clocks of two machines may differ that much.
const SKEW: TimeDelta = TimeDelta::minutes(5);
/// In a directory a crawler writes the metadata right after the object: if it is at it now, they are there soon.
const SETTLE: Duration = Duration::from_millis(200);
/// No gzip makes more of its input: the format's own limit is 1,032.
const MOST_GAIN: u64 = 1_032;

type SharedInspector = Arc<Mutex<Box<dyn Inspector>>>;

impl Verifier<'_> {
    /// Looks at the objects of one directory. What is no key was told by the survey.
    pub(super) async fn directory(&self, directory: Vec<Listed>) -> Result<(), StoreError> {
        let parsed = directory.into_iter().filter_map(|listed| {
            let (key, parsed) = Key::parse(&listed.key).ok()?;
            self.options.holds(&parsed).then_some((key, parsed, listed))
        });
        let mut objects: Vec<_> = parsed.collect();
        // Of a row that is there twice, the audit's is the one too many: it should have known.
        objects.sort_by_key(|(_, parsed, _)| matches!(parsed, Parsed::Raw(Slice::Audit { .. })));
        let mut inspector = None;
        for (key, parsed, mut listed) in objects {
            if matches!(parsed, Parsed::Table(_))
                && let Some(found) = self.store.find(&key).await?
            {
                // It may have been replaced since it was listed.
                (listed.bytes, listed.etag) = (found.bytes, found.etag);
            }
            let meta = self.meta(&key, &parsed, &listed).await?;
            if self.options.deep {
                if inspector.is_none() {
                    inspector = self.inspector(&parsed);
                }
                self.payload(&key, &parsed, &listed, meta.as_ref(), inspector.as_ref()).await?;
            }
            self.progress.verified(listed.bytes);
        }
        Ok(())
    }

    fn inspector(&self, parsed: &Parsed) -> Option<SharedInspector> {
        match parsed {
            Parsed::Raw(slice) => {
                let stream = slice.stream();
                let inspection = self.inspections.get(stream.dataset())?;
                Some(Arc::new(Mutex::new(inspection.of_day(stream))))
            }
            _ => None,
        }
    }

    /// The object's metadata. What is wrong with them is told.
    async fn meta(
        &self,
        key: &Key,
        parsed: &Parsed,
        listed: &Listed,
    ) -> Result<Option<ObjectMeta>, StoreError> {
        let mut kept = self.store.kept_meta(key).await;
        if kept.as_ref().is_err_and(|error| error.kind == StoreErrorKind::Foreign) {
            self.clock.sleep(SETTLE).await;
            kept = self.store.kept_meta(key).await;
        }
        match kept {
            Ok(meta) => {
                let found = implausible(parsed, listed.bytes, &meta, self.clock.now());
                self.tell(key, parsed, listed, found).await?;
                Ok(Some(meta))
            }
            Err(error) if error.kind == StoreErrorKind::Foreign => {
                let hint = "readers need no metadata; restore it or the object from a backup if you have one";
                self.findings.fault(key.as_str(), one_line(&error), hint);
                Ok(None)
            }
            Err(error) if error.kind == StoreErrorKind::NotFound => {
                self.findings.fault(key.as_str(), "it was listed, and is not there", advice(parsed));
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Reads the object and compares.
    async fn payload(
        &self,
        key: &Key,
        parsed: &Parsed,
        listed: &Listed,
        meta: Option<&ObjectMeta>,
        inspector: Option<&SharedInspector>,
    ) -> Result<(), StoreError> {
        if let (Some(inspector), Parsed::Raw(slice)) = (inspector, parsed) {
            lock(inspector).begin(slice);
        }
        let reading = Reading {
            facts: if has_rows(parsed) { Facts::of_rows() } else { Facts::of_bytes() },
            inspector: inspector.map(Arc::clone),
        };
        // What is longer than its metadata say is not what was put.
        let most = meta.map_or(u64::MAX, |meta| meta.bytes);
        let facts = match read_back(self.store, key, AtMost::new(most, reading)).await {
            Ok(read) => read.into_inner().facts.finish(),
            Err(ReadBackError::Payload(error)) => {
                return self.tell(key, parsed, listed, vec![format!("it is damaged: {error}")]).await;
            }
            Err(ReadBackError::Store(error)) if error.kind == StoreErrorKind::NotFound => return Ok(()),
            Err(ReadBackError::Store(error)) if error.kind == StoreErrorKind::Foreign => {
                self.findings.fault(key.as_str(), one_line(&error), advice(parsed));
                return Ok(());
            }
            Err(ReadBackError::Store(error)) => return Err(error),
        };
        let inspected = inspector.map(|inspector| lock(inspector).end()).unwrap_or_default();
        let facts = ObjectMeta {
            rows: inspected.rows.or(facts.rows),
            rows_hash: inspected.rows_hash.or(facts.rows_hash),
            ..facts
        };
        let mut found = meta.map(|meta| differences(meta, &facts)).unwrap_or_default();
        found.extend(inspected.faults);
        self.tell(key, parsed, listed, found).await
    }

    /// Tells what was found of an object, unless it is a table's that was replaced meanwhile: then it was found of two
    /// objects.
    async fn tell(
        &self,
        key: &Key,
        parsed: &Parsed,
        listed: &Listed,
        found: Vec<String>,
    ) -> Result<(), StoreError> {
        if !found.is_empty()
            && matches!(parsed, Parsed::Table(_))
            && self.store.find(key).await?.is_none_or(|standing| standing.etag != listed.etag)
        {
            return Ok(());
        }
        for found in found {
            self.findings.fault(key.as_str(), found, advice(parsed));
        }
        Ok(())
    }
}

fn lock(inspector: &SharedInspector) -> std::sync::MutexGuard<'_, Box<dyn Inspector>> {
    inspector.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A payload on its way past everybody who looks at it.
struct Reading {
    facts: Facts,
    inspector: Option<SharedInspector>,
}

impl Write for Reading {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.facts.add(piece);
        if let Some(inspector) = &self.inspector {
            lock(inspector).take(piece);
        }
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn has_rows(parsed: &Parsed) -> bool {
    match parsed {
        Parsed::Raw(slice) => slice.format() == Format::Ndjson,
        Parsed::RunLog(..) => true,
        Parsed::Table(_) | Parsed::Mark(..) | Parsed::Identity | Parsed::Probe => false,
    }
}

/// What to do about an object that is not what it should be.
fn advice(parsed: &Parsed) -> &'static str {
    match parsed {
        Parsed::Raw(Slice::Slot { .. }) => {
            "restore it from a backup; without one move it out of the lake: its upstream tells the present only"
        }
        Parsed::Raw(_) => {
            "restore it from a backup, or move it out of the lake: it is fetched again while its upstream has it"
        }
        Parsed::Table(_) => "remove it: tables are built again from what is raw",
        Parsed::Mark(..) => "restore it from a backup, or remove it: its slice is then looked at again",
        Parsed::RunLog(..) => "restore it from a backup, or remove it: it explains, and decides nothing",
        Parsed::Identity => "restore it from a backup: nothing but Contrail should write there",
        Parsed::Probe => "remove it: the next crawler puts it again",
    }
}

/// What of the metadata cannot be, whatever the payload is.
fn implausible(parsed: &Parsed, stored: u64, meta: &ObjectMeta, now: Time) -> Vec<String> {
    let mut found = Vec::new();
    let is_hex = |text: &str, length| {
        text.len() == length
            && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    };
    if !is_hex(&meta.sha256, 64) {
        found.push("contrail-sha256 is no sha256".to_owned());
    }
    let zipped = matches!(parsed, Parsed::Raw(_) | Parsed::RunLog(..));
    let fits = if zipped {
        // gzip costs a few bytes for each block that it cannot make smaller.
        stored <= meta.bytes + meta.bytes / 1_000 + 1_024 && meta.bytes / MOST_GAIN <= stored
    } else {
        stored == meta.bytes
    };
    if !fits {
        found
            .push(format!("contrail-bytes is {}, which an object of {stored} bytes cannot hold", meta.bytes));
    }
    let Parsed::Raw(slice) = parsed else { return found };
    let Some(rows) = meta.rows else {
        found.push("contrail-rows is missing".to_owned());
        return found;
    };
    if slice.format() == Format::Ndjson {
        if (rows == 0) != (meta.bytes == 0) || rows > meta.bytes {
            found.push(format!("contrail-rows is {rows}, and contrail-bytes {}", meta.bytes));
        }
        if !meta.rows_hash.as_deref().is_some_and(|hash| is_hex(hash, 32)) {
            found.push("contrail-rows-hash is missing or no fingerprint".to_owned());
        }
    }
    found.extend(implausible_moment(slice, meta.fetched_at, now));
    found
}

/// A window is fetched when it is over, a slot while it lasts, and nothing tomorrow.
fn implausible_moment(slice: &Slice, fetched_at: Option<Time>, now: Time) -> Option<String> {
    let Some(fetched_at) = fetched_at else { return Some("contrail-fetched-at is missing".to_owned()) };
    let earliest = match slice {
        Slice::Window { span, .. } => Some(span.to()),
        Slice::Audit { day, .. } => day.succ_opt().map(crate::base::clock::midnight),
        Slice::Slot { at, .. } => Some(*at),
        Slice::Version { .. } => None,
    };
    let is_early = earliest.is_some_and(|earliest| fetched_at + SKEW < earliest);
    let told = fetched_at.format("%Y-%m-%dT%H:%M:%SZ");
    if is_early {
        Some(format!("contrail-fetched-at is {told}, before {} was over", slice.label()))
    } else {
        (fetched_at > now + SKEW).then(|| format!("contrail-fetched-at is {told}, which is yet to come"))
    }
}

/// Where the metadata and the payload differ.
fn differences(meta: &ObjectMeta, facts: &ObjectMeta) -> Vec<String> {
    let mut found = Vec::new();
    let mut compare = |name: &str, told: Option<String>, is: Option<String>| {
        if let (Some(told), Some(is)) = (told, is)
            && told != is
        {
            found.push(format!("{name} is {told}, and that of the payload {is}"));
        }
    };
    let number = |number: Option<u64>| number.map(|number| number.to_string());
    compare("contrail-bytes", number(Some(meta.bytes)), number(Some(facts.bytes)));
    compare("contrail-sha256", Some(meta.sha256.clone()), Some(facts.sha256.clone()));
    compare("contrail-rows", number(meta.rows), number(facts.rows));
    compare("contrail-rows-hash", meta.rows_hash.clone(), facts.rows_hash.clone());
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: &str =
        "raw/aws_spot_prices/dt=2026-11-21/region=r/20261121T200000Z-20261121T210000Z.ndjson.gz";

    fn sound() -> ObjectMeta {
        ObjectMeta {
            sha256: "ab".repeat(32),
            bytes: 1_000,
            rows: Some(5),
            rows_hash: Some("cd".repeat(16)),
            fetched_at: Some("2026-11-21T21:10:00Z".parse().unwrap()),
            ..ObjectMeta::default()
        }
    }

    fn found(stored: u64, change: impl FnOnce(&mut ObjectMeta)) -> Vec<String> {
        let mut meta = sound();
        change(&mut meta);
        implausible(&Key::parse(HOUR).unwrap().1, stored, &meta, "2026-11-22T00:00:00Z".parse().unwrap())
    }

    #[test]
    fn sound_metadata_are_plausible_and_each_odd_one_is_named() {
        assert_eq!(found(200, |_| {}), Vec::<String>::new());
        for (stored, change, names) in [
            (200, (|meta| meta.sha256.truncate(63)) as fn(&mut ObjectMeta), "contrail-sha256"),
            (9_999, |_| {}, "contrail-bytes is 1000"),
            (200, |meta| meta.bytes = 1 << 40, "contrail-bytes"),
            (200, |meta| meta.rows = None, "contrail-rows is missing"),
            (200, |meta| meta.rows = Some(0), "contrail-rows is 0"),
            (200, |meta| meta.rows_hash = None, "contrail-rows-hash"),
            (200, |meta| meta.fetched_at = None, "contrail-fetched-at is missing"),
            (200, |meta| meta.fetched_at = "2026-11-21T20:30:00Z".parse().ok(), "was over"),
            (200, |meta| meta.fetched_at = "2027-01-01T00:00:00Z".parse().ok(), "yet to come"),
        ] {
            let told = found(stored, change);
            assert!(told.len() == 1 && told[0].contains(names), "{told:?} does not say {names}");
        }
    }

    #[test]
    fn every_difference_is_told() {
        let meta = sound();
        assert!(differences(&meta, &meta).is_empty());
        let other = ObjectMeta {
            sha256: "ef".repeat(32),
            bytes: 7,
            rows: Some(6),
            rows_hash: Some("00".repeat(16)),
            ..sound()
        };
        let told = differences(&meta, &other);
        assert_eq!(told.len(), 4, "{told:?}");
        assert_eq!(told[0], "contrail-bytes is 1000, and that of the payload 7");
    }
}
