//! A local lake between processes: several write at once, and some are killed.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use contrail::lake::key::Prefix;
use contrail::lake::store::{Listed, LocalStore, Store as _};
use futures::TryStreamExt as _;
use tempfile::TempDir;

use crate::conformance::{put, slot};

const LAKE: &str = "CONTRAIL_TEST_WRITERS_LAKE";
const HOURS: u32 = 24;
/// Long enough that a kill finds a copy half written.
const LINES: usize = 20_000;

fn payload(process: u32, hour: u32) -> String {
    format!("process {process} hour {hour}\n").repeat(LINES)
}

/// Not a test by itself: what the processes do that the tests below start.
#[tokio::test]
async fn writer() {
    let Some(lake) = std::env::var_os(LAKE) else { return };
    let store = LocalStore::new(lake.into());
    for hour in 0..HOURS {
        let bytes = payload(std::process::id(), hour);
        put(&store, &slot(hour), bytes.as_bytes(), u64::from(hour)).await.unwrap();
    }
}

fn start(lake: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "local_processes::writer"]).env(LAKE, lake).stdout(Stdio::null());
    command.spawn().unwrap()
}

/// The hours whose object is there, each whole and by one of `processes`.
fn whole_objects(lake: &Path, processes: &[u32]) -> usize {
    let objects: Vec<_> = (0..HOURS)
        .filter_map(|hour| Some((hour, fs::read_to_string(lake.join(slot(hour).as_str())).ok()?)))
        .collect();
    for (hour, text) in &objects {
        let line = |process: &&u32| text.starts_with(&format!("process {process} hour {hour}\n"));
        let process = processes.iter().find(line);
        assert!(process.is_some_and(|process| *text == payload(*process, *hour)), "hour {hour} is torn");
    }
    objects.len()
}

fn workspaces(lake: &Path) -> usize {
    fs::read_dir(lake.join("_contrail/tmp"))
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().path().is_dir())
        .count()
}

#[test]
fn of_many_processes_one_creates_each_object_and_none_tears_it() {
    let lake = TempDir::new().unwrap();
    let writers: Vec<_> = (0..4).map(|_| start(lake.path())).collect();
    let processes: Vec<u32> = writers.iter().map(Child::id).collect();
    for mut writer in writers {
        assert!(writer.wait().unwrap().success());
    }
    assert_eq!(whole_objects(lake.path(), &processes), HOURS as usize);
    assert_eq!(workspaces(lake.path()), 0);
}

#[tokio::test]
async fn a_killed_process_leaves_whole_objects_and_what_it_left_is_swept() {
    let lake = TempDir::new().unwrap();
    let mut processes = Vec::new();
    for round in 1.. {
        let before = whole_objects(lake.path(), &processes);
        if before >= HOURS as usize {
            break;
        }
        let mut writer = start(lake.path());
        processes.push(writer.id());
        // Kill it as soon as it has put one object more: it is busy with the next one then.
        let next = lake.path().join(slot(u32::try_from(before).unwrap()).as_str());
        while !next.exists() && writer.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        writer.kill().unwrap();
        writer.wait().unwrap();
        assert!(whole_objects(lake.path(), &processes) > before, "round {round}");
    }
    let store = LocalStore::new(lake.path().to_owned());
    store.open().await.unwrap();
    assert_eq!(workspaces(lake.path()), 1, "only that of the store that was opened");
    let listed: Vec<Listed> = store.list(&Prefix::all_raw()).try_collect().await.unwrap();
    let keys: HashSet<String> = listed.into_iter().map(|listed| listed.key).collect();
    assert_eq!(keys, (0..HOURS).map(|hour| slot(hour).to_string()).collect());
}
