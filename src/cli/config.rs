//! `contrail config`: the settings in effect, whether they are right, and an example to start from. `show` prints
//! TOML, which is what a person would write, or JSON; a table or CSV would only hide the sections.

use std::fmt::Write as _;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Map, Value, json};

use super::exit::{self, CliError};
use super::{Context, output};
use crate::config::{Loaded, Origin, example};

/// Flags of `contrail config`.
#[derive(Debug, Args)]
pub(super) struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Print the settings in effect and where each came from, secrets hidden
    Show {
        /// Print TOML or JSON
        #[arg(long, value_name = "FORMAT", default_value = "toml")]
        format: Format,
    },
    /// Check the settings; exit with 2 when something is wrong
    Check,
    /// Print every setting with its default, to start a file from
    Example,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Toml,
    Json,
}

/// Runs the command.
pub(super) fn run(arguments: &ConfigArgs, context: &Context) -> Result<u8, CliError> {
    let text = match arguments.command {
        ConfigCommand::Example => example().to_owned(),
        ConfigCommand::Check => match &load(context)?.file {
            Some(file) => format!("ok: {}\n", file.display()),
            None => "ok: no configuration file; the defaults are in effect\n".to_owned(),
        },
        ConfigCommand::Show { format: Format::Toml } => as_toml(&load(context)?),
        ConfigCommand::Show { format: Format::Json } => format!("{:#}\n", as_json(&load(context)?)),
    };
    output::print(text.as_bytes())?;
    Ok(exit::DONE)
}

fn load(context: &Context) -> Result<Loaded, CliError> {
    let loaded = context.load()?;
    loaded.warnings.iter().for_each(exit::warn);
    Ok(loaded)
}

/// TOML that reads back as the same settings, but for hidden secrets.
fn as_toml(loaded: &Loaded) -> String {
    let mut text = String::new();
    let mut section = "";
    for entry in &loaded.entries {
        if entry.section != section {
            section = entry.section;
            let gap = if text.is_empty() { "" } else { "\n" };
            let _ = writeln!(text, "{gap}[{section}]");
        }
        let _ = match &entry.value {
            Some(value) if entry.origin == Origin::Default => {
                writeln!(text, "{} = {value}  # default", entry.key)
            }
            Some(value) => writeln!(text, "{} = {value}  # from {}", entry.key, entry.origin),
            None => writeln!(text, "# {} is unset", entry.key),
        };
    }
    text
}

/// `{"file": …, "settings": {"lake": {"url": {"value": …, "origin": …}}}}`; unset keys have the value null.
fn as_json(loaded: &Loaded) -> Value {
    let mut settings = Map::new();
    for entry in &loaded.entries {
        let mut place = &mut settings;
        for part in entry.section.split('.') {
            let child = place.entry(part).or_insert_with(|| json!({}));
            let Value::Object(child) = child else { return Value::Null };
            place = child;
        }
        let value = json!({ "value": entry.value, "origin": entry.origin.to_string() });
        place.insert(entry.key.to_owned(), value);
    }
    json!({ "file": loaded.file, "settings": settings })
}
