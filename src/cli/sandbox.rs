//! `contrail sandbox`: a simulated cloud to try things on.

use std::net::SocketAddr;
use std::sync::Arc;

use clap::Args;

use super::Context;
use super::exit::{self, CliError};
use super::output::print;
use crate::crawler::signals;
use crate::sandbox::{FaultsError, Sandbox, SandboxOptions};
use crate::telemetry::log::{self, Stderr};

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

impl MarketArgs {
    /// Starts the simulated cloud that the flags describe, on `listen` or on any free port of the loopback
    /// interface.
    pub(super) async fn start(
        &self,
        context: &Context,
        listen: Option<SocketAddr>,
    ) -> Result<Sandbox, CliError> {
        let mut options = SandboxOptions::new(Arc::clone(&context.clock));
        (options.seed, options.scale) = (self.seed, self.scale);
        if let Some(faults) = &self.faults {
            options.faults =
                faults.parse().map_err(|error: FaultsError| CliError::of(exit::USAGE, &error))?;
        }
        options.listen = listen.unwrap_or(options.listen);
        let address = options.listen;
        Sandbox::start(options).await.map_err(|error| {
            CliError::new(exit::USAGE, format!("failed to start the sandbox on {address}: {error}"))
                .with_hint("choose another address with --listen; port 0 takes a free one")
        })
    }
}

/// Runs the command: prints a configuration that crawls this cloud, and serves it until Ctrl-C.
pub(super) async fn run(arguments: &SandboxArgs, context: &Context) -> Result<u8, CliError> {
    log::init(&context.log_options(Arc::new(Stderr)))?;
    let mut signals = signals()
        .map_err(|error| CliError::new(exit::FAILED, format!("failed to listen for signals: {error}")))?;
    let sandbox = arguments.market.start(context, Some(arguments.listen)).await?;
    print(sandbox.ready_config().as_bytes())?;
    tracing::info!(ec2 = sandbox.endpoints().ec2, "serving a simulated cloud; Ctrl-C ends it");
    signals.next().await;
    let requests = sandbox.requests();
    sandbox.stop().await;
    tracing::info!(requests, "the simulated cloud is gone");
    Ok(exit::DONE)
}

fn scale(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(scale) if scale > 0.0 && scale <= SandboxOptions::MAX_SCALE => Ok(scale),
        _ => Err(format!("must be a number above 0 and up to {}", SandboxOptions::MAX_SCALE)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_that_the_sandbox_cannot_have_is_a_usage_error() {
        assert_eq!(scale("4"), Ok(4.0));
        for text in ["0", "-1", "4.1", "10", "NaN", "inf", "large"] {
            assert_eq!(scale(text), Err("must be a number above 0 and up to 4".to_owned()), "{text}");
        }
    }
}
