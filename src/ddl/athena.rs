//! Amazon Athena: external tables with partition projection. Which partitions there are follows from names, so nothing
//! has to be crawled, repaired or run again when days are added.
//!
//! What is asked for outside of a projection has no rows, and nobody is told. So a projection holds whatever may come:
//! days from before the first to today, clouds that Contrail knows and those that the lake has. Services come and go;
//! they are no partitions here: Athena reads all files below a location, in folders too (Athena User Guide, "Specify a table
//! location in Amazon S3"), and skips those whose footers have no such `service_name`.

use super::Engine;
use super::lake::{DdlError, Lake, Place, Standing};
use super::text::{Dialect, backslash_string, digits, folders, lines, partition_comment, quoted, remark};
use crate::tables::schema::Kind;

pub(super) static DIALECT: Dialect = Dialect {
    quote: '"',
    days_ago: |days| format!("CAST(current_date - INTERVAL '{days}' DAY AS varchar(10))"),
};

pub(super) fn statements(lake: &Lake) -> Result<String, DdlError> {
    let Place::Bucket { .. } = lake.place else { return Err(DdlError::NeedsBucket(Engine::Athena)) };
    let told = remark(&format!(
        "The tables of {} for Amazon Athena. It takes one statement at a time.\n\
         Nothing has to be run again when days are added: partitions follow from their names.\n\
         To describe a table anew, drop it first: DROP TABLE removes the description and no data.",
        lake.place.folder("s3", "tables")
    ));
    let database = format!("\nCREATE DATABASE IF NOT EXISTS {};\n", quoted(lake.database.as_str(), '`'));
    let tables = lake.tables.iter().map(|standing| table(lake, standing));
    Ok([told, database].into_iter().chain(tables).collect())
}

fn table(lake: &Lake, standing: &Standing) -> String {
    let table = standing.table;
    let folder = lake.place.folder("s3", &format!("tables/{}", table.name));
    let columns = lines(table.columns.iter(), |column| {
        let comment = backslash_string(column.description);
        format!("{} {} COMMENT {comment}", quoted(column.name, '`'), kind(column.kind))
    });
    let projected: Vec<&str> =
        table.partitions.columns().iter().copied().filter(|partition| *partition != "service").collect();
    let partitions: Vec<String> = projected
        .iter()
        .map(|name| {
            format!("{} string COMMENT {}", quoted(name, '`'), backslash_string(partition_comment(name)))
        })
        .collect();
    let mut properties = vec![("projection.enabled".to_owned(), "true".to_owned())];
    let template = folders(&projected, |name| format!("${{{name}}}"));
    for name in &projected {
        properties.extend(projection(name, standing));
    }
    properties.push(("storage.location.template".to_owned(), format!("{folder}{template}")));
    let properties: Vec<String> = properties
        .iter()
        .map(|(name, value)| format!("  {} = {}", backslash_string(name), backslash_string(value)))
        .collect();
    format!(
        "\nCREATE EXTERNAL TABLE IF NOT EXISTS {}.{} (\n{}\n)\nCOMMENT {}\nPARTITIONED BY ({})\nSTORED AS PARQUET\nLOCATION {}\nTBLPROPERTIES (\n{}\n);\n",
        quoted(lake.database.as_str(), '`'),
        quoted(table.name, '`'),
        columns.join(",\n"),
        backslash_string(table.description),
        partitions.join(", "),
        backslash_string(&folder),
        properties.join(",\n"),
    )
}

/// How the values of a partition column are made up.
fn projection(partition: &str, standing: &Standing) -> Vec<(String, String)> {
    let pairs: Vec<(&str, String)> = match partition {
        "dt" => vec![
            ("type", "date".to_owned()),
            ("format", "yyyy-MM-dd".to_owned()),
            ("range", format!("{},NOW", standing.first_day)),
            ("interval", "1".to_owned()),
            ("interval.unit", "DAYS".to_owned()),
        ],
        _ => vec![("type", "enum".to_owned()), ("values", standing.providers.join(","))],
    };
    pairs.into_iter().map(|(what, value)| (format!("projection.{partition}.{what}"), value)).collect()
}

fn kind(kind: Kind) -> String {
    match kind {
        Kind::Text => "string".to_owned(),
        Kind::Price | Kind::Quantity => format!("decimal{}", digits(kind)),
        Kind::Moment => "timestamp".to_owned(),
        Kind::Integer => "bigint".to_owned(),
        Kind::Boolean => "boolean".to_owned(),
    }
}
