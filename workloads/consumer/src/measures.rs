//! What the consumer measures.

use prometheus::{Histogram, HistogramOpts, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, exponential_buckets};

/// The consumer's metrics; cheap to clone.
#[derive(Clone)]
pub(crate) struct Measures {
    /// Records by outcome: `stored`, `duplicate`, `invalid`.
    pub(crate) records: IntCounterVec,
    /// Seconds of a batch's transaction.
    pub(crate) batch_seconds: Histogram,
    /// Next offset by partition.
    pub(crate) offsets: IntGaugeVec,
    /// Partitions that are not consumed because their offsets do not fit the log.
    pub(crate) stopped_partitions: IntGauge,
    /// Kafka clients that another one took over from, by what was wrong with them: `lonely`, `silent`.
    pub(crate) clients_given_up: IntCounterVec,
    /// Highest position in the feed that the feeder has seen.
    pub(crate) feed_position: IntGauge,
    /// Positions that the Redis stream is behind.
    pub(crate) feeder_lag: IntGauge,
    /// Whether this process feeds Redis.
    pub(crate) feeder_leading: IntGauge,
}

impl Measures {
    /// Metrics in the registry.
    ///
    /// # Errors
    /// When a name is taken.
    pub(crate) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let gauge = |name: &str, help: &str| -> Result<IntGauge, prometheus::Error> {
            let gauge = IntGauge::new(name, help)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok(gauge)
        };
        let records = IntCounterVec::new(
            Opts::new("realtime_consumer_records_total", "Records consumed, by outcome: stored, duplicate, invalid"),
            &["outcome"],
        )?;
        for outcome in ["stored", "duplicate", "invalid"] {
            records.with_label_values(&[outcome]);
        }
        let given_up = IntCounterVec::new(
            Opts::new(
                "realtime_consumer_clients_given_up_total",
                "Kafka clients that did not follow, and that another one took over from, by cause: lonely, silent",
            ),
            &["cause"],
        )?;
        for cause in ["lonely", "silent"] {
            given_up.with_label_values(&[cause]);
        }
        let seconds = HistogramOpts::new("realtime_consumer_batch_seconds", "Seconds of a batch's transaction")
            .buckets(exponential_buckets(0.001, 2.0, 14)?);
        let batch_seconds = Histogram::with_opts(seconds)?;
        let offsets = IntGaugeVec::new(
            Opts::new("realtime_consumer_next_offset", "Next offset to consume, by topic and partition"),
            &["topic", "partition"],
        )?;
        registry.register(Box::new(records.clone()))?;
        registry.register(Box::new(given_up.clone()))?;
        registry.register(Box::new(batch_seconds.clone()))?;
        registry.register(Box::new(offsets.clone()))?;
        Ok(Self {
            records,
            batch_seconds,
            offsets,
            clients_given_up: given_up,
            stopped_partitions: gauge(
                "realtime_consumer_stopped_partitions",
                "Partitions not consumed because their stored offset is outside the log",
            )?,
            feed_position: gauge("realtime_feed_position", "Highest position of the feed")?,
            feeder_lag: gauge("realtime_feeder_lag", "Positions that the Redis stream is behind the feed")?,
            feeder_leading: gauge("realtime_feeder_leading", "1 while this process feeds the Redis stream")?,
        })
    }
}
