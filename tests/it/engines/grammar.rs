//! Trino runs nowhere here. Its grammar at least, as somebody else has written it down, takes what it is told.

use std::io::Write as _;
use std::process::{Command, Stdio};

use super::ask::directory;
use crate::support::servers::installed;
use crate::support::skip::skipped;

/// What the grammar finds wrong with `text`.
fn complaints(program: &std::path::Path, text: &str) -> Vec<serde_json::Value> {
    let mut node = Command::new("node")
        .arg(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    node.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = node.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_grammar_of_trino_takes_the_statements_and_the_examples() {
    let (Some(packages), Some(bundler)) =
        (installed("node/node_modules/dt-sql-parser"), installed("node/node_modules/.bin/esbuild"))
    else {
        return skipped("the grammar of Trino is not installed; tests/servers.sh installs it");
    };
    let scratch = tempfile::tempdir().unwrap();
    let program = scratch.path().join("parse_trino.cjs");
    let bundled = Command::new(bundler)
        .arg(directory("tests/engines/parse_trino.mjs"))
        .args(["--bundle", "--platform=node", "--format=cjs", "--log-level=error"])
        .arg(format!("--outfile={}", program.display()))
        .env("NODE_PATH", packages.parent().unwrap())
        .status()
        .unwrap();
    assert!(bundled.success());
    let statements = std::fs::read_to_string(directory("tests/golden/ddl/trino.sql")).unwrap();
    assert_eq!(complaints(&program, &statements), Vec::<serde_json::Value>::new());
    // Athena's queries are Trino's.
    let examples = std::fs::read_to_string(directory("examples/athena_prices.sql")).unwrap();
    assert_eq!(complaints(&program, &examples), Vec::<serde_json::Value>::new());
    assert!(!complaints(&program, &statements.replace("ARRAY[", "ARRAY(")).is_empty());
}
