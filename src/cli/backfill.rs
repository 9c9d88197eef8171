//! `contrail backfill`: crawls a stretch of the past.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use clap::Args;
use clap::builder::PossibleValuesParser;

use super::Context;
use super::after_crawl::AfterCrawl;
use super::assemble::Bench;
use super::crawler::{dry_run, exit_code, open, settle, start_log, tell_plan, until_interrupted_twice};
use super::exit::{self, CliError};
use super::occasion::local_directory;
use super::output::print;
use super::patience::Patience;
use super::sandbox::MarketArgs;
use super::summary::Summary;
use crate::base::clock::{midnight, whole_second};
use crate::base::units::{Period, counted};
use crate::base::{Chance, Name, Time};
use crate::config::SOURCES;
use crate::crawler::{self, Observer, Scheduled, Shutdown};
use crate::sources::{Backfill, FetchErrorKind, Past};

const SINCE: &str = "Begin here, at a date or an RFC 3339 time (UTC)

Without it, everything that the upstream still has: 90 days of spot prices, every version of a price list that \
its index names. Look with --dry-run first.";

/// Flags of `contrail backfill`.
#[derive(Debug, Args)]
#[command(
    mut_arg("seed", |argument| argument.requires("sandbox")),
    mut_arg("scale", |argument| argument.requires("sandbox")),
    mut_arg("faults", |argument| argument.requires("sandbox"))
)]
pub(super) struct BackfillArgs {
    /// Crawl the past of this dataset
    #[arg(value_name = "DATASET", value_parser = PossibleValuesParser::new(SOURCES))]
    dataset: String,
    /// Begin here, at a date or an RFC 3339 time (UTC)
    #[arg(long, value_name = "TIME", value_parser = moment, long_help = SINCE)]
    since: Option<Time>,
    /// End here, at a date or an RFC 3339 time (UTC); now, if it is left out
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Time>,
    /// Crawl this region only
    #[arg(long, value_name = "REGION", value_parser = region)]
    region: Option<Name>,
    /// Print what would be fetched, and fetch nothing
    #[arg(long)]
    dry_run: bool,
    /// End after this time, even if something is missing still, such as 30m
    #[arg(long, value_name = "PERIOD")]
    max_duration: Option<Period>,
    /// Crawl a simulated cloud inside this process, which needs no account and no network
    #[arg(long)]
    sandbox: bool,
    #[command(flatten)]
    market: MarketArgs,
}

/// Runs the command. The first signal ends it well, at whatever point it is; the second one at once.
pub(super) async fn run(arguments: &BackfillArgs, context: &Context) -> Result<u8, CliError> {
    let observer = start_log(context)?;
    let shutdown = Shutdown::default();
    let signals = crawler::signals()
        .map_err(|error| CliError::new(exit::FAILED, format!("failed to listen for signals: {error}")))?;
    let crawling = Box::pin(crawl(arguments, context, observer, shutdown.clone()));
    match until_interrupted_twice(crawling, signals, &shutdown).await {
        Some(ended) => ended,
        None => Ok(exit::INTERRUPTED),
    }
}

