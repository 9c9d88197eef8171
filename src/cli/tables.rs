//! `contrail tables build`: the raw payloads as Parquet.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::sync::Arc;

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use serde::{Deserialize, Serialize};

use super::Context;
use super::assemble::Bench;
use super::exit::{self, CliError};
use super::format::{self, Format};
use super::output::print;
use super::patience::Patience;
use super::table::Table;
use crate::base::units::{ByteSize, counted, grouped};
use crate::base::{Chance, Date};
use crate::lake::key::{Key, Parsed};
use crate::lake::notice::Notice;
use crate::tables::TABLES;
use crate::tables::build::{self, BuildError, Options, Progress, Report, TableReport};
use crate::tables::scratch::Scratch;
use crate::telemetry::log::{self, LogFormat, Stderr};

/// How much memory sorting takes, all threads together. What the rest of a build takes is beside it.
const SORT_BYTES: usize = 160 << 20;
/// More decoders than these would wait for one writer.
const MOST_THREADS: usize = 4;

/// Flags of `contrail tables`.
#[derive(Debug, Args)]
pub(super) struct TablesArgs {
    #[command(subcommand)]
    command: TablesCommand,
}

#[derive(Debug, Subcommand)]
enum TablesCommand {
    /// Build what is missing or was made of other payloads
    Build(BuildArgs),
}

/// Flags of `contrail tables build`.
#[derive(Debug, Args)]
struct BuildArgs {
    /// Build these tables only
    #[arg(value_name = "TABLE", value_parser = PossibleValuesParser::new(TABLES.map(|table| table.name)))]
    tables: Vec<String>,
    /// Build everything anew, whatever it was made of
    #[arg(long)]
    rebuild: bool,
    /// Build the days from this one on, such as 2026-11-01
    #[arg(long, value_name = "DAY")]
    since: Option<Date>,
    /// Print a table, JSON or CSV
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: Format,
}

/// What a build came to, for machines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Line {
    /// The table.
    pub(super) table: String,
    /// Objects that were built.
    pub(super) built: u64,
    /// Objects that were made of the same before.
    pub(super) unchanged: u64,
    /// Rows of what was built.
    pub(super) rows: u64,
    /// Bytes of what was built.
    pub(super) bytes: u64,
    /// Pieces of payloads that could not be decoded.
    pub(super) problems: u64,
    /// Objects that could not be built.
    pub(super) failed: u64,
    /// Raw objects, by dataset, with a price that is far from its last, and that was not noticed before.
    pub(super) leaps: BTreeMap<String, u64>,
}

/// Runs the command.
pub(super) async fn run(arguments: &TablesArgs, context: &Context) -> Result<u8, CliError> {
    let TablesCommand::Build(arguments) = &arguments.command;
    let progress = start(context)?;
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
    let url = lake.store.url();
    let scratch = Scratch::within(&lake.spool_root).map_err(|error| {
        CliError::new(exit::FAILED, format!("failed to work in {}: {error}", lake.spool_root.display()))
            .with_hint("check that the spool directory ([lake] spool_dir) can be written and has room")
    })?;
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS);
    let options = Options {
        tables: arguments.tables.clone(),
        rebuild: arguments.rebuild,
        since: arguments.since,
        memory: SORT_BYTES,
        threads,
    };
    tracing::info!("building the tables of {url}");
    let built = build::build(lake.store, scratch, &options, context.clock.as_ref(), progress.as_ref()).await;
    progress.end();
    let report = built.map_err(|error| CliError::of(code(&error), &error))?;
    tell(&report);
    let lines: Vec<Line> = report.tables.iter().map(Line::of).collect();
    let text = match arguments.format {
        Format::Table => table(&lines, true).render(""),
        Format::Json => format::json(&lines)?,
        Format::Csv => table(&lines, false).csv(),
    };
    print(text.as_bytes())?;
    Ok(if report.is_whole() { exit::DONE } else { exit::PARTIAL })
}

