//! What the operator measures of itself.

use std::time::Duration;

use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

/// The operator's metrics.
#[derive(Clone, Debug)]
pub struct Metrics {
    reconciles: HistogramVec,
    writes: IntCounterVec,
    ready: IntGaugeVec,
    until_ready: IntGaugeVec,
    /// 1 while this process holds the lease.
    pub leader: IntGauge,
}

impl Metrics {
    /// Registers the metrics.
    ///
    /// # Errors
    /// The registry's, when a name is taken.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let buckets = vec![0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0];
        let reconciles = HistogramOpts::new(
            "realtime_operator_reconcile_duration_seconds",
            "Time of a reconcile, by result: ok, or the category of what failed",
        );
        let stack = &["namespace", "stack"];
        let metrics = Self {
            reconciles: HistogramVec::new(reconciles.buckets(buckets), &["result"])?,
            writes: IntCounterVec::new(
                Opts::new("realtime_operator_writes_total", "Writes to the API server, by kind of object"),
                &["kind"],
            )?,
            ready: IntGaugeVec::new(Opts::new("realtime_operator_stack_ready", "1 while the stack is Ready"), stack)?,
            until_ready: IntGaugeVec::new(
                Opts::new(
                    "realtime_operator_reconciles_until_ready",
                    "Reconciles that the current generation of the stack took until it was Ready",
                ),
                stack,
            )?,
            leader: IntGauge::new("realtime_operator_leader", "1 while this process holds the lease")?,
        };
        registry.register(Box::new(metrics.reconciles.clone()))?;
        registry.register(Box::new(metrics.writes.clone()))?;
        registry.register(Box::new(metrics.ready.clone()))?;
        registry.register(Box::new(metrics.until_ready.clone()))?;
        registry.register(Box::new(metrics.leader.clone()))?;
        Ok(metrics)
    }

    /// A reconcile has ended.
    pub fn reconciled(&self, result: &str, duration: Duration) {
        self.reconciles.with_label_values(&[result]).observe(duration.as_secs_f64());
    }

    /// Something was written.
    pub fn wrote(&self, kind: &str) {
        self.writes.with_label_values(&[kind]).inc();
    }

    /// Whether a stack is Ready.
    pub fn ready(&self, namespace: &str, stack: &str, ready: bool) {
        self.ready.with_label_values(&[namespace, stack]).set(i64::from(ready));
    }

    /// A generation of a stack became Ready.
    pub fn became_ready(&self, namespace: &str, stack: &str, reconciles: u32) {
        self.until_ready.with_label_values(&[namespace, stack]).set(i64::from(reconciles));
    }

    /// A stack is gone.
    pub fn forget(&self, namespace: &str, stack: &str) {
        // It is an error to remove what was never set, and no matter here.
        let _ = self.ready.remove_label_values(&[namespace, stack]);
        let _ = self.until_ready.remove_label_values(&[namespace, stack]);
    }
}
