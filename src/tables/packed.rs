//! Packed rows: bytes whose order is the order of the table's rows. So one sort, one merge and one file format serve
//! every table, equal rows are equal bytes, and what ends up in Parquet never depends on who came first. Pure.
//!
//! The columns stand in the order of [`Table::packed`]. A column that may be unknown begins with a byte that says whether
//! it is: unknown comes first. Text ends in a zero byte; a zero within it, which no engine would show, becomes U+FFFD.
//! Numbers are written with the highest byte first and their sign bit turned.

use crate::base::decimal::Decimal;
use crate::base::{Price, Quantity, Time};

use super::schema::{Column, Kind, Table};

const UNKNOWN: u8 = 0;
const KNOWN: u8 = 1;
/// Ends a text.
const END: u8 = 0;

/// What one column of a row says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// Of [`Kind::Text`].
    Text(&'a str),
    /// Of [`Kind::Price`].
    Price(Price),
    /// Of [`Kind::Quantity`].
    Quantity(Quantity),
    /// Of [`Kind::Moment`], to the microsecond.
    Moment(Time),
    /// Of [`Kind::Integer`].
    Integer(i64),
    /// Of [`Kind::Boolean`].
    Boolean(bool),
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(text)
    }
}

impl From<Price> for Value<'_> {
    fn from(price: Price) -> Self {
        Self::Price(price)
    }
}

impl From<Quantity> for Value<'_> {
    fn from(quantity: Quantity) -> Self {
        Self::Quantity(quantity)
    }
}

impl From<Time> for Value<'_> {
    fn from(time: Time) -> Self {
        Self::Moment(time)
    }
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<bool> for Value<'_> {
    fn from(truth: bool) -> Self {
        Self::Boolean(truth)
    }
}

/// Packs rows of one table, one after the other, into one buffer.
#[derive(Debug)]
pub struct Packer {
    columns: Vec<&'static Column>,
    row: Vec<u8>,
    at: usize,
}

impl Packer {
    /// For rows of `table`.
    pub fn new(table: &'static Table) -> Self {
        Self { columns: table.packed().map(|(_, column)| column).collect(), row: Vec::new(), at: 0 }
    }

    /// Begins a row.
    pub fn begin(&mut self) -> &mut Self {
        self.row.clear();
        self.at = 0;
        self
    }

    /// Adds the value of the next column, which is called `column`: the name is there so that a reader of the code sees
    /// what goes where, and is checked in the dev build.
    pub fn put<'v>(&mut self, column: &str, value: impl Into<Value<'v>>) -> &mut Self {
        self.put_or_unknown(column, Some(value))
    }

    /// Adds the value of the next column, which may be unknown.
    pub fn put_or_unknown<'v>(&mut self, column: &str, value: Option<impl Into<Value<'v>>>) -> &mut Self {
        let Some(expected) = self.columns.get(self.at) else {
            debug_assert!(false, "{column} is one column too many");
            return self;
        };
        debug_assert_eq!(expected.name, column, "the columns come in the order of Table::packed");
        self.at += 1;
        if expected.nullable {
            self.row.push(if value.is_some() { KNOWN } else { UNKNOWN });
        }
        debug_assert!(expected.nullable || value.is_some(), "{column} is always known");
        if let Some(value) = value {
            let value = value.into();
            debug_assert_eq!(value.kind(), expected.kind, "{column}");
            value.pack(&mut self.row);
        }
        self
    }

    /// The row, once every column has its value.
    pub fn row(&self) -> &[u8] {
        debug_assert_eq!(self.at, self.columns.len(), "a column is missing");
        &self.row
    }
}

