//! The formats that users depend on, held by golden files.

use std::fmt::Write as _;
use std::path::Path;

use contrail::ddl::{Engine, Lake, Place, Standing, statements};
use contrail::lake::key::{Key, Parsed};
use contrail::tables::TABLES;

/// Holds `text` against the golden file of that name. With `CONTRAIL_GOLDEN=write` in the environment it is written
/// instead, and the difference is for the author to look at.
fn assert_golden(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("CONTRAIL_GOLDEN").is_some_and(|value| value == "write") {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert!(golden == text, "{name} is a contract, and what is made now differs from it:\n{text}");
}

#[test]
fn tables_have_the_columns_that_users_ask_for() {
    let mut text = String::new();
    for table in TABLES {
        writeln!(text, "{}", table.name).unwrap();
        writeln!(text, "  partitions  {}", table.partitions.columns().join(", ")).unwrap();
        writeln!(text, "  order       {}", table.order.join(", ")).unwrap();
        writeln!(text, "  sought      {}", table.sought.join(", ")).unwrap();
        for column in table.columns {
            let null = if column.nullable { "NULL" } else { "NOT NULL" };
            writeln!(text, "  {:<24}{:<28}{null}", column.name, column.kind.arrow().to_string()).unwrap();
        }
        text.push('\n');
    }
    assert_golden("tables.txt", &text);
}

/// A lake with everything that shows in statements: a cloud of its own, a table that was never built.
fn described(place: Place) -> Lake {
    let created = "2026-11-21T10:00:00Z".parse().unwrap();
    let standing = |table: &'static contrail::tables::Table| {
        Standing::new(table, created, None, [], table.name != "crawl_runs")
    };
    Lake {
        place,
        database: "contrail".parse().unwrap(),
        tables: TABLES.map(standing).into(),
        raw: ["aws_price_list", "aws_spot_advisor", "aws_spot_prices", "azure_retail_prices"]
            .map(str::to_owned)
            .into(),
    }
}

#[test]
fn engines_are_told_what_people_have_run() {
    let bucket = Place::Bucket {
        bucket: "my-bucket".to_owned(),
        prefix: "prices".to_owned(),
        region: Some("eu-central-1".to_owned()),
        endpoint: None,
        path_style: false,
    };
    for (engine, name) in Engine::ALL.into_iter().zip(["athena", "spark", "trino", "clickhouse", "duckdb"]) {
        assert_golden(&format!("ddl/{name}.sql"), &statements(engine, &described(bucket.clone())).unwrap());
    }
    let directory = Place::Directory("/var/lib/contrail/lake".to_owned());
    for (engine, name) in
        [(Engine::Spark, "spark"), (Engine::ClickHouse, "clickhouse"), (Engine::DuckDb, "duckdb")]
    {
        let text = statements(engine, &described(directory.clone())).unwrap();
        assert_golden(&format!("ddl/{name}_directory.sql"), &text);
    }
}

#[test]
fn keys_are_what_users_have_written_into_their_queries() {
    let golden = include_str!("../golden/keys.txt");
    assert!(golden.lines().count() >= 10);
    for line in golden.lines() {
        let (key, parsed) = Key::parse(line).unwrap_or_else(|error| panic!("{error}"));
        let again = match &parsed {
            Parsed::Raw(slice) => Key::raw(slice),
            Parsed::Mark(slice, mark) => Key::mark(slice, *mark),
            Parsed::Table(object) => Key::table(object),
            Parsed::RunLog(started, run) => Key::run_log(*started, run),
            Parsed::Identity => Key::identity(),
            Parsed::Probe => Key::probe(),
        };
        assert_eq!((key.as_str(), again.as_str()), (line, line));
    }
}
