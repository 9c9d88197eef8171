use std::os::unix::fs::{PermissionsExt as _, symlink};

use futures::TryStreamExt as _;
use tempfile::TempDir;

use super::*;
use crate::base::error::Hinted as _;
use crate::lake::draft::Draft;

const KEY: &str = "raw/a/dt=2026-11-21/20261121T000000Z.ndjson.gz";

fn key(text: &str) -> Key {
    Key::parse(text).unwrap().0
}

struct Scene {
    directory: TempDir,
    store: LocalStore,
}

impl Scene {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = LocalStore::new(directory.path().join("lake"));
        store.open().await.unwrap();
        Self { directory, store }
    }

    fn path(&self, below: &str) -> PathBuf {
        self.directory.path().join("lake").join(below)
    }

    async fn put(&self, text: &str, rows: &[&str]) -> (PutOutcome, ObjectMeta) {
        let mut draft = Draft::temporary(self.directory.path(), 6).unwrap();
        for row in rows {
            draft.row(row.as_bytes()).unwrap();
        }
        let draft = draft.finish().unwrap();
        let meta = ObjectMeta { source_url: Some("https://upstream".to_owned()), ..draft.meta() };
        let outcome = self.store.put_if_absent(&key(text), draft.path(), &meta).await.unwrap();
        (outcome, meta)
    }

    async fn keys(&self, prefix: Prefix) -> Vec<String> {
        self.store.list(&prefix).map_ok(|listed| listed.key).try_collect().await.unwrap()
    }
}

#[tokio::test]
async fn a_missing_sidecar_is_recomputed_as_the_draft_knew_it() {
    let scene = Scene::new().await;
    let (_, meta) = scene.put(KEY, &["{\"a\":1}", "{\"b\":2}"]).await;
    fs::remove_file(scene.path(&format!("{META}/{KEY}.json"))).unwrap();
    let recomputed = scene.store.head(&key(KEY)).await.unwrap();
    assert_eq!(recomputed, Some(ObjectMeta { source_url: None, ..meta.clone() }));

    // A later put of the same bytes brings back what only the draft knew; other bytes change nothing.
    assert_eq!(scene.put(KEY, &["{\"c\":3}"]).await.0, PutOutcome::Exists);
    assert_eq!(scene.store.head(&key(KEY)).await.unwrap().unwrap().source_url, None);
    assert_eq!(scene.put(KEY, &["{\"a\":1}", "{\"b\":2}"]).await.0, PutOutcome::Exists);
    assert_eq!(scene.store.head(&key(KEY)).await.unwrap(), Some(meta));
}

#[tokio::test]
async fn a_damaged_object_without_a_sidecar_is_foreign() {
    let scene = Scene::new().await;
    for damaged in [&b"<html>"[..], &[0x1f, 0x8b, 8, 0, 0], b""] {
        fs::create_dir_all(scene.path(KEY).parent().unwrap()).unwrap();
        fs::write(scene.path(KEY), damaged).unwrap();
        let error = scene.store.head(&key(KEY)).await.unwrap_err();
        assert_eq!(error.kind, StoreErrorKind::Foreign, "{error}");
        assert!(error.hint().is_some());
    }
}

#[tokio::test]
async fn links_odd_names_and_our_own_working_files_are_not_listed() {
    let scene = Scene::new().await;
    scene.put(KEY, &["{}"]).await;
    let mark = format!("_contrail/marks/{KEY}.lost.json");
    scene.put(&mark, &["{}"]).await;
    fs::create_dir(scene.path(SPOOL)).unwrap();
    fs::write(scene.path(SPOOL).join("draft"), b"").unwrap();
    symlink(scene.path(KEY), scene.path("raw/a/link.ndjson.gz")).unwrap();
    symlink(scene.path("raw/a"), scene.path("raw/b")).unwrap();
    let odd = <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"raw/a/\xff.ndjson.gz");
    fs::write(scene.directory.path().join("lake").join(odd), b"").unwrap();
    assert_eq!(scene.keys(Prefix::all_raw()).await, [KEY]);
    assert_eq!(scene.keys(Prefix::system()).await, [mark]);
}

