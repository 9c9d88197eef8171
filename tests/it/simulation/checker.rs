//! The promises, checked against the truth. It reads keys, gunzips objects and counts rows by itself: nothing of
//! what the crawler thinks of its coverage is asked.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;

use chrono::{Days, TimeDelta};
use contrail::base::clock::midnight;
use contrail::base::units::Period;
use contrail::base::{Date, Time};
use contrail::lake::draft::hex;
use contrail::lake::key::Key;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::store::Object;
use super::truth::{MEMORY, SLOT, body};
use super::upstream::{SLOTS, Told, Upstream, VERSIONS, WINDOWS, version};

/// What there is to go by.
pub(super) struct Evidence<'a> {
    pub(super) objects: BTreeMap<String, Object>,
    pub(super) told: Vec<Told>,
    pub(super) upstream: &'a Upstream,
    pub(super) now: Time,
    /// What is younger may still be missing.
    pub(super) lag: TimeDelta,
    /// The keys of slices that somebody was told are gone, and what the clock showed then.
    pub(super) given_up: BTreeMap<String, Time>,
    /// Whether one crawler may have given up what another one held: then that is in the lake, and the last rows of
    /// it once more in the window after, which was told of them.
    pub(super) may_hold_what_was_given_up: bool,
    /// Whether every run log is up, and no disk died with the lines of one.
    pub(super) has_all_lines: bool,
}

/// What is wrong; and how many objects and rows were compared.
pub(super) fn check(evidence: &Evidence<'_>) -> (Vec<String>, (u64, u64)) {
    let mut told: BTreeMap<&str, Vec<&Told>> = BTreeMap::new();
    for answer in &evidence.told {
        told.entry(&answer.key).or_default().push(answer);
    }
    let mut lake = Lake { evidence, told, faults: Vec::new(), payloads: BTreeMap::new() };
    lake.read_objects();
    let rows = lake.check_rows();
    for region in &evidence.upstream.regions {
        lake.check_windows(region);
        lake.check_versions(region);
        lake.check_slots(region);
    }
    lake.check_run_log();
    (lake.faults, (evidence.objects.len() as u64, rows))
}

/// How long after its end a day is audited.
const AUDIT: TimeDelta = TimeDelta::hours(6);

struct Lake<'a> {
    evidence: &'a Evidence<'a>,
    /// Every answer, by the key of its slice.
    told: BTreeMap<&'a str, Vec<&'a Told>>,
    faults: Vec<String>,
    /// The lines of every gzipped object, by key.
    payloads: BTreeMap<&'a str, Vec<String>>,
}

const MARKS: &str = "_contrail/marks/";
const RUNS: &str = "_contrail/runs/";

