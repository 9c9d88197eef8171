//! `contrail ddl` as a command: what it refuses, and what it prints of a lake that has no tables yet.

use contrail::tables::TABLES;

use crate::support::program::Home;

/// A home with a lake that was crawled and has no tables.
fn home() -> Home {
    let home = Home::new().with("CONTRAIL_TABLES__BUILD", "never");
    home.run(&["crawler", "--sandbox", "--once", "--only", "azure_retail_prices"]).with(0);
    home
}

#[test]
fn a_lake_without_tables_is_told_of_too() {
    let home = home();
    for engine in ["spark", "clickhouse", "duckdb"] {
        let printed = home.run(&["ddl", engine]).with(0).stdout;
        for table in TABLES {
            assert!(printed.contains(table.description), "{engine}: {}", table.name);
        }
        assert!(!printed.lines().any(|line| line.starts_with("MSCK")), "it fails where nothing was built");
    }
    let printed = home.run(&["ddl", "duckdb", "--database", "prices", "--table", "coverage"]).with(0).stdout;
    assert!(
        printed
            .contains("CREATE OR REPLACE VIEW \"prices\".\"coverage\" AS SELECT -- there are no objects yet")
    );
    assert_eq!(printed.matches("CREATE OR REPLACE VIEW").count(), 1);
    assert!(!printed.contains("Example"), "its tables were not asked for");
}

#[test]
fn what_cannot_be_told_is_one_error_with_a_hint() {
    let (error, hint) = Home::new().run(&["ddl", "duckdb"]).usage_error();
    assert!(error.starts_with("there is no lake at ") && hint.contains("contrail crawler"), "{error} {hint}");
    let home = home();
    for engine in ["athena", "trino"] {
        let (error, hint) = home.run(&["ddl", engine]).usage_error();
        assert!(
            error.ends_with("cannot read a lake in a directory") && hint.contains("s3://"),
            "{error} {hint}"
        );
    }
    for wrong in [
        &["ddl", "oracle"][..],
        &["ddl", "duckdb", "--table", "prices"],
        &["ddl", "duckdb", "--database", "a-b"],
    ] {
        let ended = home.run(wrong).with(2);
        assert!(ended.stdout.is_empty() && ended.stderr.contains("error:"), "{}", ended.stderr);
    }
}

#[test]
fn a_lake_of_a_newer_release_is_not_told_of() {
    let home = home();
    let identity = home.lake().join("_contrail/lake.json");
    let text = std::fs::read_to_string(&identity).unwrap();
    std::fs::remove_file(&identity).unwrap();
    std::fs::write(&identity, text.replace("\"format\": 1", "\"format\": 2")).unwrap();
    let (error, hint) = home.run(&["ddl", "duckdb"]).usage_error();
    assert!(error.contains("made by a newer release"), "{error}");
    assert_eq!(hint, "install a newer release of Contrail");
}
