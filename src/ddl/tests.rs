//! What the text of every engine keeps, whatever the lake is called. The text itself is held by `tests/golden/ddl/`, and
//! engines run it in `tests/it/engines/`.

use std::fmt::Write as _;

use url::Url;

use super::*;
use crate::base::Time;
use crate::base::error::Hinted as _;
use crate::tables::{Partitions, TABLES};

fn bucket(prefix: &str) -> Place {
    Place::Bucket {
        bucket: "my-bucket".to_owned(),
        prefix: prefix.to_owned(),
        region: Some("eu-central-1".to_owned()),
        endpoint: None,
        path_style: false,
    }
}

fn lake(place: Place) -> Lake {
    let created: Time = "2026-11-21T10:00:00Z".parse().unwrap();
    let tables = TABLES.map(|table| Standing::new(table, created, None, [], true)).into();
    Lake { place, database: "contrail".parse().unwrap(), tables, raw: vec!["aws_spot_prices".to_owned()] }
}

fn text(engine: Engine, place: Place) -> String {
    statements(engine, &lake(place)).unwrap()
}

/// The statement of `text` that makes `table`.
fn statement<'a>(text: &'a str, table: &str) -> &'a str {
    let mut found =
        text.split(";\n").filter(|it| it.contains("CREATE ") && it.contains(&format!("`{table}` (")));
    let statement = found.next().unwrap();
    assert_eq!(found.next(), None);
    statement
}

fn property<'a>(statement: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = statement.split_once(&format!("'{name}' = '"))?;
    rest.split_once('\'').map(|(value, _)| value)
}

#[test]
fn athena_makes_up_every_partition_that_it_declares() {
    for prefix in ["", "prices"] {
        let text = text(Engine::Athena, bucket(prefix));
        for table in TABLES {
            let statement = statement(&text, table.name);
            let (_, declared) = statement.split_once("PARTITIONED BY (").unwrap();
            let (declared, _) = declared.split_once(")\n").unwrap();
            let declared: Vec<&str> = declared.split('`').skip(1).step_by(2).collect();
            let expected: &[&str] = match table.partitions {
                Partitions::Day => &["dt"],
                Partitions::ProviderDay => &["provider", "dt"],
                Partitions::ProviderService => &["provider"],
            };
            assert_eq!(declared, expected);
            assert_eq!(property(statement, "projection.enabled"), Some("true"));
            let template = property(statement, "storage.location.template").unwrap();
            let root =
                format!("s3://my-bucket/{prefix}/tables/{}/", table.name).replace("//tables", "/tables");
            let mut built = root.clone();
            for partition in &declared {
                write!(built, "{partition}=${{{partition}}}/").unwrap();
                let property = |what: &str| property(statement, &format!("projection.{partition}.{what}"));
                match *partition {
                    "dt" => {
                        let reaches_back = ["list_prices", "coverage"].contains(&table.name);
                        let first = if reaches_back { "2015-12-01" } else { "2026-08-22" };
                        assert_eq!(property("type"), Some("date"));
                        assert_eq!(property("format"), Some("yyyy-MM-dd"));
                        assert_eq!(property("range"), Some(format!("{first},NOW").as_str()));
                        // Trino makes up dates from the same properties, by days and shorter steps only.
                        assert_eq!(
                            (property("interval"), property("interval.unit")),
                            (Some("1"), Some("DAYS"))
                        );
                    }
                    _ => {
                        assert_eq!((property("type"), property("values")), (Some("enum"), Some("aws,azure")));
                    }
                }
            }
            assert_eq!(template, built, "it holds every declared partition and ends in a slash");
            assert!(statement.contains(&format!("LOCATION '{root}'\n")));
        }
    }
}

#[test]
fn every_engine_is_told_of_every_column_and_partition() {
    for engine in Engine::ALL {
        let text = text(engine, bucket("prices"));
        for table in TABLES {
            for column in table.columns {
                assert!(text.contains(column.description), "{engine:?}: {}.{}", table.name, column.name);
            }
            assert!(text.contains(table.description));
            assert!(
                text.contains(&format!("my-bucket/prices/tables/{}/", table.name))
                    || engine == Engine::ClickHouse
            );
        }
        assert!(text.matches("-- Example: ").count() == 2 && text.ends_with(";\n"), "{engine:?}");
        for line in text.lines() {
            assert_eq!(line.trim_end(), line);
        }
    }
}

