//! The forms in which reading commands print: a table for people, JSON and CSV for programs.

use clap::ValueEnum;
use serde::Serialize;

use super::exit::CliError;

/// How data is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Columns for people
    Table,
    /// One JSON array
    Json,
    /// Comma-separated values with a heading
    Csv,
}

/// `value` as JSON, with a line break at its end.
pub(super) fn json(value: &impl Serialize) -> Result<String, CliError> {
    let text = serde_json::to_string_pretty(value);
    text.map(|text| text + "\n").map_err(|error| CliError::bug(format!("failed to write JSON: {error}")))
}

/// Rows below their heading as RFC 4180 has them.
pub(super) fn csv<'a, const COLUMNS: usize>(
    heading: [&'a str; COLUMNS],
    rows: impl IntoIterator<Item = [&'a str; COLUMNS]>,
) -> String {
    let line = |row: [&str; COLUMNS]| row.map(field).join(",") + "\n";
    std::iter::once(heading).chain(rows).map(line).collect()
}

fn field(value: &str) -> String {
    if value.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", value.replace('"', "\"\""))
    } else {
        value.to_owned()
    }
}

/// Columns that are as wide as their widest cell; the last one is as long as it is.
pub(super) fn columns<const COLUMNS: usize>(rows: &[[&str; COLUMNS]]) -> Vec<String> {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; COLUMNS] = std::array::from_fn(width);
    let line = |row: &[&str; COLUMNS]| {
        let cells: Vec<String> =
            row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_with_a_comma_or_a_quote_is_quoted() {
        let text = csv(["key", "hint"], [["a", r#"allow {"Action":"x"}, please"#], ["b", ""]]);
        assert_eq!(text, "key,hint\na,\"allow {\"\"Action\"\":\"\"x\"\"}, please\"\nb,\n");
    }

    #[test]
    fn columns_are_aligned_and_lines_have_no_tail() {
        assert_eq!(columns(&[["ok", "lake", "x"], ["failed", "é", ""]]), ["ok      lake  x", "failed  é"]);
    }
}
