//! Reading raw objects: unzipped and cut into lines while they arrive, several objects side by side, none held whole.

use std::io::Write as _;
use std::sync::Arc;

use arrow_schema::SchemaRef;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchReceiverStream;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use flate2::write::MultiGzDecoder;
use futures::TryStreamExt as _;
use tokio::sync::mpsc::Sender;

use super::rows::{Origin, Rows};
use crate::lake::read_back::Lines;
use crate::lake::store::Store;
use crate::query::error::QueryError;
use crate::query::listing::Part;
use crate::tables::raw::RawTable;

/// Rows that are handed on at once, or a few more: what one piece of an object unpacks to stays together.
const BATCH_ROWS: usize = 8_192;
/// Batches that wait to be taken.
const WAITING: usize = 2;

/// A plan that reads `parts`, in at most `partitions` streams, as the columns of `schema` at the indices `projection`.
pub(in crate::query) fn scan(
    store: &Arc<dyn Store>,
    raw: &'static RawTable,
    parts: &[Part],
    schema: &SchemaRef,
    projection: Option<&Vec<usize>>,
    partitions: usize,
) -> Result<Arc<dyn ExecutionPlan>> {
    let all: Vec<usize> = (0..schema.fields().len()).collect();
    let indices = projection.unwrap_or(&all);
    let schema = Arc::new(schema.project(indices)?);
    let origin = |index: &usize| match raw.fields.get(*index) {
        Some(field) => Origin::Field(field),
        None => Origin::Key(index - raw.fields.len()),
    };
    let origins: Arc<[Origin]> = indices.iter().map(origin).collect();
    let partitions = partitions.clamp(1, parts.len().max(1));
    let stream = |first: usize| {
        let parts = parts.iter().skip(first).step_by(partitions).cloned().collect();
        let reader = Reader {
            store: Arc::clone(store),
            schema: Arc::clone(&schema),
            origins: Arc::clone(&origins),
            parts,
        };
        Arc::new(reader) as Arc<dyn PartitionStream>
    };
    let streams = (0..partitions).map(stream).collect();
    Ok(Arc::new(StreamingTableExec::try_new(Arc::clone(&schema), streams, None, [], false, None)?))
}

/// Reads some objects, one after the other.
#[derive(Debug, Clone)]
struct Reader {
    store: Arc<dyn Store>,
    schema: SchemaRef,
    origins: Arc<[Origin]>,
    parts: Arc<[Part]>,
}

impl PartitionStream for Reader {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let mut stream = RecordBatchReceiverStream::builder(Arc::clone(&self.schema), WAITING);
        let (reader, taker) = (self.clone(), stream.tx());
        stream.spawn(async move {
            for part in reader.parts.iter() {
                reader.read(part, &taker).await?;
            }
            Ok(())
        });
        stream.build()
    }
}

impl Reader {
    async fn read(&self, part: &Part, taker: &Sender<Result<arrow_array::RecordBatch>>) -> Result<()> {
        let damaged = |reason: String| {
            let error = QueryError::Damaged { object: Some(part.key.clone()), reason };
            DataFusionError::External(Box::new(error))
        };
        let lake = |error| DataFusionError::External(Box::new(QueryError::from(&error)));
        let rows = Rows::new(Arc::clone(&self.schema), Arc::clone(&self.origins));
        let mut unzip = MultiGzDecoder::new(Lines::new(rows));
        let mut object = self.store.read(&part.key).await.map_err(lake)?;
        while let Some(piece) = object.try_next().await.map_err(lake)? {
            unzip.write_all(&piece).map_err(|error| damaged(error.to_string()))?;
            let rows = unzip.get_mut().rows_mut();
            if rows.pending() >= BATCH_ROWS && taker.send(rows.take(&part.values)).await.is_err() {
                // Nobody wants more.
                return Ok(());
            }
        }
        let lines = unzip.finish().map_err(|error| damaged(error.to_string()))?;
        let mut rows = lines.end().map_err(|error| damaged(error.to_string()))?;
        if rows.pending() > 0 {
            // As above: who has enough hangs up.
            let _ = taker.send(rows.take(&part.values)).await;
        }
        Ok(())
    }
}