impl Lake<'_> {
    fn fault(&mut self, text: String) {
        self.faults.push(text);
    }

    fn has(&self, key: &str) -> bool {
        self.evidence.objects.contains_key(key)
    }

    fn mark(&self, key: &str, mark: &str) -> Option<Value> {
        let (bytes, _) = self.evidence.objects.get(&format!("{MARKS}{key}.{mark}.json"))?;
        serde_json::from_slice(bytes).ok()
    }

    /// Every object can be read, is what its metadata say, and is what the upstream said.
    fn read_objects(&mut self) {
        let evidence = self.evidence;
        for (key, (bytes, meta)) in &evidence.objects {
            let zipped = std::path::Path::new(key).extension().is_some_and(|extension| extension == "gz");
            let mut payload = Vec::new();
            if zipped {
                let read = flate2::read::GzDecoder::new(bytes.as_ref()).read_to_end(&mut payload);
                if let Err(error) = read {
                    self.fault(format!("{key} cannot be read: {error}"));
                    continue;
                }
            } else {
                payload.extend_from_slice(bytes);
                if serde_json::from_slice::<Value>(bytes).is_err() {
                    self.fault(format!("{key} is no JSON"));
                }
            }
            if meta.sha256 != hex(&Sha256::digest(&payload)) || meta.bytes != payload.len() as u64 {
                self.fault(format!("{key} is not what its metadata say"));
            }
            // A raw key is the one that was asked for: see below.
            let ours = key.starts_with("raw/") || key == "_contrail/lake.json";
            let about_us = (key.starts_with(MARKS) || key.starts_with(RUNS)) && Key::parse(key).is_ok();
            if !(ours || about_us) {
                self.fault(format!("{key} has no place in a lake"));
            }
            let lost = key.strip_prefix(MARKS).and_then(|key| key.strip_suffix(".lost.json"));
            if lost.is_some_and(|key| !evidence.given_up.contains_key(key)) {
                self.fault(format!("{key}: nobody ever said so"));
            }
            if !zipped {
                continue;
            }
            let text = String::from_utf8(payload).unwrap();
            let lines: Vec<String> = text.lines().map(str::to_owned).collect();
            if key.starts_with("raw/") {
                let number = meta.source_url.as_deref().and_then(|number| number.parse::<usize>().ok());
                let told = number.and_then(|number| evidence.told.get(number));
                match told {
                    Some(told) if told.key == *key && told.lines == lines => {}
                    _ => self.fault(format!("{key} is not what the upstream said: {told:?} and {lines:?}")),
                }
                if meta.rows != Some(lines.len() as u64) {
                    self.fault(format!("{key} does not say how many rows it has"));
                }
            }
            self.payloads.insert(key, lines);
        }
    }

    /// Each row is a true one, and in the lake once; each that was told is there.
    fn check_rows(&mut self) -> u64 {
        let mut held: BTreeMap<(String, String), &str> = BTreeMap::new();
        let prefix = format!("raw/{}/", WINDOWS.id);
        let mut told = Vec::new();
        let mut faults = Vec::new();
        for (key, lines) in self.payloads.iter().filter(|(key, _)| key.starts_with(&prefix)) {
            let region = key.split('/').find_map(|part| part.strip_prefix("region=")).unwrap();
            for line in lines {
                if let Some(other) = held.insert((region.to_owned(), line.clone()), key)
                    && !(self.evidence.may_hold_what_was_given_up && self.mark(other, "lost").is_some())
                {
                    faults.push(format!("{line} of {region} is in {other} and again in {key}"));
                }
            }
            let number: usize = self.evidence.objects[*key].1.source_url.as_deref().unwrap().parse().unwrap();
            told.push((key, region, self.evidence.told[number].at));
        }
        let truth = &self.evidence.upstream.truth;
        let known: BTreeSet<(&str, &str)> = truth
            .changes
            .iter()
            .flat_map(|(region, changes)| changes.iter().map(|change| (*region, change.line.as_str())))
            .collect();
        faults.extend(
            held.keys()
                .filter(|(region, line)| !known.contains(&(region.as_str(), line.as_str())))
                .map(|(region, line)| format!("nobody ever said {line} of {region}")),
        );
        for (key, region, at) in told {
            let (from, to) = span(key);
            let seen = truth
                .told(region, at)
                .filter(|change| (from..to).contains(&change.at) && change.at >= at - MEMORY);
            for change in seen {
                if !held.contains_key(&(region.to_owned(), change.line.clone())) {
                    faults
                        .push(format!("{} of {region} was told at {at} for {key}, and is lost", change.line));
                }
            }
        }
        self.faults.extend(faults);
        held.len() as u64
    }

    /// From its beginning to now a stream has no hole, and what is lost could not be had.
    fn check_windows(&mut self, region: &str) {
        let now = self.evidence.now;
        let prefix = format!("raw/{}/", WINDOWS.id);
        let stream = format!("/region={region}/");
        let of_stream =
            |key: &str| key.starts_with(&prefix) && key.contains(&stream) && !key.contains(".late.");
        let stored = self.evidence.objects.keys().map(String::as_str).filter(|key| of_stream(key));
        let lost = self.evidence.objects.keys().filter_map(|key| {
            key.strip_prefix(MARKS)?.strip_suffix(".lost.json").filter(|key| of_stream(key))
        });
        let lost: BTreeSet<&str> = lost.collect();
        let known: BTreeSet<(Time, Time, &str)> =
            stored.chain(lost.iter().copied()).map(|key| (span(key).0, span(key).1, key)).collect();
        let Some((begins, _, _)) = known.first().copied() else {
            return self.fault(format!("nothing is known of {region}"));
        };
        let mut until = begins;
        let lake: Value = self.identity();
        let step: Period = lake["spot_window"].as_str().unwrap().parse().unwrap();
        let due = now - self.evidence.lag;
        let created = self.created_day();
        let ends =
            |from: Time| from + if from.date_naive() < created { TimeDelta::days(1) } else { step.delta() };
        for (from, to, key) in &known {
            if *from > until && ends(until) < due {
                self.fault(format!("nobody knows {region} from {until} to {from}"));
            }
            if *from < until {
                self.fault(format!("{key} overlaps the window before it, which ends at {until}"));
            }
            until = until.max(*to);
        }
        if ends(until) < due {
            self.fault(format!("nobody knows {region} from {until} on, and now it is {now}"));
        }
        let mut faults = Vec::new();
        for key in &lost {
            let clock = self.evidence.given_up.get(*key);
            if clock.is_some_and(|clock| *clock < span(key).0 + MEMORY) {
                faults.push(format!("{key} was given up at {clock:?}, when it could be had"));
            }
        }
        // A day that is stored whole is proven.
        let mut day = begins.max(now - MEMORY + TimeDelta::days(1)).date_naive() + Days::new(1);
        while midnight(day) + TimeDelta::days(1) + AUDIT < due {
            let (from, to) = (midnight(day), midnight(day) + TimeDelta::days(1));
            let whole = known.iter().filter(|(start, _, _)| (from..to).contains(start));
            let whole = whole.clone().count() > 0 && whole.clone().all(|(_, _, key)| self.has(key));
            let audit = format!(
                "raw/{}/dt={day}{stream}{}-{}.late.ndjson.gz",
                WINDOWS.id,
                day.format("%Y%m%d"),
                (day + Days::new(1)).format("%Y%m%d")
            );
            if whole && day + Days::new(1) >= created && !self.has(&audit) {
                faults.push(format!("{day} of {region} is not proven, and now it is {now}"));
            }
            day = day + Days::new(1);
        }
        self.faults.extend(faults);
    }

    fn created_day(&self) -> Date {
        self.identity()["created_at"].as_str().unwrap().parse::<Time>().unwrap().date_naive()
    }

    fn identity(&self) -> Value {
        serde_json::from_slice(&self.evidence.objects["_contrail/lake.json"].0).unwrap()
    }

    /// Every version that the index lists is there.
    fn check_versions(&mut self, region: &str) {
        let now = self.evidence.now;
        let listed: Vec<Time> = self.evidence.upstream.truth.listed(region, now).collect();
        for at in listed.into_iter().filter(|at| *at < now - self.evidence.lag) {
            let name = version(at).to_string();
            let key =
                format!("raw/{}/dt={}/region={region}/{name}.json.gz", VERSIONS.id, at.format("%Y-%m-%d"));
            match self.payloads.get(key.as_str()) {
                Some(lines) if lines.as_slice() == [body(region, &name)] => {}
                Some(lines) => self.fault(format!("{key} is {lines:?}")),
                None => self.fault(format!("{key} is listed and not there")),
            }
        }
    }

    /// Each slot since the first is there, known to be as one before, or lost because nobody got it in time.
    fn check_slots(&mut self, region: &str) {
        let prefix = format!("raw/{}/", SLOTS.id);
        let stream = format!("/region={region}/");
        let keys = self.evidence.objects.keys().map(|key| key.strip_prefix(MARKS).unwrap_or(key));
        let days = keys.filter(|key| key.starts_with(&prefix) && key.contains(&stream));
        let Some(first) =
            days.filter_map(|key| key.split("dt=").nth(1)?.get(..10)?.parse::<Date>().ok()).min()
        else {
            return self.fault(format!("no slot of {region} was ever looked at"));
        };
        let mut at = midnight(first);
        while at < self.evidence.now - self.evidence.lag {
            let key =
                format!("{prefix}dt={}{stream}{}.ndjson.gz", at.format("%F"), at.format("%Y%m%dT%H%M%SZ"));
            let told = self.told.get(key.as_str()).cloned().unwrap_or_default();
            let unchanged = self.mark(&key, "unchanged");
            if !self.has(&key) && unchanged.is_none() && self.mark(&key, "lost").is_none() {
                self.fault(format!("{key} was never looked at, and nobody says so"));
            }
            if let Some(mark) = unchanged {
                let same_as = mark["because"]["same_as"].as_str().unwrap_or_default();
                let sorted = |lines: &[String]| lines.iter().cloned().collect::<BTreeSet<_>>();
                let before = self.payloads.get(same_as).map(|lines| sorted(lines));
                if before.is_none() || !told.iter().any(|told| Some(sorted(&told.lines)) == before) {
                    self.fault(format!("{key} is not the same as {same_as}"));
                }
            }
            at += SLOT;
        }
    }

    /// What the run log calls stored is stored so; and every object has its line.
    fn check_run_log(&mut self) {
        let mut lines_of = BTreeSet::new();
        let mut faults = Vec::new();
        for (log, lines) in self.payloads.iter().filter(|(key, _)| key.starts_with(RUNS)) {
            for line in lines {
                let Ok(line) = serde_json::from_str::<Value>(line) else {
                    faults.push(format!("{log} has a line that is no JSON: {line}"));
                    continue;
                };
                let (outcome, key) =
                    (line["outcome"].as_str().unwrap(), line["key"].as_str().unwrap_or_default());
                if !matches!(outcome, "stored" | "empty" | "suspect" | "exists" | "unchanged" | "lost") {
                    continue;
                }
                let Some((_, meta)) = self.evidence.objects.get(key) else {
                    faults.push(format!("{log} calls {key} {outcome}, and it is not there"));
                    continue;
                };
                let same =
                    line["sha256"].as_str() == Some(&meta.sha256) && line["rows"].as_u64() == meta.rows;
                if matches!(outcome, "stored" | "empty" | "suspect") {
                    lines_of.insert(key.to_owned());
                    if !same {
                        faults.push(format!("{log} and {key} do not agree: {line}"));
                    }
                }
                if outcome == "exists"
                    && line["differs"] == Value::Bool(false)
                    && key.starts_with("raw/")
                    && !same
                {
                    faults.push(format!("{log} says that {key} does not differ: {line}"));
                }
            }
        }
        if self.evidence.has_all_lines {
            let raw = self.evidence.objects.keys().filter(|key| key.starts_with("raw/"));
            let without = raw.filter(|key| !lines_of.contains(*key));
            faults.extend(without.map(|key| format!("{key} has no line in any run log")));
        }
        self.faults.extend(faults);
    }
}

/// The time that the key of a window or an audit stands for.
fn span(key: &str) -> (Time, Time) {
    let name = key.rsplit('/').next().unwrap();
    let (from, rest) = name.split_once('-').unwrap();
    let to = rest.split('.').next().unwrap();
    let moment = |text: &str| -> Time {
        let full = if text.len() == 8 { format!("{text}T000000Z") } else { text.to_owned() };
        chrono::NaiveDateTime::parse_from_str(&full, "%Y%m%dT%H%M%SZ").unwrap().and_utc()
    };
    (moment(from), moment(to))
}
