//! What is counted of those who are refused, and of the keys at an address.

use jiff::Timestamp;
use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts, Registry};

use crate::Refusal;

/// Counts refusals, and how the keys are read. Clones are the same one.
#[derive(Clone, Debug)]
pub(crate) struct Measures {
    refused: IntCounterVec,
    keys_read: IntGauge,
    keys_failed: IntCounter,
}

impl Measures {
    pub(crate) fn new() -> Self {
        Self::made().expect("the names of the metrics are such names")
    }

    fn made() -> Result<Self, prometheus::Error> {
        let refused = Opts::new(
            "realtime_access_refused_total",
            "Tokens and tickets that were refused, by the code of the reason",
        );
        let refused = IntCounterVec::new(refused, &["code"])?;
        for refusal in Refusal::ALL {
            // These are said of channels, users and requests by who knows them, not of a token as such.
            if !matches!(refusal, Refusal::Channel | Refusal::User | Refusal::Service(_)) {
                refused.with_label_values(&[refusal.code()]);
            }
        }
        Ok(Self {
            refused,
            keys_read: IntGauge::new(
                "realtime_access_keys_read_timestamp_seconds",
                "When the keys at their address were last read, 0 before the first time",
            )?,
            keys_failed: IntCounter::new(
                "realtime_access_keys_failed_total",
                "Readings of the keys at their address that failed",
            )?,
        })
    }

    /// Those of keys where keys stand at an address.
    pub(crate) fn register(&self, registry: &Registry, reads_keys: bool) -> Result<(), prometheus::Error> {
        registry.register(Box::new(self.refused.clone()))?;
        if reads_keys {
            registry.register(Box::new(self.keys_read.clone()))?;
            registry.register(Box::new(self.keys_failed.clone()))?;
        }
        Ok(())
    }

    pub(crate) fn refused(&self, refusal: Refusal) {
        self.refused.with_label_values(&[refusal.code()]).inc();
    }

    pub(crate) fn keys_read(&self, were_read: bool) {
        if were_read {
            self.keys_read.set(Timestamp::now().as_second());
        } else {
            self.keys_failed.inc();
        }
    }
}
