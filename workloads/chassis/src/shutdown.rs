//! The end of a process: the signal, and a deadline for what is left to do.
//!
//! The order is the caller's: not ready, stop the intake, drain within the deadline, flush telemetry.

use std::time::Duration;

use thiserror::Error;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// The signals cannot be awaited.
#[derive(Debug, Error)]
pub enum Error {
    /// The handler was refused by the system.
    #[error("failed to listen for {signal}")]
    ListenForSignal {
        /// Its name.
        signal: &'static str,
        /// The system's reason.
        #[source]
        source: std::io::Error,
    },
}

/// A token that is cancelled at the first SIGTERM or SIGINT.
///
/// # Errors
/// [`Error`] when a handler cannot be installed.
pub fn token() -> Result<CancellationToken, Error> {
    let mut terminate = listen("SIGTERM", SignalKind::terminate())?;
    let mut interrupt = listen("SIGINT", SignalKind::interrupt())?;
    let token = CancellationToken::new();
    let cancelled = token.clone();
    tokio::spawn(async move {
        let signal = tokio::select! { _ = terminate.recv() => "SIGTERM", _ = interrupt.recv() => "SIGINT" };
        info!(signal, "shutting down");
        cancelled.cancel();
    });
    Ok(token)
}

fn listen(name: &'static str, kind: SignalKind) -> Result<Signal, Error> {
    signal(kind).map_err(|source| Error::ListenForSignal { signal: name, source })
}

/// Waits for `work` until the deadline; says so in the log when it was not enough. `None` then.
pub async fn drain<T>(deadline: Duration, what: &'static str, work: impl Future<Output = T>) -> Option<T> {
    let outcome = tokio::time::timeout(deadline, work).await.ok();
    if outcome.is_none() {
        warn!(what, seconds = deadline.as_secs(), "gave up work at the drain deadline");
    }
    outcome
}
