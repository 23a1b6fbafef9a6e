//! The engine's numbers for Prometheus.

use std::collections::HashMap;

use prometheus::{
    IntCounterVec, IntGaugeVec, Opts,
    core::{Collector, Desc},
    proto::MetricFamily,
};

use crate::{CloseReason, Engine, Path, PathStatistics, Resume};

/// Reads an engine whenever metrics are gathered.
pub struct EngineCollector {
    engine: Engine,
    descriptions: Vec<Desc>,
}

/// Name, help and labels of each metric.
type Metric = (&'static str, &'static str, &'static [&'static str]);

const ACTIVE: Metric = (
    "realtime_connections_active",
    "Open connections by what they speak and the way in which they are served",
    &["transport", "path"],
);
const OPENED: Metric = ("realtime_connections_opened_total", "Connections ever opened", &["transport"]);
const CLOSED: Metric = ("realtime_connections_closed_total", "Ended connections by reason", &["transport", "reason"]);
const RESUMED: Metric = ("realtime_resumes_total", "Subscriptions by how they began", &["transport", "result"]);
const DELIVERED: Metric =
    ("realtime_deliveries_total", "Events written to a connection, or waiting for it", &["transport"]);
const FAILED: Metric = (
    "realtime_deliveries_failed_total",
    "Events that a connection did not get, because it ended or was closed for being slow",
    &["transport"],
);
const QUEUED: Metric = ("realtime_queue_bytes", "Bytes that wait for connections", &["transport"]);
const METRICS: [Metric; 7] = [ACTIVE, OPENED, CLOSED, RESUMED, DELIVERED, FAILED, QUEUED];

impl EngineCollector {
    /// A collector to be registered.
    ///
    /// # Errors
    /// None as long as the names above are what they are.
    pub fn new(engine: Engine) -> Result<Self, prometheus::Error> {
        let describe = |(name, help, labels): Metric| {
            let labels = labels.iter().map(ToString::to_string).collect();
            Desc::new(name.to_owned(), help.to_owned(), labels, HashMap::new())
        };
        let descriptions = METRICS.into_iter().map(describe).collect::<Result<_, _>>()?;
        Ok(Self { engine, descriptions })
    }

    fn families(&self) -> Result<Vec<MetricFamily>, prometheus::Error> {
        let active = gauges(ACTIVE)?;
        let queued = gauges(QUEUED)?;
        let [opened, delivered, failed] = [counters(OPENED)?, counters(DELIVERED)?, counters(FAILED)?];
        let [closed, resumed] = [counters(CLOSED)?, counters(RESUMED)?];
        for (path, numbers) in self.paths() {
            let transport = path.transport();
            active.with_label_values(&[transport, path.name()]).set(signed(numbers.active));
            queued.with_label_values(&[transport]).add(signed(numbers.queued));
            for (family, count) in
                [(&opened, numbers.opened), (&delivered, numbers.delivered), (&failed, numbers.failed)]
            {
                family.with_label_values(&[transport]).inc_by(count);
            }
            for (reason, count) in CloseReason::ALL.iter().zip(numbers.closed) {
                closed.with_label_values(&[transport, reason.name()]).inc_by(count);
            }
            for (result, count) in Resume::ALL.iter().zip(numbers.resumed) {
                resumed.with_label_values(&[transport, result.name()]).inc_by(count);
            }
        }
        let gauges = [active, queued].into_iter().flat_map(|family| family.collect());
        let counters = [opened, closed, resumed, delivered, failed].into_iter().flat_map(|family| family.collect());
        Ok(gauges.chain(counters).collect())
    }

    /// An engine of streams alone has no others.
    fn paths(&self) -> impl Iterator<Item = (Path, PathStatistics)> {
        let speaks = self.engine.speaks();
        let all = Path::ALL.into_iter().zip(self.engine.statistics().by_path);
        all.filter(move |(path, _)| speaks || matches!(path, Path::Raw | Path::Hyper))
    }
}

fn gauges((name, help, labels): Metric) -> Result<IntGaugeVec, prometheus::Error> {
    IntGaugeVec::new(Opts::new(name, help), labels)
}

fn counters((name, help, labels): Metric) -> Result<IntCounterVec, prometheus::Error> {
    IntCounterVec::new(Opts::new(name, help), labels)
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
        registry.register(Box::new(EngineCollector::new(engine).unwrap())).unwrap();
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
        assert!(!text.contains("websocket"), "{text}");
    }
}
