//! The server's numbers for Prometheus.

use prometheus::{
    IntCounterVec, IntGaugeVec, Opts,
    core::{Collector, Desc},
    proto::MetricFamily,
};

use crate::{
    namespace::Transport,
    server::Server,
    statistics::{Refusal, Violation},
};

/// Reads a server whenever metrics are gathered.
pub struct ServerCollector {
    server: Server,
    descriptions: Vec<Desc>,
}

/// Name, help and labels of each metric.
type Metric = (&'static str, &'static str, &'static [&'static str]);

const SOCKETS: Metric = (
    "realtime_socketio_sockets",
    "Clients in a namespace of Socket.IO, by the transport of their connection",
    &["namespace", "transport"],
);
const PACKETS: Metric = (
    "realtime_socketio_packets_total",
    "Packets of Socket.IO that came and were sent, without the events of the feed",
    &["direction"],
);
const VIOLATIONS: Metric = (
    "realtime_socketio_violations_total",
    "Connections of Socket.IO that were closed because the client broke a rule",
    &["kind"],
);
const REFUSALS: Metric =
    ("realtime_socketio_refusals_total", "Clients that were not let into a namespace of Socket.IO", &["reason"]);
const METRICS: [Metric; 4] = [SOCKETS, PACKETS, VIOLATIONS, REFUSALS];

impl ServerCollector {
    /// A collector to be registered.
    ///
    /// # Errors
    /// Never, unless a metric of ours has a bad name.
    pub fn new(server: Server) -> Result<Self, prometheus::Error> {
        let describe = |(name, help, labels): Metric| {
            let labels = labels.iter().map(ToString::to_string).collect();
            Desc::new(name.to_owned(), help.to_owned(), labels, std::collections::HashMap::new())
        };
        Ok(Self { server, descriptions: METRICS.into_iter().map(describe).collect::<Result<_, _>>()? })
    }

    fn families(&self) -> Result<Vec<MetricFamily>, prometheus::Error> {
        let statistics = self.server.statistics();
        let sockets = IntGaugeVec::new(Opts::new(SOCKETS.0, SOCKETS.1), SOCKETS.2)?;
        for (namespace, counts) in &statistics.sockets {
            for (transport, count) in Transport::ALL.iter().zip(counts) {
                let count = i64::try_from(*count).unwrap_or(i64::MAX);
                sockets.with_label_values(&[namespace.as_str(), transport.name()]).set(count);
            }
        }
        let violations = Violation::ALL.map(Violation::name).into_iter().zip(statistics.violations);
        let refusals = Refusal::ALL.map(Refusal::name).into_iter().zip(statistics.refusals);
        let packets = [("in", statistics.received), ("out", statistics.sent)].into_iter();
        let mut families = sockets.collect();
        families.extend(counters(PACKETS, packets)?);
        families.extend(counters(VIOLATIONS, violations)?);
        families.extend(counters(REFUSALS, refusals)?);
        Ok(families)
    }
}

fn counters(
    (name, help, labels): Metric,
    counts: impl Iterator<Item = (&'static str, u64)>,
) -> Result<Vec<MetricFamily>, prometheus::Error> {
    let counters = IntCounterVec::new(Opts::new(name, help), labels)?;
    for (label, count) in counts {
        counters.with_label_values(&[label]).inc_by(count);
    }
    Ok(counters.collect())
}

impl Collector for ServerCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.families().unwrap_or_default()
    }
}