impl Line {
    fn of(report: &TableReport) -> Self {
        Self {
            table: report.table.to_owned(),
            built: report.built,
            unchanged: report.unchanged,
            rows: report.rows,
            bytes: report.bytes,
            problems: report.problems,
            failed: report.failed.len() as u64,
            leaps: leaps(&report.news),
        }
    }
}

fn leaps(news: &[Notice]) -> BTreeMap<String, u64> {
    let mut leaps = BTreeMap::new();
    for notice in news {
        if let Ok((_, Parsed::Raw(slice))) = Key::parse(notice.key.as_str()) {
            *leaps.entry(slice.stream().dataset().to_string()).or_default() += 1;
        }
    }
    leaps
}

fn code(error: &BuildError) -> u8 {
    if error.is_passing() { exit::FAILED } else { exit::USAGE }
}

/// What went wrong, on stderr.
fn tell(report: &Report) {
    for table in &report.tables {
        for failure in &table.failed {
            tracing::error!(hint = failure.hint, "{} was not built: {}", failure.key, failure.error);
        }
        for problem in &table.told {
            tracing::warn!("not in {}: {problem}", table.table);
        }
        for notice in &table.news {
            for sample in &notice.samples {
                tracing::warn!("{}: {sample}", notice.key);
            }
            let more = notice.warnings.saturating_sub(notice.samples.len() as u64);
            if more > 0 {
                tracing::warn!("{}: and {more} more that leap", notice.key);
            }
        }
        let more = table.problems.saturating_sub(table.told.len() as u64);
        if more > 0 {
            tracing::warn!("and {} more that are not in {}", counted(more, "piece"), table.table);
        }
    }
}

fn table(lines: &[Line], for_people: bool) -> Table<7> {
    let number = |number: u64| if for_people { grouped(number) } else { number.to_string() };
    let bytes = |bytes: u64| if for_people { ByteSize(bytes).to_string() } else { bytes.to_string() };
    let row = |line: &Line| {
        [
            line.table.clone(),
            number(line.built),
            number(line.unchanged),
            number(line.rows),
            bytes(line.bytes),
            number(line.problems),
            number(line.failed),
        ]
    };
    Table {
        headings: ["table", "built", "unchanged", "rows", "bytes", "problems", "failed"],
        numbers: 1,
        rows: lines.iter().map(row).collect(),
    }
}

/// Who shows how the build goes on.
trait Shown: Progress {
    fn end(&self) {}
}

/// A bar where a person looks on, else a line for each table.
fn start(context: &Context) -> Result<Box<dyn Shown>, CliError> {
    let plain = context.log_options(Arc::new(Stderr));
    let bar = std::io::stderr().is_terminal() && plain.format == LogFormat::Text && plain.verbosity == 0;
    if !bar {
        log::init(&plain)?;
        return Ok(Box::new(Told));
    }
    let screen = MultiProgress::new();
    log::init(&context.log_options(Arc::new(screen.clone())))?;
    let bar = screen.add(ProgressBar::new(0));
    if let Ok(style) =
        ProgressStyle::with_template("{prefix:20} {wide_bar:.cyan/blue} {pos:>5}/{len:<5} {elapsed_precise}")
    {
        bar.set_style(style);
    }
    Ok(Box::new(Bar(bar)))
}

struct Bar(ProgressBar);

impl Progress for Bar {
    fn table(&self, table: &'static str, parts: u64) {
        self.0.set_prefix(table);
        self.0.set_length(parts);
        self.0.set_position(0);
    }

    fn part(&self, _: &Key, _: Option<u64>) {
        self.0.inc(1);
    }
}

impl Shown for Bar {
    fn end(&self) {
        self.0.finish_and_clear();
    }
}

struct Told;

impl Progress for Told {
    fn table(&self, table: &'static str, parts: u64) {
        tracing::debug!(table, parts, "looking at a table");
    }

    fn part(&self, key: &Key, rows: Option<u64>) {
        if let Some(rows) = rows {
            tracing::info!(rows, "built {key}");
        }
    }
}

impl Shown for Told {}
