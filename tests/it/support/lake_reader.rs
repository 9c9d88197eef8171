//! A lake read from outside, as somebody would who has only the contract: names, gzip, metadata, natural keys.
//! It uses the product's key grammar and types, and nothing of what writes a lake.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use contrail::base::Time;
use contrail::lake::draft::hex;
use contrail::lake::identity::Identity;
use contrail::lake::key::{Key, Parsed, Prefix};
use contrail::lake::meta::ObjectMeta;
use contrail::lake::run_log::{Attempt, Outcome};
use contrail::lake::slice::{Format, Slice};
use contrail::lake::store::Store;
use futures::TryStreamExt as _;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// Everything that is in a lake, by key.
#[derive(Debug)]
pub(crate) struct LakeReader {
    objects: BTreeMap<String, Object>,
    /// What is wrong with the directory itself: files that are neither objects nor their sidecars.
    strays: Vec<String>,
}

/// One object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Object {
    /// As it is stored.
    pub(crate) bytes: Vec<u8>,
    pub(crate) meta: Option<ObjectMeta>,
}

impl Object {
    /// What the upstream said.
    pub(crate) fn payload(&self) -> Vec<u8> {
        let mut payload = Vec::new();
        flate2::read::MultiGzDecoder::new(self.bytes.as_slice()).read_to_end(&mut payload).unwrap();
        payload
    }

    /// The lines of the payload as they are.
    pub(crate) fn lines(&self) -> Vec<String> {
        String::from_utf8(self.payload()).unwrap().lines().map(str::to_owned).collect()
    }

