//! `contrail crawler`: the main job.

use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::sync::Arc;

use clap::Args;
use clap::builder::PossibleValuesParser;
use indicatif::MultiProgress;

use super::Context;
use super::after_crawl::AfterCrawl;
use super::assemble::Bench;
use super::exit::{self, CliError};
use super::occasion::{local_directory, simulated, unconfigured};
use super::output::print;
use super::patience::Patience;
use super::progress::Bars;
use super::sandbox::MarketArgs;
use super::summary::Summary;
use crate::base::units::{Period, counted};
use crate::base::{Chance, Clock};
use crate::config::{Config, Loaded, SOURCES};
use crate::crawler::{
    self, Crawler, CrawlerError, Heartbeat, LakeSetup, Observer, Options, Planned, Problem, Report,
    Scheduled, Shutdown, Signals, Silent,
};
use crate::lake::identity::IdentityError;
use crate::lake::store::StoreErrorKind;
use crate::sandbox::Sandbox;
use crate::sources::Sentinel;
use crate::telemetry::log::{self, LogFormat, Stderr};
use crate::telemetry::metrics::{self, Exporter};
use crate::telemetry::server::Server;

/// Flags of `contrail crawler`.
#[derive(Debug, Args)]
#[command(
    mut_arg("seed", |argument| argument.requires("sandbox")),
    mut_arg("scale", |argument| argument.requires("sandbox")),
    mut_arg("faults", |argument| argument.requires("sandbox"))
)]
pub(super) struct CrawlerArgs {
    /// Fetch what is missing, then end
    ///
    /// One tick of every enabled source, whatever its schedule: the newest slice of each stream first, then the
    /// oldest, until nothing is missing.
    #[arg(long)]
    pub(super) once: bool,
    /// Crawl these sources only, parted by commas
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = PossibleValuesParser::new(SOURCES))]
    pub(super) only: Vec<String>,
    /// Print what would be fetched, and fetch nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// End after this time, even if something is missing still, such as 30m
    #[arg(long, value_name = "PERIOD", requires = "once")]
    pub(super) max_duration: Option<Period>,
    /// Crawl a simulated cloud inside this process, which needs no account and no network
    #[arg(long)]
    pub(super) sandbox: bool,
    #[command(flatten)]
    pub(super) market: MarketArgs,
}

