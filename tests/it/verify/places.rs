//! What lies where it should not, and keys that do not go together.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;

use super::Meddled;
use crate::support::program::Home;

#[test]
fn what_is_no_object_is_named() {
    let lake = Meddled::new();
    fs::write(lake.path("raw/notes.txt"), "x").unwrap();
    fs::write(lake.path("README"), "x").unwrap();
    std::os::unix::fs::symlink("/etc/passwd", lake.path("raw/aws_spot_prices/link")).unwrap();
    fs::write(lake.path("raw").join(std::ffi::OsStr::from_bytes(b"\xff")), "x").unwrap();
    fs::create_dir_all(lake.path("tables/spot_prices")).unwrap();
    fs::write(lake.path("tables/spot_prices/part-0.parquet"), "x").unwrap();
    let found = lake.found(&[], 3);
    let keys: Vec<_> = found.iter().map(|found| found.key.as_str()).collect();
    assert_eq!(
        keys,
        [
            "README",
            "raw/aws_spot_prices/link",
            "raw/notes.txt",
            "raw/\u{fffd}",
            "tables/spot_prices/part-0.parquet"
        ]
    );
    assert!(found.iter().all(|found| found.hint.contains("move it out of the lake")), "{found:#?}");
}

#[test]
fn metadata_without_its_object_is_named() {
    let lake = Meddled::new();
    let key = lake.hours_with_rows().remove(0);
    fs::remove_file(lake.path(&key)).unwrap();
    let fault = lake.fault(&[], &format!("_contrail/meta/{key}.json"));
    assert!(fault.contains("describes an object that is not there"), "{fault}");
}

#[test]
fn copies_of_a_crawler_that_was_killed_are_a_note() {
    let lake = Meddled::new();
    let dead = lake.path("_contrail/tmp/1-dead");
    fs::create_dir_all(&dead).unwrap();
    fs::write(dead.join("lock"), "").unwrap();
    fs::write(dead.join("0.tmp"), "copy").unwrap();
    let found = lake.found(&[], 0);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!((found[0].key.as_str(), found[0].severity.as_str()), ("_contrail/tmp/1-dead/0.tmp", "note"));
}

#[test]
fn copies_of_a_crawler_that_lives_are_none_of_anybodys_business() {
    let lake = Meddled::new();
    let living = lake.path("_contrail/tmp/2-living");
    fs::create_dir_all(&living).unwrap();
    let lock = fs::File::create(living.join("lock")).unwrap();
    lock.lock().unwrap();
    fs::write(living.join("0.tmp"), "copy").unwrap();
    assert!(lake.found(&[], 0).is_empty());
}

#[test]
fn windows_that_overlap_are_named() {
    let lake = Meddled::new();
    let day = lake.hours_with_rows().remove(0);
    let (from, to) = day.split_once("T000000Z-").unwrap();
    assert!(to.contains("T000000Z"), "the first fill is of days: {day}");
    let date = from.rsplit_once('/').unwrap().1;
    let half = format!("{from}T000000Z-{date}T120000Z.ndjson.gz");
    fs::copy(lake.path(&day), lake.path(&half)).unwrap();
    fs::copy(lake.sidecar(&day), lake.sidecar(&half)).unwrap();
    let found = lake.found(&[], 3);
    let told: Vec<_> = found.iter().map(|found| (found.key.as_str(), found.found.as_str())).collect();
    let [(one, first), (two, second)] = told.as_slice() else { panic!("{told:#?}") };
    assert_eq!((*one, *two), (half.as_str(), day.as_str()));
    assert!(first.ends_with(" is no window of this lake"), "{first}");
    assert!(second.ends_with(" overlaps another object of its stream"), "{second}");
}

#[test]
fn marks_that_do_not_go_with_the_objects_are_named() {
    let lake = Meddled::new();
    let hour = lake.hours_with_rows().remove(0);
    let slot = lake.keys("azure_retail_prices", "Reservation").remove(0);
    let put = |key: &str| {
        fs::create_dir_all(lake.path(key).parent().unwrap()).unwrap();
        fs::create_dir_all(lake.sidecar(key).parent().unwrap()).unwrap();
        fs::write(lake.path(key), "{}\n").unwrap();
        let sha256 = "ca3d163bab055381827226140568f3bef7eaac187cebd76878e0b63e9e442356";
        fs::write(lake.sidecar(key), format!("{{\"sha256\":\"{sha256}\",\"bytes\":3}}")).unwrap();
    };
    let lost = format!("_contrail/marks/{hour}.lost.json");
    put(&lost);
    let found = lake.found(&["--deep"], 0);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!((found[0].key.as_str(), found[0].severity.as_str()), (lost.as_str(), "note"));

    let parts: Vec<&str> = slot.split('/').collect();
    let stem = [&parts[..2], &["dt=2026-01-01"], &parts[3..5]].concat().join("/");
    let unchanged = format!("_contrail/marks/{stem}/20260101T000000Z.ndjson.gz.unchanged.json");
    put(&unchanged);
    let found = lake.found(&[], 3);
    assert!(found.iter().any(|found| found.key == unchanged && found.severity == "fault"), "{found:#?}");
}

#[test]
fn a_slice_of_another_kind_or_dataset_is_named() {
    let lake = Meddled::new();
    let hour = lake.hours_with_rows().remove(0);
    for other in [
        "raw/aws_spot_prices/dt=2026-11-21/region=us-east-1/20261121T000000Z.ndjson.gz",
        "raw/gcp_skus/dt=2026-11-21/20261121T000000Z.ndjson.gz",
    ] {
        for path in [lake.path(other), lake.sidecar(other)] {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
        }
        fs::copy(lake.path(&hour), lake.path(other)).unwrap();
        fs::copy(lake.sidecar(&hour), lake.sidecar(other)).unwrap();
    }
    let found = lake.found(&[], 3);
    let told = |part: &str| found.iter().any(|found| found.found.contains(part));
    assert!(told("slot 2026-11-21T00:00:00Z is no slice of aws_spot_prices"), "{found:#?}");
    assert!(told("this release knows no dataset gcp_skus"), "{found:#?}");
}

#[test]
fn where_there_is_no_lake_there_is_nothing_to_verify() {
    let (error, hint) = Home::new().run(&["verify", "-q"]).usage_error();
    assert!(error.contains("there is no lake at file:///"), "{error}");
    assert!(hint.contains("--lake"), "{hint}");
}

#[test]
fn a_lake_that_lost_its_description_is_told() {
    let lake = Meddled::new();
    fs::remove_file(lake.path("_contrail/lake.json")).unwrap();
    fs::remove_file(lake.sidecar("_contrail/lake.json")).unwrap();
    assert!(lake.fault(&["--deep"], "_contrail/lake.json").contains("is missing"));
}
