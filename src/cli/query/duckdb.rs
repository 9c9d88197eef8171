//! The line of DuckDB that asks the same of the same lake, for a build without an engine.

use std::fmt::Write as _;

#[cfg(not(feature = "sql"))]
use super::super::Context;
#[cfg(not(feature = "sql"))]
use super::super::exit::{self, CliError};
use super::super::format::Format;
use super::super::typed::quoted;
use super::{FileFormat, QueryArgs};
use crate::config::{Lake, LakeUrl};
use crate::tables::TABLES;
use crate::tables::raw::{RAW_TABLES, RawTable};

/// Answers with the line.
///
/// # Errors
///
/// Always: exit code [`exit::USAGE`], with the line as its hint.
#[cfg(not(feature = "sql"))]
#[expect(clippy::unused_async, reason = "called as the engine is")]
pub(super) async fn run(
    arguments: &QueryArgs,
    sql: String,
    file_format: Option<FileFormat>,
    context: &Context,
) -> Result<u8, CliError> {
    let line = line(&context.load()?.config.lake, &sql, arguments, file_format);
    Err(CliError::new(exit::USAGE, "this build of contrail has no SQL engine")
        .with_hint(format!("build it with `cargo install --features sql`, or ask DuckDB: {line}")))
}

/// The line, ready to paste. It makes views of the tables that the query names.
pub(super) fn line(lake: &Lake, sql: &str, arguments: &QueryArgs, file_format: Option<FileFormat>) -> String {
    let root = root(&lake.url);
    let mut script = format!("SET memory_limit = {};", text(&arguments.memory.to_string()));
    if matches!(lake.url, LakeUrl::Bucket { .. }) {
        script.push_str(&secret(lake));
    }
    for table in TABLES.into_iter().filter(|table| is_named(sql, table.name)) {
        let files = text(&format!("{root}/tables/{}/**/*.parquet", table.name));
        let name = table.name;
        let _ =
            write!(script, " CREATE VIEW {name} AS FROM read_parquet({files}, hive_partitioning = true);");
    }
    for raw in RAW_TABLES.into_iter().filter(|raw| is_named(sql, raw.name)) {
        script.push_str(&raw_view(raw, &root));
    }
    let sql = sql.trim().trim_end_matches(';');
    match (&arguments.output, file_format) {
        (Some(path), Some(format)) => {
            let format = match format {
                FileFormat::Parquet => "parquet",
                FileFormat::Csv => "csv",
                FileFormat::Json => "json",
            };
            let path = text(&path.display().to_string());
            let _ = write!(script, " COPY ({sql}) TO {path} (FORMAT {format});");
        }
        _ => {
            let _ = write!(script, " {sql};");
        }
    }
    let mode = match arguments.format {
        Format::Table => "",
        Format::Json => " -jsonlines",
        Format::Csv => " -csv",
    };
    format!("duckdb{mode} -c {}", quoted(&script))
}

fn root(url: &LakeUrl) -> String {
    match url {
        LakeUrl::Directory(path) => path.display().to_string(),
        LakeUrl::Bucket { bucket, prefix } if prefix.is_empty() => format!("s3://{bucket}"),
        LakeUrl::Bucket { bucket, prefix } => format!("s3://{bucket}/{prefix}"),
    }
}

/// Where the bucket is, with the credentials that every tool of AWS finds.
fn secret(lake: &Lake) -> String {
    let mut options = vec!["TYPE s3".to_owned(), "PROVIDER credential_chain".to_owned()];
    options.extend(lake.region.as_ref().map(|region| format!("REGION {}", text(region))));
    if let Some(url) = &lake.endpoint_url {
        let host = url.trim_end_matches('/').rsplit_once("://").map_or(url.as_str(), |(_, host)| host);
        options.push(format!("ENDPOINT {}", text(host.trim_end_matches('/'))));
        if url.starts_with("http://") {
            options.push("USE_SSL false".to_owned());
        }
    }
    if lake.force_path_style {
        options.push("URL_STYLE 'path'".to_owned());
    }
    format!(" INSTALL httpfs; LOAD httpfs; CREATE SECRET ({});", options.join(", "))
}

/// Every value as text, as `contrail query` has it. DuckDB does not tell upper from lower case.
fn raw_view(raw: &RawTable, root: &str) -> String {
    let files = text(&format!("{root}/raw/{}/**/*.ndjson.gz", raw.dataset));
    let columns: Vec<String> = raw.fields.iter().map(|field| format!("\"{field}\": 'VARCHAR'")).collect();
    format!(
        " CREATE VIEW {} AS FROM read_json({files}, format = 'newline_delimited', hive_partitioning = true, columns = {{{}}});",
        raw.name,
        columns.join(", ")
    )
}

/// Whether the query names a table: as a word of its own.
fn is_named(sql: &str, name: &str) -> bool {
    sql.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word.eq_ignore_ascii_case(name))
}

/// As SQL takes it for one text.
fn text(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(Debug, clap::Parser)]
    struct Line {
        #[command(flatten)]
        arguments: QueryArgs,
    }

    fn told(url: &str, words: &[&str]) -> String {
        let arguments = Line::try_parse_from([&["query"], words].concat()).unwrap().arguments;
        let lake = Lake { url: url.parse().unwrap(), ..Lake::default() };
        let format = arguments.output.as_deref().map(|path| FileFormat::of(path).unwrap());
        line(&lake, words[0], &arguments, format)
    }

    #[test]
    fn the_tables_that_the_query_names_are_there() {
        assert_eq!(
            told(
                "./my lake",
                &["select count(*) from Spot_Prices where region_id = 'us-east-1';", "--format", "csv"]
            ),
            r"duckdb -csv -c 'SET memory_limit = '\''1.0 GiB'\''; CREATE VIEW spot_prices AS FROM read_parquet('\''./my lake/tables/spot_prices/**/*.parquet'\'', hive_partitioning = true); select count(*) from Spot_Prices where region_id = '\''us-east-1'\'';'"
        );
    }

    #[test]
    fn a_bucket_has_its_secret_and_an_answer_its_file() {
        let line = told("s3://bucket/lake", &["SELECT 1 FROM raw_aws_spot_prices", "--output", "a.parquet"]);
        assert!(
            line.contains("INSTALL httpfs; LOAD httpfs; CREATE SECRET (TYPE s3, PROVIDER credential_chain)")
        );
        assert!(line.contains("s3://bucket/lake/raw/aws_spot_prices/**/*.ndjson.gz"), "{line}");
        assert!(line.contains(r#"columns = {"AvailabilityZone": "#), "{line}");
        assert!(line.contains("COPY (SELECT 1 FROM raw_aws_spot_prices) TO"), "{line}");
        assert!(!line.contains("CREATE VIEW spot_prices "), "{line}");
    }

    #[test]
    fn the_name_of_a_file_says_how_it_is_written() {
        use std::path::Path;
        assert_eq!(FileFormat::of(Path::new("a.PARQUET")).ok(), Some(FileFormat::Parquet));
        assert_eq!(FileFormat::of(Path::new("a.ndjson")).ok(), Some(FileFormat::Json));
        for odd in ["a", "a.xlsx", ".parquet", "a.json.gz"] {
            assert!(FileFormat::of(Path::new(odd)).is_err(), "{odd}");
        }
    }
}