async fn crawl(
    arguments: &BackfillArgs,
    context: &Context,
    observer: Arc<dyn Observer>,
    shutdown: Shutdown,
) -> Result<u8, CliError> {
    let past = past(arguments, context.clock.now())?;
    let loaded = context.load()?;
    for warning in &loaded.warnings {
        tracing::warn!(hint = warning.hint, "{}", warning.message);
    }
    let sandbox = if arguments.sandbox { Some(arguments.market.start(context, None).await?) } else { None };
    let config = settle(&loaded, sandbox.as_ref());
    let bench = Bench {
        config: &config,
        environment: &context.environment,
        directory: &context.directory,
        clock: Arc::clone(&context.clock),
        chance: Arc::new(Chance::from_entropy()),
        sandbox: sandbox.is_some(),
        patience: if sandbox.is_some() { Patience::Sandbox } else { Patience::Crawler },
    };
    let dataset = &arguments.dataset;
    let sources: Vec<Scheduled> = bench
        .sources(std::slice::from_ref(dataset))
        .await?
        .into_iter()
        .map(|scheduled| {
            let source = Backfill::new(scheduled.source, past, arguments.region.clone());
            Scheduled { source: Arc::new(source), ..scheduled }
        })
        .collect();
    if sources.is_empty() {
        return Err(CliError::new(exit::USAGE, format!("{dataset} is not enabled"))
            .with_hint(format!("enable it in [sources.{dataset}] of the configuration file")));
    }

    // What cannot be planned is said before anything is made or fetched.
    let lake = bench.lake(true).await?;
    let planning = dry_run(&lake, &sources, context.clock.as_ref());
    let planned = tokio::select! {
        planned = planning => planned?,
        () = shutdown.stopping() => return Ok(exit::PARTIAL),
    };
    if let Some(failure) = planned.iter().find_map(|planned| planned.failure.as_ref()) {
        let code = if failure.kind == FetchErrorKind::Config { exit::USAGE } else { exit::FAILED };
        return Err(CliError::of(code, failure));
    }
    if arguments.dry_run {
        return tell_plan(&lake, &planned);
    }
    let wanted: usize = planned.iter().map(|planned| planned.slices.len()).sum();
    tracing::info!(
        "{} of {dataset} {} missing",
        counted(wanted, "slice"),
        if wanted == 1 { "is" } else { "are" }
    );

    let started = context.clock.now();
    let lake = bench.lake(false).await?;
    let url = lake.store.url();
    let builds = AfterCrawl::new(context, &config);
    let observer = AfterCrawl::watching(builds.as_ref(), observer);
    let crawler = open(&bench, lake, sources, arguments.max_duration, observer, &shutdown).await?;
    let report = crawler.once().await;
    let tables = match &builds {
        Some(builds) => builds.build(&shutdown).await,
        None => None,
    };
    shutdown.abort();
    crawler.close().await;
    let summary = Summary {
        report: &report,
        tables: tables.as_deref(),
        lake: &url,
        directory: local_directory(&config),
        sandbox: sandbox.is_some(),
        endless: None,
        took: (context.clock.now() - started).to_std().unwrap_or_default(),
        typed: &context.typed,
    };
    print(summary.render().as_bytes())?;
    Ok(exit_code(&report))
}

/// The past that the flags ask for.
fn past(arguments: &BackfillArgs, now: Time) -> Result<Past, CliError> {
    let until = arguments.until.unwrap_or(now);
    if let Some(since) = arguments.since {
        let wrong = |what: &str, hint: &str| {
            Err(CliError::new(
                exit::USAGE,
                format!("--since {} is {what}", since.format("%Y-%m-%dT%H:%M:%SZ")),
            )
            .with_hint(hint))
        };
        if since >= now {
            return wrong("not in the past", "what is to come is crawled by `contrail crawler`");
        }
        if since >= until {
            return wrong("not before --until", "exchange the two");
        }
    }
    Ok(Past { since: arguments.since, until })
}

/// A date is the midnight at which it starts. Keys carry seconds, nothing finer.
/// Reads a date or an RFC 3339 time.
pub(super) fn moment(text: &str) -> Result<Time, String> {
    if let Ok(date) = text.parse::<NaiveDate>() {
        return Ok(midnight(date));
    }
    let time = DateTime::parse_from_rfc3339(text).map(|time| whole_second(time.with_timezone(&Utc)));
    time.map_err(|_| {
        "write a date or an RFC 3339 time, such as 2026-11-21 or 2026-11-21T08:00:00Z".to_owned()
    })
}

fn region(text: &str) -> Result<Name, String> {
    Name::new("region", text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_date_or_a_time_with_its_zone() {
        let read = |text| moment(text).map(|time| time.to_rfc3339());
        assert_eq!(read("2026-11-21").unwrap(), "2026-11-21T00:00:00+00:00");
        assert_eq!(read("2026-11-21T08:00:00Z").unwrap(), "2026-11-21T08:00:00+00:00");
        assert_eq!(read("2026-11-21T08:00:00.9+02:00").unwrap(), "2026-11-21T06:00:00+00:00");
        for text in ["", "yesterday", "2026-13-01", "2026-11-21T08:00:00", "20261121", "90d"] {
            assert!(moment(text).unwrap_err().contains("such as 2026-11-21 or"), "{text}");
        }
    }
}
