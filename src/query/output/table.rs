//! A table for people. Its widths are those of the first rows, so that a long answer is shown while it arrives; one that is
//! wider than the terminal is shown record by record.

use std::fmt::Write as _;
use std::io::Write as _;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use super::{Output, Sink, cell, failed};
use crate::base::error::printable;
use crate::base::units::counted;
use crate::query::error::QueryError;

/// How many rows are looked at before the first is shown.
const FIRST_ROWS: usize = 1_000;
/// What stands between two columns.
const GAP: &str = "  ";
/// What is shown for what is unknown.
const UNKNOWN: &str = "NULL";

/// Writes a table.
pub struct Table {
    sink: Sink,
    /// How many characters a line may have, where that is known.
    width: Option<usize>,
    headings: Vec<String>,
    /// Whether a column leans right, as numbers do.
    leans_right: Vec<bool>,
    waiting: Vec<Vec<String>>,
    layout: Option<Layout>,
    rows: u64,
}

enum Layout {
    Columns(Vec<usize>),
    Records(usize),
}

impl Table {
    /// Into `sink`, of which a line has `width` characters, where that is known.
    pub fn new(sink: Sink, width: Option<usize>) -> Self {
        let (headings, leans_right, waiting) = (Vec::new(), Vec::new(), Vec::new());
        Self { sink, width, headings, leans_right, waiting, layout: None, rows: 0 }
    }

    fn show(&mut self) -> Result<(), QueryError> {
        let rows = std::mem::take(&mut self.waiting);
        let mut text = String::new();
        if self.layout.is_none() {
            let layout = self.choose(&rows);
            if let Layout::Columns(widths) = &layout {
                self.line(&self.headings, widths, &mut text);
            }
            self.layout = Some(layout);
        }
        for row in &rows {
            self.rows += 1;
            match &self.layout {
                Some(Layout::Records(width)) => {
                    let _ = writeln!(text, "row {}", self.rows);
                    for (name, value) in self.headings.iter().zip(row) {
                        let _ = writeln!(text, "  {name:<width$}{GAP}{value}");
                    }
                }
                Some(Layout::Columns(widths)) => self.line(row, widths, &mut text),
                None => {}
            }
        }
        self.sink.write_all(text.as_bytes()).map_err(failed)
    }

    fn choose(&self, rows: &[Vec<String>]) -> Layout {
        let length = |text: &String| text.chars().count();
        let mut widths: Vec<usize> = self.headings.iter().map(length).collect();
        let name = widths.iter().copied().max().unwrap_or_default();
        for row in rows {
            for (width, value) in widths.iter_mut().zip(row) {
                *width = (*width).max(length(value));
            }
        }
        let all = widths.iter().sum::<usize>() + GAP.len() * widths.len().saturating_sub(1);
        if self.width.is_some_and(|width| all > width) {
            Layout::Records(name)
        } else {
            Layout::Columns(widths)
        }
    }

    fn line(&self, cells: &[String], widths: &[usize], text: &mut String) {
        let mut line = String::new();
        for (index, ((value, width), leans_right)) in
            cells.iter().zip(widths).zip(&self.leans_right).enumerate()
        {
            let gap = if index == 0 { "" } else { GAP };
            let _ = if *leans_right {
                write!(line, "{gap}{value:>width$}")
            } else {
                write!(line, "{gap}{value:<width$}")
            };
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
}

impl Output for Table {
    fn begin(&mut self, schema: &SchemaRef) -> Result<(), QueryError> {
        self.headings = schema.fields().iter().map(|field| printable(field.name())).collect();
        self.leans_right = schema.fields().iter().map(|field| field.data_type().is_numeric()).collect();
        Ok(())
    }

    fn rows(&mut self, rows: &RecordBatch) -> Result<(), QueryError> {
        let columns = cell::columns(rows)?;
        for row in 0..rows.num_rows() {
            let value = |column: &cell::Column<'_>| {
                let unknown = column.is_unknown(row);
                if unknown { Ok(UNKNOWN.to_owned()) } else { column.text(row).map(|text| printable(&text)) }
            };
            self.waiting.push(columns.iter().map(value).collect::<Result<_, _>>()?);
        }
        if self.waiting.len() >= FIRST_ROWS || self.layout.is_some() { self.show() } else { Ok(()) }
    }

    fn end(&mut self) -> Result<(), QueryError> {
        self.show()?;
        let count = counted(self.rows, "row");
        writeln!(self.sink, "({count})").and_then(|()| self.sink.flush()).map_err(failed)
    }

    fn has_begun(&self) -> bool {
        self.layout.is_some()
    }
}
