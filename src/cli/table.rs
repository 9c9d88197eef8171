//! Tables: columns that line up for people, and CSV (RFC 4180) for machines.

use std::fmt::Write as _;

/// Rows below headings. The columns before `numbers` hold text and lean left, the others numbers and lean right.
#[derive(Debug)]
pub(super) struct Table<const COLUMNS: usize> {
    pub(super) headings: [&'static str; COLUMNS],
    pub(super) numbers: usize,
    pub(super) rows: Vec<[String; COLUMNS]>,
}

impl<const COLUMNS: usize> Table<COLUMNS> {
    /// For people: each line begins with `indent`.
    pub(super) fn render(&self, indent: &str) -> String {
        let headings = self.headings.map(str::to_owned);
        let lines: Vec<&[String; COLUMNS]> = std::iter::once(&headings).chain(&self.rows).collect();
        let mut widths = [0; COLUMNS];
        for line in &lines {
            for (width, cell) in widths.iter_mut().zip(line.iter()) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let mut text = String::new();
        for line in lines {
            let mut shown = String::from(indent);
            for (column, (cell, width)) in line.iter().zip(widths).enumerate() {
                let gap = if column == 0 { "" } else { "  " };
                let _ = if column < self.numbers {
                    write!(shown, "{gap}{cell:<width$}")
                } else {
                    write!(shown, "{gap}{cell:>width$}")
                };
            }
            let _ = writeln!(text, "{}", shown.trim_end());
        }
        text
    }

    /// For machines: the headings and one line for each row.
    pub(super) fn csv(&self) -> String {
        let line =
            |cells: &mut dyn Iterator<Item = &str>| cells.map(field).collect::<Vec<_>>().join(",") + "\r\n";
        let mut text = line(&mut self.headings.iter().copied());
        for row in &self.rows {
            text.push_str(&line(&mut row.iter().map(String::as_str)));
        }
        text
    }
}

/// A field of a line, in quotes where it would be read otherwise without.
fn field(text: &str) -> String {
    if text.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table<2> {
        let row = |name: &str, count: &str| [name.to_owned(), count.to_owned()];
        Table {
            headings: ["name", "count"],
            numbers: 1,
            rows: vec![row("aé", "1"), row("b, \"c\"", "1,000")],
        }
    }

    #[test]
    fn columns_line_up() {
        assert_eq!(table().render("  "), "  name    count\n  aé          1\n  b, \"c\"  1,000\n");
    }

    #[test]
    fn fields_that_need_quotes_have_them() {
        assert_eq!(table().csv(), "name,count\r\naé,1\r\n\"b, \"\"c\"\"\",\"1,000\"\r\n");
    }
}