/// Runs the command. The first signal ends it well, at whatever point it is; the second one at once.
pub(super) async fn run(arguments: &CrawlerArgs, context: &Context) -> Result<u8, CliError> {
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
    arguments: &CrawlerArgs,
    context: &Context,
    observer: Arc<dyn Observer>,
    shutdown: Shutdown,
) -> Result<u8, CliError> {
    let loaded = context.load()?;
    for warning in &loaded.warnings {
        tracing::warn!(hint = warning.hint, "{}", warning.message);
    }
    let sandbox = if arguments.sandbox { Some(arguments.market.start(context, None).await?) } else { None };
    let config = settle(&loaded, sandbox.as_ref());
    let chance = Arc::new(Chance::from_entropy());
    let bench = Bench {
        config: &config,
        environment: &context.environment,
        directory: &context.directory,
        clock: Arc::clone(&context.clock),
        chance: Arc::clone(&chance),
        sandbox: sandbox.is_some(),
        patience: if sandbox.is_some() { Patience::Sandbox } else { Patience::Crawler },
    };
    let sources = bench.sources(&arguments.only).await?;
    if sources.is_empty() {
        return Err(CliError::new(exit::USAGE, "no source is left to crawl")
            .with_hint("enable one in [sources], or name an enabled one with --only"));
    }
    if arguments.dry_run {
        let lake = bench.lake(true).await?;
        return tokio::select! {
            planned = dry_run(&lake, &sources, context.clock.as_ref()) => tell_plan(&lake, &planned?),
            () = shutdown.stopping() => Ok(exit::PARTIAL),
        };
    }
    let server = match config.server.listen {
        Some(address) => Some(MetricsServer::bind(address).await?),
        None => None,
    };
    let lake = bench.lake(false).await?;
    let url = lake.store.url();
    let started = context.clock.now();
    let builds = AfterCrawl::new(context, &config);
    let observer = AfterCrawl::watching(builds.as_ref(), observer);
    let opening = open(&bench, lake, sources, arguments.max_duration, observer, &shutdown);
    let crawler = Arc::new(opening.await?);
    if let Some(server) = server {
        server.serve(&crawler, &shutdown);
    }
    let report = if arguments.once {
        crawler.once().await
    } else {
        if let Some(builds) = &builds {
            tokio::spawn(Arc::clone(builds).keep_building(shutdown.clone()));
        }
        let heartbeat = Heartbeat::start()
            .await
            .map_err(|error| CliError::new(exit::FAILED, format!("failed to start the schedule: {error}")))?;
        crawler.run(heartbeat).await.map_err(|error| CliError::of(exit::FAILED, &error))?
    };
    let tables = match &builds {
        Some(builds) if arguments.once => builds.build(&shutdown).await,
        _ => None,
    };
    shutdown.abort();
    if let Ok(crawler) = Arc::try_unwrap(crawler) {
        crawler.close().await;
    }
    if !arguments.once {
        return Ok(exit::DONE);
    }
    let summary = Summary {
        report: &report,
        tables: tables.as_deref(),
        lake: &url,
        directory: local_directory(&config),
        sandbox: arguments.sandbox,
        endless: Some(context.typed.without(&["--once"], &["--max-duration"])),
        took: (context.clock.now() - started).to_std().unwrap_or_default(),
        typed: &context.typed,
    };
    print(summary.render().as_bytes())?;
    Ok(exit_code(&report))
}

/// Opens a crawler of `sources` over the lake.
pub(super) async fn open(
    bench: &Bench<'_>,
    lake: LakeSetup,
    sources: Vec<Scheduled>,
    max_duration: Option<Period>,
    observer: Arc<dyn Observer>,
    shutdown: &Shutdown,
) -> Result<Crawler, CliError> {
    let settings = &bench.config.crawler;
    let options = Options {
        grace: settings.grace.0,
        drain: settings.drain.0,
        jitter: settings.jitter.0,
        max_duration: max_duration.map(|period| period.0),
    };
    let names: Vec<&str> = sources.iter().map(|scheduled| scheduled.source.dataset().id).collect();
    for name in &names {
        metrics::announce(name, &Sentinel::ALL.map(Sentinel::as_str));
    }
    let url = lake.store.url();
    let (clock, chance) = (Arc::clone(&bench.clock), Arc::clone(&bench.chance));
    let opening = Crawler::open(lake, sources, options, clock, chance, observer, shutdown.clone());
    let crawler = opening.await.map_err(|error| CliError::of(exit::USAGE, &error))?;
    tracing::info!("crawling {} into {url}", names.join(", "));
    Ok(crawler)
}

/// Bars where a person looks on, else a line for each slice.
pub(super) fn start_log(context: &Context) -> Result<Arc<dyn Observer>, CliError> {
    let plain = context.log_options(Arc::new(Stderr));
    let bars = std::io::stderr().is_terminal() && plain.format == LogFormat::Text && plain.verbosity == 0;
    if !bars {
        log::init(&plain)?;
        return Ok(Arc::new(Silent));
    }
    let screen = MultiProgress::new();
    let mut options = context.log_options(Arc::new(screen.clone()));
    if options.filter.is_none() {
        options.filter = Some("warn,contrail=info,contrail::slice=warn".to_owned());
    }
    log::init(&options)?;
    Ok(Arc::new(Bars::new(screen)))
}

/// What will be crawled, and what will not be unless somebody says so.
pub(super) fn settle(loaded: &Loaded, sandbox: Option<&Sandbox>) -> Config {
    if let Some(sandbox) = sandbox {
        return simulated(loaded, sandbox);
    }
    if loaded.file.is_some() {
        return loaded.config.clone();
    }
    let (config, left_out) = unconfigured(loaded);
    for what in left_out {
        tracing::info!("without a configuration file, left out: {what}");
    }
    config
}

