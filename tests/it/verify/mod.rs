//! `contrail verify` from end to end: the built binary looks at lakes that somebody has meddled with.

mod buckets;
mod metadata;
mod payloads;
mod places;
mod tables;

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use contrail::lake::facts::Facts;
use contrail::lake::meta::ObjectMeta;
use serde::Deserialize;

use crate::support::program::{Ended, Home};

/// A small lake of every dataset, crawled once for all tests.
fn original() -> &'static Path {
    static LAKE: OnceLock<PathBuf> = OnceLock::new();
    LAKE.get_or_init(|| {
        let home = Home::shared("verified-lake");
        home.run(&["crawler", "--once", "--sandbox", "--seed", "7", "--scale", "0.001"]).with(0);
        home.lake()
    })
}

/// A copy of the lake to meddle with.
struct Meddled {
    home: Home,
}

/// One line of the answer.
#[derive(Debug, Deserialize)]
struct Finding {
    key: String,
    severity: String,
    found: String,
    hint: String,
}

impl Meddled {
    fn new() -> Self {
        let home = Home::new();
        let copied = Command::new("cp").arg("-a").arg(original()).arg(home.lake()).status().unwrap();
        assert!(copied.success());
        Self { home }
    }

    fn path(&self, below: &str) -> PathBuf {
        self.home.lake().join(below)
    }

    fn sidecar(&self, key: &str) -> PathBuf {
        self.path(&format!("_contrail/meta/{key}.json"))
    }

    /// The keys of a dataset that contain `part`, in order.
    fn keys(&self, dataset: &str, part: &str) -> Vec<String> {
        let files = files(&self.path(&format!("raw/{dataset}")));
        let root = self.home.lake();
        let keys =
            files.into_keys().map(|path| path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned());
        keys.filter(|key| key.contains(part)).collect()
    }

    /// The keys of hours that have rows, in order.
    fn hours_with_rows(&self) -> Vec<String> {
        let mut keys = self.keys("aws_spot_prices", "region=us-east-1/");
        keys.retain(|key| !key.contains("late") && self.lines(key).len() > 1);
        assert!(keys.len() > 1, "{keys:?}");
        keys
    }

    fn payload(&self, key: &str) -> Vec<u8> {
        let mut payload = Vec::new();
        let file = fs::File::open(self.path(key)).unwrap();
        flate2::read::MultiGzDecoder::new(file).read_to_end(&mut payload).unwrap();
        payload
    }

    fn lines(&self, key: &str) -> Vec<String> {
        String::from_utf8(self.payload(key)).unwrap().lines().map(str::to_owned).collect()
    }

    /// Puts another payload in the place of an object's, whole and with the metadata that belong to it.
    fn replace(&self, key: &str, payload: &[u8]) {
        self.zip(key, payload);
        self.describe(key, |meta| {
            let mut facts = if key.contains(".ndjson.") { Facts::of_rows() } else { Facts::of_bytes() };
            facts.add(payload);
            let told = facts.finish();
            (meta.sha256, meta.bytes) = (told.sha256, told.bytes);
            (meta.rows, meta.rows_hash) = (told.rows.or(meta.rows), told.rows_hash);
        });
    }

    /// As [`replace`](Self::replace), with rows.
    fn replace_rows(&self, key: &str, rows: &[String]) {
        self.replace(key, (rows.join("\n") + "\n").as_bytes());
    }

    fn zip(&self, key: &str, payload: &[u8]) {
        fs::create_dir_all(self.path(key).parent().unwrap()).unwrap();
        let file = fs::File::create(self.path(key)).unwrap();
        let mut gzip = flate2::write::GzEncoder::new(file, flate2::Compression::default());
        gzip.write_all(payload).unwrap();
        gzip.finish().unwrap();
    }

    /// Changes the metadata of an object.
    fn describe(&self, key: &str, change: impl FnOnce(&mut ObjectMeta)) {
        let mut meta: ObjectMeta = serde_json::from_slice(&fs::read(self.sidecar(key)).unwrap()).unwrap();
        change(&mut meta);
        fs::write(self.sidecar(key), serde_json::to_vec(&meta).unwrap()).unwrap();
    }

    fn run(&self, more: &[&str]) -> Ended {
        self.home.run(&[&["verify"], more].concat())
    }

    /// What is found when the command ends in `code`. Not a byte of the lake is changed by it.
    #[track_caller]
    fn found(&self, more: &[&str], code: i32) -> Vec<Finding> {
        let before = files(&self.home.lake());
        let ended = self.run(&[more, &["--format", "json"]].concat()).with(code);
        assert_eq!(before, files(&self.home.lake()), "verify changes nothing");
        serde_json::from_str(&ended.stdout).unwrap()
    }

    /// The one fault that is found, which is about `key`.
    #[track_caller]
    fn fault(&self, more: &[&str], key: &str) -> String {
        let found = self.found(more, 3);
        let [fault] = found.as_slice() else { panic!("not one finding: {found:#?}") };
        assert_eq!((fault.key.as_str(), fault.severity.as_str()), (key, "fault"), "{fault:#?}");
        assert!(!fault.hint.is_empty());
        fault.found.clone()
    }

    /// The lake is sound by its keys and metadata, and one fault is found when `key` is read.
    #[track_caller]
    fn deep_fault(&self, key: &str) -> String {
        assert!(self.found(&[], 0).is_empty());
        self.fault(&["--deep"], key)
    }
}

/// Every file below a directory with its bytes, links not followed.
fn files(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let kind = fs::symlink_metadata(&path).unwrap().file_type();
        if kind.is_dir() {
            found.extend(files(&path));
        } else {
            let bytes = if kind.is_file() { fs::read(&path).unwrap() } else { Vec::new() };
            found.insert(path, bytes);
        }
    }
    found
}

#[test]
fn a_sound_lake_is_sound_however_hard_one_looks() {
    let lake = Meddled::new();
    for more in [&[][..], &["--deep"], &["--deep", "--dataset", "aws_price_list"]] {
        assert!(lake.found(more, 0).is_empty(), "{more:?}");
    }
    let told = lake.run(&["--deep"]).with(0);
    assert!(told.stdout.ends_with(" read and verified: nothing is wrong.\n"), "{}", told.stdout);
    assert!(
        told.stderr.contains("are to be verified") && told.stderr.contains("are verified"),
        "{}",
        told.stderr
    );
}

#[test]
fn the_same_is_told_in_every_form() {
    let lake = Meddled::new();
    fs::write(lake.path("raw/foreign, file"), "x").unwrap();
    let table = lake.run(&[]).with(3).stdout;
    assert!(
        table.starts_with("fault: raw/foreign, file: it is no object of a lake\n  hint: move it out"),
        "{table}"
    );
    assert!(table.ends_with(": 1 fault and 0 notes.\n"), "{table}");
    let csv = lake.run(&["--format", "csv"]).with(3).stdout;
    assert!(csv.starts_with("key,severity,found,hint\n\"raw/foreign, file\",fault,"), "{csv}");
}
