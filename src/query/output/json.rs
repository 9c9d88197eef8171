//! JSON, one object a line: a reader needs no more than a line at a time.

use std::io::Write as _;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use super::{Output, Sink, cell, failed, require_names};
use crate::query::error::QueryError;

/// Writes JSON.
pub struct Json {
    sink: Sink,
    /// The names of the columns, in quotes.
    names: Vec<String>,
    has_begun: bool,
}

impl Json {
    /// Into `sink`.
    pub fn new(sink: Sink) -> Self {
        Self { sink, names: Vec::new(), has_begun: false }
    }
}

impl Output for Json {
    fn begin(&mut self, schema: &SchemaRef) -> Result<(), QueryError> {
        require_names(schema)?;
        self.has_begun = true;
        let quoted = |name: &String| {
            let mut quoted = String::new();
            cell::quote(name, &mut quoted);
            quoted
        };
        self.names = schema.fields().iter().map(|field| quoted(field.name())).collect();
        Ok(())
    }

    fn rows(&mut self, rows: &RecordBatch) -> Result<(), QueryError> {
        let columns = cell::columns(rows)?;
        let mut text = String::new();
        for row in 0..rows.num_rows() {
            text.push('{');
            for (index, (name, column)) in self.names.iter().zip(&columns).enumerate() {
                if index > 0 {
                    text.push(',');
                }
                text.push_str(name);
                text.push(':');
                column.json(row, &mut text)?;
            }
            text.push_str("}\n");
        }
        self.sink.write_all(text.as_bytes()).map_err(failed)
    }

    fn end(&mut self) -> Result<(), QueryError> {
        self.sink.flush().map_err(failed)
    }

    fn has_begun(&self) -> bool {
        self.has_begun
    }
}
