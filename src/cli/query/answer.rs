//! Answering a query: from the command line to the engine, and its answer to stdout or to a file, which is there whole or
//! not at all.

use std::io::{self, BufWriter};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tempfile::NamedTempFile;

use super::super::Context;
use super::super::assemble::Bench;
use super::super::exit::{self, CliError};
use super::super::format::Format;
use super::super::output::terminal_width;
use super::super::patience::Patience;
use super::{FileFormat, QueryArgs};
use crate::base::Chance;
use crate::base::units::counted;
use crate::config::{Config, LakeUrl};
use crate::crawler::signals;
use crate::query::output::{Csv, Json, Output, Parquet, Sink, Table};
use crate::query::{self, Query, QueryError};
use crate::telemetry::log::{self, Stderr};

/// Pieces in which an answer is written.
const BUFFER_BYTES: usize = 64 << 10;
/// How long an interrupted query may take to clear its files away.
const LAST_STEPS: Duration = Duration::from_secs(1);

/// Runs the command.
pub(super) async fn run(
    arguments: &QueryArgs,
    sql: String,
    file_format: Option<FileFormat>,
    context: &Context,
) -> Result<u8, CliError> {
    log::init(&context.log_options(Arc::new(Stderr)))?;
    let loaded = context.load()?;
    for warning in &loaded.warnings {
        tracing::warn!(hint = warning.hint, "{}", warning.message);
    }
    let bench = Bench {
        config: &loaded.config,
        environment: &context.environment,
        directory: &context.directory,
        clock: Arc::clone(&context.clock),
        chance: Arc::new(Chance::from_entropy()),
        sandbox: false,
        patience: Patience::Person,
    };
    let lake = bench.lake(true).await?;
    let file = match (&arguments.output, file_format) {
        (Some(path), Some(format)) => {
            let path = context.directory.join(path);
            require_outside(&path, &loaded.config, &context.directory)?;
            Some(OutputFile::new(path, format)?)
        }
        _ => None,
    };
    let mut output = match &file {
        Some(file) => file.output()?,
        None => printed(arguments.format),
    };
    let query = Query {
        sql,
        memory: arguments.memory.0,
        // The disk of the spool is meant for much; a lake that can only be read has none.
        scratch: vec![lake.spool_root, std::env::temp_dir()],
    };
    let mut signals = signals().map_err(|error| CliError::bug(format!("failed to hear signals: {error}")))?;
    let mut answering = tokio::spawn(async move { query::run(lake.store, &query, output.as_mut()).await });
    let answered = tokio::select! {
        () = signals.next() => {
            answering.abort();
            tokio::select! {
                _ = answering => {}
                () = context.clock.sleep(LAST_STEPS) => {}
            }
            return Ok(exit::INTERRUPTED);
        }
        answered = &mut answering => answered,
    };
    match answered.map_err(|error| CliError::bug(format!("the query broke off: {error}")))? {
        Ok(rows) => {
            if let Some(file) = file {
                let path = file.keep()?;
                tracing::info!("{} in {}", counted(rows, "row"), path.display());
            }
            Ok(exit::DONE)
        }
        // `| head` has what it wanted.
        Err(QueryError::Unwanted) => Ok(exit::DONE),
        Err(error) => {
            let code = if error.is_usage() { exit::USAGE } else { exit::FAILED };
            Err(CliError::of_lines(code, &error))
        }
    }
}

fn printed(format: Format) -> Box<dyn Output> {
    let sink: Sink = Box::new(BufWriter::with_capacity(BUFFER_BYTES, io::stdout()));
    match format {
        Format::Table => Box::new(Table::new(sink, terminal_width())),
        Format::Json => Box::new(Json::new(sink)),
        Format::Csv => Box::new(Csv::new(sink)),
    }
}

/// An answer within the lake would be taken for a part of it.
fn require_outside(path: &Path, config: &Config, directory: &Path) -> Result<(), CliError> {
    let LakeUrl::Directory(lake) = &config.lake.url else { return Ok(()) };
    let (Some(parent), Ok(lake)) = (path.parent(), directory.join(lake).canonicalize()) else {
        return Ok(());
    };
    if parent.canonicalize().is_ok_and(|parent| parent.starts_with(lake)) {
        let message = format!("{} is inside the lake", path.display());
        return Err(CliError::new(exit::USAGE, message)
            .with_hint("write the answer somewhere else: nothing but Contrail's objects belongs there"));
    }
    Ok(())
}

/// A file that is there once it is whole.
struct OutputFile {
    path: PathBuf,
    format: FileFormat,
    temporary: NamedTempFile,
}

impl OutputFile {
    fn new(path: PathBuf, format: FileFormat) -> Result<Self, CliError> {
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let temporary = tempfile::Builder::new()
            .prefix(".contrail-query-")
            // As any file that a person makes: the umask takes away.
            .permissions(std::fs::Permissions::from_mode(0o666))
            .tempfile_in(directory.unwrap_or(Path::new(".")));
        match temporary {
            Ok(temporary) => Ok(Self { path, format, temporary }),
            Err(error) => Err(unwritable(&path, &error)),
        }
    }

    fn output(&self) -> Result<Box<dyn Output>, CliError> {
        let file = self.temporary.reopen().map_err(|error| unwritable(&self.path, &error))?;
        let buffered = |file| Box::new(BufWriter::with_capacity(BUFFER_BYTES, file));
        Ok(match self.format {
            FileFormat::Parquet => Box::new(Parquet::new(file)),
            FileFormat::Csv => Box::new(Csv::new(buffered(file))),
            FileFormat::Json => Box::new(Json::new(buffered(file))),
        })
    }

    fn keep(self) -> Result<PathBuf, CliError> {
        let kept = self
            .temporary
            .as_file()
            .sync_all()
            .and_then(|()| self.temporary.persist(&self.path).map(drop).map_err(|error| error.error));
        kept.map_err(|error| unwritable(&self.path, &error))?;
        Ok(self.path)
    }
}

fn unwritable(path: &Path, error: &io::Error) -> CliError {
    CliError::new(exit::USAGE, format!("failed to write {}: {error}", path.display()))
        .with_hint("check that the directory is there and can be written")
}
