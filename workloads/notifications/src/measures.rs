//! What the reader and the replays measure.

use std::time::Duration;

use prometheus::{
    Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, core::Collector,
    exponential_buckets,
};

use crate::check::Invalid;

/// Label of events that were broadcast.
const BROADCAST: &str = "broadcast";
/// Label of events that came before.
const DUPLICATE: &str = "duplicate";
/// Label of records that are no event.
const INVALID: &str = "invalid";

/// Handles of all metrics; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Measures {
    /// Records by what became of them, and why.
    records: IntCounterVec,
    /// Seconds from a record's time to its broadcast.
    age: Histogram,
    /// Partitions that are read.
    pub(crate) partitions: IntGauge,
    /// Records behind the end, by topic and partition.
    pub(crate) lag: IntGaugeVec,
    /// Topics that were created anew.
    pub(crate) recreations: IntCounter,
    /// Clients of Kafka that another one took over from, by what was wrong with them.
    pub(crate) clients_given_up: IntCounterVec,
    /// Offsets that left the log before they were read.
    pub(crate) lost: IntCounter,
    /// Seconds of a replay.
    replay_seconds: Histogram,
    /// Events that replays sent.
    pub(crate) replayed: IntCounter,
    /// Streams that were sent away because their history could not be read.
    pub(crate) replays_failed: IntCounter,
}

impl Measures {
    /// Metrics in the registry.
    ///
    /// # Errors
    /// When a name is taken.
    pub(crate) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let records =
            Opts::new("realtime_stream_records_total", "Records of the stream's topics by what became of them");
        let records = IntCounterVec::new(records, &["outcome", "reason"])?;
        for (outcome, reason) in [(BROADCAST, ""), (DUPLICATE, "")] {
            records.with_label_values(&[outcome, reason]);
        }
        for reason in Invalid::REASONS {
            records.with_label_values(&[INVALID, reason]);
        }
        let lag =
            Opts::new("realtime_stream_lag_records", "Records between what was read and the end of the partition");
        let given_up = Opts::new(
            "realtime_stream_clients_given_up_total",
            "Kafka clients that did not follow, and that another one took over from",
        );
        let histogram = |name: &str, help: &str| -> Result<Histogram, prometheus::Error> {
            Histogram::with_opts(HistogramOpts::new(name, help).buckets(exponential_buckets(0.001, 2.0, 18)?))
        };
        Ok(Self {
            records: register(registry, records)?,
            age: register(
                registry,
                histogram("realtime_stream_age_seconds", "From a record's time to its broadcast")?,
            )?,
            partitions: register(registry, IntGauge::new("realtime_stream_partitions", "Partitions that are read")?)?,
            lag: register(registry, IntGaugeVec::new(lag, &["topic", "partition"])?)?,
            recreations: register(
                registry,
                IntCounter::new("realtime_stream_recreations_total", "Topics that were created anew")?,
            )?,
            clients_given_up: register(registry, IntCounterVec::new(given_up, &["cause"])?)?,
            lost: register(
                registry,
                IntCounter::new(
                    "realtime_stream_lost_offsets_total",
                    "Offsets that left the log before they were read",
                )?,
            )?,
            replay_seconds: register(
                registry,
                histogram("realtime_stream_replay_seconds", "Time of a replay from the log")?,
            )?,
            replayed: register(
                registry,
                IntCounter::new("realtime_stream_replayed_total", "Events that replays from the log sent")?,
            )?,
            replays_failed: register(
                registry,
                IntCounter::new(
                    "realtime_stream_replays_failed_total",
                    "Streams that were sent away because their history could not be read",
                )?,
            )?,
        })
    }

    /// An event was broadcast. The age is that of its record, in milliseconds, if it has a time.
    pub(crate) fn broadcast(&self, age: Option<i64>) {
        self.records.with_label_values(&[BROADCAST, ""]).inc();
        if let Some(age) = age {
            self.age.observe(age.max(0) as f64 / 1000.0);
        }
    }

    /// A record came before.
    pub(crate) fn duplicate(&self) {
        self.records.with_label_values(&[DUPLICATE, ""]).inc();
    }

    /// A record is no event.
    pub(crate) fn invalid(&self, invalid: &Invalid) {
        self.records.with_label_values(&[INVALID, invalid.reason()]).inc();
    }

    /// A replay has ended.
    pub(crate) fn replay(&self, duration: Duration, events: usize) {
        self.replay_seconds.observe(duration.as_secs_f64());
        self.replayed.inc_by(events as u64);
    }

    /// Events that were broadcast since the start.
    pub(crate) fn processed(&self) -> u64 {
        self.records.with_label_values(&[BROADCAST, ""]).get()
    }
}

fn register<C: Collector + Clone + 'static>(registry: &Registry, collector: C) -> Result<C, prometheus::Error> {
    registry.register(Box::new(collector.clone()))?;
    Ok(collector)
}

#[cfg(test)]
mod tests {
    use prometheus::TextEncoder;

    use super::*;

    #[test]
    fn counts_records_by_outcome_and_reason() {
        let registry = Registry::new();
        let measures = Measures::new(&registry).unwrap();
        measures.broadcast(Some(1500));
        measures.broadcast(None);
        measures.invalid(&Invalid::FindSchema);
        measures.replay(Duration::from_secs(1), 3);
        assert_eq!(measures.processed(), 2);
        let text = TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
        for line in [
            "realtime_stream_records_total{outcome=\"broadcast\",reason=\"\"} 2",
            "realtime_stream_records_total{outcome=\"duplicate\",reason=\"\"} 0",
            "realtime_stream_records_total{outcome=\"invalid\",reason=\"type\"} 1",
            "realtime_stream_age_seconds_sum 1.5",
            "realtime_stream_age_seconds_count 1",
            "realtime_stream_replayed_total 3",
        ] {
            assert!(text.contains(line), "{line} not in {text}");
        }
    }
}
