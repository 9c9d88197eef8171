//! The command line: one file for each command, which parses, calls and prints. Data goes to stdout, talk to
//! stderr. Never here: decisions about prices, lakes or upstreams.

mod after_crawl;
mod assemble;
mod backfill;
mod completions;
mod config;
mod crawler;
mod ddl;
mod doctor;
pub mod exit;
mod format;
mod occasion;
mod output;
mod patience;
mod price;
mod progress;
mod query;
mod sandbox;
mod status;
mod summary;
mod table;
mod tables;
mod typed;
mod verify;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

use crate::base::thread::BLOCKING_THREADS;
use crate::base::{Clock, SystemClock};
use crate::config::{Flag, Inputs, LOG_VARIABLE, Loaded, load};
use crate::telemetry::log::{LogFormat, LogOptions, LogSink};
use exit::CliError;
use typed::Typed;

/// Keep the history of what cloud computing costs
///
/// Contrail crawls the prices of AWS and Azure into a lake that you own: an S3 bucket or a directory.
#[derive(Debug, Parser)]
#[command(name = "contrail", version, arg_required_else_help = true)]
pub struct Cli {
    #[command(flatten)]
    global: GlobalArgs,
    #[command(subcommand)]
    command: Command,
}

const LOOKUP: &str = "Read this configuration file

Without it, the first of these that is there: $CONTRAIL_CONFIG, ./contrail.toml, \
$XDG_CONFIG_HOME/contrail/contrail.toml";

const LAKE: &str = "Keep the prices in this lake: s3://bucket/prefix, file:///an/absolute/directory or a path

It wins over lake.url of the configuration file";

/// Flags of every command.
#[derive(Debug, Args)]
struct GlobalArgs {
    /// Read this configuration file
    #[arg(long, global = true, value_name = "PATH", long_help = LOOKUP, help_heading = "Global options")]
    config: Option<PathBuf>,
    /// Keep the prices in this lake: a bucket or a directory
    #[arg(long, global = true, long_help = LAKE, value_name = "URL", help_heading = "Global options")]
    lake: Option<String>,
    /// Log more; repeat for even more
    #[arg(short, long, global = true, action = ArgAction::Count, help_heading = "Global options")]
    verbose: u8,
    /// Log less; repeat for errors only
    #[arg(short, long, global = true, action = ArgAction::Count, conflicts_with = "verbose", help_heading = "Global options")]
    quiet: u8,
    /// Log as text for people or as JSON for machines
    #[arg(
        long,
        global = true,
        value_name = "FORMAT",
        default_value = "text",
        help_heading = "Global options"
    )]
    log_format: LogFormatArg,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LogFormatArg {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Crawl prices into the lake until Ctrl-C
    Crawler(crawler::CrawlerArgs),
    /// Check whether a crawler would work here, and say what mends it
    Doctor(doctor::DoctorArgs),
    /// Crawl a stretch of the past into the lake
    Backfill(backfill::BackfillArgs),
    /// Show how complete the lake is, what waits and what it costs
    Status(status::StatusArgs),
    /// Build the tables that SQL is asked of
    Tables(tables::TablesArgs),
    /// Tell what a machine costs, or cost
    Price(price::PriceArgs),
    /// Ask the lake in SQL
    Query(query::QueryArgs),
    /// Serve a simulated cloud on this machine
    Sandbox(sandbox::SandboxArgs),
    /// Verify that the lake is what it says it is
    Verify(verify::VerifyArgs),
    /// Print the statements that make an engine read the tables
    Ddl(ddl::DdlArgs),
    /// Show, check or start a configuration
    Config(config::ConfigArgs),
    /// Print the completions of a shell
    Completions(completions::CompletionsArgs),
    /// Print the manual page
    Man(completions::ManArgs),
}

/// What a command is given besides its own flags.
#[derive(Debug)]
struct Context {
    global: GlobalArgs,
    typed: Typed,
    /// The process environment, as it was at the start.
    environment: BTreeMap<String, String>,
    directory: PathBuf,
    clock: Arc<dyn Clock>,
}

impl Context {
    /// The settings. Warnings about them are the caller's to tell.
    fn load(&self) -> Result<Loaded, CliError> {
        let lake = self.global.lake.clone().map(|value| Flag { name: "--lake", key: "lake.url", value });
        let inputs = Inputs {
            path: self.global.config.clone(),
            environment: self.environment.clone(),
            flags: lake.into_iter().collect(),
            directory: self.directory.clone(),
        };
        Ok(load(&inputs)?)
    }

    /// What the flags and the environment ask of the log, which goes to `sink`.
    fn log_options(&self, sink: Arc<dyn LogSink>) -> LogOptions {
        let level = |count: u8| i8::try_from(count).unwrap_or(i8::MAX);
        let variable = |name: &str| self.environment.get(name).filter(|value| !value.is_empty());
        let dumb = variable("TERM").is_some_and(|term| term == "dumb");
        LogOptions {
            format: match self.global.log_format {
                LogFormatArg::Text => LogFormat::Text,
                LogFormatArg::Json => LogFormat::Json,
            },
            verbosity: level(self.global.verbose).saturating_sub(level(self.global.quiet)),
            filter: variable(LOG_VARIABLE).cloned(),
            color: std::io::stderr().is_terminal() && variable("NO_COLOR").is_none() && !dumb,
            clock: Arc::clone(&self.clock),
            sink,
        }
    }
}

