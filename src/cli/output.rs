//! What commands print on stdout.

use std::io::{self, IsTerminal as _, Write as _};

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

/// How many characters a line of the terminal has; `None` where stdout is none.
pub(super) fn terminal_width() -> Option<usize> {
    let stdout = io::stdout();
    if !stdout.is_terminal() {
        return None;
    }
    let size = rustix::termios::tcgetwinsize(stdout).ok()?;
    Some(usize::from(size.ws_col)).filter(|width| *width > 0)
}