impl Value<'_> {
    /// What kind of column it belongs to.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Text(_) => Kind::Text,
            Self::Price(_) => Kind::Price,
            Self::Quantity(_) => Kind::Quantity,
            Self::Moment(_) => Kind::Moment,
            Self::Integer(_) => Kind::Integer,
            Self::Boolean(_) => Kind::Boolean,
        }
    }

    fn pack(&self, row: &mut Vec<u8>) {
        match self {
            Self::Text(text) => {
                for (index, piece) in text.split('\0').enumerate() {
                    if index > 0 {
                        row.extend_from_slice("\u{fffd}".as_bytes());
                    }
                    row.extend_from_slice(piece.as_bytes());
                }
                row.push(END);
            }
            Self::Price(price) => pack_decimal(*price, row),
            Self::Quantity(quantity) => pack_decimal(*quantity, row),
            Self::Moment(time) => pack_integer(time.timestamp_micros(), row),
            Self::Integer(number) => pack_integer(*number, row),
            Self::Boolean(truth) => row.push(u8::from(*truth)),
        }
    }
}

fn pack_integer(number: i64, row: &mut Vec<u8>) {
    row.extend_from_slice(&(number ^ i64::MIN).to_be_bytes());
}

fn pack_decimal<const PRECISION: u32>(decimal: Decimal<PRECISION>, row: &mut Vec<u8>) {
    row.extend_from_slice(&(decimal.units() ^ i128::MIN).to_be_bytes());
}

/// Bytes that are no packed row of the table. Only a damaged file of our own can hold such.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a packed row is damaged")]
pub struct Damaged;

/// Reads a packed row, column by column.
#[derive(Debug, Clone)]
pub struct Unpacker<'a> {
    rest: &'a [u8],
}

impl<'a> Unpacker<'a> {
    /// Before the first column of `row`.
    pub fn new(row: &'a [u8]) -> Self {
        Self { rest: row }
    }

