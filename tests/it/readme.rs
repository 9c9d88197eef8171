//! The documents: what they tell people to type is run, or at least read by what would run it.
//!
//! A fence ```` ```sh ```` of the README is run as it stands, in one directory, in the order of the page, with the built binary as
//! `contrail` and as what `cargo run --` means. A fence ```` ```sh check ```` needs something that a test has not (an account, a
//! quarter of an hour, a Ctrl-C): each of its lines must be a command that exists, with arguments that it takes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Parser as _;
use contrail::cli::Cli;
use contrail::sources::inspect::DATASETS;

/// A fenced block: its language, what stands behind it, and its text.
struct Fence {
    document: &'static str,
    language: String,
    note: String,
    text: String,
}

const DOCUMENTS: [&str; 6] =
    ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "benches/README.md"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn fences(document: &'static str) -> Vec<Fence> {
    let text = read(document);
    let mut fences: Vec<Fence> = Vec::new();
    let mut open = false;
    for line in text.lines() {
        match (open, line.strip_prefix("```")) {
            (false, Some(info)) => {
                let (language, note) = info.split_once(' ').unwrap_or((info, ""));
                let (language, note) = (language.to_owned(), note.to_owned());
                fences.push(Fence { document, language, note, text: String::new() });
                open = true;
            }
            (true, Some(_)) => open = false,
            (true, None) => {
                let fence = fences.last_mut().unwrap();
                fence.text.push_str(line);
                fence.text.push('\n');
            }
            (false, None) => {}
        }
    }
    assert!(!open, "{document} ends in a fence");
    fences
}

fn fences_of(language: &str) -> impl Iterator<Item = Fence> {
    DOCUMENTS.into_iter().flat_map(fences).filter(move |fence| fence.language == language)
}

/// What the README runs, in the directory where it runs it: a lake is there afterwards.
fn run_readme(directory: &Path) {
    let programs = directory.join("bin");
    std::fs::create_dir(&programs).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_contrail"), programs.join("contrail")).unwrap();
    let path = format!("{}:{}", programs.display(), std::env::var_os("PATH").unwrap().display());
    let mut ran = 0;
    for fence in fences("README.md") {
        if (fence.language.as_str(), fence.note.as_str()) != ("sh", "") {
            continue;
        }
        let script = fence.text.replace("cargo run -- ", "contrail ");
        let output = Command::new("sh")
            .args(["-euc", &script])
            .current_dir(directory)
            .env_clear()
            .env("PATH", &path)
            .env("HOME", directory)
            .output()
            .unwrap();
        let (told, warned) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{script}ended in {}\n{told}\n{warned}", output.status);
        assert!(!told.trim().is_empty(), "{script}says nothing");
        ran += script.lines().count();
    }
    assert!(ran >= 10, "only {ran} lines were run: does this test still find them?");
}

#[test]
fn the_commands_of_the_readme_do_what_it_says() {
    let directory = tempfile::tempdir().unwrap();
    run_readme(directory.path());
    // The page promises these.
    for path in ["contrail-lake/_contrail/lake.json", "contrail-lake/raw/aws_price_list", "rehearsal/raw"] {
        assert!(directory.path().join(path).exists(), "{path}");
    }
    query(directory.path());
}

/// DuckDB answers the SQL of the page about the lake that the commands of the page made.
#[expect(clippy::print_stderr, reason = "a test that was skipped says so")]
fn query(directory: &Path) {
    let servers = std::env::var_os("CONTRAIL_TEST_SERVERS");
    let servers = servers.map_or_else(|| root().join("target/test-servers"), PathBuf::from);
    let python = servers.join("venv/bin/python3");
    if !python.exists() {
        eprintln!("SKIPPED: no DuckDB at {} (run `make servers`)", python.display());
        return;
    }
    let mut asked = 0;
    for fence in fences_of("sql") {
        let program = "import duckdb, sys; print(len(duckdb.sql(sys.argv[1]).fetchall()))";
        let output =
            Command::new(&python).args(["-c", program, &fence.text]).current_dir(directory).output().unwrap();
        assert!(output.status.success(), "{}\n{}", fence.text, String::from_utf8_lossy(&output.stderr));
        let rows: usize = String::from_utf8(output.stdout).unwrap().trim().parse().unwrap();
        assert!(rows > 0, "{}has no answer", fence.text);
        asked += 1;
    }
    assert!(asked > 0);
}

/// The arguments after `contrail`, if the command is one of ours.
fn ours(words: &[&str]) -> Option<Vec<String>> {
    let rest = match words {
        [program, rest @ ..] if *program == "contrail" || program.ends_with("/contrail") => rest,
        ["cargo", "run", "--", rest @ ..] => rest,
        _ => return None,
    };
    Some(rest.iter().map(|word| (*word).to_owned()).collect())
}

fn assert_parses(arguments: &[String], place: &str) {
    let line = std::iter::once("contrail".to_owned()).chain(arguments.iter().cloned());
    if let Err(error) = Cli::try_parse_from(line) {
        panic!("{place}: contrail {}: {error}", arguments.join(" "));
    }
}

