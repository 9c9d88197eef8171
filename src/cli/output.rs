//! What commands print on stdout.

use std::io::{self, Write as _};

use super::exit::{self, CliError};

/// Writes `data` to stdout. A reader that went away (`| head`) has what it wanted.
pub(super) fn print(data: &[u8]) -> Result<(), CliError> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(data).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(CliError::new(exit::FAILED, format!("failed to write to stdout: {error}")))
        }
        _ => Ok(()),
    }
}