    /// The lines of the payload as JSON.
    pub(crate) fn rows(&self) -> Vec<Value> {
        self.lines().iter().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl LakeReader {
    /// The lake in a directory, every file of it.
    pub(crate) fn of_directory(root: &Path) -> Self {
        let mut lake = Self { objects: BTreeMap::new(), strays: Vec::new() };
        let mut files = Vec::new();
        files_below(root, &mut files);
        let mut sidecars = BTreeMap::new();
        for file in files {
            let path = file.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            let bytes = fs::read(&file).unwrap();
            if let Some(key) = path.strip_prefix("_contrail/meta/").and_then(|key| key.strip_suffix(".json"))
            {
                sidecars.insert(key.to_owned(), serde_json::from_slice::<ObjectMeta>(&bytes));
            } else if Key::parse(&path).is_ok() {
                lake.objects.insert(path, Object { bytes, meta: None });
            } else if !path.starts_with("_contrail/spool/") {
                lake.strays.push(format!("{path} is no object of a lake"));
            }
        }
        for (key, meta) in sidecars {
            match (lake.objects.get_mut(&key), meta) {
                (Some(object), Ok(meta)) => object.meta = Some(meta),
                (None, _) => lake.strays.push(format!("a sidecar without its object: {key}")),
                (_, Err(error)) => lake.strays.push(format!("the sidecar of {key} is damaged: {error}")),
            }
        }
        lake
    }

    /// The lake in any store.
    pub(crate) async fn of_store(store: &dyn Store) -> Self {
        let mut lake = Self { objects: BTreeMap::new(), strays: Vec::new() };
        for prefix in [Prefix::all_raw(), Prefix::system()] {
            for listed in store.list(&prefix).try_collect::<Vec<_>>().await.unwrap() {
                let Ok((key, _)) = Key::parse(&listed.key) else {
                    lake.strays.push(format!("{} is no object of a lake", listed.key));
                    continue;
                };
                let body = store.read(&key).await.unwrap();
                let bytes = body.map_ok(|chunk| chunk.to_vec()).try_concat().await.unwrap();
                let meta = store.head(&key).await.unwrap();
                lake.objects.insert(listed.key, Object { bytes, meta });
            }
        }
        lake
    }

    /// Every key, sorted.
    pub(crate) fn keys(&self) -> Vec<&str> {
        self.objects.keys().map(String::as_str).collect()
    }

    /// The objects of one dataset, by key.
    pub(crate) fn raw(&self, dataset: &str) -> BTreeMap<&str, &Object> {
        let prefix = format!("raw/{dataset}/");
        let objects = self.objects.iter().filter(|(key, _)| key.starts_with(&prefix));
        objects.map(|(key, object)| (key.as_str(), object)).collect()
    }

    /// All that upstreams said, as it is stored: what must never change.
    pub(crate) fn all_raw(&self) -> BTreeMap<&str, &Object> {
        let objects = self.objects.iter().filter(|(key, _)| key.starts_with("raw/"));
        objects.map(|(key, object)| (key.as_str(), object)).collect()
    }

    /// The keys of what is known without an object.
    pub(crate) fn marks(&self) -> Vec<&str> {
        self.objects.keys().map(String::as_str).filter(|key| key.starts_with("_contrail/marks/")).collect()
    }

    /// What this lake is.
    pub(crate) fn identity(&self) -> Identity {
        serde_json::from_slice(&self.objects["_contrail/lake.json"].bytes).unwrap()
    }

    /// Every line of every run log.
    pub(crate) fn attempts(&self) -> Vec<Attempt> {
        let logs = self.objects.iter().filter(|(key, _)| key.starts_with("_contrail/runs/"));
        logs.flat_map(|(_, log)| log.rows()).map(|line| serde_json::from_value(line).unwrap()).collect()
    }

    /// The lines about `dataset` that came to `outcome`.
    pub(crate) fn attempts_at(&self, dataset: &str, outcome: Outcome) -> Vec<Attempt> {
        let mut attempts = self.attempts();
        attempts.retain(|attempt| attempt.dataset == dataset && attempt.outcome == outcome);
        attempts
    }

    /// The lake keeps every promise that can be checked from outside; answers with itself.
    #[track_caller]
    pub(crate) fn sound(self) -> Self {
        let mut faults = self.strays.clone();
        let mut pools: BTreeMap<String, &str> = BTreeMap::new();
        let identity = self.identity();
        for (key, object) in &self.objects {
            let (_, parsed) = Key::parse(key).unwrap();
            let found = match &parsed {
                Parsed::Raw(slice) => check_raw(slice, object),
                Parsed::RunLog(..) => check_payload(object, Some(Format::Ndjson)),
                Parsed::Mark(..) | Parsed::Identity => {
                    check_meta(object, &object.bytes, None).into_iter().collect()
                }
                Parsed::Table(_) | Parsed::Probe => Vec::new(),
            };
            faults.extend(found.into_iter().map(|fault| format!("{key}: {fault}")));
            let Parsed::Raw(slice @ (Slice::Window { .. } | Slice::Audit { .. })) = &parsed else { continue };
            if let Slice::Window { span, .. } = slice
                && !identity.grid().unwrap().holds(*span)
            {
                faults.push(format!("{key}: {span} is no window of this lake"));
            }
            for row in object.rows() {
                let pool = natural_key(slice.stream().part("region").unwrap_or_default(), &row);
                if let Some(other) = pools.insert(pool.clone(), key) {
                    faults.push(format!("{pool} is in {other} and again in {key}"));
                }
            }
        }
        faults.extend(self.contradicted_lines());
        assert!(faults.is_empty(), "the lake is not sound:\n{}", faults.join("\n"));
        self
    }

    /// Lines that say `stored` of a key that is not there, and raw objects that two lines claim to have made.
    fn contradicted_lines(&self) -> Vec<String> {
        let mut made = BTreeSet::new();
        let mut faults = Vec::new();
        for attempt in self.attempts() {
            if !matches!(attempt.outcome, Outcome::Stored | Outcome::Empty | Outcome::Suspect) {
                continue;
            }
            let key = attempt.key.unwrap();
            match self.objects.get(&key) {
                None => faults.push(format!("the run log says that {key} is stored, and it is not there")),
                Some(object) => {
                    let meta = object.meta.clone().unwrap_or_default();
                    if (Some(meta.sha256), meta.rows) != (attempt.sha256, attempt.rows) {
                        faults.push(format!("the run log and the metadata of {key} differ"));
                    }
                }
            }
            if !made.insert(key.clone()) {
                faults.push(format!("two lines of the run log claim to have stored {key}"));
            }
        }
        faults
    }
}

/// Region, zone, instance type, product and time: unique over all spot prices of a lake.
fn natural_key(region: &str, row: &Value) -> String {
    let fields = ["AvailabilityZoneId", "InstanceType", "ProductDescription", "Timestamp"];
    let values: Vec<&str> = fields.iter().map(|field| row[*field].as_str().unwrap_or("?")).collect();
    format!("{region} {}", values.join(" "))
}

fn check_raw(slice: &Slice, object: &Object) -> Vec<String> {
    let mut faults = check_payload(object, Some(slice.format()).filter(|format| *format == Format::Ndjson));
    if let Slice::Window { span, .. } = slice {
        let late = object.rows().iter().filter(|row| timestamp(row) >= span.to()).count();
        if late > 0 {
            faults.push(format!("{late} rows lie at or after the window's end"));
        }
    }
    if slice.format() == Format::Json
        && let Err(error) = serde_json::from_slice::<serde::de::IgnoredAny>(&object.payload())
    {
        faults.push(format!("no JSON: {error}"));
    }
    faults
}

fn timestamp(row: &Value) -> Time {
    row["Timestamp"].as_str().unwrap().parse().unwrap()
}

/// gzip, its metadata, and lines that are JSON objects where the format has lines.
fn check_payload(object: &Object, lines: Option<Format>) -> Vec<String> {
    let mut faults = Vec::new();
    // RFC 1952: four bytes of time, from the fifth on. The same rows give the same bytes only if they are 0.
    if object.bytes.get(4..8) != Some(&[0; 4]) {
        faults.push("gzip with a time".to_owned());
    }
    let payload = object.payload();
    let mut rows = None;
    if lines.is_some() {
        let text = String::from_utf8_lossy(&payload);
        let odd = text.lines().filter(|line| !matches!(serde_json::from_str(line), Ok(Value::Object(_))));
        let odd = odd.count();
        if odd > 0 || !(text.is_empty() || text.ends_with('\n')) {
            faults.push(format!("{odd} lines are no JSON objects, or the last one is cut"));
        }
        rows = Some(text.lines().count() as u64);
    }
    faults.extend(check_meta(object, &payload, rows));
    faults
}

fn check_meta(object: &Object, payload: &[u8], rows: Option<u64>) -> Option<String> {
    let Some(meta) = &object.meta else { return Some("no metadata".to_owned()) };
    let sha256 = hex(&Sha256::digest(payload));
    let told = (&meta.sha256, meta.bytes, rows.and(meta.rows));
    let found = (&sha256, payload.len() as u64, rows);
    (told != found).then(|| format!("the metadata says {told:?}, the payload {found:?}"))
}

fn files_below(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_below(&path, found);
        } else {
            found.push(path);
        }
    }
}
