//! `contrail doctor`: would a crawler work here, and what mends it?

use std::sync::Arc;

use clap::Args;
use url::Url;

use super::Context;
use super::assemble::Bench;
use super::exit::{self, CliError};
use super::format::{self, Format};
use super::occasion::unconfigured;
use super::output::print;
use super::patience::Patience;
use super::table::Table;
use crate::base::Chance;
use crate::base::check::{Check, Verdict};
use crate::base::units::counted;
use crate::config::{Config, LakeUrl, Loaded, SOURCES};
use crate::ops::doctor::{self, Examination, Examined, Witness};
use crate::sources::aws::bulk::Partition;
use crate::telemetry::log::{self, Stderr};

/// Where AWS is asked when nothing names a region.
const DEFAULT_REGION: &str = "us-east-1";

/// Flags of `contrail doctor`.
#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    /// Print a table, JSON or CSV
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: Format,
}

/// Runs the command.
pub(super) async fn run(arguments: &DoctorArgs, context: &Context) -> Result<u8, CliError> {
    log::init(&context.log_options(Arc::new(Stderr)))?;
    let loaded = context.load()?;
    let config = match &loaded.file {
        Some(_) => loaded.config.clone(),
        None => unconfigured(&loaded).0,
    };
    let bench = Bench {
        config: &config,
        environment: &context.environment,
        directory: &context.directory,
        clock: Arc::clone(&context.clock),
        chance: Arc::new(Chance::from_entropy()),
        sandbox: false,
        patience: Patience::Person,
    };
    let lake = bench.lake(true).await?;
    let clock = doctor::clock(bench.http()?, witnesses(&config), Arc::clone(&context.clock));
    let mut parts = vec![
        Examination::known("config", settings(&loaded)),
        Examination::new("clock", clock),
        Examination::new("spool", doctor::spool(lake.spool_root, lake.spool_limit)),
        Examination::new("lake", doctor::lake(lake.store, lake.wanted)),
    ];
    let mut sources = bench.sources(&[]).await?;
    for dataset in SOURCES {
        let enabled = sources.iter().position(|scheduled| scheduled.source.dataset().id == dataset);
        parts.push(match enabled {
            Some(index) => Examination::source(sources.swap_remove(index).source),
            None => Examination::known(dataset, vec![left_out(&loaded, dataset)]),
        });
    }
    let examined = doctor::examine(parts, Arc::clone(&context.clock)).await;
    let text = match arguments.format {
        Format::Table => table(&examined),
        Format::Json => format::json(&examined)?,
        Format::Csv => csv(&examined),
    };
    print(text.as_bytes())?;
    Ok(if doctor::has_failed(&examined) { exit::PARTIAL } else { exit::DONE })
}

/// The file and what is odd about it. What is wrong with it has ended the command already.
fn settings(loaded: &Loaded) -> Vec<Check> {
    const FILE: &str = "file";
    let file = match &loaded.file {
        Some(file) => Check::ok(FILE, file.display().to_string()),
        None => {
            Check::ok(FILE, "there is none: what needs no credentials is crawled, and only a little of it")
        }
    };
    let warnings = loaded.warnings.iter().map(|problem| {
        let hint = problem.hint.as_deref().unwrap_or("see `contrail config show`");
        Check::warning("setting", problem.message.as_str(), hint)
    });
    std::iter::once(file).chain(warnings).collect()
}

fn left_out(loaded: &Loaded, dataset: &str) -> Check {
    let why = match &loaded.file {
        Some(_) => "the source is disabled",
        None => "the source is left out where there is no configuration",
    };
    Check::skipped("source", why).with_hint(format!("set enabled = true in [sources.{dataset}]"))
}

/// The servers that will be talked to, each of which tells the time.
fn witnesses(config: &Config) -> Vec<Witness> {
    let of_aws = |service: &str, region: &str| {
        let china = if region.starts_with("cn-") { ".cn" } else { "" };
        format!("https://{service}.{region}.amazonaws.com{china}")
    };
    let lake_region = config.lake.region.as_deref().unwrap_or(DEFAULT_REGION);
    let signed = |url: Option<String>| url.map(|url| (url, true));
    let plain = |url: Option<String>| url.map(|url| (url, false));
    let sources = &config.sources;
    let bucket = matches!(config.lake.url, LakeUrl::Bucket { .. });
    let bucket =
        bucket.then(|| config.lake.endpoint_url.clone().unwrap_or_else(|| of_aws("s3", lake_region)));
    let ec2 = sources
        .aws_spot_prices
        .enabled
        .then(|| config.aws.endpoint_url.clone().unwrap_or_else(|| of_aws("ec2", DEFAULT_REGION)));
    let bulk = |enabled: bool, partitions: &[String], base_url: &Option<String>| {
        let partition = partitions.first().and_then(|name| Partition::named(name));
        let host = || partition.unwrap_or(Partition::Aws).host().to_owned();
        enabled.then(|| base_url.clone().unwrap_or_else(host))
    };
    let (lists, plans) = (&sources.aws_price_list, &sources.aws_savings_plans);
    let lists = bulk(lists.enabled, &lists.partitions, &lists.base_url);
    // Mostly the same host.
    let plans =
        bulk(plans.enabled, &plans.partitions, &plans.base_url).filter(|url| lists.as_ref() != Some(url));
    let advisor = sources.aws_spot_advisor.enabled.then(|| sources.aws_spot_advisor.base_url.clone());
    let azure = sources.azure_retail_prices.enabled.then(|| sources.azure_retail_prices.base_url.clone());
    let all = [signed(bucket), signed(ec2), plain(lists), plain(plans), plain(advisor), plain(azure)];
    let urls = all.into_iter().flatten();
    urls.filter_map(|(url, signed)| Some(Witness { url: Url::parse(&url).ok()?, signed })).collect()
}

/// A line for each check, its hint below it, and a count at the end.
fn table(examined: &[Examined]) -> String {
    let rows = examined.iter().map(|Examined { subject, check }| {
        [check.verdict.as_str(), subject, &check.name, &check.found].map(str::to_owned)
    });
    let headings = ["result", "part", "check", "found"];
    let lines = Table { headings, numbers: 4, rows: rows.collect() }.render("");
    let mut lines = lines.lines();
    let mut text = lines.next().unwrap_or_default().to_owned() + "\n";
    for (line, Examined { check, .. }) in lines.zip(examined) {
        text.push_str(line);
        text.push('\n');
        // What is skipped on purpose needs no advice here; programs are told it.
        let hint = check.hint.as_deref().filter(|_| check.verdict != Verdict::Skipped);
        if let Some(hint) = hint {
            text.push_str("         hint: ");
            text.push_str(hint);
            text.push('\n');
        }
    }
    let count = |verdict| examined.iter().filter(|examined| examined.check.verdict == verdict).count();
    let (failed, warnings) = (count(Verdict::Failed), count(Verdict::Warning));
    let _ = std::fmt::Write::write_fmt(
        &mut text,
        format_args!(
            "\n{}: {} ok, {}, {failed} failed, {} skipped.\n",
            counted(examined.len(), "check"),
            count(Verdict::Ok),
            counted(warnings, "warning"),
            count(Verdict::Skipped)
        ),
    );
    text
}

fn csv(examined: &[Examined]) -> String {
    let rows = examined.iter().map(|Examined { subject, check }| {
        let hint = check.hint.as_deref().unwrap_or_default();
        [subject, &check.name, check.verdict.as_str(), &check.found, hint].map(str::to_owned)
    });
    let headings = ["subject", "name", "verdict", "found", "hint"];
    Table { headings, numbers: 5, rows: rows.collect() }.csv()
}
