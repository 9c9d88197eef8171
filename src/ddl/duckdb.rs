//! DuckDB: views over the files, which see new days by themselves.
//!
//! All objects of a table have the same columns, because a build makes those anew whose columns differ; so the files are
//! not united by name, which would open every one of them.

use super::Engine;
use super::lake::{DdlError, Lake, Place, Standing, pattern};
use super::text::{Dialect, digits, folders, lines, quoted, remark, standard_string};
use crate::tables::raw::{RAW_TABLES, RawTable};
use crate::tables::schema::Kind;

pub(super) static DIALECT: Dialect =
    Dialect { quote: '"', days_ago: |days| format!("current_date - {days}") };

/// What a path may not hold: DuckDB matches no pattern against it, whatever is written.
const UNMATCHED: [char; 1] = ['\\'];

pub(super) fn statements(lake: &Lake) -> Result<String, DdlError> {
    lake.place.without(&UNMATCHED, Engine::DuckDb)?;
    let told = remark(&format!(
        "The tables of {} for DuckDB. Views see new days by themselves;\n\
         run these statements again when a table was built for the first time.",
        lake.place.folder("s3", "tables")
    ));
    let schema = format!("\nCREATE SCHEMA IF NOT EXISTS {};\n", quoted(lake.database.as_str(), '"'));
    let views = lake.tables.iter().map(|standing| view(lake, standing));
    let is_there = |raw: &&RawTable| lake.raw.iter().any(|dataset| dataset == raw.dataset);
    let raw = RAW_TABLES.into_iter().filter(is_there).map(|it| raw(lake, it));
    Ok([told, secret(lake), schema].into_iter().chain(views).chain(raw).collect())
}

/// How a bucket is reached: with the credentials that the AWS CLI would take.
fn secret(lake: &Lake) -> String {
    let Place::Bucket { region, endpoint, path_style, .. } = &lake.place else { return String::new() };
    let mut options = vec!["TYPE s3".to_owned(), "PROVIDER credential_chain".to_owned()];
    options.extend(region.as_ref().map(|region| format!("REGION {}", standard_string(region))));
    if let Some(url) = endpoint {
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let host = format!("{}{port}", url.host_str().unwrap_or_default());
        options.push(format!("ENDPOINT {}", standard_string(&host)));
        options.push(format!("USE_SSL {}", url.scheme() == "https"));
    }
    if *path_style {
        options.push("URL_STYLE 'path'".to_owned());
    }
    // Without the folder's name: `s3://bucket/prefix/`.
    let scope = lake.place.folder("s3", "");
    options.push(format!("SCOPE {}", standard_string(scope.trim_end_matches('/'))));
    format!(
        "\nCREATE OR REPLACE SECRET {} (\n  {}\n);\n",
        quoted(lake.database.as_str(), '"'),
        options.join(",\n  ")
    )
}

fn view(lake: &Lake, standing: &Standing) -> String {
    let table = standing.table;
    let name = format!("{}.{}", quoted(lake.database.as_str(), '"'), quoted(table.name, '"'));
    let partitions = table.partitions.columns();
    let body = if standing.is_built {
        let mut columns = lines(table.columns.iter(), |column| quoted(column.name, '"'));
        columns.extend(partitions.iter().map(|partition| format!("  {}", quoted(partition, '"'))));
        let types: Vec<String> = partitions
            .iter()
            .map(|name| format!("{}: {}", quoted(name, '"'), partition_kind(name)))
            .collect();
        format!(
            "SELECT\n{}\nFROM read_parquet(\n  {},\n  hive_partitioning = true,\n  hive_types = {{{}}}\n)",
            columns.join(",\n"),
            standard_string(&files(&lake.place, &format!("tables/{}", table.name), &pattern(table))),
            types.join(", ")
        )
    } else {
        let mut columns = lines(table.columns.iter(), |column| {
            format!("NULL::{} AS {}", kind(column.kind), quoted(column.name, '"'))
        });
        columns.extend(
            partitions
                .iter()
                .map(|name| format!("  NULL::{} AS {}", partition_kind(name), quoted(name, '"'))),
        );
        // A view over files that are not there is refused.
        format!("SELECT -- there are no objects yet\n{}\nWHERE false", columns.join(",\n"))
    };
    let comment = |what: &str, text: &str| format!("COMMENT ON {what} IS {};\n", standard_string(text));
    let comments: String = std::iter::once(comment(&format!("VIEW {name}"), table.description))
        .chain(table.columns.iter().map(|column| {
            comment(&format!("COLUMN {name}.{}", quoted(column.name, '"')), column.description)
        }))
        .collect();
    format!("\nCREATE OR REPLACE VIEW {name} AS {body};\n{comments}")
}

/// The payloads, one row for each line: its fields as text, called as `contrail query` calls them, and `json`, the line as
/// it came. DuckDB makes floats of the numbers in a line before it writes them as text; `json` has every digit.
fn raw(lake: &Lake, raw: &RawTable) -> String {
    let parts: Vec<&str> = std::iter::once("dt").chain(raw.parts.iter().copied()).collect();
    let mut columns: Vec<String> = raw
        .fields
        .iter()
        .zip(raw.columns())
        .map(|(field, column)| format!("  json ->> {} AS {}", standard_string(field), quoted(&column, '"')))
        .collect();
    columns.push("  json".to_owned());
    columns.extend(parts.iter().map(|part| format!("  {}", quoted(part, '"'))));
    let types: Vec<String> =
        parts.iter().map(|part| format!("{}: {}", quoted(part, '"'), partition_kind(part))).collect();
    let files_of_a_day = format!("{}*.ndjson.gz", folders(&parts, |_| "*".to_owned()));
    format!(
        "\nCREATE OR REPLACE VIEW {}.{} AS SELECT\n{}\nFROM read_ndjson_objects(\n  {},\n  hive_partitioning = true,\n  hive_types = {{{}}}\n);\n",
        quoted(lake.database.as_str(), '"'),
        quoted(raw.name, '"'),
        columns.join(",\n"),
        standard_string(&files(&lake.place, &format!("raw/{}", raw.dataset), &files_of_a_day)),
        types.join(", "),
    )
}

/// A pattern of files. In the path of the lake itself nothing is one: what could be stands in brackets, where it is
/// only itself.
fn files(place: &Place, below: &str, pattern: &str) -> String {
    let mut plain = String::new();
    for letter in place.folder("s3", below).chars() {
        if ['[', '*', '?'].contains(&letter) {
            plain.extend(['[', letter, ']']);
        } else {
            plain.push(letter);
        }
    }
    plain + pattern
}

fn partition_kind(name: &str) -> &'static str {
    if name == "dt" { "DATE" } else { "VARCHAR" }
}

fn kind(kind: Kind) -> String {
    match kind {
        Kind::Text => "VARCHAR".to_owned(),
        Kind::Price | Kind::Quantity => format!("DECIMAL{}", digits(kind)),
        Kind::Moment => "TIMESTAMPTZ".to_owned(),
        Kind::Integer => "BIGINT".to_owned(),
        Kind::Boolean => "BOOLEAN".to_owned(),
    }
}
