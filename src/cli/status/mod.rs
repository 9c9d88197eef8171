//! `contrail status`: how complete the lake is, what waits for it and what it costs.

mod machine;
mod text;

use std::path::Path;
use std::sync::Arc;

use chrono::{SecondsFormat, TimeDelta};
use clap::Args;

use super::Context;
use super::assemble::{Bench, schedule};
use super::exit::{self, CliError};
use super::format::Format;
use super::output::print;
use super::patience::Patience;
use crate::base::Chance;
use crate::base::units::{ByteSize, counted};
use crate::config::{self, Config, LakeUrl, Loaded, SOURCES};
use crate::lake::backlog::Backlog;
use crate::ops::status::{Expectation, Place, Request, Status, survey};
use crate::sources::History;
use crate::telemetry::log::{self, Stderr};

/// Flags of `contrail status`.
#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    /// Print a table for people, or JSON or CSV for machines
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: Format,
    /// Exit with 3 also when a stream is closed to this account
    #[arg(long)]
    strict: bool,
}

/// Variables that lead the AWS SDK to another server.
const ENDPOINT_VARIABLES: [&str; 2] = ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"];

/// Runs the command. It writes nothing but its answer.
pub(super) async fn run(arguments: &StatusArgs, context: &Context) -> Result<u8, CliError> {
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
    let now = context.clock.now();
    let expectations = expectations(&loaded, now)?;
    let request = Request {
        store: lake.store,
        expectations: &expectations,
        spool_root: Path::new(&lake.spool_root),
        spool_limit: lake.spool_limit,
        place: place(&loaded.config, context),
        now,
    };
    let status = survey(&request).await.map_err(|error| {
        // That is when it fills.
        tell_what_waits(&request, &lake.wanted.origin);
        CliError::of(if error.is_passing() { exit::FAILED } else { exit::USAGE }, &error)
    })?;
    let text = match arguments.format {
        Format::Table => text::render(&status),
        Format::Json => format!("{:#}\n", machine::json(&status)),
        Format::Csv => machine::csv(&status),
    };
    print(text.as_bytes())?;
    Ok(exit_code(&status, arguments.strict))
}

/// What is known without the lake.
fn tell_what_waits(request: &Request<'_>, origin: &str) {
    let backlog = Backlog::look(request.spool_root, &request.store.place(), origin).unwrap_or_default();
    if backlog.objects > 0 {
        tracing::warn!(
            spool = %request.spool_root.display(),
            oldest = backlog.oldest.map(|oldest| oldest.to_rfc3339_opts(SecondsFormat::Secs, true)),
            "{} of {} wait for the lake, of at most {}",
            counted(backlog.objects, "object"),
            ByteSize(backlog.bytes),
            ByteSize(request.spool_limit)
        );
    }
}

fn exit_code(status: &Status, strict: bool) -> u8 {
    if status.is_stale() || (strict && status.is_refused()) { exit::PARTIAL } else { exit::DONE }
}

/// What the configuration asks of each dataset. Without a file nothing was promised: what is not there is missed by
/// nobody.
fn expectations(loaded: &Loaded, now: crate::base::Time) -> Result<Vec<Expectation>, CliError> {
    let sources = &loaded.config.sources;
    let spot = &sources.aws_spot_prices;
    let (list, plans) = (&sources.aws_price_list, &sources.aws_savings_plans);
    let (advisor, azure) = (&sources.aws_spot_advisor, &sources.azure_retail_prices);
    let zero = TimeDelta::zero();
    let expectation = |dataset: &'static str, enabled: bool, every: &config::Schedule, settle: TimeDelta| {
        let history =
            History::of(dataset).ok_or_else(|| CliError::bug(format!("{dataset} has no history")))?;
        Ok(Expectation {
            dataset,
            history,
            is_crawled: enabled,
            is_required: loaded.file.is_some(),
            every: schedule(every, zero)?.longest_gap(now),
            settle,
        })
    };
    SOURCES
        .into_iter()
        .map(|dataset| match dataset {
            "aws_spot_prices" => expectation(dataset, spot.enabled, &spot.schedule, spot.settle.delta()),
            "aws_price_list" => expectation(dataset, list.enabled, &list.schedule, zero),
            "aws_savings_plans" => expectation(dataset, plans.enabled, &plans.schedule, zero),
            "aws_spot_advisor" => expectation(dataset, advisor.enabled, &advisor.schedule, zero),
            "azure_retail_prices" => expectation(dataset, azure.enabled, &azure.schedule, zero),
            unknown => Err(CliError::bug(format!("{unknown} has no schedule"))),
        })
        .collect()
}

/// Where the lake is, as far as that has a price.
fn place(config: &Config, context: &Context) -> Place {
    let led_elsewhere = || {
        ENDPOINT_VARIABLES
            .iter()
            .any(|name| context.environment.get(*name).is_some_and(|url| !url.is_empty()))
    };
    match &config.lake.url {
        LakeUrl::Directory(_) => Place::Directory,
        LakeUrl::Bucket { .. } if config.lake.endpoint_url.is_some() || led_elsewhere() => Place::Elsewhere,
        LakeUrl::Bucket { .. } => Place::Aws { storage_class: config.lake.storage_class.clone() },
    }
}
