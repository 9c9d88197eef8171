//! `contrail crawler`: the main job.

use clap::Args;
use clap::builder::PossibleValuesParser;

use super::Context;
use super::exit::CliError;
use super::sandbox::MarketArgs;
use crate::base::units::Period;
use crate::config::SOURCES;

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

/// Runs the command.
pub(super) async fn run(_arguments: &CrawlerArgs, _context: &Context) -> Result<u8, CliError> {
    Err(CliError::bug("the crawler is not wired to the command line"))
}
