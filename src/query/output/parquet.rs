//! Parquet, with the types of the answer: prices stay DECIMAL, moments stay TIMESTAMP.

use std::fs::File;
use std::sync::Arc;

use ::parquet::arrow::ArrowWriter;
use ::parquet::basic::{Compression, ZstdLevel};
use ::parquet::errors::ParquetError;
use ::parquet::file::properties::WriterProperties;
use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use super::{Output, require_names};
use crate::query::error::QueryError;

/// The level at which tables are compressed, too.
const ZSTD_LEVEL: i32 = 3;

/// Writes Parquet.
pub struct Parquet {
    state: State,
}

enum State {
    Waiting(File),
    Writing(Box<ArrowWriter<File>>),
    Done,
}

impl Parquet {
    /// Into `file`.
    pub fn new(file: File) -> Self {
        Self { state: State::Waiting(file) }
    }
}

fn failed(error: ParquetError) -> QueryError {
    match error {
        ParquetError::NYI(what) | ParquetError::ArrowError(what) => QueryError::Wrong {
            message: format!("the answer has a column that Parquet cannot hold: {what}"),
            place: None,
            hint: "cast it to another type, such as VARCHAR".to_owned(),
        },
        other => QueryError::Output(other.to_string()),
    }
}

impl Output for Parquet {
    fn begin(&mut self, schema: &SchemaRef) -> Result<(), QueryError> {
        require_names(schema)?;
        let State::Waiting(file) = std::mem::replace(&mut self.state, State::Done) else { return Ok(()) };
        let level = ZstdLevel::try_new(ZSTD_LEVEL).map_err(failed)?;
        let properties = WriterProperties::builder()
            .set_created_by(format!("contrail {}", env!("CARGO_PKG_VERSION")))
            .set_compression(Compression::ZSTD(level));
        let writer = ArrowWriter::try_new(file, Arc::clone(schema), Some(properties.build()));
        self.state = State::Writing(Box::new(writer.map_err(failed)?));
        Ok(())
    }

    fn rows(&mut self, rows: &RecordBatch) -> Result<(), QueryError> {
        match &mut self.state {
            State::Writing(writer) => writer.write(rows).map_err(failed),
            State::Waiting(_) | State::Done => Ok(()),
        }
    }

    fn end(&mut self) -> Result<(), QueryError> {
        match std::mem::replace(&mut self.state, State::Done) {
            State::Writing(writer) => {
                let file = writer.into_inner().map_err(failed)?;
                file.sync_all().map_err(|error| QueryError::Output(error.to_string()))
            }
            State::Waiting(_) | State::Done => Ok(()),
        }
    }

    fn has_begun(&self) -> bool {
        !matches!(self.state, State::Waiting(_))
    }
}
