//! How an answer is written, while its rows arrive: for people as a table, for machines as CSV, JSON or Parquet. Decimals are
//! plain text to their last digit, moments are RFC 3339 in UTC, and unknown is told apart from an empty text.

mod cell;
mod csv;
mod json;
mod parquet;
mod table;

use std::collections::BTreeSet;
use std::io::{self, Write};

use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};

use super::error::QueryError;

pub use csv::Csv;
pub use json::Json;
pub use parquet::Parquet;
pub use table::Table;

/// Where the bytes of an answer go.
pub type Sink = Box<dyn Write + Send>;

/// Takes an answer.
pub trait Output: Send {
    /// What columns it has. Called once, before all rows.
    fn begin(&mut self, schema: &SchemaRef) -> Result<(), QueryError>;

    /// Some of its rows.
    fn rows(&mut self, rows: &RecordBatch) -> Result<(), QueryError>;

    /// That was all.
    fn end(&mut self) -> Result<(), QueryError>;

    /// Whether something of it may have been seen.
    fn has_begun(&self) -> bool;
}

/// Who does not want more is no failure.
#[expect(clippy::needless_pass_by_value, reason = "it is handed to map_err")]
fn failed(error: io::Error) -> QueryError {
    match error.kind() {
        io::ErrorKind::BrokenPipe => QueryError::Unwanted,
        _ => QueryError::Output(error.to_string()),
    }
}

/// Where columns are told apart by their names, each has its own.
fn require_names(schema: &Schema) -> Result<(), QueryError> {
    let mut names = BTreeSet::new();
    match schema.fields().iter().find(|field| !names.insert(field.name())) {
        Some(twice) => Err(QueryError::Wrong {
            message: format!("two columns of the answer are called {}", twice.name()),
            place: None,
            hint: "name them apart with AS".to_owned(),
        }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use arrow_array::builder::{ListBuilder, StringBuilder};
    use arrow_array::{
        ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, StringArray,
        TimestampMicrosecondArray, TimestampSecondArray,
    };
    use arrow_schema::{DataType, Field};

    use super::*;

    /// Bytes that are looked at afterwards.
    #[derive(Clone, Default)]
    pub(super) struct Seen(Arc<Mutex<Vec<u8>>>);

    impl Write for Seen {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn answer() -> RecordBatch {
        let mut lists = ListBuilder::new(StringBuilder::new());
        lists.append_value([Some("a\"b"), None]);
        lists.append_null();
        let prices = Decimal128Array::from(vec![Some(840_000_000), None]).with_precision_and_scale(20, 10);
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("name", Arc::new(StringArray::from(vec![Some("m5, \"large\"\u{1b}[2J"), Some("")]))),
            ("price", Arc::new(prices.unwrap())),
            ("count", Arc::new(Int64Array::from(vec![Some(-7), None]))),
            ("mean", Arc::new(Float64Array::from(vec![Some(0.5), Some(f64::NAN)]))),
            ("is_new", Arc::new(BooleanArray::from(vec![Some(true), None]))),
            ("dt", Arc::new(Date32Array::from(vec![Some(20_778), None]))),
            (
                "since",
                Arc::new(
                    TimestampMicrosecondArray::from(vec![Some(1_795_292_000_123_456), None])
                        .with_timezone("UTC"),
                ),
            ),
            ("naive", Arc::new(TimestampSecondArray::from(vec![Some(1_795_292_000), None]))),
            ("list", Arc::new(lists.finish())),
        ];
        RecordBatch::try_from_iter_with_nullable(
            columns.into_iter().map(|(name, column)| (name, column, true)),
        )
        .unwrap()
    }

    fn written(make: impl FnOnce(Sink) -> Box<dyn Output>) -> String {
        let seen = Seen::default();
        let mut output = make(Box::new(seen.clone()));
        assert!(!output.has_begun());
        output.begin(&answer().schema()).unwrap();
        output.rows(&answer()).unwrap();
        output.end().unwrap();
        assert!(output.has_begun());
        let bytes = seen.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn csv_tells_unknown_from_empty() {
        let expected = "name,price,count,mean,is_new,dt,since,naive,list\r\n\
            \"m5, \"\"large\"\"\u{1b}[2J\",0.084,-7,0.5,true,2026-11-21,2026-11-21T20:13:20.123456Z,2026-11-21T20:13:20Z,\"[a\"\"b, ]\"\r\n\
            \"\",,,NaN,,,,,\r\n";
        assert_eq!(written(|sink| Box::new(Csv::new(sink))), expected);
    }

    #[test]
    fn json_is_an_object_a_line_and_a_decimal_in_it_is_a_text() {
        let text = written(|sink| Box::new(Json::new(sink)));
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(
            lines,
            [
                serde_json::json!({
                    "name": "m5, \"large\"\u{1b}[2J", "price": "0.084", "count": -7, "mean": 0.5, "is_new": true,
                    "dt": "2026-11-21", "since": "2026-11-21T20:13:20.123456Z", "naive": "2026-11-21T20:13:20Z",
                    "list": ["a\"b", null],
                }),
                serde_json::json!({
                    "name": "", "price": null, "count": null, "mean": null, "is_new": null, "dt": null,
                    "since": null, "naive": null, "list": null,
                }),
            ]
        );
        assert!(text.starts_with("{\"name\":"), "columns keep their order: {text}");
    }

    #[test]
    fn a_table_lines_up_and_cannot_talk_to_the_terminal() {
        let text = written(|sink| Box::new(Table::new(sink, None)));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 4, "{text}");
        assert!(!text.contains('\u{1b}'), "{text}");
        let end = |line: &str, word: &str| line.find(word).map(|start| start + word.len());
        let first = lines[1].replace(char::REPLACEMENT_CHARACTER, "?");
        assert_eq!(end(lines[0], "price"), end(&first, "0.084"), "{text}");
        assert_eq!(lines[0].find("dt"), first.find("2026-11-21"), "{text}");
        assert!(lines[2].contains("NULL"));
        assert_eq!(lines[3], "(2 rows)");
    }

    #[test]
    fn a_table_that_is_wider_than_the_terminal_is_a_list_of_records() {
        let text = written(|sink| Box::new(Table::new(sink, Some(40))));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "row 1");
        assert!(lines.contains(&"  price   0.084"), "{text}");
        assert!(lines.contains(&"row 2") && lines.contains(&"  price   NULL"), "{text}");
        assert_eq!(lines.last(), Some(&"(2 rows)"));
    }

    #[test]
    fn columns_of_one_name_are_no_json_and_no_parquet() {
        let field = || Field::new("x", DataType::Int64, true);
        let schema = Arc::new(Schema::new(vec![field(), field()]));
        let file = tempfile::tempfile().unwrap();
        for output in [
            Box::new(Json::new(Box::new(io::sink()))) as Box<dyn Output>,
            Box::new(Parquet::new(file)) as Box<dyn Output>,
        ] {
            let mut output = output;
            assert!(matches!(output.begin(&schema), Err(QueryError::Wrong { .. })));
        }
        Csv::new(Box::new(io::sink())).begin(&schema).unwrap();
    }

    #[test]
    fn parquet_reads_back_as_it_was() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut output = Parquet::new(file.reopen().unwrap());
        output.begin(&answer().schema()).unwrap();
        output.rows(&answer()).unwrap();
        output.end().unwrap();
        let reader =
            ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file.reopen().unwrap());
        let read = reader.unwrap().build().unwrap().next().unwrap().unwrap();
        assert_eq!(read.column_by_name("price"), answer().column_by_name("price"));
        assert_eq!(read.schema().fields(), answer().schema().fields());
    }
}
