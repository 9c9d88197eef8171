//! How pieces of SQL are written: names, strings, types and comments. Pure, and the same for no two engines.

use std::fmt::Write as _;

use arrow_schema::DataType;

use crate::tables::schema::{Column, Kind};

/// What the engines write in ways of their own.
#[derive(Debug)]
pub(super) struct Dialect {
    /// What stands around a name in a query.
    pub(super) quote: char,
    /// The earliest `dt` of the last so many days, in the type that `dt` has.
    pub(super) days_ago: fn(u32) -> String,
}

impl Dialect {
    /// A name as a query has it.
    pub(super) fn name(&self, name: &str) -> String {
        quoted(name, self.quote)
    }
}

/// A name between two `quote`s; those within it are doubled.
pub(super) fn quoted(name: &str, quote: char) -> String {
    let doubled = [quote, quote].iter().collect::<String>();
    format!("{quote}{}{quote}", name.replace(quote, &doubled))
}

/// A string as the SQL standard has it: quotes within it are doubled.
pub(super) fn standard_string(text: &str) -> String {
    quoted(text, '\'')
}

/// A string as Hive, Spark and ClickHouse have it: a backslash takes the meaning of what follows.
pub(super) fn backslash_string(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// The precision and scale of a decimal column as SQL has them: `(20, 10)`. Nothing for other columns.
pub(super) fn digits(kind: Kind) -> String {
    match kind.arrow() {
        DataType::Decimal128(precision, scale) => format!("({precision}, {scale})"),
        _ => String::new(),
    }
}

/// One line for people about a partition column.
pub(super) fn partition_comment(partition: &str) -> &'static str {
    match partition {
        "dt" => "the day, YYYY-MM-DD in UTC",
        "provider" => "the cloud, as keys write it",
        "service" => "the service, as keys write it",
        _ => "a part of the key",
    }
}

/// The columns of a table, one a line, each as `column` writes it.
pub(super) fn lines<'a>(
    columns: impl Iterator<Item = &'a Column>,
    column: impl Fn(&Column) -> String,
) -> Vec<String> {
    columns.map(|it| format!("  {}", column(it))).collect()
}

/// Folders of a key, one for each partition column, whose values `value` writes.
pub(super) fn folders(partitions: &[&str], value: impl Fn(&str) -> String) -> String {
    partitions
        .iter()
        .map(|partition| format!("{partition}={}/", value(partition)))
        .collect::<Vec<_>>()
        .concat()
}

/// Comment lines. Whatever ends a line in any engine begins a new one, so that no name can end the comment.
pub(super) fn remark(text: &str) -> String {
    text.split(['\n', '\r']).fold(String::new(), |mut remark, line| {
        let _ = writeln!(remark, "-- {line}");
        remark
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn strings_cannot_end_early() {
        assert_eq!(standard_string("o'dd\\"), "'o''dd\\'");
        assert_eq!(backslash_string("o'dd\\"), "'o\\'dd\\\\'");
        assert_eq!(quoted("a`b", '`'), "`a``b`");
        assert_eq!(digits(Kind::Price), "(20, 10)");
        assert_eq!(digits(Kind::Text), "");
        assert_eq!(remark("a\rDROP\n;b"), "-- a\n-- DROP\n-- ;b\n");
    }

    proptest! {
        #[test]
        fn a_string_reads_back(text in "[a'\\\\ é]{0,8}") {
            let written = standard_string(&text);
            let inner = |written: &str| written.strip_prefix('\'').and_then(|it| it.strip_suffix('\'')).map(str::to_owned);
            prop_assert_eq!(inner(&written).unwrap().replace("''", "'"), text.clone());
            let written = inner(&backslash_string(&text)).unwrap();
            let mut letters = written.chars();
            let mut read = String::new();
            while let Some(letter) = letters.next() {
                prop_assert_ne!(letter, '\'');
                read.push(if letter == '\\' { letters.next().unwrap() } else { letter });
            }
            prop_assert_eq!(read, text);
        }
    }
}
