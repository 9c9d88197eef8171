//! `contrail ddl`: what an engine must be told to read the lake.

use std::sync::Arc;

use clap::builder::PossibleValuesParser;
use clap::{Args, ValueEnum};
use url::Url;

use super::Context;
use super::assemble::Bench;
use super::exit::{self, CliError};
use super::output::print;
use super::patience::Patience;
use crate::base::Chance;
use crate::config::{Config, LakeUrl};
use crate::ddl::{self, Database, Engine, Lake, Place};
use crate::lake::identity::Identity;
use crate::tables::TABLES;
use crate::telemetry::log::{self, Stderr};

/// Flags of `contrail ddl`.
#[derive(Debug, Args)]
pub(super) struct DdlArgs {
    /// The engine that is to read the tables
    engine: EngineArg,
    /// The database, or schema, that the tables are to be in
    #[arg(long, value_name = "NAME", default_value = "contrail")]
    database: Database,
    /// This table only; repeat for several
    #[arg(long, value_name = "TABLE", value_parser = PossibleValuesParser::new(TABLES.iter().map(|table| table.name)))]
    table: Vec<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum EngineArg {
    Athena,
    Spark,
    Trino,
    #[value(name = "clickhouse")]
    ClickHouse,
    #[value(name = "duckdb")]
    DuckDb,
}

impl From<EngineArg> for Engine {
    fn from(engine: EngineArg) -> Self {
        match engine {
            EngineArg::Athena => Self::Athena,
            EngineArg::Spark => Self::Spark,
            EngineArg::Trino => Self::Trino,
            EngineArg::ClickHouse => Self::ClickHouse,
            EngineArg::DuckDb => Self::DuckDb,
        }
    }
}

/// Variables that say where the AWS SDK finds another server, and which region is meant.
const ENDPOINT_VARIABLES: [&str; 2] = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"];
const REGION_VARIABLES: [&str; 2] = ["AWS_REGION", "AWS_DEFAULT_REGION"];

/// Runs the command. It writes nothing but its answer.
pub(super) async fn run(arguments: &DdlArgs, context: &Context) -> Result<u8, CliError> {
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
    let place = place(&loaded.config, context)?;
    let store = bench.lake(true).await?.store;
    let identity = Identity::read(store.as_ref()).await.map_err(|error| CliError::of(exit::USAGE, &error))?;
    let Some(identity) = identity else {
        return Err(CliError::new(exit::USAGE, format!("there is no lake at {}", store.url()))
            .with_hint("make one with contrail crawler, or name another with --lake"));
    };
    let wanted: Vec<_> = TABLES
        .into_iter()
        .filter(|table| arguments.table.is_empty() || arguments.table.iter().any(|name| name == table.name))
        .collect();
    let described = ddl::describe(store.as_ref(), identity.created_at, &wanted).await;
    let (tables, raw) = described.map_err(|error| CliError::of(exit::FAILED, &error))?;
    let raw = if arguments.table.is_empty() { raw } else { Vec::new() };
    let lake = Lake { place, database: arguments.database.clone(), tables, raw };
    let text =
        ddl::statements(arguments.engine.into(), &lake).map_err(|error| CliError::of(exit::USAGE, &error))?;
    print(text.as_bytes())?;
    Ok(exit::DONE)
}

/// Where the lake is, for somebody who is not in this directory and has not this environment.
fn place(config: &Config, context: &Context) -> Result<Place, CliError> {
    let settings = &config.lake;
    let variable = |names: &[&str]| {
        names.iter().find_map(|name| context.environment.get(*name).filter(|it| !it.is_empty()))
    };
    match &settings.url {
        LakeUrl::Directory(path) => {
            // Without the `.` of `./contrail-lake`, and without a slash at the end.
            let path: std::path::PathBuf = context.directory.join(path).components().collect();
            let text = path.to_str().ok_or_else(|| {
                CliError::new(exit::USAGE, format!("the path of the lake, {}, is no text", path.display()))
                    .with_hint("make a link to the lake whose path is, and name that with --lake")
            })?;
            Ok(Place::Directory(text.to_owned()))
        }
        LakeUrl::Bucket { bucket, prefix } => {
            let endpoint = settings.endpoint_url.as_ref().or_else(|| variable(&ENDPOINT_VARIABLES));
            let endpoint = endpoint.map(|url| Url::parse(url)).transpose().map_err(|error| {
                CliError::new(exit::USAGE, format!("the endpoint of the lake is no address: {error}"))
                    .with_hint("set [lake] endpoint_url to an address such as http://127.0.0.1:9000")
            })?;
            Ok(Place::Bucket {
                bucket: bucket.clone(),
                prefix: prefix.clone(),
                region: settings.region.as_ref().or_else(|| variable(&REGION_VARIABLES)).cloned(),
                endpoint,
                path_style: settings.force_path_style,
            })
        }
    }
}
