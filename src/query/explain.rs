//! From what the SQL engine says went wrong to what a person reads: the cause, the place in the query, and what was meant.

use std::error::Error;

use datafusion::arrow::error::ArrowError;
use datafusion::common::{Column, SchemaError, Span};
use datafusion::error::DataFusionError;
use datafusion::parquet::errors::ParquetError;
use datafusion::sql::sqlparser::parser::ParserError;

use super::error::QueryError;
use super::place::Place;
use crate::base::error::{one_line, printable};
use crate::base::likeness::nearest;

/// What is known of a query when something about it is wrong.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    /// Its text.
    pub(super) sql: &'a str,
    /// The names in SQL that there are.
    pub(super) names: &'a [&'static str],
    /// How much memory it may have, in bytes.
    pub(super) memory: u64,
}

/// The cause of an error, where it is one of ours that went through the engine.
pub(super) fn cause(error: &DataFusionError) -> Option<QueryError> {
    let mut link: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = link {
        if let Some(ours) = error.downcast_ref::<QueryError>() {
            return Some(ours.clone());
        }
        link = inner(error);
    }
    None
}

/// Errors that others are wrapped in do not all name them as their source.
fn inner<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref::<DataFusionError>() {
        Some(DataFusionError::External(inner)) => return Some(inner.as_ref()),
        Some(DataFusionError::ObjectStore(inner)) => return Some(inner.as_ref()),
        Some(DataFusionError::ParquetError(inner)) => return Some(inner.as_ref()),
        Some(DataFusionError::ArrowError(inner, _)) => return Some(inner.as_ref()),
        Some(DataFusionError::Shared(inner)) => return Some(inner.as_ref()),
        Some(DataFusionError::Collection(inner)) => return inner.first().map(|first| first as _),
        _ => {}
    }
    match error.downcast_ref::<ArrowError>() {
        Some(ArrowError::ExternalError(inner)) => return Some(inner.as_ref()),
        Some(_) => return None,
        None => {}
    }
    match error.downcast_ref::<ParquetError>() {
        Some(ParquetError::External(inner)) => Some(inner.as_ref()),
        Some(_) => None,
        None => error.source(),
    }
}

/// What the bytes of an object are to blame for.
fn damage(error: &DataFusionError) -> Option<String> {
    let mut link: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = link {
        if let Some(ArrowError::ParquetError(reason)) = error.downcast_ref::<ArrowError>() {
            return Some(printable(reason));
        }
        if let Some(parquet) = error.downcast_ref::<ParquetError>()
            && !matches!(parquet, ParquetError::External(_))
        {
            return Some(one_line(parquet));
        }
        link = inner(error);
    }
    None
}

