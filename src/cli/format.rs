//! The forms in which reading commands print. How a table looks is a matter of `table`.

use clap::ValueEnum;
use serde::Serialize;

use super::exit::CliError;

/// How data is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Table,
    Json,
    Csv,
}

/// `value` as JSON, with a line break at its end.
pub(super) fn json(value: &impl Serialize) -> Result<String, CliError> {
    let text = serde_json::to_string_pretty(value);
    text.map(|text| text + "\n").map_err(|error| CliError::bug(format!("failed to write JSON: {error}")))
}
