//! Start-up and exit code, nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    contrail::cli::main(std::env::args_os(), contrail::config::environment())
}
