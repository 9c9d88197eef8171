//! `contrail verify`: is the lake what its keys and its metadata say?

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use clap::Args;
use clap::builder::PossibleValuesParser;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::Context;
use super::assemble::Bench;
use super::exit::{self, CliError};
use super::format::{self, Format};
use super::output::print;
use super::patience::Patience;
use super::table::Table;
use crate::base::units::{ByteSize, counted};
use crate::base::{Chance, Date, Name};
use crate::config::SOURCES;
use crate::lake::identity::IdentityError;
use crate::lake::store::StoreErrorKind;
use crate::ops::verify::{self, Finding, Options, Progress, Report, VerifyError};
use crate::telemetry::log::{self, LogFormat, Stderr};

/// Flags of `contrail verify`.
#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    /// Read every object, instead of its metadata only
    #[arg(long)]
    deep: bool,
    /// Verify this dataset only
    #[arg(long, value_parser = PossibleValuesParser::new(SOURCES))]
    dataset: Option<String>,
    /// Verify the days from this one on, such as 2026-11-01
    #[arg(long, value_name = "DAY")]
    since: Option<Date>,
    /// Verify the days before this one
    #[arg(long, value_name = "DAY")]
    until: Option<Date>,
    /// Print a table, JSON or CSV
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: Format,
}

/// Runs the command.
pub(super) async fn run(arguments: &VerifyArgs, context: &Context) -> Result<u8, CliError> {
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
    let dataset = arguments.dataset.as_deref().map(|dataset| Name::new("dataset", dataset)).transpose();
    let options = Options {
        deep: arguments.deep,
        dataset: dataset.map_err(|error| CliError::bug(error.to_string()))?,
        since: arguments.since,
        until: arguments.until,
    };
    let store = bench.lake(true).await?.store;
    let url = store.url();
    tracing::info!("verifying {url}: nothing is changed");
    let verified = verify::verify(store, &options, context.clock.as_ref(), progress.as_ref()).await;
    let report = verified.map_err(|error| CliError::of(code(&error), &error))?;
    let findings = report.findings.told();
    let text = match arguments.format {
        Format::Table => table(&findings),
        Format::Json => format::json(&findings)?,
        Format::Csv => csv(&findings),
    };
    print(text.as_bytes())?;
    let summary = summary(&report, findings.len(), &url, arguments.deep);
    match arguments.format {
        Format::Table => print(summary.as_bytes())?,
        Format::Json | Format::Csv => tracing::info!("{}", summary.trim_end()),
    }
    Ok(if report.findings.faults() > 0 { exit::PARTIAL } else { exit::DONE })
}

/// A bar where a person looks on, else a line now and then.
fn start(context: &Context) -> Result<Box<dyn Progress>, CliError> {
    let plain = context.log_options(Arc::new(Stderr));
    let bar = std::io::stderr().is_terminal() && plain.format == LogFormat::Text && plain.verbosity == 0;
    if !bar {
        log::init(&plain)?;
        return Ok(Box::new(Told::default()));
    }
    let screen = MultiProgress::new();
    log::init(&context.log_options(Arc::new(screen.clone())))?;
    let bar = screen.add(ProgressBar::no_length());
    if let Ok(style) = ProgressStyle::with_template(
        "{wide_bar:.cyan/blue} {pos:>7}/{len:<7} objects, {prefix}, {elapsed_precise}",
    ) {
        bar.set_style(style);
    }
    Ok(Box::new(Bar { drawn: bar, bytes: AtomicU64::new(0) }))
}

struct Bar {
    drawn: ProgressBar,
    bytes: AtomicU64,
}

impl Progress for Bar {
    fn listed(&self, objects: u64, _: u64) {
        self.drawn.set_length(objects);
    }

    fn verified(&self, bytes: u64) {
        let bytes = self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        self.drawn.set_prefix(ByteSize(bytes).to_string());
        self.drawn.inc(1);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.drawn.abandon();
    }
}

/// A line at each tenth of the way.
#[derive(Default)]
struct Told {
    objects: AtomicU64,
    verified: AtomicU64,
}

impl Progress for Told {
    fn listed(&self, objects: u64, bytes: u64) {
        self.objects.store(objects, Ordering::Relaxed);
        tracing::info!("{} of {} are to be verified", counted(objects, "object"), ByteSize(bytes));
    }

    fn verified(&self, _: u64) {
        let objects = self.objects.load(Ordering::Relaxed);
        let verified = self.verified.fetch_add(1, Ordering::Relaxed) + 1;
        let tenths = |count: u64| (count * 10).checked_div(objects).unwrap_or(0);
        if tenths(verified) > tenths(verified - 1) {
            tracing::info!("{verified} of {} are verified", counted(objects, "object"));
        }
    }
}

fn code(error: &VerifyError) -> u8 {
    match error {
        VerifyError::Store(error) | VerifyError::Identity(IdentityError::Store(error))
            if error.kind != StoreErrorKind::Config =>
        {
            exit::FAILED
        }
        VerifyError::Store(_) | VerifyError::Identity(_) | VerifyError::NoLake(_) => exit::USAGE,
    }
}

/// Each finding on a line, what to do on the next.
fn table(findings: &[Finding]) -> String {
    let mut text = String::new();
    for finding in findings {
        for part in [
            finding.severity.as_str(),
            ": ",
            &finding.key,
            ": ",
            &finding.found,
            "\n  hint: ",
            &finding.hint,
            "\n",
        ] {
            text.push_str(part);
        }
    }
    text
}

fn csv(findings: &[Finding]) -> String {
    let rows = findings.iter().map(|Finding { key, severity, found, hint }| {
        [key, severity.as_str(), found, hint].map(str::to_owned)
    });
    Table { headings: ["key", "severity", "found", "hint"], numbers: 4, rows: rows.collect() }.csv()
}

fn summary(report: &Report, told: usize, url: &str, deep: bool) -> String {
    let (faults, notes) = (report.findings.faults(), report.findings.notes());
    let how = if deep { "read and verified" } else { "verified by their metadata" };
    let objects = counted(report.objects, "object");
    let more = match (faults + notes).saturating_sub(told as u64) {
        0 => String::new(),
        more => format!(", of which {more} are not told"),
    };
    let found = match (faults, notes) {
        (0, 0) => "nothing is wrong".to_owned(),
        _ => format!("{} and {}{more}", counted(faults, "fault"), counted(notes, "note")),
    };
    format!("{url}: {objects} of {} {how}: {found}.\n", ByteSize(report.bytes))
}
