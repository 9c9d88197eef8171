//! Rows as the questions see them: values by the names of their columns. Never here: which rows.

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Decimal128Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array as _, ArrayRef, RecordBatch};

use crate::base::{Price, Quantity, Time};

/// One row of a batch.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    batch: &'a RecordBatch,
    at: usize,
}

impl<'a> Row<'a> {
    /// The rows of a batch that has the types that the table says.
    pub(super) fn all(batch: &'a RecordBatch) -> impl Iterator<Item = Self> {
        (0..batch.num_rows()).map(move |at| Self { batch, at })
    }

    /// The value of a column of texts; `None` when it is unknown.
    pub fn text(&self, column: &str) -> Option<&'a str> {
        let array = self.known(column)?.as_string_opt::<i32>()?;
        Some(array.value(self.at))
    }

    /// The value of a column of prices; `None` when it is unknown.
    pub fn price(&self, column: &str) -> Option<Price> {
        let array = self.known(column)?.as_primitive_opt::<Decimal128Type>()?;
        Price::from_units(array.value(self.at))
    }

    /// The value of a column of quantities; `None` when it is unknown.
    pub fn quantity(&self, column: &str) -> Option<Quantity> {
        let array = self.known(column)?.as_primitive_opt::<Decimal128Type>()?;
        Quantity::from_units(array.value(self.at))
    }

    /// The value of a column of moments; `None` when it is unknown.
    pub fn moment(&self, column: &str) -> Option<Time> {
        let array = self.known(column)?.as_primitive_opt::<TimestampMicrosecondType>()?;
        Time::from_timestamp_micros(array.value(self.at))
    }

    /// The value of a column of whole numbers; `None` when it is unknown.
    pub fn integer(&self, column: &str) -> Option<i64> {
        Some(self.known(column)?.as_primitive_opt::<Int64Type>()?.value(self.at))
    }

    fn known(&self, column: &str) -> Option<&'a ArrayRef> {
        let array = self.batch.column_by_name(column);
        debug_assert!(array.is_some(), "{column} was not asked for");
        array.filter(|array| array.is_valid(self.at))
    }
}
