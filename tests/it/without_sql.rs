//! `contrail query` in a build without its engine: what it prints is a line for DuckDB, and that line works.

use std::process::Command;

use crate::support::program::Home;
use crate::support::servers::installed;
use crate::support::skip::skipped;

/// DuckDB's Python module in the place of its command line: it runs the script and prints the last answer.
const DUCKDB: &str = "import duckdb, sys; print(duckdb.connect().execute(sys.argv[1]).fetchall())";

#[test]
fn the_line_that_is_printed_answers_the_question() {
    let Some(python) = installed("venv/bin/python") else {
        skipped("DuckDB is not here; tests/servers.sh installs it");
        return;
    };
    let home = Home::new().with("CONTRAIL_TABLES__BUILD", "after_crawl");
    home.run(&["crawler", "--sandbox", "--once", "--seed", "7", "--scale", "0.001"]).with(0);
    let built = home.run(&["tables", "build", "spot_prices", "--rebuild", "--format", "json"]).with(0).stdout;
    let built: serde_json::Value = serde_json::from_str(&built).unwrap();
    let rows = built[0]["rows"].as_u64().unwrap();
    assert!(rows > 0);

    let (error, hint) = home.run(&["query", "SELECT count(*) FROM spot_prices"]).usage_error();
    assert_eq!(error, "this build of contrail has no SQL engine");
    let line = hint.split_once("or ask DuckDB: ").unwrap_or_else(|| panic!("{hint}")).1;
    // A shell takes it apart, as it does for whoever pastes it.
    let script = format!("duckdb() {{ \"$PYTHON\" -c \"$DUCKDB\" \"$2\"; }}\n{line}");
    let answered = Command::new("sh")
        .args(["-c", &script])
        .current_dir(home.path("."))
        .env("PYTHON", python)
        .env("DUCKDB", DUCKDB)
        .output()
        .unwrap();
    assert!(answered.status.success(), "{}", String::from_utf8_lossy(&answered.stderr));
    assert_eq!(String::from_utf8_lossy(&answered.stdout).trim(), format!("[({rows},)]"));
}
