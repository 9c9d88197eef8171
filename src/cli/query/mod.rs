//! `contrail query`: SQL over the lake. The engine is there with the cargo feature `sql`; without it the command says which
//! line of DuckDB does the same.

#[cfg(feature = "sql")]
mod answer;
#[cfg(any(not(feature = "sql"), test))]
mod duckdb;

use std::io::Read as _;
use std::path::{Path, PathBuf};

#[cfg(feature = "sql")]
use answer as engine;
use clap::Args;
#[cfg(not(feature = "sql"))]
use duckdb as engine;

use super::Context;
use super::exit::{self, CliError};
use super::format::Format;
use crate::base::units::ByteSize;

/// The stack of the threads that the command runs on; `None` for as much as others have.
#[cfg(feature = "sql")]
pub(super) const STACK_BYTES: Option<usize> = Some(crate::query::STACK_BYTES);
/// The stack of the threads that the command runs on; `None` for as much as others have.
#[cfg(not(feature = "sql"))]
pub(super) const STACK_BYTES: Option<usize> = None;
/// What `--file` calls standard input.
const STDIN: &str = "-";

/// Flags of `contrail query`.
#[derive(Debug, Args)]
pub(super) struct QueryArgs {
    /// The query: one statement that reads
    #[arg(value_name = "SQL", required_unless_present = "file", conflicts_with = "file")]
    sql: Option<String>,
    /// Read the query from this file; - is standard input
    #[arg(long, value_name = "PATH")]
    file: Option<PathBuf>,
    /// Write the answer to this file: .parquet, .csv, .json or .ndjson
    #[arg(long, value_name = "PATH")]
    output: Option<PathBuf>,
    /// Print a table, JSON (an object a line) or CSV
    #[arg(long, value_name = "FORMAT", default_value = "table", conflicts_with = "output")]
    format: Format,
    /// Let its steps take so much memory; what does not fit goes to disk
    #[arg(long, value_name = "SIZE", default_value = "1 GiB")]
    memory: ByteSize,
}

/// How an answer is written to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FileFormat {
    Parquet,
    Csv,
    Json,
}

impl FileFormat {
    /// By the end of the file's name.
    fn of(path: &Path) -> Result<Self, CliError> {
        let extension = path.extension().and_then(|extension| extension.to_str()).map(str::to_lowercase);
        match extension.as_deref() {
            Some("parquet") => Ok(Self::Parquet),
            Some("csv") => Ok(Self::Csv),
            Some("json" | "ndjson") => Ok(Self::Json),
            _ => {
                let message = format!("the name {} does not say how to write the answer", path.display());
                Err(CliError::new(exit::USAGE, message)
                    .with_hint("end it in .parquet, .csv, .json or .ndjson"))
            }
        }
    }
}

/// Runs the command.
pub(super) async fn run(arguments: &QueryArgs, context: &Context) -> Result<u8, CliError> {
    let file_format = arguments.output.as_deref().map(FileFormat::of).transpose()?;
    let sql = text(arguments, &context.directory)?;
    engine::run(arguments, sql, file_format, context).await
}

/// The query, from where it stands.
fn text(arguments: &QueryArgs, directory: &Path) -> Result<String, CliError> {
    let Some(path) = &arguments.file else { return Ok(arguments.sql.clone().unwrap_or_default()) };
    let mut text = String::new();
    let read = if path.as_os_str() == STDIN {
        std::io::stdin().lock().read_to_string(&mut text)
    } else {
        std::fs::File::open(directory.join(path)).and_then(|mut file| file.read_to_string(&mut text))
    };
    read.map_err(|error| {
        CliError::new(exit::USAGE, format!("failed to read the query from {}: {error}", path.display()))
            .with_hint("name a text file with one statement of SQL")
    })?;
    Ok(text)
}
