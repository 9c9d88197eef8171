//! The SQL engine as we set it up: it knows the tables of one lake and no other place, has so much memory and a scratch
//! directory, and opens no object that a scan did not list.

use std::sync::Arc;

use datafusion::error::Result;
use datafusion::execution::SessionState;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};

use super::bridge::{LakeOnly, Objects};
use super::memory::Shared;
use super::provider::LakeTable;

use super::source::Source;
use crate::lake::store::Store;
use crate::tables::TABLES;
use crate::tables::raw::RAW_TABLES;
use crate::tables::scratch::Scratch;

/// Where tables are in SQL, for who writes it out.
const CATALOG: &str = "lake";
/// As `contrail ddl` has it, so that what was written for another engine runs here.
const SCHEMA: &str = "contrail";

/// With less memory than this, steps work on fewer rows at once and one after the other: side by side each had too little.
const SMALL_BYTES: usize = 256 << 20;
/// How many rows that are.
const SMALL_BATCH_ROWS: usize = 2_048;

/// Everything that a query can name.
pub(super) fn sources() -> impl Iterator<Item = Source> {
    TABLES.into_iter().map(Source::Table).chain(RAW_TABLES.into_iter().map(Source::Raw))
}

/// An engine over the lake in `store`, and what it will have read.
pub(super) fn engine(
    store: &Arc<dyn Store>,
    memory: u64,
    scratch: &Scratch,
) -> Result<(SessionState, Objects)> {
    let objects = Objects::of(Arc::clone(store));
    let spilling = DiskManagerBuilder::default()
        .with_mode(DiskManagerMode::Directories(vec![scratch.path().to_owned()]))
        // The disk is the bound.
        .with_max_temp_directory_size(u64::MAX);
    let memory = usize::try_from(memory).unwrap_or(usize::MAX);
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(Shared::new(memory)))
        .with_disk_manager_builder(spilling)
        .with_object_store_registry(Arc::new(LakeOnly(objects.clone())))
        .build_arc()?;
    let context = SessionContext::new_with_config_rt(config(memory), runtime);
    for source in sources() {
        let table = LakeTable::new(source, Arc::clone(store), objects.clone());
        context.register_table(source.name(), Arc::new(table))?;
    }
    Ok((context.state(), objects))
}

fn config(memory: usize) -> SessionConfig {
    let mut config = SessionConfig::new()
        .with_information_schema(true)
        .with_default_catalog_and_schema(CATALOG, SCHEMA)
        .with_collect_statistics(false);
    if memory < SMALL_BYTES {
        config = config.with_batch_size(SMALL_BATCH_ROWS).with_target_partitions(1);
    }
    let options = config.options_mut();
    options.execution.time_zone = Some("UTC".to_owned());
    // Each sort keeps so much aside for merging before it spills: of a small memory, not all of it.
    let aside = memory / options.execution.target_partitions.max(1) / 8;
    options.execution.sort_spill_reservation_bytes =
        aside.min(options.execution.sort_spill_reservation_bytes);
    // Numbers with a point are decimals, as prices are.
    options.sql_parser.parse_float_as_decimal = true;
    options.sql_parser.collect_spans = true;
    config
}
