//! Lines of JSON into columns of text, letter by letter. A line that is no JSON object is a row of which nothing is known:
//! so rows are counted as they are stored. Pure.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions, StringArray};
use arrow_schema::SchemaRef;
use datafusion::error::Result;
use datafusion::scalar::ScalarValue;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::lake::read_back::TakeRow;

/// Where the values of a column come from.
#[derive(Debug, Clone)]
pub(super) enum Origin {
    /// This field of each line.
    Field(&'static str),
    /// The key, which says the same of every line of an object: the value at this index of [`Part::values`].
    ///
    /// [`Part::values`]: crate::query::listing::Part::values
    Key(usize),
}

/// Takes lines and gives them back as columns.
#[derive(Debug)]
pub(super) struct Rows {
    schema: SchemaRef,
    origins: Arc<[Origin]>,
    fields: Vec<&'static str>,
    builders: Vec<StringBuilder>,
    pending: usize,
}

impl Rows {
    /// For columns of `schema`, whose values come from `origins`.
    pub(super) fn new(schema: SchemaRef, origins: Arc<[Origin]>) -> Self {
        let field = |origin: &Origin| match origin {
            Origin::Field(name) => Some(*name),
            Origin::Key(_) => None,
        };
        let fields: Vec<_> = origins.iter().filter_map(field).collect();
        let builders = fields.iter().map(|_| StringBuilder::new()).collect();
        Self { schema, origins, fields, builders, pending: 0 }
    }

    /// How many lines there are to be taken.
    pub(super) fn pending(&self) -> usize {
        self.pending
    }

    /// Gives back what there is as columns; `keyed` is what the key says.
    pub(super) fn take(&mut self, keyed: &[ScalarValue]) -> Result<RecordBatch> {
        let rows = std::mem::take(&mut self.pending);
        let mut builders = self.builders.iter_mut();
        let columns = self.origins.iter().map(|origin| match origin {
            Origin::Field(_) => {
                let builder = builders.next().map(StringBuilder::finish);
                Ok(Arc::new(builder.unwrap_or_else(|| StringArray::new_null(rows))) as ArrayRef)
            }
            Origin::Key(index) => keyed.get(*index).unwrap_or(&ScalarValue::Null).to_array_of_size(rows),
        });
        let columns = columns.collect::<Result<Vec<ArrayRef>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)?)
    }
}

impl TakeRow for Rows {
    fn row(&mut self, line: &[u8]) -> io::Result<()> {
        self.pending += 1;
        if self.fields.is_empty() {
            return Ok(());
        }
        let mut values = vec![None; self.fields.len()];
        let mut json = serde_json::Deserializer::from_slice(line);
        let seed = Fields { names: &self.fields, values: &mut values };
        let is_object = seed.deserialize(&mut json).and_then(|()| json.end()).is_ok();
        for (builder, value) in self.builders.iter_mut().zip(values) {
            builder.append_option(value.filter(|_| is_object).and_then(text));
        }
        Ok(())
    }
}

/// What a value says: a text without its quotes, anything else as it is written; nothing for `null`.
fn text(value: &RawValue) -> Option<Cow<'_, str>> {
    let json = value.get();
    match json.as_bytes().first() {
        Some(b'n') => None,
        Some(b'"') => serde_json::from_str::<Text<'_>>(json).ok().map(|text| text.0),
        _ => Some(Cow::Borrowed(json)),
    }
}

/// A text that is copied only where it has escapes.
#[derive(serde::Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// Keeps the values of `names`.
struct Fields<'a, 'de> {
    names: &'a [&'static str],
    values: &'a mut [Option<&'de RawValue>],
}

impl<'de> DeserializeSeed<'de> for Fields<'_, 'de> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, json: D) -> std::result::Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Fields<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<(), A::Error> {
        while let Some(Text(name)) = map.next_key::<Text<'de>>()? {
            match self.names.iter().position(|wanted| *wanted == name) {
                Some(index) => {
                    let value = map.next_value::<&'de RawValue>()?;
                    if let Some(slot) = self.values.get_mut(index) {
                        *slot = Some(value);
                    }
                }
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use arrow_schema::{DataType, Field, Schema};

    use super::*;

    fn columns(lines: &[&str]) -> Vec<Vec<Option<String>>> {
        let names = ["retailPrice", "meterName", "savingsPlan"];
        let mut fields: Vec<Field> =
            names.iter().map(|name| Field::new(name.to_lowercase(), DataType::Utf8, true)).collect();
        fields.insert(1, Field::new("dt", DataType::Utf8, false));
        let mut origins: Vec<Origin> = names.map(Origin::Field).to_vec();
        origins.insert(1, Origin::Key(0));
        let mut rows = Rows::new(Arc::new(Schema::new(fields)), origins.into());
        for line in lines {
            rows.row(line.as_bytes()).unwrap();
        }
        let batch = rows.take(&[ScalarValue::from("2026-11-21")]).unwrap();
        assert_eq!((rows.pending(), batch.num_rows()), (0, lines.len()));
        let text = |array: &ArrayRef| {
            let array = arrow_array::cast::AsArray::as_string::<i32>(array);
            array.iter().map(|value| value.map(str::to_owned)).collect()
        };
        batch.columns().iter().map(text).collect()
    }

    #[test]
    fn every_value_is_the_text_that_the_upstream_wrote() {
        let lines = [
            r#"{"retailPrice":0.0960,"meterName":"D2 \"v3\" é","savingsPlan":[{"unitPrice":1.0E-4}],"new":{}}"#,
            r#"{"meterName":null,"retailPrice":"0.1","savingsPlan":true}"#,
        ];
        let text = |value: &str| Some(value.to_owned());
        assert_eq!(
            columns(&lines),
            [
                [text("0.0960"), text("0.1")],
                [text("2026-11-21"), text("2026-11-21")],
                [text("D2 \"v3\" é"), None],
                [text(r#"[{"unitPrice":1.0E-4}]"#), text("true")],
            ]
        );
    }

    #[test]
    fn a_line_that_is_no_object_is_a_row_of_which_nothing_is_known() {
        for line in
            ["", "[]", "{\"retailPrice\":1", "{\"retailPrice\":1}x", "{\"retailPrice\":1,}", "\u{fffd}"]
        {
            assert_eq!(columns(&[line])[0], [None], "{line}");
        }
        assert_eq!(columns(&["{\"retailPrice\":1}", "{", "{\"retailPrice\":2}"])[0].len(), 3);
    }
}
