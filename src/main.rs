//! Start-up and exit code, nothing else.

use std::process::ExitCode;

/// Streams of small pages make many short-lived buffers, which the system's allocator keeps for itself.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    contrail::cli::main(std::env::args_os(), contrail::config::environment())
}