    /// The value of the next column; `None` when it is unknown.
    pub fn next(&mut self, column: &Column) -> Result<Option<Value<'a>>, Damaged> {
        if column.nullable {
            match self.take::<1>()? {
                [UNKNOWN] => return Ok(None),
                [KNOWN] => {}
                _ => return Err(Damaged),
            }
        }
        let value = match column.kind {
            Kind::Text => Value::Text(self.text()?),
            Kind::Price => Value::Price(self.decimal()?),
            Kind::Quantity => Value::Quantity(self.decimal()?),
            Kind::Moment => Value::Moment(Time::from_timestamp_micros(self.integer()?).ok_or(Damaged)?),
            Kind::Integer => Value::Integer(self.integer()?),
            Kind::Boolean => Value::Boolean(self.take::<1>()? != [0]),
        };
        Ok(Some(value))
    }

    /// The value of the next column, which is of texts.
    pub fn next_text(&mut self, column: &Column) -> Result<Option<&'a str>, Damaged> {
        match self.next(column)? {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(_) => Err(Damaged),
        }
    }

    /// The value of the next column, which is of prices.
    pub fn next_price(&mut self, column: &Column) -> Result<Option<Price>, Damaged> {
        match self.next(column)? {
            None => Ok(None),
            Some(Value::Price(price)) => Ok(Some(price)),
            Some(_) => Err(Damaged),
        }
    }

    /// The value of the next column, which is of moments.
    pub fn next_moment(&mut self, column: &Column) -> Result<Option<Time>, Damaged> {
        match self.next(column)? {
            None => Ok(None),
            Some(Value::Moment(time)) => Ok(Some(time)),
            Some(_) => Err(Damaged),
        }
    }

    /// The bytes that were not read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    fn take<const BYTES: usize>(&mut self) -> Result<[u8; BYTES], Damaged> {
        let (bytes, rest) = self.rest.split_first_chunk::<BYTES>().ok_or(Damaged)?;
        self.rest = rest;
        Ok(*bytes)
    }

    fn integer(&mut self) -> Result<i64, Damaged> {
        Ok(i64::from_be_bytes(self.take()?) ^ i64::MIN)
    }

    fn decimal<const PRECISION: u32>(&mut self) -> Result<Decimal<PRECISION>, Damaged> {
        Decimal::from_units(i128::from_be_bytes(self.take()?) ^ i128::MIN).ok_or(Damaged)
    }

    fn text(&mut self) -> Result<&'a str, Damaged> {
        let end = memchr::memchr(END, self.rest).ok_or(Damaged)?;
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest.get(1..).ok_or(Damaged)?;
        std::str::from_utf8(text).map_err(|_| Damaged)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tables::schema::Partitions;

    static TABLE: Table = Table {
        name: "t",
        description: "t",
        columns: &[
            Column::maybe("number", Kind::Integer, "n"),
            Column::known("text", Kind::Text, "t"),
            Column::maybe("price", Kind::Price, "p"),
            Column::maybe("other", Kind::Text, "o"),
            Column::known("moment", Kind::Moment, "m"),
            Column::known("truth", Kind::Boolean, "b"),
        ],
        order: &["text", "price"],
        partitions: Partitions::Day,
        sought: &[],
    };

    type Row = (String, Option<i128>, Option<i64>, Option<String>, i64, bool);

    fn pack(packer: &mut Packer, (text, price, number, other, moment, truth): &Row) -> Vec<u8> {
        packer
            .begin()
            .put("text", text)
            .put_or_unknown("price", price.and_then(Price::from_units))
            .put_or_unknown("number", *number)
            .put_or_unknown("other", other.as_deref())
            .put("moment", Time::from_timestamp_micros(*moment).unwrap())
            .put("truth", *truth);
        packer.row().to_vec()
    }

    fn unpack(row: &[u8]) -> Result<Row, Damaged> {
        let mut unpacker = Unpacker::new(row);
        let columns: Vec<_> = TABLE.packed().map(|(_, column)| column).collect();
        let text = |value: Option<Value<'_>>| match value {
            Some(Value::Text(text)) => Some(text.to_owned()),
            _ => None,
        };
        let integer = |value: Option<Value<'_>>| match value {
            Some(Value::Integer(number)) => Some(number),
            Some(Value::Moment(time)) => Some(time.timestamp_micros()),
            Some(Value::Boolean(truth)) => Some(i64::from(truth)),
            _ => None,
        };
        let one = text(unpacker.next(columns[0])?).unwrap();
        let price = match unpacker.next(columns[1])? {
            Some(Value::Price(price)) => Some(price.units()),
            _ => None,
        };
        let number = integer(unpacker.next(columns[2])?);
        let other = text(unpacker.next(columns[3])?);
        let moment = integer(unpacker.next(columns[4])?).unwrap();
        let truth = integer(unpacker.next(columns[5])?).unwrap() == 1;
        assert!(unpacker.rest().is_empty());
        Ok((one, price, number, other, moment, truth))
    }

    fn arbitrary_row() -> impl Strategy<Value = Row> {
        let most = 10_i128.pow(20) - 1;
        (
            "[a-cÿ]{0,4}",
            prop::option::of(prop_oneof![-2_i128..3, -most..=most]),
            prop::option::of(prop_oneof![-2_i64..3, any::<i64>()]),
            prop::option::of("[ -~é]{0,6}"),
            -1_000_000_000_000_000_i64..4_000_000_000_000_000,
            any::<bool>(),
        )
    }

    #[test]
    fn a_zero_within_a_text_is_shown_as_what_cannot_be_shown() {
        let row = ("a\0b".to_owned(), None, None, None, 0, false);
        assert_eq!(unpack(&pack(&mut Packer::new(&TABLE), &row)).unwrap().0, "a\u{fffd}b");
    }

    proptest! {
        #[test]
        fn a_row_reads_back(row in arbitrary_row()) {
            prop_assert_eq!(unpack(&pack(&mut Packer::new(&TABLE), &row)), Ok(row));
        }

        #[test]
        fn bytes_order_as_values_do(one in arbitrary_row(), other in arbitrary_row()) {
            let mut packer = Packer::new(&TABLE);
            prop_assert_eq!(pack(&mut packer, &one).cmp(&pack(&mut packer, &other)), one.cmp(&other));
        }

        #[test]
        fn damage_is_an_error_or_another_row(row in arbitrary_row(), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()) {
            let mut packed = pack(&mut Packer::new(&TABLE), &row);
            let at = at.index(packed.len());
            if cut { packed.truncate(at); } else { packed[at] = byte; }
            let mut unpacker = Unpacker::new(&packed);
            for (_, column) in TABLE.packed() {
                if unpacker.next(column).is_err() { break; }
            }
        }
    }
}
