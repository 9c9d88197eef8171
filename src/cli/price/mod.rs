//! `contrail price`: what a machine costs, or cost.

mod chart;
mod machine;
mod text;

use std::sync::Arc;

use clap::Args;
use clap::builder::PossibleValuesParser;

use super::Context;
use super::assemble::Bench;
use super::backfill::moment;
use super::exit::{self, CliError};
use super::format::Format;
use super::output::{print, terminal_width};
use super::patience::Patience;
use crate::ask::{self, AskError, Question, When};
use crate::base::units::{ByteSize, Period, counted};
use crate::base::{Chance, Date, Time};
use crate::lake::store::Store;
use crate::tables::scan::Tally;
use crate::telemetry::log::{self, Stderr};

const AT: &str = "Tell what applied then, at a date or an RFC 3339 time (UTC)

Where the lake does not know, in a gap or where nobody looked, the answer is unknown and says why.";

const AS_KNOWN_AT: &str = "Tell what the lake knew by then, at a date or an RFC 3339 time (UTC)

Without --at it is the same moment that is asked about. Prices that were collected afterwards count for nothing.";

/// How many regions or pools are shown to people.
const SHOWN: usize = 20;

/// Flags of `contrail price`.
#[derive(Debug, Args)]
pub(super) struct PriceArgs {
    /// The machine, as its cloud writes it, such as m5.large
    #[arg(value_name = "TYPE")]
    instance_type: String,
    /// Only in this region; repeat for more
    #[arg(long = "region", value_name = "REGION")]
    regions: Vec<String>,
    /// The operating system: Linux, Windows, RHEL, SUSE
    #[arg(long, value_name = "OS", default_value = "Linux")]
    os: String,
    /// Tell what applied then, at a date or an RFC 3339 time (UTC)
    #[arg(long, value_name = "TIME", value_parser = moment, long_help = AT)]
    at: Option<Time>,
    /// Tell what the lake knew by then, at a date or an RFC 3339 time (UTC)
    #[arg(long, value_name = "TIME", value_parser = moment, long_help = AS_KNOWN_AT)]
    as_known_at: Option<Time>,
    /// Only prices in this currency, such as USD
    #[arg(long, value_name = "CURRENCY")]
    currency: Option<String>,
    /// Only prices of this cloud
    #[arg(long, value_name = "CLOUD", value_parser = PossibleValuesParser::new(["aws", "azure"]))]
    provider: Option<String>,
    /// Tell how prices went over the last days, such as 30d, with a chart
    #[arg(long, value_name = "PERIOD", conflicts_with_all = ["at", "as_known_at"])]
    history: Option<Period>,
    /// Show at most so many: regions or pools of a table (20), else offers
    #[arg(long, value_name = "COUNT")]
    limit: Option<usize>,
    /// Print a table for people, or JSON or CSV for machines
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: Format,
}

/// Runs the command. It writes nothing but its answer.
pub(super) async fn run(arguments: &PriceArgs, context: &Context) -> Result<u8, CliError> {
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
    let store = bench.lake(true).await?.store;
    let question = question(arguments, context.clock.now());
    let tally = Tally::default();
    let answered = match arguments.history {
        Some(period) => history(arguments, store.as_ref(), &question, period, &tally).await,
        None => price(arguments, store.as_ref(), &question, &tally).await,
    };
    let (listings, reads) = (counted(tally.listings(), "listing"), counted(tally.reads(), "read"));
    tracing::debug!("{}: {listings}, {reads}, {}", store.url(), ByteSize(tally.bytes()));
    answered
}

fn question(arguments: &PriceArgs, now: Time) -> Question {
    let when = match (arguments.at, arguments.as_known_at) {
        (None, None) => When::Latest,
        (Some(moment), known_at) => When::At { moment, known_at },
        (None, Some(known_at)) => When::At { moment: known_at, known_at: Some(known_at) },
    };
    Question {
        instance_type: arguments.instance_type.clone(),
        regions: arguments.regions.clone(),
        operating_system: arguments.os.clone(),
        provider: arguments.provider.clone(),
        currency: arguments.currency.clone(),
        when,
        now,
    }
}

async fn price(
    arguments: &PriceArgs,
    store: &dyn Store,
    question: &Question,
    tally: &Tally,
) -> Result<u8, CliError> {
    let answer = ask::price(store, question, tally).await.map_err(|error| failed(&error))?;
    let offers = &answer.offers;
    let limited = offers.get(..arguments.limit.unwrap_or(usize::MAX).min(offers.len())).unwrap_or_default();
    let text = match arguments.format {
        Format::Table => text::render(offers, question, arguments.limit.unwrap_or(SHOWN)),
        Format::Json => machine::json(limited)?,
        Format::Csv => machine::csv(limited),
    };
    print(text.as_bytes())?;
    if let Some(why) = &answer.why {
        tracing::warn!("nothing is known: {why}");
    }
    Ok(if answer.is_unknown() { exit::PARTIAL } else { exit::DONE })
}

async fn history(
    arguments: &PriceArgs,
    store: &dyn Store,
    question: &Question,
    period: Period,
    tally: &Tally,
) -> Result<u8, CliError> {
    let today = question.now.date_naive();
    // Today counts, as far as it has come.
    let days = period.delta().num_days().max(1) - 1;
    let first: Date = today.checked_sub_signed(chrono::TimeDelta::days(days)).unwrap_or(today);
    let mut history =
        ask::history(store, question, first..=today, tally).await.map_err(|error| failed(&error))?;
    let is_unknown = history.pools.iter().all(|pool| pool.last().is_none()) && history.changes.is_empty();
    let pools = history.pools.len();
    let limit = arguments.limit.unwrap_or(if arguments.format == Format::Table { SHOWN } else { usize::MAX });
    history.pools.truncate(limit);
    let text = match arguments.format {
        Format::Table => {
            chart::render(&history, question, pools, terminal_width().unwrap_or(chart::USUAL_WIDTH))
        }
        Format::Json => machine::history_json(&history)?,
        Format::Csv => machine::history_csv(&history),
    };
    print(text.as_bytes())?;
    Ok(if is_unknown { exit::PARTIAL } else { exit::DONE })
}

fn failed(error: &AskError) -> CliError {
    CliError::of(if error.is_passing() { exit::FAILED } else { exit::USAGE }, error)
}
