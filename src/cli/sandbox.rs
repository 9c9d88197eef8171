//! `contrail sandbox`: a simulated cloud to try things on.

use std::net::SocketAddr;

use clap::Args;

use super::Context;
use super::exit::CliError;

/// What the simulated cloud is like.
#[derive(Debug, Args)]
pub(super) struct MarketArgs {
    /// Seed the simulated cloud: the same seed gives the same prices
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub(super) seed: u64,
    /// Set the size of the simulated market; 1 is about that of the real one
    #[arg(long, value_name = "FACTOR", default_value_t = 0.01, value_parser = scale)]
    pub(super) scale: f64,
    /// Let the simulated cloud misbehave, such as throttle=5%,reset=1%,slow=200ms
    #[arg(long, value_name = "PLAN")]
    pub(super) faults: Option<String>,
}

/// Flags of `contrail sandbox`.
#[derive(Debug, Args)]
pub(super) struct SandboxArgs {
    #[command(flatten)]
    pub(super) market: MarketArgs,
    /// Listen here; port 0 takes a free one and prints it
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    pub(super) listen: SocketAddr,
}

/// Runs the command.
pub(super) async fn run(_arguments: &SandboxArgs, _context: &Context) -> Result<u8, CliError> {
    Err(CliError::bug("the sandbox is not wired to the command line"))
}

fn scale(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(scale) if scale > 0.0 && scale <= 10.0 => Ok(scale),
        _ => Err("must be a number above 0 and up to 10".to_owned()),
    }
}
