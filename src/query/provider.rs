//! A name in SQL as a table of the engine: its columns are declared, so nothing is opened to plan; a scan lists what the
//! conditions leave and hands the engine these objects and no others.

use std::sync::Arc;

use arrow_schema::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::CachedParquetFileReaderFactory;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;

use super::bridge::{Objects, address};
use super::error::QueryError;
use super::listing::{Part, parts};
use super::pruning::{Pruning, decides};
use super::raw;
use super::source::Source;
use crate::lake::store::Store;

/// What is fetched of the end of a Parquet file at once. Footer and page index of a day of spot prices are less.
const FOOTER_BYTES: usize = 128 << 10;

/// A table of the engine.
#[derive(Debug)]
pub(super) struct LakeTable {
    source: Source,
    schema: SchemaRef,
    store: Arc<dyn Store>,
    objects: Objects,
}

impl LakeTable {
    /// The table that `source` is. What it finds, the engine may read as `objects`.
    pub(super) fn new(source: Source, store: Arc<dyn Store>, objects: Objects) -> Self {
        Self { source, schema: source.schema(), store, objects }
    }

    fn parquet(
        &self,
        session: &dyn Session,
        parts: Vec<Part>,
        projection: Option<&Vec<usize>>,
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let columns =
            TableSchema::builder(self.source.stored()).with_table_partition_cols(self.source.keyed());
        let runtime = session.runtime_env();
        let footers = runtime.cache_manager.get_file_metadata_cache();
        let reader = CachedParquetFileReaderFactory::new(Arc::new(self.objects.clone()), footers);
        let source = ParquetSource::new(columns.build())
            .with_table_parquet_options(session.table_options().parquet.clone())
            .with_metadata_size_hint(FOOTER_BYTES)
            .with_parquet_file_reader_factory(Arc::new(reader));
        let files = parts.into_iter().map(|part| {
            let mut file = PartitionedFile::new_from_meta(Objects::meta(&part));
            file.partition_values = part.values;
            file
        });
        let groups = FileGroup::new(files.collect()).split_files(session.config().target_partitions());
        let config = FileScanConfigBuilder::new(address()?, Arc::new(source))
            .with_file_groups(groups)
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }
}

#[async_trait]
impl TableProvider for LakeTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, conditions: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let keyed = self.source.keyed();
        let pushed = conditions.iter().map(|condition| match self.source {
            _ if decides(&keyed, condition) => TableProviderFilterPushDown::Exact,
            // Row groups and pages are skipped by their statistics, and rows are looked at again.
            Source::Table(_) => TableProviderFilterPushDown::Inexact,
            Source::Raw(_) => TableProviderFilterPushDown::Unsupported,
        });
        Ok(pushed.collect())
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        conditions: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let ours = |error: QueryError| DataFusionError::External(Box::new(error));
        let pruning = Pruning::new(session, &self.source.keyed(), conditions)?;
        let parts = parts(self.store.as_ref(), self.source, &pruning).await.map_err(ours)?;
        if parts.is_empty() {
            let schema = projection.map_or_else(
                || Ok(Arc::clone(&self.schema)),
                |indices| self.schema.project(indices).map(Arc::new),
            );
            return Ok(Arc::new(EmptyExec::new(schema?)));
        }
        self.objects.learn(&parts);
        match self.source {
            Source::Table(_) => self.parquet(session, parts, projection, limit),
            Source::Raw(raw) => {
                let partitions = session.config().target_partitions();
                raw::scan(&self.store, raw, &parts, &self.schema, projection, partitions)
            }
        }
    }
}
