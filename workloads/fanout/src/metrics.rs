//! The engine's numbers for Prometheus.

use std::collections::HashMap;

use prometheus::{
    IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    core::{Collector, Desc},
    proto::MetricFamily,
};

use crate::{CloseReason, Engine, Path, Resume};

/// Reads an engine whenever metrics are gathered.
pub struct EngineCollector {
    engine: Engine,
    descriptions: Vec<Desc>,
    transport: String,
}

/// Name, help and labels of each metric.
type Metric = (&'static str, &'static str, &'static [&'static str]);

const ACTIVE: Metric =
    ("realtime_connections_active", "Open connections by the way in which they are served", &["path"]);
const OPENED: Metric = ("realtime_connections_opened_total", "Connections ever opened", &[]);
const CLOSED: Metric = ("realtime_connections_closed_total", "Ended connections by reason", &["reason"]);
const RESUMED: Metric = ("realtime_resumes_total", "Streams by how they began", &["result"]);
const DELIVERED: Metric = ("realtime_deliveries_total", "Events written to a connection, or waiting for it", &[]);
const FAILED: Metric = (
    "realtime_deliveries_failed_total",
    "Events that a connection did not get, because it ended or was closed for being slow",
    &[],
);
const QUEUED: Metric = ("realtime_queue_bytes", "Bytes that wait for connections", &[]);
const METRICS: [Metric; 7] = [ACTIVE, OPENED, CLOSED, RESUMED, DELIVERED, FAILED, QUEUED];

impl EngineCollector {
    /// A collector to be registered; `transport` becomes a label of all its metrics.
    ///
    /// # Errors
    /// When `transport` cannot be a label's value.
    pub fn new(engine: Engine, transport: &str) -> Result<Self, prometheus::Error> {
        let label = HashMap::from([("transport".to_owned(), transport.to_owned())]);
        let describe = |(name, help, labels): Metric| {
            let labels = labels.iter().map(ToString::to_string).collect();
            Desc::new(name.to_owned(), help.to_owned(), labels, label.clone())
        };
        let descriptions = METRICS.into_iter().map(describe).collect::<Result<_, _>>()?;
        Ok(Self { engine, descriptions, transport: transport.to_owned() })
    }

    fn families(&self) -> Result<Vec<MetricFamily>, prometheus::Error> {
        let statistics = self.engine.statistics();
        let active = IntGaugeVec::new(self.options(ACTIVE), ACTIVE.2)?;
        for (path, count) in Path::ALL.iter().zip(statistics.active) {
            active.with_label_values(&[path.name()]).set(signed(count));
        }
        let queued = IntGauge::with_opts(self.options(QUEUED))?;
        queued.set(signed(statistics.queued));
        let mut families = active.collect();
        families.extend(queued.collect());
        families.extend(self.labelled(CLOSED, CloseReason::ALL.map(CloseReason::name).iter().zip(statistics.closed))?);
        families.extend(self.labelled(RESUMED, Resume::ALL.map(Resume::name).iter().zip(statistics.resumed))?);
        for (metric, count) in
            [(OPENED, statistics.opened), (DELIVERED, statistics.delivered), (FAILED, statistics.failed)]
        {
            let counter = IntCounter::with_opts(self.options(metric))?;
            counter.inc_by(count);
            families.extend(counter.collect());
        }
        Ok(families)
    }

    fn labelled<'a>(
        &self,
        metric: Metric,
        counts: impl Iterator<Item = (&'a &'static str, u64)>,
    ) -> Result<Vec<MetricFamily>, prometheus::Error> {
        let counters = IntCounterVec::new(self.options(metric), metric.2)?;
        for (label, count) in counts {
            counters.with_label_values(&[*label]).inc_by(count);
        }
        Ok(counters.collect())
    }

    fn options(&self, (name, help, _): Metric) -> Opts {
        Opts::new(name, help).const_label("transport", self.transport.clone())
    }
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

impl Collector for EngineCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().chain(self.engine.ages().desc()).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let mut families = self.families().unwrap_or_default();
        families.extend(self.engine.ages().collect());
        families
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use prometheus::{Registry, TextEncoder};

    use super::*;
    use crate::{CursorCodec, Settings, Vector};

    struct Nothing;

    impl CursorCodec for Nothing {
        fn encode(&self, _: &Vector) -> String {
            String::new()
        }
    }

    #[test]
    fn shows_the_engine_as_it_is_when_gathered() {
        let (engine, _publisher) = Engine::start(Settings::default(), Arc::new(Nothing), String::new).unwrap();
        let registry = Registry::new();
        registry.register(Box::new(EngineCollector::new(engine, "sse").unwrap())).unwrap();
        let text = TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
        for line in [
            "realtime_connections_active{path=\"raw\",transport=\"sse\"} 0\n",
            "realtime_connections_closed_total{reason=\"overtaken\",transport=\"sse\"} 0\n",
            "realtime_resumes_total{result=\"log\",transport=\"sse\"} 0\n",
            "realtime_queue_bytes{transport=\"sse\"} 0\n",
            "realtime_delivery_age_seconds_count 0\n",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }
}
