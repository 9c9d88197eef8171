//! Ending well: the first signal stops new work, the grace period lets running work finish, and then it is cut.

use std::sync::{Arc, OnceLock};

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::report::Interruption;

/// The two stages of an end, shared by everything that runs.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    stop: CancellationToken,
    abort: CancellationToken,
    cause: Arc<OnceLock<Interruption>>,
}

impl Shutdown {
    /// Starts nothing new from here on, because somebody asked for it.
    pub fn stop(&self) {
        self.cause.get_or_init(|| Interruption::Stopped);
        self.stop.cancel();
    }

    /// Starts nothing new from here on, because the time for this run is used up.
    pub(super) fn run_out_of_time(&self) {
        self.cause.get_or_init(|| Interruption::OutOfTime);
        self.stop.cancel();
    }

    /// Why nothing new may start; `None` while it may.
    pub(super) fn cause(&self) -> Option<Interruption> {
        self.cause.get().copied()
    }

    /// Cuts what still runs.
    pub fn abort(&self) {
        self.stop.cancel();
        self.abort.cancel();
    }

    /// Whether nothing new may start.
    pub fn is_stopping(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// Completes when nothing new may start.
    pub async fn stopping(&self) {
        self.stop.cancelled().await;
    }

    /// Completes when running work is to be cut.
    pub async fn aborting(&self) {
        self.abort.cancelled().await;
    }
}

/// Completes at each Ctrl-C or SIGTERM; ask it again for the next one.
#[derive(Debug)]
pub struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

/// Starts listening for Ctrl-C and SIGTERM.
pub fn signals() -> std::io::Result<Signals> {
    Ok(Signals { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
}

impl Signals {
    /// The next signal.
    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
