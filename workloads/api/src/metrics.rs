//! The API's metrics. Names without a prefix are those of the service that was replaced.

use prometheus::{Gauge, IntCounter, IntCounterVec, IntGauge, Opts, Registry, core::Collector};

use crate::socketio::Outcome;

/// Handles of all metrics; labels come from closed sets only.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    /// Where they are registered.
    pub(crate) registry: Registry,
    /// Socket.IO clients that came back, by what came of it.
    pub(crate) recoveries: IntCounterVec,
    /// Sessions of Socket.IO that were not written to Redis, because there were too many or it is away.
    pub(crate) sessions_unwritten: IntCounter,
    /// Redis commands by operation and outcome (`ok`, `failed`).
    pub(crate) redis_operations: IntCounterVec,
    /// Lists that were answered from the cache.
    pub(crate) cache_hits: IntCounter,
    /// Lists that were read from Postgres.
    pub(crate) cache_misses: IntCounter,
    /// Queries that Postgres had to answer for lists.
    pub(crate) list_queries: IntCounter,
    /// Those of them that were made because Redis was away.
    pub(crate) cache_bypassed: IntCounter,
    /// Notifications that were accepted by a POST to this replica.
    pub(crate) notifications_sent: IntCounter,
    /// Outbox records by outcome (`acknowledged`, `failed`).
    pub(crate) relayed: IntCounterVec,
    /// Shards of the outbox whose records Kafka does not take.
    pub(crate) failing_shards: IntGauge,
    /// Seconds that the outbox's oldest record has been waiting; 0 when it is empty, NaN while Postgres does not answer.
    pub(crate) outbox_oldest_age: Gauge,
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
            recoveries: counters(
                "realtime_socketio_recoveries_total",
                "Socket.IO clients that came back by what came of it",
                &["result"],
            )?,
            sessions_unwritten: IntCounter::new(
                "realtime_socketio_sessions_unwritten_total",
                "Writes and renewals of Socket.IO sessions that were left out",
            )?,
            redis_operations: counters("redis_operations_total", "Redis commands", &["operation", "outcome"])?,
            cache_hits: IntCounter::new("cache_hits_total", "Lists answered from the cache")?,
            cache_misses: IntCounter::new("cache_misses_total", "Lists read from Postgres")?,
            list_queries: IntCounter::new("realtime_list_queries_total", "Queries of Postgres for lists")?,
            cache_bypassed: IntCounter::new(
                "realtime_list_cache_bypassed_total",
                "Queries of Postgres for lists because Redis was away",
            )?,
            notifications_sent: IntCounter::new("notifications_sent_total", "Notifications accepted by a POST")?,
            relayed: counters("realtime_outbox_records_total", "Outbox records handed to Kafka", &["outcome"])?,
            failing_shards: IntGauge::new(
                "realtime_outbox_failing_shards",
                "Shards of the outbox whose records Kafka does not take",
            )?,
            outbox_oldest_age: Gauge::new(
                "realtime_outbox_oldest_age_seconds",
                "Age of the oldest record in the outbox; NaN while Postgres does not answer",
            )?,
            feed_position: IntGauge::new("realtime_feed_position", "Position of the newest broadcast notification")?,
            broadcast: counters("realtime_notifications_broadcast_total", "Notifications broadcast here", &["source"])?,
            registry,
        };
        metrics.register()?;
        // A result that never came is 0, not absent.
        for outcome in Outcome::ALL {
            metrics.recoveries.with_label_values(&[outcome.name()]);
        }
        Ok(metrics)
    }

    fn register(&self) -> Result<(), prometheus::Error> {
        let collectors: [Box<dyn Collector>; 13] = [
            Box::new(self.recoveries.clone()),
            Box::new(self.sessions_unwritten.clone()),
            Box::new(self.redis_operations.clone()),
            Box::new(self.cache_hits.clone()),
            Box::new(self.cache_misses.clone()),
            Box::new(self.list_queries.clone()),
            Box::new(self.cache_bypassed.clone()),
            Box::new(self.notifications_sent.clone()),
            Box::new(self.relayed.clone()),
            Box::new(self.failing_shards.clone()),
            Box::new(self.outbox_oldest_age.clone()),
            Box::new(self.feed_position.clone()),
            Box::new(self.broadcast.clone()),
        ];
        collectors.into_iter().try_for_each(|collector| self.registry.register(collector))
    }

    /// Counts a Redis command, and gives the word for how it went.
    pub(crate) fn redis_operation(&self, operation: &str, succeeded: bool) -> &'static str {
        let outcome = if succeeded { "ok" } else { "failed" };
        self.redis_operations.with_label_values(&[operation, outcome]).inc();
        outcome
    }
}

fn counters(name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec, prometheus::Error> {
    IntCounterVec::new(Opts::new(name, help), labels)
}
