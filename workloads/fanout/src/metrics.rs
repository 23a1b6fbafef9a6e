//! The hub's numbers for Prometheus.

use std::{collections::HashMap, sync::Arc};

use prometheus::{
    IntCounter, IntCounterVec, IntGauge, Opts,
    core::{Collector, Desc},
    proto::MetricFamily,
};

use crate::{CloseReason, Hub};

/// Reads a hub whenever metrics are gathered.
#[derive(Debug)]
pub struct HubCollector {
    hub: Arc<Hub>,
    descriptions: Vec<Desc>,
}

const ACTIVE: (&str, &str) = ("realtime_connections_active", "open connections");
const CONNECTED: (&str, &str) = ("realtime_connections_opened_total", "connections ever opened");
const CLOSED: (&str, &str) = ("realtime_connections_closed_total", "ended connections by reason");
const DELIVERED: (&str, &str) = ("realtime_deliveries_total", "events queued for a connection");
const FAILED: (&str, &str) =
    ("realtime_deliveries_failed_total", "events that a connection did not get, because it was closed for being slow");

impl HubCollector {
    /// A collector to be registered; `transport` becomes a label of all its metrics.
    ///
    /// # Errors
    /// When `transport` cannot be a label's value.
    pub fn new(hub: Arc<Hub>, transport: &str) -> Result<Self, prometheus::Error> {
        let label = HashMap::from([("transport".to_owned(), transport.to_owned())]);
        let describe = |(name, help): (&str, &str), labels: &[&str]| {
            let labels = labels.iter().map(ToString::to_string).collect();
            Desc::new(name.to_owned(), help.to_owned(), labels, label.clone())
        };
        let descriptions = vec![
            describe(ACTIVE, &[])?,
            describe(CONNECTED, &[])?,
            describe(CLOSED, &["reason"])?,
            describe(DELIVERED, &[])?,
            describe(FAILED, &[])?,
        ];
        Ok(Self { hub, descriptions })
    }

    fn families(&self) -> Result<Vec<MetricFamily>, prometheus::Error> {
        let statistics = self.hub.statistics();
        let active = IntGauge::with_opts(self.options(ACTIVE))?;
        active.set(i64::try_from(statistics.active).unwrap_or(i64::MAX));
        let closed = IntCounterVec::new(self.options(CLOSED), &["reason"])?;
        for (reason, count) in CloseReason::ALL.iter().zip(statistics.closed) {
            closed.with_label_values(&[reason.name()]).inc_by(count);
        }
        let mut families = active.collect();
        families.extend(closed.collect());
        for (metric, count) in
            [(CONNECTED, statistics.connected), (DELIVERED, statistics.delivered), (FAILED, statistics.failed)]
        {
            let counter = IntCounter::with_opts(self.options(metric))?;
            counter.inc_by(count);
            families.extend(counter.collect());
        }
        Ok(families)
    }

    fn options(&self, (name, help): (&str, &str)) -> Opts {
        let labels = self.descriptions.first().map(|description| &description.const_label_pairs);
        let labels =
            labels.into_iter().flatten().map(|pair| (pair.name().to_owned(), pair.value().to_owned())).collect();
        Opts::new(name, help).const_labels(labels)
    }
}

impl Collector for HubCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.families().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use prometheus::{Registry, TextEncoder};

    use super::HubCollector;
    use crate::{Hub, hub::Filter};

    #[test]
    fn shows_the_hub_as_it_is_when_gathered() {
        let hub = Hub::new();
        let registry = Registry::new();
        registry.register(Box::new(HubCollector::new(hub.clone(), "sse").unwrap())).unwrap();
        let stays = hub.register(Filter::default());
        drop(hub.register(Filter::default()));
        let text = TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
        drop(stays);
        assert!(text.contains("realtime_connections_active{transport=\"sse\"} 1\n"), "{text}");
        assert!(text.contains("realtime_connections_opened_total{transport=\"sse\"} 2\n"), "{text}");
        assert!(text.contains("realtime_connections_closed_total{reason=\"gone\",transport=\"sse\"} 1\n"), "{text}");
    }
}
