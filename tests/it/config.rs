//! `contrail config`, `completions` and `man`, by the built binary.

use std::path::Path;
use std::process::{Command, Output};

/// The binary in `directory`, with no environment but `variables`.
fn contrail(directory: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_contrail"))
        .current_dir(directory)
        .env_clear()
        .envs(variables.iter().copied())
        .args(arguments)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn with_file(file: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("contrail.toml"), file).unwrap();
    directory
}

#[test]
fn an_unknown_key_ends_in_2_with_line_key_and_nearest_key() {
    let directory = with_file("[sources.aws_spot_prices]\nenabled = true\nevry = \"1h\"\n");
    let output = contrail(directory.path(), &[], &["config", "check"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(text(&output.stdout), "");
    assert_eq!(
        text(&output.stderr),
        "error: contrail.toml:3: unknown key \"evry\" in [sources.aws_spot_prices]\nhint: did you mean \"every\"?\n"
    );
}

#[test]
fn an_interval_of_0_ends_in_2_with_the_range() {
    for command in
        [&["config", "check"][..], &["config", "show"], &["--config", "contrail.toml", "config", "check"]]
    {
        let directory = with_file("[sources.aws_price_list]\nevery = \"0s\"\n");
        let output = contrail(directory.path(), &[], command);
        assert_eq!(output.status.code(), Some(2));
        assert_eq!(
            text(&output.stderr),
            "error: contrail.toml:2: sources.aws_price_list.every must be between 1m and 366d, not 0s\n\
             hint: leave it out for the default, every 12h\n"
        );
    }
}

#[test]
fn check_names_the_file_that_was_read() {
    let directory = with_file("");
    let output = contrail(directory.path(), &[], &["config", "check"]);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(0), "ok: contrail.toml\n"));

    let empty = tempfile::tempdir().unwrap();
    let output = contrail(empty.path(), &[], &["config", "check"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stdout).starts_with("ok: no configuration file"));

    let output = contrail(empty.path(), &[], &["config", "check", "--config", "missing.toml"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("missing.toml"));
}

#[test]
fn show_says_what_is_in_effect_and_where_it_came_from() {
    let directory = with_file("[lake]\nurl = \"s3://from-file/prices\"\ngzip_level = 3\nsse = \"AES256\"\n");
    let variables = [("CONTRAIL_LAKE__URL", "s3://from-variable"), ("CONTRAIL_LAKE__GZIP_LEVEL", "4")];
    let output = contrail(directory.path(), &variables, &["config", "show", "--lake", "./from-flag"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let shown = text(&output.stdout);
    for line in [
        "url = \"file:./from-flag\"  # from --lake",
        "gzip_level = 4  # from CONTRAIL_LAKE__GZIP_LEVEL",
        "sse = \"AES256\"  # from contrail.toml:4",
        "storage_class = \"STANDARD\"  # default",
        "# region is unset",
        "[sources.aws_spot_advisor]",
        "[sources.azure_retail_prices]",
    ] {
        assert!(shown.lines().any(|found| found == line), "no {line} in\n{shown}");
    }
}

#[test]
fn what_show_prints_can_be_read_again() {
    let first =
        with_file("[lake]\nurl = \"s3://bucket/prices\"\n[sources.aws_price_list]\ncron = \"0 0 * * * *\"\n");
    let shown = contrail(first.path(), &[], &["config", "show"]);
    let second = with_file(text(&shown.stdout));
    let again = contrail(second.path(), &[], &["config", "show"]);
    assert_eq!(again.status.code(), Some(0), "{}", text(&again.stderr));
    let values = |output: &Output| -> Vec<String> {
        let lines = text(&output.stdout).lines();
        lines.map(|line| line.split("  # ").next().unwrap().to_owned()).collect()
    };
    assert_eq!(values(&again), values(&shown));
}

#[test]
fn show_as_json_has_values_and_origins() {
    let directory = with_file("[sources.aws_spot_prices]\nconcurrency = 8\n");
    let output = contrail(directory.path(), &[], &["config", "show", "--format", "json"]);
    let shown: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(shown["file"], "contrail.toml");
    let concurrency = &shown["settings"]["sources"]["aws_spot_prices"]["concurrency"];
    assert_eq!(*concurrency, serde_json::json!({ "value": 8, "origin": "contrail.toml:2" }));
    assert!(shown["settings"]["lake"]["region"]["value"].is_null());
}

#[test]
fn a_secret_is_never_shown() {
    let literal = "[http]\nproxy = \"http://me:hunter2@proxy:3128\"\n";
    let reference = "[http]\nproxy = { env = \"PROXY\" }\n";
    // Cut off, of the wrong type, of the wrong scheme, where no secret belongs.
    let broken = [
        "[http]\nproxy = \"http://me:hunter2@proxy\n",
        "[http]\nproxy = [\"http://me:hunter2@proxy\"]\n",
        "[http]\nproxy = \"socks5://me:hunter2@proxy\"\n",
        "[lake]\nendpoint_url = \"http://me:hunter2@minio\"\n",
        "[lake]\nurl = \"s3://me:hunter2@bucket\"\n",
    ];
    for (file, code) in [(literal, 0), (reference, 0)].into_iter().chain(broken.map(|file| (file, 2))) {
        let directory = with_file(file);
        for command in
            [&["config", "show"][..], &["config", "show", "--format", "json"], &["-vvv", "config", "check"]]
        {
            let output = contrail(directory.path(), &[("PROXY", "http://me:hunter2@proxy:3128")], command);
            assert_eq!(output.status.code(), Some(code), "{file}\n{}", text(&output.stderr));
            for told in [&output.stdout, &output.stderr] {
                assert!(!text(told).contains("hunter2"), "{}", text(told));
            }
        }
    }
    let directory = with_file(literal);
    let output = contrail(directory.path(), &[], &["config", "show"]);
    assert!(text(&output.stdout).contains("proxy = \"(hidden)\"  # from contrail.toml:2"));
    assert!(text(&output.stderr).starts_with("warning: contrail.toml:2: http.proxy is a secret"));
}

#[test]
fn the_example_is_printed_and_passes_its_own_check() {
    let empty = tempfile::tempdir().unwrap();
    let example = contrail(empty.path(), &[], &["config", "example"]);
    let directory = with_file(text(&example.stdout));
    let output = contrail(directory.path(), &[], &["config", "check"]);
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
}

#[test]
fn completions_know_every_shell_and_command() {
    let empty = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = contrail(empty.path(), &[], &["completions", shell]);
        assert_eq!(output.status.code(), Some(0));
        assert!(text(&output.stdout).contains("crawler"), "{shell}");
    }
    assert_eq!(contrail(empty.path(), &[], &["completions", "csh"]).status.code(), Some(2));
}

#[test]
fn the_manual_is_printed_or_written_page_by_page() {
    let directory = tempfile::tempdir().unwrap();
    let output = contrail(directory.path(), &[], &["man"]);
    assert!(text(&output.stdout).contains(".TH contrail 1"));
    let output = contrail(directory.path(), &[], &["man", "--directory", "."]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(directory.path().join("contrail-crawler.1").exists());
    let output = contrail(directory.path(), &[], &["man", "--directory", "missing"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("hint: "));
}

#[test]
fn usage_errors_end_in_2_and_help_in_0() {
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(contrail(empty.path(), &[], &["crawler", "--seed", "1"]).status.code(), Some(2));
    assert_eq!(contrail(empty.path(), &[], &["confg"]).status.code(), Some(2));
    for arguments in [&["--help"][..], &["--version"], &["help", "config"], &["crawler", "-h"]] {
        let output = contrail(empty.path(), &[], arguments);
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""), "{arguments:?}");
    }
}
