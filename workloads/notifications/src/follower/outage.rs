//! A time without Kafka is logged twice: when it begins and when it ends.

use std::error::Error;

use tracing::{info, warn};

/// Whether Kafka is away.
#[derive(Debug, Default)]
pub(super) struct Outage {
    lasts: bool,
}

impl Outage {
    /// Something failed; tried again by whoever calls.
    pub(super) fn failed(&mut self, error: &(dyn Error + 'static)) {
        if !std::mem::replace(&mut self.lasts, true) {
            warn!(error, "Kafka cannot be read, trying again");
        }
    }

    /// Whether it is away now.
    pub(super) const fn lasts(&self) -> bool {
        self.lasts
    }

    /// Something succeeded.
    pub(super) fn ended(&mut self) {
        if std::mem::take(&mut self.lasts) {
            info!("Kafka can be read again");
        }
    }
}
