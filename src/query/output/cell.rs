//! What a cell says, as text and as JSON.

use std::fmt::Write as _;

use arrow_array::cast::AsArray as _;
use arrow_array::{Array, RecordBatch};
use arrow_schema::{ArrowError, DataType};
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};

use crate::query::error::QueryError;

/// A moment without a zone is in UTC, as all times of the lake are.
const OPTIONS: FormatOptions<'static> =
    FormatOptions::new().with_timestamp_format(Some("%Y-%m-%dT%H:%M:%S%.fZ"));

/// A column of some rows.
pub(super) struct Column<'a> {
    array: &'a dyn Array,
    formatter: ArrayFormatter<'a>,
}

/// The columns of some rows.
pub(super) fn columns(rows: &RecordBatch) -> Result<Vec<Column<'_>>, QueryError> {
    rows.columns().iter().map(|array| Column::new(array.as_ref()).map_err(odd)).collect()
}

#[expect(clippy::needless_pass_by_value, reason = "it is handed to map_err")]
fn odd(error: ArrowError) -> QueryError {
    QueryError::Failed(error.to_string())
}

impl<'a> Column<'a> {
    fn new(array: &'a dyn Array) -> Result<Self, ArrowError> {
        Ok(Self { array, formatter: ArrayFormatter::try_new(array, &OPTIONS)? })
    }

    /// Whether the value of a row is unknown.
    pub(super) fn is_unknown(&self, row: usize) -> bool {
        self.array.is_null(row) || *self.array.data_type() == DataType::Null
    }

    /// The value of a row; empty where it is unknown.
    pub(super) fn text(&self, row: usize) -> Result<String, QueryError> {
        let mut text = String::new();
        if !self.is_unknown(row) {
            self.write(row, &mut text).map_err(odd)?;
        }
        Ok(text)
    }

    fn write(&self, row: usize, text: &mut String) -> Result<(), ArrowError> {
        self.formatter.value(row).write(text)?;
        if self.array.data_type().is_decimal() && text.contains('.') {
            let length = text.trim_end_matches('0').trim_end_matches('.').len();
            text.truncate(length);
        }
        Ok(())
    }

    /// Adds the value of a row. Whole numbers and floats are numbers; a decimal is a text, for most readers of JSON would
    /// make a float of it.
    pub(super) fn json(&self, row: usize, json: &mut String) -> Result<(), QueryError> {
        self.write_json(row, json).map_err(odd)
    }

    fn write_json(&self, row: usize, json: &mut String) -> Result<(), ArrowError> {
        if self.is_unknown(row) {
            json.push_str("null");
            return Ok(());
        }
        match self.array.data_type() {
            DataType::List(_) => return elements(self.array.as_list::<i32>().value(row).as_ref(), json),
            DataType::LargeList(_) => return elements(self.array.as_list::<i64>().value(row).as_ref(), json),
            DataType::FixedSizeList(..) => {
                return elements(self.array.as_fixed_size_list().value(row).as_ref(), json);
            }
            DataType::Struct(fields) => {
                let values = self.array.as_struct().columns();
                for (index, (field, values)) in fields.iter().zip(values).enumerate() {
                    json.push(if index == 0 { '{' } else { ',' });
                    quote(field.name(), json);
                    json.push(':');
                    Self::new(values.as_ref())?.write_json(row, json)?;
                }
                json.push_str(if fields.is_empty() { "{}" } else { "}" });
                return Ok(());
            }
            _ => {}
        }
        let mut text = String::new();
        self.write(row, &mut text)?;
        let kind = self.array.data_type();
        if kind.is_floating() && !text.ends_with(|last: char| last.is_ascii_digit()) {
            // Neither infinity nor what is no number is JSON.
            json.push_str("null");
        } else if kind.is_integer() || kind.is_floating() || *kind == DataType::Boolean {
            json.push_str(&text);
        } else {
            quote(&text, json);
        }
        Ok(())
    }
}

fn elements(values: &dyn Array, json: &mut String) -> Result<(), ArrowError> {
    let column = Column::new(values)?;
    json.push('[');
    for row in 0..values.len() {
        if row > 0 {
            json.push(',');
        }
        column.write_json(row, json)?;
    }
    json.push(']');
    Ok(())
}

/// Adds `text` in quotes.
pub(super) fn quote(text: &str, json: &mut String) {
    // Writing to a text does not fail.
    let _ = write!(json, "{}", serde_json::Value::from(text));
}
