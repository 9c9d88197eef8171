//! Places where no lake can be, lakes that are not for this crawler, and settings that make no sense: each ends in
//! 2 with one error and one hint, and nothing is changed.

use std::fs;
use std::path::Path;

use super::{crawler, once};
use crate::support::lake_reader::LakeReader;
use crate::support::program::Home;
use crate::support::skip::skipped;

/// A small lake of the simulated cloud.
fn with_a_lake() -> Home {
    let home = Home::new();
    home.run(&once(&["--only", "azure_retail_prices"])).with(0);
    home
}

/// What is refused leaves every byte of the lake as it was.
#[track_caller]
fn refused(home: &Home, arguments: &[&str]) -> (String, String) {
    let files = || -> Vec<_> {
        let lake = LakeReader::of_directory(&home.lake());
        lake.keys().into_iter().map(str::to_owned).collect()
    };
    let before = files();
    let told = home.run(arguments).usage_error();
    assert_eq!(before, files());
    let spool = home.lake().join("_contrail/spool");
    assert!(!spool.exists(), "no directory of a spool is left in {}", spool.display());
    told
}

fn rewrite(home: &Home, from: &str, to: &str) {
    let file = home.lake().join("_contrail/lake.json");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(&file, text.replace(from, to)).unwrap();
}

#[test]
fn a_lake_cannot_be_a_file_or_below_one() {
    let home = Home::new();
    fs::write(home.path("file"), "mine").unwrap();
    for place in ["file", "./file", "file/lake", "file/lake/deeper"] {
        let (error, hint) = home.run(&once(&["--lake", place])).usage_error();
        assert!(error.contains(home.path("file").to_str().unwrap()), "{error}");
        assert!(hint.contains("--lake"), "{hint}");
    }
    assert_eq!(fs::read_to_string(home.path("file")).unwrap(), "mine");
}

#[test]
fn a_directory_that_cannot_be_written_is_told_before_anything_is_fetched() {
    let home = Home::new();
    let closed = home.path("closed");
    fs::create_dir(&closed).unwrap();
    let mode =
        |mode| fs::set_permissions(&closed, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    mode(0o555);
    if fs::write(closed.join("try"), "").is_ok() {
        return skipped("root may write everywhere");
    }
    for place in ["closed", "closed/lake"] {
        let (error, hint) = home.run(&once(&["--lake", place])).usage_error();
        assert!(error.contains("closed"), "{error}");
        assert!(hint.contains("let this user write there"), "{hint}");
    }
    let (error, hint) = home.run(&once(&["--lake", "closed"])).usage_error();
    assert!(error.contains("closed") && hint.contains("--lake"), "{error} {hint}");
    mode(0o755);
}

#[test]
fn a_spool_that_cannot_be_opened_is_told_with_its_setting() {
    let home = Home::new().with("CONTRAIL_LAKE__SPOOL_DIR", "./file/spool");
    fs::write(home.path("file"), "mine").unwrap();
    let (error, hint) = home.run(&once(&[])).usage_error();
    assert!(error.contains("file/spool"), "{error}");
    assert!(hint.contains("spool_dir"), "{hint}");
}

#[test]
fn simulated_prices_do_not_go_into_a_lake_of_real_ones() {
    let home = with_a_lake();
    rewrite(&home, "\"sandbox:7:0.001\"", "\"upstream\"");
    let (error, hint) = refused(&home, &once(&[]));
    assert!(error.contains("sandbox:7:0.001") && error.contains("upstream"), "{error}");
    assert!(hint.contains("--lake"), "{hint}");
}

#[test]
fn real_prices_do_not_go_into_a_lake_of_simulated_ones() {
    let home = with_a_lake();
    for arguments in [&["crawler", "--once"][..], &["crawler"], &["crawler", "--once", "--dry-run"]] {
        let (error, hint) = refused(&home, arguments);
        assert!(error.contains("sandbox:7:0.001") && error.contains("upstream"), "{error}");
        assert!(hint.contains("--lake"), "{hint}");
    }
}

#[test]
fn another_simulated_cloud_needs_another_lake() {
    let home = with_a_lake();
    let other = ["crawler", "--once", "--sandbox", "--seed", "8", "--scale", "0.001"];
    let (error, hint) = refused(&home, &other);
    assert!(error.contains("sandbox:7:0.001") && error.contains("sandbox:8:0.001"), "{error}");
    assert!(hint.contains("--seed"), "{hint}");
}

#[test]
fn a_lake_of_another_format_is_left_alone() {
    let home = with_a_lake();
    for (format, advice) in [("0", "the release that made this lake"), ("2", "newer release")] {
        rewrite(&home, "\"format\": 1", &format!("\"format\": {format}"));
        let (error, hint) = refused(&home, &once(&[]));
        assert!(error.contains(&format!("format {format}")), "{error}");
        assert!(hint.contains(advice), "{hint}");
        rewrite(&home, &format!("\"format\": {format}"), "\"format\": 1");
    }
}

#[test]
fn a_damaged_description_of_the_lake_is_named() {
    for damage in ["", "{", "[]", "{\"format\": \"one\"}", "\u{0}\u{0}"] {
        let home = with_a_lake();
        fs::write(home.lake().join("_contrail/lake.json"), damage).unwrap();
        let (error, hint) = refused(&home, &once(&[]));
        assert!(error.contains("_contrail/lake.json") && error.contains("damaged"), "{error}");
        assert!(hint.contains("backup"), "{hint}");
    }
    let home = with_a_lake();
    rewrite(&home, "\"1h\"", "\"7h\"");
    let (error, _) = refused(&home, &once(&[]));
    assert!(error.contains("_contrail/lake.json") && error.contains("7h"), "{error}");
}

#[test]
fn settings_that_make_no_sense_are_told_by_line_and_key() {
    for (file, parts) in [
        ("[lake]\nulr = \"./lake\"\n", ["contrail.toml:2", "ulr", "url"]),
        ("[sources.aws_spot_prices]\nevery = \"0s\"\n", ["contrail.toml:2", "every", "between"]),
        ("[sources.azure_retail_prices]\nwalks = 0\n", ["contrail.toml:2", "walks", "between"]),
        ("[lake\n", ["contrail.toml:1", "", ""]),
    ] {
        let home = Home::new().configured(file);
        for arguments in [crawler(&[]), once(&[]), once(&["--dry-run"])] {
            let ended = home.run(&arguments).with(2);
            assert!(parts.iter().all(|part| ended.stderr.contains(part)), "{}", ended.stderr);
            assert!(!home.lake().exists());
        }
    }
}

#[test]
fn faults_that_nobody_knows_are_told_with_the_known_ones() {
    let home = Home::new();
    let (error, hint) = home.run(&once(&["--faults", "trottle=5%"])).usage_error();
    assert!(error.contains("throttle"), "{error}");
    assert!(hint.contains("throttle=5%"), "{hint}");
    assert!(!Path::new(&home.lake()).exists());
}
