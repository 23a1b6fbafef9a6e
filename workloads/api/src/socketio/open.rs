//! How many connections are open, under the name that the metric had in the service that was replaced.

use prometheus::{
    IntGauge, Opts,
    core::{Collector, Desc},
    proto::MetricFamily,
};
use realtime_fanout::{Engine, Path};

/// `websocket_connections_total`: a gauge, in spite of its name, of the Socket.IO connections by either transport.
pub(crate) struct OpenConnections {
    engine: Engine,
    gauge: IntGauge,
}

impl OpenConnections {
    /// A collector to be registered.
    ///
    /// # Errors
    /// When the metric is not well formed.
    pub(crate) fn new(engine: Engine) -> Result<Self, prometheus::Error> {
        let gauge = IntGauge::with_opts(Opts::new("websocket_connections_total", "Open Socket.IO connections"))?;
        Ok(Self { engine, gauge })
    }
}

impl Collector for OpenConnections {
    fn desc(&self) -> Vec<&Desc> {
        self.gauge.desc()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let by_path = self.engine.statistics().by_path;
        let open: u64 = [Path::WebSocket, Path::Polling].map(|path| by_path[path as usize].active).iter().sum();
        self.gauge.set(i64::try_from(open).unwrap_or(i64::MAX));
        self.gauge.collect()
    }
}
