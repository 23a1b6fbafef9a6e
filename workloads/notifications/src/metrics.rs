//! The metrics of the notifications service.

use prometheus::{IntCounterVec, IntGauge, Opts, Registry};

/// Label of events that were broadcast.
pub(crate) const BROADCAST: &str = "broadcast";

/// Handles of all metrics.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    /// Where they are registered.
    pub(crate) registry: Registry,
    /// Records by outcome: `broadcast`, `invalid`, `duplicate`.
    pub(crate) records: IntCounterVec,
    /// Partitions that are read.
    pub(crate) partitions: IntGauge,
}

impl Metrics {
    /// Registers every metric.
    ///
    /// # Errors
    /// When a name is taken.
    pub(crate) fn new(registry: Registry) -> Result<Self, prometheus::Error> {
        let records = Opts::new("realtime_product_events_total", "Records of the topic by what became of them");
        let records = IntCounterVec::new(records, &["outcome"])?;
        for outcome in [BROADCAST, "invalid", "duplicate"] {
            records.with_label_values(&[outcome]);
        }
        let partitions = IntGauge::new("realtime_product_event_partitions", "Partitions that are read")?;
        registry.register(Box::new(records.clone()))?;
        registry.register(Box::new(partitions.clone()))?;
        Ok(Self { registry, records, partitions })
    }

    /// Records that were broadcast since the start.
    pub(crate) fn processed(&self) -> u64 {
        self.records.with_label_values(&[BROADCAST]).get()
    }
}