#[test]
fn a_path_cannot_end_a_string() {
    let path = "/var/o'dd [la]ke";
    for (engine, written) in [
        (Engine::Spark, "'file:/var/o\\'dd [la]ke/tables/spot_prices/'"),
        (Engine::ClickHouse, "'/var/o\\'dd [la]ke/tables/spot_prices/dt=*/spot_prices.parquet'"),
        (Engine::DuckDb, "'/var/o''dd [[]la]ke/tables/spot_prices/dt=*/spot_prices.parquet'"),
    ] {
        let text = text(engine, Place::Directory(path.to_owned()));
        assert!(text.contains(written), "{text}");
    }
}

#[test]
fn what_an_engine_cannot_read_is_an_error_with_a_hint() {
    let directory = |path: &str| lake(Place::Directory(path.to_owned()));
    for engine in [Engine::Athena, Engine::Trino] {
        let error = statements(engine, &directory("/lake")).unwrap_err();
        assert_eq!(error.to_string(), format!("{} cannot read a lake in a directory", engine.name()));
        assert!(error.hint().unwrap().contains("s3://"));
    }
    let odd = ["/a*b", "/a?b", "/{a,b}"].map(|path| (Engine::ClickHouse, path));
    for (engine, path) in odd.into_iter().chain([(Engine::DuckDb, "/a\\b")]) {
        let error = statements(engine, &directory(path)).unwrap_err();
        assert!(error.to_string().contains(path) && error.hint().is_some(), "{error}");
    }
}

#[test]
fn buckets_are_where_their_settings_say() {
    let at = |bucket: &str, region: Option<&str>, endpoint: Option<&str>, path_style| Place::Bucket {
        bucket: bucket.to_owned(),
        prefix: String::new(),
        region: region.map(str::to_owned),
        endpoint: endpoint.map(|url| Url::parse(url).unwrap()),
        path_style,
    };
    let local = Some("http://127.0.0.1:9000");
    for (place, address) in [
        (at("my-bucket", None, None, false), "https://my-bucket.s3.amazonaws.com/tables"),
        (
            at("my-bucket", Some("eu-west-1"), None, true),
            "https://s3.eu-west-1.amazonaws.com/my-bucket/tables",
        ),
        (
            at("my.bucket", Some("eu-west-1"), None, false),
            "https://s3.eu-west-1.amazonaws.com/my.bucket/tables",
        ),
        (
            at("my-bucket", Some("cn-north-1"), None, false),
            "https://my-bucket.s3.cn-north-1.amazonaws.com.cn/tables",
        ),
        (at("my-bucket", None, local, true), "http://127.0.0.1:9000/my-bucket/tables"),
        (at("my-bucket", None, Some("https://s3.test"), false), "https://my-bucket.s3.test/tables"),
    ] {
        let told = text(Engine::ClickHouse, place);
        assert!(told.contains(&format!("s3('{address}/spot_prices/dt=*/spot_prices.parquet'")), "{told}");
    }
    let told = text(Engine::DuckDb, at("my-bucket", None, local, true));
    let options =
        ["ENDPOINT '127.0.0.1:9000'", "USE_SSL false", "URL_STYLE 'path'", "SCOPE 's3://my-bucket'"];
    assert!(options.iter().all(|option| told.contains(option)), "{told}");
    assert!(!text(Engine::DuckDb, at("my-bucket", None, None, false)).contains("ENDPOINT"));
}

#[test]
fn examples_stand_where_their_tables_do() {
    let mut lake = lake(bucket(""));
    lake.tables.retain(|standing| standing.table.name == "list_prices_current");
    assert_eq!(statements(Engine::Athena, &lake).unwrap().matches("-- Example: ").count(), 1);
    lake.tables.clear();
    assert_eq!(statements(Engine::Athena, &lake).unwrap().matches("-- Example: ").count(), 0);
}
