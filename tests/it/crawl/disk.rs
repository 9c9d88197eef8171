//! Disks that are full or cannot be written, made of small memory disks in a mount namespace of their own.

use std::process::Command;

use contrail::lake::run_log::Outcome;

use super::{lake, once};
use crate::support::lake_reader::LakeReader;
use crate::support::program::{Ended, Home};
use crate::support::skip::skipped;

/// Runs a crawl behind `script`, in which mounting is allowed and `"$@"` is the crawl. `None` where it is not.
fn in_a_namespace(home: &Home, script: &str, arguments: &[&str]) -> Option<Ended> {
    let unshare = ["unshare", "--user", "--map-root-user", "--mount"];
    let allowed = Command::new(unshare[0])
        .args(&unshare[1..])
        .args(["sh", "-c", "mount -t tmpfs -o size=64k tmpfs /mnt"])
        .output();
    if !allowed.is_ok_and(|output| output.status.success()) {
        skipped("no disk can be mounted here without unshare(1) and user namespaces");
        return None;
    }
    Some(home.start_in(&unshare, script, arguments).end())
}

#[test]
fn a_lake_on_a_disk_without_write_access_is_told_before_anything_is_fetched() {
    let home = Home::new();
    let script = "mkdir disk && mount -t tmpfs -o ro,size=64k tmpfs disk && exec \"$@\"";
    let Some(ended) = in_a_namespace(&home, script, &once(&["--lake", "disk/lake"])) else { return };
    let (error, hint) = ended.usage_error();
    assert!(error.contains("disk/lake") && error.contains("Read-only"), "{error}");
    assert!(hint.contains("--lake"), "{hint}");
}

#[test]
fn a_full_disk_under_the_spool_fails_what_it_fails_and_keeps_nothing_half_written() {
    let home = Home::new().with("CONTRAIL_LAKE__SPOOL_DIR", "./disk/spool");
    // Room for the listings that are small, and not for price lists.
    let script = "mkdir -p disk && mount -t tmpfs -o size=48k tmpfs disk && \"$@\"; code=$?; \
                  find disk -type f ! -name lock ! -name '*.run.ndjson' >left; exit $code";
    let Some(ended) = in_a_namespace(&home, script, &once(&[])) else { return };
    assert!(matches!(ended.code, Some(1 | 3)), "{ended:?}");
    assert!(ended.stdout.contains("No space left on device"), "{}", ended.stdout);
    assert!(ended.stdout.contains("    hint: make room on the disk of the spool"), "{}", ended.stdout);
    assert_eq!(
        std::fs::read_to_string(home.path("left")).unwrap(),
        "",
        "drafts that cannot be finished go away, and a log that cannot be sealed waits for the next start"
    );

    let failed = LakeReader::of_directory(&home.lake()).sound();
    let failed: Vec<_> =
        failed.attempts().into_iter().filter(|attempt| attempt.outcome == Outcome::Failed).collect();
    assert!(failed.iter().all(|attempt| attempt.error_kind.as_deref() == Some("local")), "{failed:?}");

    let home = home.with("CONTRAIL_LAKE__SPOOL_DIR", "./spool");
    home.run(&once(&[])).with(0);
    lake(&home);
}

#[test]
fn a_full_disk_under_the_lake_keeps_what_was_fetched_in_the_spool() {
    let home = Home::new().with("CONTRAIL_LAKE__SPOOL_DIR", "./spool").with("CONTRAIL_CRAWLER__DRAIN", "1s");
    let script = "mkdir -p disk && mount -t tmpfs -o size=96k tmpfs disk && \"$@\"; code=$?; \
                  cp -r disk/contrail-lake disk-copy; exit $code";
    let arguments = once(&["--lake", "disk/contrail-lake"]);
    let Some(ended) = in_a_namespace(&home, script, &arguments) else { return };
    let ended = ended.with(1);
    assert!(ended.stdout.contains("No space left on device"), "{}", ended.stdout);
    assert!(ended.stdout.contains("    hint: free space on this disk"), "{}", ended.stdout);
    assert!(ended.stdout.contains("did not get into the lake yet"), "{}", ended.stdout);
    // A sidecar may be missing, but what is there is whole.
    let begun = LakeReader::of_directory(&home.path("disk-copy"));
    assert!(begun.all_raw().values().all(|object| !object.payload().is_empty()));
    assert!(!begun.all_raw().is_empty());

    // The same place, with room: everything that was fetched goes up, and the rest is fetched.
    std::fs::rename(home.path("disk-copy"), home.path("disk/contrail-lake")).unwrap();
    let ended = home.run(&arguments).with(0);
    assert!(ended.stderr.contains("taking up what an earlier run left in the spool"), "{}", ended.stderr);
    let whole = LakeReader::of_directory(&home.path("disk/contrail-lake")).sound();
    assert!(begun.all_raw().iter().all(|(key, object)| whole.all_raw()[key].bytes == object.bytes));
    assert!(!home.path("spool").exists(), "the spool is empty, and gone");
}