#[tokio::test]
async fn listing_is_in_the_order_of_keys_not_of_directories() {
    let scene = Scene::new().await;
    for file in ["raw/a/b/c", "raw/a/b.c", "raw/a/b-c", "raw/a/b0"] {
        fs::create_dir_all(scene.path(file).parent().unwrap()).unwrap();
        fs::write(scene.path(file), b"").unwrap();
    }
    assert_eq!(scene.keys(Prefix::all_raw()).await, ["raw/a/b-c", "raw/a/b.c", "raw/a/b/c", "raw/a/b0"]);
}

#[tokio::test]
async fn what_a_killed_put_left_is_invisible_and_swept_by_the_next_process() {
    let scene = Scene::new().await;
    let dead = scene.path(TMP).join("1-dead");
    fs::create_dir(&dead).unwrap();
    fs::write(dead.join("lock"), b"").unwrap();
    fs::write(dead.join("0.tmp"), b"half an obj").unwrap();
    assert_eq!(scene.keys(Prefix::all_raw()).await, Vec::<String>::new());
    assert_eq!(scene.keys(Prefix::system()).await, Vec::<String>::new());
    LocalStore::new(scene.path("")).open().await.unwrap();
    assert!(!dead.exists());
}

#[tokio::test]
async fn a_put_leaves_no_copy_behind() {
    let scene = Scene::new().await;
    scene.put(KEY, &["{}"]).await;
    scene.put(KEY, &["{}", "{}"]).await;
    let workspace = scene.store.lake.workspace().unwrap();
    assert!(workspace.exists());
    let directory = workspace.new_path();
    assert_eq!(fs::read_dir(directory.parent().unwrap()).unwrap().count(), 1, "only the lock");
}

#[tokio::test]
async fn a_removed_tmp_is_made_again() {
    let scene = Scene::new().await;
    fs::remove_dir_all(scene.path(TMP)).unwrap();
    assert_eq!(scene.put(KEY, &["{}"]).await.0, PutOutcome::Created);
}

#[tokio::test]
async fn a_lake_that_is_gone_is_away_and_not_made_anew() {
    let scene = Scene::new().await;
    fs::remove_dir_all(scene.path("")).unwrap();
    let draft = scene.directory.path().join("draft");
    fs::write(&draft, b"x").unwrap();
    let error = scene.store.put_if_absent(&key(KEY), &draft, &ObjectMeta::default()).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Away);
    assert!(error.hint().unwrap().contains("mounted"));
    assert!(!scene.path("").exists());
}

#[tokio::test]
async fn a_file_or_a_link_in_the_way_is_named() {
    let scene = Scene::new().await;
    fs::create_dir(scene.path("elsewhere")).unwrap();
    symlink(scene.path("elsewhere"), scene.path("raw")).unwrap();
    let draft = scene.directory.path().join("draft");
    fs::write(&draft, b"x").unwrap();
    let error = scene.store.put_if_absent(&key(KEY), &draft, &ObjectMeta::default()).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Config);
    assert!(error.to_string().ends_with("lake/raw is not a directory"), "{error}");

    let blocked = LocalStore::new(draft.join("lake"));
    assert_eq!(blocked.open().await.unwrap_err().kind, StoreErrorKind::Config);
}

/// Past the test harness, which shows only what failing tests print.
fn skipped(why: &str) {
    std::io::Write::write_all(&mut std::io::stderr(), format!("SKIPPED: {why}\n").as_bytes()).unwrap();
}

#[tokio::test]
async fn a_directory_that_cannot_be_written_is_a_matter_of_configuration() {
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o500)).unwrap();
    if fs::write(directory.path().join("root"), b"").is_ok() {
        skipped("this user may write everywhere");
        return;
    }
    let error = LocalStore::new(directory.path().join("lake")).open().await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Config);
    assert!(error.hint().unwrap().contains("[lake]"));
}

const TABLE: &str = "tables/spot_prices/dt=2026-11-21/spot_prices.parquet";