#[test]
fn what_a_test_cannot_run_is_a_command_all_the_same() {
    let makefile = read("Makefile");
    let mut checked = 0;
    for fence in DOCUMENTS.into_iter().flat_map(fences) {
        if fence.language != "sh" || (fence.note.is_empty() && fence.document == "README.md") {
            continue;
        }
        assert_eq!(fence.note, "check", "{}: {}", fence.document, fence.text);
        for line in fence.text.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            let place = format!("{}: {line}", fence.document);
            match (ours(&words), words.as_slice()) {
                (Some(arguments), _) => assert_parses(&arguments, &place),
                (None, ["make", target]) => {
                    assert!(makefile.lines().any(|rule| rule.starts_with(&format!("{target}:"))), "{place}");
                }
                (None, ["python3", script, ..]) => assert!(root().join(script).exists(), "{place}"),
                (None, ["cargo", "build" | "install", ..]) => {}
                (None, ["aws", service, verb, rest @ ..]) => {
                    assert!(["s3api", "iam"].contains(service) && !verb.starts_with('-'), "{place}");
                    for file in rest.iter().filter_map(|word| word.strip_prefix("file://")) {
                        assert!(root().join(file).exists(), "{place}");
                    }
                }
                _ => panic!("{place}: not a command that this test knows"),
            }
            checked += 1;
        }
    }
    assert!(checked >= 10, "only {checked} lines were checked");
}

#[test]
fn the_configurations_pass_their_check() {
    let mut checked = 0;
    for fence in fences_of("toml") {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("contrail.toml"), &fence.text).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_contrail"))
            .args(["config", "check"])
            .current_dir(directory.path())
            .env_clear()
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() && told.is_empty(), "{}:\n{}\n{told}", fence.document, fence.text);
        checked += 1;
    }
    assert!(checked >= 2);
}

/// Units of systemd and images call the binary as well.
#[test]
fn what_starts_the_crawler_starts_it_rightly() {
    let mut started = 0;
    for fence in fences_of("ini") {
        for line in fence.text.lines().filter_map(|line| line.strip_prefix("ExecStart=")) {
            let words: Vec<&str> = line.split_whitespace().collect();
            assert_parses(&ours(&words).unwrap_or_else(|| panic!("{line} starts something else")), line);
            started += 1;
        }
    }
    for fence in fences_of("dockerfile") {
        let list = |word: &str| -> Vec<String> {
            let line = fence.text.lines().find_map(|line| line.strip_prefix(word)).unwrap();
            serde_json::from_str(line).unwrap()
        };
        assert_eq!(list("ENTRYPOINT "), ["contrail"]);
        assert_parses(&list("CMD "), "the image");
        for variable in fence.text.lines().filter_map(|line| line.strip_prefix("ENV ")) {
            let (name, value) = variable.split_once('=').unwrap();
            let shown = Command::new(env!("CARGO_BIN_EXE_contrail"))
                .args(["config", "show"])
                .current_dir(tempfile::tempdir().unwrap().path())
                .env_clear()
                .env(name, value)
                .output()
                .unwrap();
            assert!(
                String::from_utf8(shown.stdout).unwrap().contains(&format!("\"{value}\"  # from {name}"))
            );
        }
        started += 1;
    }
    assert_eq!(started, 2);
}

#[test]
fn every_metric_that_is_named_is_counted() {
    let counted = read("src/telemetry/metrics.rs");
    let names: BTreeSet<String> =
        words(&read("README.md")).filter(|word| word.starts_with("contrail_")).collect();
    assert!(names.len() >= 10, "{names:?}");
    for name in &names {
        assert!(counted.contains(&format!("\"{name}\"")), "{name} is no metric");
    }
    // A histogram is told as `…_bucket`, `…_sum` and `…_count`: the README names it once.
    let told = words(&counted).filter(|word| word.starts_with("contrail_") && !word.ends_with("_bucket"));
    for name in told {
        assert!(names.contains(&name), "the README does not name {name}");
    }
}

#[test]
fn the_table_of_exit_codes_is_whole() {
    let readme = read("README.md");
    let codes = read("src/cli/exit.rs");
    let codes = codes.lines().filter_map(|line| line.strip_prefix("pub const ")?.strip_suffix(';'));
    let mut found = 0;
    for code in codes.filter_map(|line| line.split_once(": u8 = ").map(|(_, code)| code)) {
        assert!(readme.contains(&format!("\n| {code} | ")), "the README does not tell of exit code {code}");
        found += 1;
    }
    assert_eq!(found, 5);
}

#[test]
fn every_link_to_a_file_leads_to_one() {
    for document in DOCUMENTS {
        let text = read(document);
        let directory = root().join(document).parent().unwrap().to_owned();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            if file.contains("://") {
                continue;
            }
            let target = if file.is_empty() { root().join(document) } else { directory.join(file) };
            assert!(target.exists(), "{document} links to {link}");
            if !anchor.is_empty() {
                let there = std::fs::read_to_string(&target).unwrap();
                let headings = there.lines().filter(|line| line.starts_with('#')).map(anchor_of);
                assert!(headings.into_iter().any(|heading| heading == anchor), "{document} links to {link}");
            }
        }
    }
}

/// As GitHub makes them: lower case, spaces to hyphens, no other punctuation.
fn anchor_of(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn the_policy_allows_what_the_sources_call_and_no_more() {
    let policy: serde_json::Value = serde_json::from_str(&read("iam-policy.json")).unwrap();
    let mut allowed = BTreeSet::new();
    for statement in policy["Statement"].as_array().unwrap() {
        assert_eq!(statement["Effect"], "Allow");
        match &statement["Action"] {
            serde_json::Value::String(action) => drop(allowed.insert(action.clone())),
            actions => allowed
                .extend(actions.as_array().unwrap().iter().map(|action| action.as_str().unwrap().to_owned())),
        }
    }
    let lake = ["s3:ListBucket", "s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"];
    let needed: BTreeSet<String> = DATASETS
        .iter()
        .flat_map(|dataset| dataset.permissions)
        .chain(&lake)
        .map(ToString::to_string)
        .collect();
    assert_eq!(allowed, needed);
}

fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).map(str::to_owned)
}
