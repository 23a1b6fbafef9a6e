//! The API's metrics. Names without a prefix are those of the service that was replaced.

use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts, Registry, core::Collector};

/// Handles of all metrics; labels come from closed sets only.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    /// Where they are registered.
    pub(crate) registry: Registry,
    /// Open Socket.IO connections: a gauge, in spite of its name.
    pub(crate) websocket_connections: IntGauge,
    /// Redis commands by operation and outcome (`ok`, `failed`).
    pub(crate) redis_operations: IntCounterVec,
    /// Lists that were answered from the cache.
    pub(crate) cache_hits: IntCounter,
    /// Lists that were read from Postgres.
    pub(crate) cache_misses: IntCounter,
    /// Notifications that were accepted by a POST to this replica.
    pub(crate) notifications_sent: IntCounter,
    /// Outbox records by outcome (`acknowledged`, `failed`).
    pub(crate) relayed: IntCounterVec,
    /// Position of the newest notification that this replica broadcast.
    pub(crate) feed_position: IntGauge,
    /// Notifications broadcast by the place that they were read from (`redis`, `postgres`).
    pub(crate) broadcast: IntCounterVec,
}

impl Metrics {
    /// Registers every metric.
    ///
    /// # Errors
    /// When a name is taken.
    pub(crate) fn new(registry: Registry) -> Result<Self, prometheus::Error> {
        let metrics = Self {
            websocket_connections: IntGauge::new("websocket_connections_total", "Open Socket.IO connections")?,
            redis_operations: counters("redis_operations_total", "Redis commands", &["operation", "outcome"])?,
            cache_hits: IntCounter::new("cache_hits_total", "Lists answered from the cache")?,
            cache_misses: IntCounter::new("cache_misses_total", "Lists read from Postgres")?,
            notifications_sent: IntCounter::new("notifications_sent_total", "Notifications accepted by a POST")?,
            relayed: counters("realtime_outbox_records_total", "Outbox records handed to Kafka", &["outcome"])?,
            feed_position: IntGauge::new("realtime_feed_position", "Position of the newest broadcast notification")?,
            broadcast: counters("realtime_notifications_broadcast_total", "Notifications broadcast here", &["source"])?,
            registry,
        };
        metrics.register()?;
        Ok(metrics)
    }

    fn register(&self) -> Result<(), prometheus::Error> {
        let collectors: [Box<dyn Collector>; 8] = [
            Box::new(self.websocket_connections.clone()),
            Box::new(self.redis_operations.clone()),
            Box::new(self.cache_hits.clone()),
            Box::new(self.cache_misses.clone()),
            Box::new(self.notifications_sent.clone()),
            Box::new(self.relayed.clone()),
            Box::new(self.feed_position.clone()),
            Box::new(self.broadcast.clone()),
        ];
        collectors.into_iter().try_for_each(|collector| self.registry.register(collector))
    }

    /// Counts a Redis command.
    pub(crate) fn redis_operation(&self, operation: &str, succeeded: bool) {
        let outcome = if succeeded { "ok" } else { "failed" };
        self.redis_operations.with_label_values(&[operation, outcome]).inc();
    }
}

fn counters(name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec, prometheus::Error> {
    IntCounterVec::new(Opts::new(name, help), labels)
}