impl Asked<'_> {
    /// What a person reads.
    pub(super) fn explain(&self, error: &DataFusionError) -> QueryError {
        if let Some(ours) = cause(error) {
            return ours;
        }
        if let Some(reason) = damage(error) {
            return QueryError::Damaged { object: None, reason };
        }
        let span = error.diagnostic().and_then(|diagnostic| diagnostic.span);
        match root(error) {
            DataFusionError::SQL(error, _) => self.unreadable(error, span),
            DataFusionError::SchemaError(error, _) => self.unknown(error, span),
            DataFusionError::Plan(message) => self.unplanned(message, span),
            DataFusionError::NotImplemented(message) => {
                self.wrong(format!("the SQL engine cannot do this: {}", first_line(message)), span, REWRITE)
            }
            DataFusionError::ResourcesExhausted(message) if message.contains("disk") => {
                QueryError::Disk(first_line(message))
            }
            DataFusionError::ResourcesExhausted(_) => QueryError::Memory { limit: self.memory },
            DataFusionError::IoError(error) => QueryError::Disk(error.to_string()),
            DataFusionError::ArrowError(error, _) => QueryError::Failed(one_line(error.as_ref())),
            DataFusionError::Execution(message) => QueryError::Failed(first_line(message)),
            DataFusionError::Configuration(message) => self.wrong(first_line(message), span, REWRITE),
            other => QueryError::Broken(first_line(&other.strip_backtrace())),
        }
    }

    fn unreadable(&self, error: &ParserError, span: Option<Span>) -> QueryError {
        let message = match error {
            ParserError::ParserError(message) | ParserError::TokenizerError(message) => message.as_str(),
            ParserError::RecursionLimitExceeded => "it is nested too deep",
        };
        let (message, place) = match message.rsplit_once(" at Line: ") {
            Some((message, at)) => (message, self.told(at)),
            None => (message, None),
        };
        let hint = match nearest(
            message.rsplit_once("found: ").map_or("", |(_, found)| found),
            KEYWORDS.into_iter(),
        ) {
            Some(keyword) if message.contains("an SQL statement") => format!("did you mean {keyword}?"),
            _ => "write it as PostgreSQL would take it".to_owned(),
        };
        let place = place.or_else(|| self.place(span));
        QueryError::Wrong { message: format!("this is no SQL: {}", lower(message)), place, hint }
    }

    /// Reads `2, Column: 7`.
    fn told(&self, at: &str) -> Option<Place> {
        let (line, column) = at.split_once(", Column: ")?;
        let column: String = column.chars().take_while(char::is_ascii_digit).collect();
        Place::new(self.sql, line.parse().ok()?, column.parse().ok()?, 1)
    }

    fn unknown(&self, error: &SchemaError, span: Option<Span>) -> QueryError {
        match error {
            SchemaError::FieldNotFound { field, valid_fields } => self.no_column(field, valid_fields, span),
            SchemaError::AmbiguousReference { field } => QueryError::Wrong {
                message: format!("{} could be a column of several tables", field.name),
                place: self.place(span).or_else(|| Place::of(self.sql, &field.name)),
                hint: format!("write the table before it, as in spot_prices.{}", field.name),
            },
            SchemaError::DuplicateQualifiedField { name, .. }
            | SchemaError::DuplicateUnqualifiedField { name } => QueryError::Wrong {
                message: format!("there are two columns {name}"),
                place: self.place(span).or_else(|| Place::of(self.sql, name)),
                hint: "name them apart with AS".to_owned(),
            },
        }
    }

    fn no_column(&self, field: &Column, valid: &[Column], span: Option<Span>) -> QueryError {
        let of = field.relation.as_ref().map(|table| format!(" in {}", table.table())).unwrap_or_default();
        let candidates: Vec<&Column> = match &field.relation {
            Some(table) if valid.iter().any(|column| has_relation(column, table.table())) => {
                valid.iter().filter(|column| has_relation(column, table.table())).collect()
            }
            _ => valid.iter().collect(),
        };
        let hint = match nearest(&field.name, candidates.iter().map(|column| column.name.as_str())) {
            Some(column) => format!("did you mean {}?", quoted(column)),
            None if candidates.is_empty() => "name a table to select from".to_owned(),
            None => {
                let names: Vec<_> = candidates.iter().map(|column| quoted(&column.name)).collect();
                format!("the columns are {}", names.join(", "))
            }
        };
        QueryError::Wrong {
            message: format!("there is no column {}{of}", printable(&field.name)),
            place: self.place(span).or_else(|| Place::of(self.sql, &field.name)),
            hint,
        }
    }

    fn unplanned(&self, message: &str, span: Option<Span>) -> QueryError {
        let quote = |text: &str| text.split('\'').nth(1).unwrap_or_default().to_owned();
        if message.starts_with("table '") && message.contains("not found") {
            let full = quote(message);
            let name = full.rsplit('.').next().unwrap_or(&full);
            let hint = match nearest(name, self.names.iter().copied()) {
                Some(table) => format!("did you mean {table}?"),
                None => format!("the tables are {}", self.names.join(", ")),
            };
            // What the engine marks includes the name that the table is given.
            let marked = self.place(span).map(|place| place.with_length(name.chars().count()));
            let place = marked.or_else(|| Place::of(self.sql, name));
            return QueryError::Wrong {
                message: format!("there is no table {}", printable(name)),
                place,
                hint,
            };
        }
        if let Some((function, meant)) =
            message.strip_prefix("Invalid function '").and_then(|rest| rest.split_once('\''))
        {
            let place = self.place(span).or_else(|| Place::of(self.sql, function));
            let hint = match quote(meant) {
                meant if meant.is_empty() => "SHOW FUNCTIONS lists them".to_owned(),
                meant => format!("did you mean {meant}? SHOW FUNCTIONS lists all of them"),
            };
            return QueryError::Wrong {
                message: format!("there is no function {}", printable(function)),
                place,
                hint,
            };
        }
        self.wrong(first_line(message), span, REWRITE)
    }

    fn wrong(&self, message: String, span: Option<Span>, hint: &str) -> QueryError {
        QueryError::Wrong { message, place: self.place(span), hint: hint.to_owned() }
    }

    fn place(&self, span: Option<Span>) -> Option<Place> {
        let span = span?;
        let number = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
        let length = if span.start.line == span.end.line {
            span.end.column.saturating_sub(span.start.column)
        } else {
            1
        };
        Place::new(self.sql, number(span.start.line), number(span.start.column), number(length))
    }
}

const REWRITE: &str = "EXPLAIN shows what the engine makes of a query; DESCRIBE lists the columns of a table";
const KEYWORDS: [&str; 6] = ["SELECT", "WITH", "VALUES", "EXPLAIN", "DESCRIBE", "SHOW"];

fn has_relation(column: &Column, table: &str) -> bool {
    column.relation.as_ref().is_some_and(|relation| relation.table() == table)
}

/// The column as it must be written.
fn quoted(column: &str) -> String {
    let is_plain =
        column.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if is_plain { column.to_owned() } else { format!("\"{}\"", column.replace('"', "\"\"")) }
}

/// What the engine says first; what follows are traces, or the same in other words.
fn first_line(message: &str) -> String {
    lower(&printable(message.lines().next().unwrap_or_default()))
}

/// As our own messages begin.
fn lower(message: &str) -> String {
    let mut characters = message.chars();
    let first = characters.next().map(|first| first.to_lowercase().to_string()).unwrap_or_default();
    // An abbreviation stays one.
    if characters.as_str().starts_with(char::is_uppercase) {
        return message.to_owned();
    }
    first + characters.as_str()
}

fn root(error: &DataFusionError) -> &DataFusionError {
    match error {
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => root(inner),
        DataFusionError::Shared(inner) => root(inner),
        DataFusionError::Collection(inner) => inner.first().map_or(error, root),
        other => other,
    }
}