/// `/metrics` and `/healthz`, bound before anything is crawled: an address in use is found out at once.
struct MetricsServer {
    exporter: Exporter,
    server: Server,
}

impl MetricsServer {
    async fn bind(address: SocketAddr) -> Result<Self, CliError> {
        let exporter = Exporter::install().map_err(|error| CliError::new(exit::FAILED, error.to_string()))?;
        let server = Server::bind(address).await.map_err(|error| CliError::of(exit::USAGE, &error))?;
        Ok(Self { exporter, server })
    }

    /// Answers in the background until the crawler has ended.
    fn serve(self, crawler: &Arc<Crawler>, shutdown: &Shutdown) {
        let (crawler, shutdown) = (Arc::downgrade(crawler), shutdown.clone());
        let health = move || {
            let ending = || (false, serde_json::json!({ "ending": true }));
            crawler.upgrade().map_or_else(ending, |crawler| crawler.health())
        };
        tokio::spawn(async move {
            let end = async move { shutdown.aborting().await };
            if let Err(error) = self.server.run(self.exporter, Arc::new(health), end).await {
                tracing::error!(%error, "the metrics server failed");
            }
        });
    }
}

/// The first signal ends the work well, the second one ends it at once: then there is no output.
pub(super) async fn until_interrupted_twice<T>(
    mut work: impl Future<Output = T> + Unpin,
    mut signals: Signals,
    shutdown: &Shutdown,
) -> Option<T> {
    loop {
        tokio::select! {
            output = &mut work => return Some(output),
            () = signals.next() => {
                if shutdown.is_stopping() {
                    return None;
                }
                tracing::info!("stopping: what runs may end, what is finished goes up; once more to stop at once");
                shutdown.stop();
            }
        }
    }
}

pub(super) fn exit_code(report: &Report) -> u8 {
    // What an interruption kept from going up is part of what it left; a store in trouble is another matter.
    let stuck = report.undelivered > 0 && (report.interrupted.is_none() || report.store_problem.is_some());
    if stuck || report.is_fruitless() {
        exit::FAILED
    } else if report.is_partial() {
        exit::PARTIAL
    } else {
        exit::DONE
    }
}

/// What would be fetched now.
pub(super) async fn dry_run(
    lake: &LakeSetup,
    sources: &[Scheduled],
    clock: &dyn Clock,
) -> Result<Vec<Planned>, CliError> {
    crawler::dry_run(lake, sources, clock).await.map_err(|error| {
        let away = matches!(&error, CrawlerError::Lake(IdentityError::Store(error)) if error.kind == StoreErrorKind::Away);
        CliError::of(if away { exit::FAILED } else { exit::USAGE }, &error)
    })
}

/// Prints the slices that would be fetched, one a line, and what could not be planned.
pub(super) fn tell_plan(lake: &LakeSetup, planned: &[Planned]) -> Result<u8, CliError> {
    let mut text = String::new();
    let (mut slices, mut problems) = (0_usize, 0_usize);
    for Planned { dataset, slices: wanted, problems: met, failure } in planned {
        for slice in wanted {
            let _ = writeln!(text, "{slice}");
        }
        for problem in met.iter().cloned().chain(failure.as_ref().map(Problem::of)) {
            tracing::error!(dataset = dataset.id, hint = problem.hint, "{}", problem.message);
            problems += 1;
        }
        slices += wanted.len();
    }
    print(text.as_bytes())?;
    tracing::info!(
        "a dry run: {} of {} would be fetched into {}",
        counted(slices, "slice"),
        counted(planned.len(), "source"),
        lake.store.url()
    );
    Ok(match (problems, slices) {
        (0, _) => exit::DONE,
        (_, 0) => exit::FAILED,
        _ => exit::PARTIAL,
    })
}
