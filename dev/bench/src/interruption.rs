//! Ctrl-c and SIGTERM end a run in good order: what it started is ended, what it wrote is removed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::{Context, Result, bail};
use tokio::signal::unix::{SignalKind, signal};

/// Whether a signal came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interruption(Arc<AtomicBool>);

impl Interruption {
    /// Watches for signals from now on.
    pub(crate) fn watch() -> Result<Self> {
        let interruption = Self::default();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
        let runtime = runtime.context("failed to start the watch for signals")?;
        let (mut interrupt, mut terminate) = {
            let _entered = runtime.enter();
            let of = |kind| signal(kind).context("failed to watch for a signal");
            (of(SignalKind::interrupt())?, of(SignalKind::terminate())?)
        };
        let flag = Arc::clone(&interruption.0);
        thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
            });
            flag.store(true, Ordering::Relaxed);
        });
        Ok(interruption)
    }

    /// An error when a signal came.
    pub(crate) fn check(&self) -> Result<()> {
        if self.0.load(Ordering::Relaxed) {
            bail!("interrupted");
        }
        Ok(())
    }
}
