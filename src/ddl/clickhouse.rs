//! ClickHouse: views over its table functions `s3` and `file`. Types are given, so that no file is opened to learn
//! them, and a table without objects is a table without rows.

use super::Engine;
use super::lake::{DdlError, Lake, Place, Standing, pattern};
use super::text::{Dialect, backslash_string, digits, lines, quoted, remark};
use crate::tables::schema::{Column, Kind};

pub(super) static DIALECT: Dialect = Dialect { quote: '`', days_ago: |days| format!("today() - {days}") };

/// What a path may not hold, because a pattern can, and nothing takes that meaning away.
const PATTERN: [char; 4] = ['*', '?', '{', '}'];

pub(super) fn statements(lake: &Lake) -> Result<String, DdlError> {
    lake.place.without(&PATTERN, Engine::ClickHouse)?;
    let told = remark(&told(&lake.place));
    let database = format!("\nCREATE DATABASE IF NOT EXISTS {};\n", quoted(lake.database.as_str(), '`'));
    let views = lake.tables.iter().map(|standing| view(lake, standing));
    Ok([told, database].into_iter().chain(views).collect())
}

fn told(place: &Place) -> String {
    match place {
        Place::Directory(path) => {
            format!(
                "The tables of {path}/ for ClickHouse: as they are for clickhouse local and chDB. A server reads files\n\
                 below its user_files_path only; make a link to the lake there, and name the link with --lake:\n\
                 ln -s LAKE /var/lib/clickhouse/user_files/contrail"
            )
        }
        Place::Bucket { .. } => format!(
            "The tables of {} for ClickHouse.\n\
             Credentials come from its environment or from <s3> in its configuration. To give others, write them behind the\n\
             addresses: s3('https://…', 'KEY', 'SECRET', 'Parquet', …)",
            place.folder("s3", "tables")
        ),
    }
}

fn view(lake: &Lake, standing: &Standing) -> String {
    let table = standing.table;
    let partition =
        |name: &str| format!("{} {}", quoted(name, '`'), if name == "dt" { "Date" } else { "String" });
    let mut types: Vec<String> =
        table.columns.iter().map(|column| format!("{} {}", quoted(column.name, '`'), kind(column))).collect();
    types.extend(table.partitions.columns().iter().map(|name| partition(name)));
    let mut columns = lines(table.columns.iter(), |column| {
        let comment = backslash_string(column.description);
        format!("{} {} COMMENT {comment}", quoted(column.name, '`'), kind(column))
    });
    columns.extend(table.partitions.columns().iter().map(|name| {
        let comment = backslash_string(super::text::partition_comment(name));
        format!("  {} COMMENT {comment}", partition(name))
    }));
    let below = format!("tables/{}/{}", table.name, pattern(table));
    let source = match &lake.place {
        Place::Directory(path) => format!("file({}", backslash_string(&format!("{path}/{below}"))),
        bucket @ Place::Bucket { .. } => format!("s3({}", backslash_string(&address(bucket, &below))),
    };
    format!(
        "\nCREATE OR REPLACE VIEW {}.{} (\n{}\n)\nAS SELECT * FROM {source}, 'Parquet',\n  {})\nSETTINGS use_hive_partitioning = 1\nCOMMENT {};\n",
        quoted(lake.database.as_str(), '`'),
        quoted(table.name, '`'),
        columns.join(",\n"),
        backslash_string(&types.join(", ")),
        backslash_string(table.description),
    )
}

/// The address of a key for a client that speaks HTTP.
fn address(place: &Place, below: &str) -> String {
    let Place::Bucket { bucket, prefix, region, endpoint, path_style } = place else {
        return below.to_owned();
    };
    let key = if prefix.is_empty() { below.to_owned() } else { format!("{prefix}/{below}") };
    let (scheme, host) = if let Some(url) = endpoint {
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        (url.scheme(), format!("{}{port}", url.host_str().unwrap_or_default()))
    } else {
        let domain = match region.as_deref() {
            Some(region) if region.starts_with("cn-") => "amazonaws.com.cn",
            _ => "amazonaws.com",
        };
        let region = region.as_ref().map(|region| format!(".{region}")).unwrap_or_default();
        ("https", format!("s3{region}.{domain}"))
    };
    // A certificate for *.s3.amazonaws.com is not one for names with dots.
    if *path_style || bucket.contains('.') {
        format!("{scheme}://{host}/{bucket}/{key}")
    } else {
        format!("{scheme}://{bucket}.{host}/{key}")
    }
}

fn kind(column: &Column) -> String {
    let kind = match column.kind {
        Kind::Text => "String".to_owned(),
        Kind::Price | Kind::Quantity => format!("Decimal{}", digits(column.kind)),
        Kind::Moment => "DateTime64(6, 'UTC')".to_owned(),
        Kind::Integer => "Int64".to_owned(),
        Kind::Boolean => "Bool".to_owned(),
    };
    if column.nullable { format!("Nullable({kind})") } else { kind }
}