/// Parses the arguments, runs the command and tells what went wrong. `environment` is the process environment.
pub fn main(
    arguments: impl IntoIterator<Item = OsString>,
    environment: BTreeMap<String, String>,
) -> ExitCode {
    let words: Vec<OsString> = arguments.into_iter().collect();
    let Cli { global, command } = match Cli::try_parse_from(&words) {
        Ok(cli) => cli,
        // Help and version come this way too, with code 0. A closed stdout is nothing to complain about.
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { exit::USAGE } else { exit::DONE });
        }
    };
    // A working directory that was removed is found out by whatever needs it.
    let directory = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
    let typed = Typed::new(&words);
    let context = Context { global, typed, environment, directory, clock: SystemClock::shared() };
    match run(command, &context) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            error.tell();
            ExitCode::from(error.code)
        }
    }
}

fn run(command: Command, context: &Context) -> Result<u8, CliError> {
    match command {
        Command::Crawler(arguments) => wait_for(crawler::run(&arguments, context)),
        Command::Doctor(arguments) => wait_for(doctor::run(&arguments, context)),
        Command::Backfill(arguments) => wait_for(backfill::run(&arguments, context)),
        Command::Status(arguments) => wait_for(status::run(&arguments, context)),
        Command::Tables(arguments) => wait_for(tables::run(&arguments, context)),
        Command::Price(arguments) => wait_for(price::run(&arguments, context)),
        Command::Query(arguments) => wait_on(query::STACK_BYTES, query::run(&arguments, context)),
        Command::Sandbox(arguments) => wait_for(sandbox::run(&arguments, context)),
        Command::Verify(arguments) => wait_for(verify::run(&arguments, context)),
        Command::Ddl(arguments) => wait_for(ddl::run(&arguments, context)),
        Command::Config(arguments) => config::run(&arguments, context),
        Command::Completions(arguments) => completions::run(&arguments),
        Command::Man(arguments) => completions::man(&arguments),
    }
}

/// How long the end waits for threads that are at work still: a lookup of a name may never come back.
const LAST_COPIES: Duration = Duration::from_secs(2);

/// Runs a command that waits for networks.
fn wait_for(command: impl Future<Output = Result<u8, CliError>>) -> Result<u8, CliError> {
    wait_on(None, command)
}

/// Runs a command that waits for networks, on threads with as much stack as it needs.
fn wait_on(
    stack: Option<usize>,
    command: impl Future<Output = Result<u8, CliError>>,
) -> Result<u8, CliError> {
    let mut threads = tokio::runtime::Builder::new_multi_thread();
    threads.enable_all().max_blocking_threads(BLOCKING_THREADS);
    if let Some(stack) = stack {
        threads.thread_stack_size(stack);
    }
    let runtime = threads.build().map_err(|error| {
        CliError::new(exit::FAILED, format!("failed to start the runtime: {error}"))
            .with_hint("check the limits on threads and open files")
    })?;
    let outcome = runtime.block_on(command);
    // A copy that is under way on a thread of its own is let finish, or it would be left lying in the lake. Who
    // has interrupted twice does not wait.
    match outcome {
        Ok(exit::INTERRUPTED) => runtime.shutdown_background(),
        _ => runtime.shutdown_timeout(LAST_COPIES),
    }
    outcome
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(line.split_whitespace())
    }

    #[test]
    fn the_definitions_hold_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn help_texts_are_short_and_have_no_full_stop() {
        fn check(command: &clap::Command) {
            let about = command.get_about().unwrap_or_else(|| panic!("{} has no help", command.get_name()));
            let arguments = command.get_arguments().map(|argument| {
                let help = argument.get_help().unwrap_or_else(|| panic!("{} has no help", argument.get_id()));
                help.to_string()
            });
            for help in arguments.chain([about.to_string()]) {
                assert!(!help.ends_with('.') && help.chars().count() < 90, "{help}");
            }
            command.get_subcommands().for_each(check);
        }
        check(&Cli::command());
    }

    #[test]
    fn flags_of_the_crawler_that_need_another_say_so() {
        for line in [
            "contrail crawler --seed 7",
            "contrail crawler --scale 0.1",
            "contrail crawler --faults throttle=5%",
            "contrail crawler --max-duration 5m",
            "contrail crawler --only aws_spot_price",
            "contrail crawler --sandbox --scale 0",
            "contrail crawler --sandbox --scale NaN",
            "contrail crawler --once --max-duration soon",
            "contrail crawler -v -q",
            "contrail nothing",
        ] {
            let error = parse(line).expect_err(line);
            assert!(error.use_stderr(), "{line}");
        }
        for line in [
            "contrail crawler",
            "contrail crawler --once --only aws_spot_prices,azure_retail_prices --max-duration 5m --dry-run",
            "contrail crawler --sandbox --seed 7 --scale 0.1 --faults throttle=5%,unstable_order",
            "contrail -vv --lake ./lake crawler --log-format json",
            "contrail sandbox --seed 7 --listen 127.0.0.1:8080",
        ] {
            parse(line).unwrap();
        }
    }
}
