//! CSV (RFC 4180) with a line of headings. Unknown is nothing at all, an empty text is `""`.

use std::io::Write as _;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use super::{Output, Sink, cell, failed};
use crate::query::error::QueryError;

/// Writes CSV.
pub struct Csv {
    sink: Sink,
    has_begun: bool,
}

impl Csv {
    /// Into `sink`.
    pub fn new(sink: Sink) -> Self {
        Self { sink, has_begun: false }
    }
}

impl Output for Csv {
    fn begin(&mut self, schema: &SchemaRef) -> Result<(), QueryError> {
        self.has_begun = true;
        let headings: Vec<String> = schema.fields().iter().map(|field| quoted(field.name())).collect();
        write!(self.sink, "{}\r\n", headings.join(",")).map_err(failed)
    }

    fn rows(&mut self, rows: &RecordBatch) -> Result<(), QueryError> {
        let columns = cell::columns(rows)?;
        let mut text = String::new();
        for row in 0..rows.num_rows() {
            for (index, column) in columns.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                if !column.is_unknown(row) {
                    text.push_str(&quoted(&column.text(row)?));
                }
            }
            text.push_str("\r\n");
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

fn quoted(text: &str) -> String {
    if text.is_empty() || text.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}