impl Scene {
    async fn replace(
        &self,
        bytes: &str,
        inputs: &str,
        expected: Option<&ETag>,
    ) -> Result<Replaced, StoreError> {
        let file = self.directory.path().join("built");
        fs::write(&file, bytes).unwrap();
        let meta = ObjectMeta { inputs: Some(inputs.to_owned()), ..ObjectMeta::of_bytes(bytes.as_bytes()) };
        self.store.replace(&key(TABLE), &file, &meta, expected).await
    }

    async fn found(&self) -> Found {
        self.store.find(&key(TABLE)).await.unwrap().unwrap()
    }
}

#[tokio::test]
async fn a_replacement_that_was_killed_leaves_no_object_with_the_facts_of_another() {
    let scene = Scene::new().await;
    scene.replace("old", "inputs of old", None).await.unwrap();
    let before = scene.found().await;
    let file = scene.directory.path().join("new");
    fs::write(&file, b"new").unwrap();
    // All but the last step, which writes the facts.
    let lake = &scene.store.lake;
    let placed = lake.place(&lake.workspace().unwrap(), &key(TABLE), &file, Some(&before.etag)).unwrap();
    assert!(placed.is_some());
    drop(placed);

    let after = scene.found().await;
    assert_eq!(fs::read(scene.path(TABLE)).unwrap(), b"new");
    assert_ne!(after.etag, before.etag);
    assert_eq!(after.meta, Some(ObjectMeta::of_bytes(b"new")), "no inputs: it is built again");
    let again = scene.replace("new", "inputs of new", Some(&after.etag)).await.unwrap();
    assert!(matches!(again, Replaced::Done(_)));
    assert_eq!(scene.found().await.meta.unwrap().inputs.as_deref(), Some("inputs of new"));
}

#[tokio::test]
async fn a_replacement_leaves_no_copy_behind_whatever_comes_of_it() {
    let scene = Scene::new().await;
    let Replaced::Done(etag) = scene.replace("one", "1", None).await.unwrap() else { panic!() };
    assert_eq!(scene.replace("two", "2", None).await.unwrap(), Replaced::Changed);
    assert!(matches!(scene.replace("two", "2", Some(&etag)).await.unwrap(), Replaced::Done(_)));
    let workspace = scene.store.lake.workspace().unwrap().new_path();
    assert_eq!(fs::read_dir(workspace.parent().unwrap()).unwrap().count(), 1, "only the lock");
    assert_eq!(scene.keys(Prefix::everything()).await, [TABLE]);
}

#[tokio::test]
async fn a_reader_of_the_old_object_keeps_it() {
    let scene = Scene::new().await;
    let Replaced::Done(etag) = scene.replace("the old one", "1", None).await.unwrap() else { panic!() };
    let reading = scene.store.read(&key(TABLE)).await.unwrap();
    scene.replace("the new one", "2", Some(&etag)).await.unwrap();
    let read: Vec<Bytes> = reading.try_collect().await.unwrap();
    assert_eq!(read.concat(), b"the old one");
}

#[tokio::test]
async fn a_link_in_the_place_of_a_table_is_not_replaced() {
    let scene = Scene::new().await;
    fs::create_dir_all(scene.path(TABLE).parent().unwrap()).unwrap();
    let outside = scene.directory.path().join("outside");
    fs::write(&outside, b"mine").unwrap();
    symlink(&outside, scene.path(TABLE)).unwrap();
    assert_eq!(scene.replace("x", "1", None).await.unwrap_err().kind, StoreErrorKind::Foreign);
    assert_eq!(scene.store.find(&key(TABLE)).await.unwrap_err().kind, StoreErrorKind::Foreign);
    assert_eq!(fs::read(&outside).unwrap(), b"mine");
}

#[tokio::test]
async fn a_file_that_is_older_than_1970_has_a_version() {
    let scene = Scene::new().await;
    scene.replace("x", "1", None).await.unwrap();
    let file = fs::File::options().write(true).open(scene.path(TABLE)).unwrap();
    file.set_modified(std::time::UNIX_EPOCH - std::time::Duration::from_secs(5)).unwrap();
    let etag = scene.found().await.etag;
    assert!(etag.as_str().starts_with("1--12a05f200-"), "{etag}");
    assert_eq!(scene.store.read_range(&key(TABLE), 0..1, &etag).await.unwrap(), "x");
}
