//! `contrail completions` and `contrail man`: what shells and packages are given.

use std::path::PathBuf;

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::exit::{self, CliError};
use super::{Cli, output};

/// Flags of `contrail completions`.
#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// Complete for this shell
    shell: Shell,
}

/// Flags of `contrail man`.
#[derive(Debug, Args)]
pub(super) struct ManArgs {
    /// Write the pages of all commands into this directory instead
    #[arg(long, value_name = "PATH")]
    directory: Option<PathBuf>,
}

/// Prints the completions.
pub(super) fn run(arguments: &CompletionsArgs) -> Result<u8, CliError> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "contrail", &mut script);
    output::print(&script)?;
    Ok(exit::DONE)
}

/// Prints the manual page, or writes all of them.
pub(super) fn man(arguments: &ManArgs) -> Result<u8, CliError> {
    if let Some(directory) = &arguments.directory {
        clap_mangen::generate_to(Cli::command(), directory).map_err(|error| {
            let message = format!("failed to write manual pages into {}: {error}", directory.display());
            CliError::new(exit::FAILED, message)
                .with_hint("name a directory that is there and can be written")
        })?;
        return Ok(exit::DONE);
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(Cli::command())
        .render(&mut page)
        .map_err(|error| CliError::bug(format!("failed to render the manual page: {error}")))?;
    output::print(&page)?;
    Ok(exit::DONE)
}
