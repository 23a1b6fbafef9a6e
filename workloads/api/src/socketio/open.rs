//! How many connections are open, under the name that the metric had in the service that was replaced.

use prometheus::{
    IntGauge, Opts,
    core::{Collector, Desc},
    proto::MetricFamily,
};
use realtime_socketio::Server;

/// `websocket_connections_total`: a gauge, in spite of its name, of the clients in the namespaces of Socket.IO by either transport. As in the
/// service that was replaced, a connection counts once in each namespace in which it is, and not before it is in one.
pub(crate) struct OpenConnections {
    server: Server,
    gauge: IntGauge,
}

impl OpenConnections {
    /// A collector to be registered.
    ///
    /// # Errors
    /// When the metric is not well formed.
    pub(crate) fn new(server: Server) -> Result<Self, prometheus::Error> {
        let help = "Socket.IO clients in a namespace; one that is in several counts in each";
        let gauge = IntGauge::with_opts(Opts::new("websocket_connections_total", help))?;
        Ok(Self { server, gauge })
    }
}

impl Collector for OpenConnections {
    fn desc(&self) -> Vec<&Desc> {
        self.gauge.desc()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let open: u64 = self.server.statistics().sockets.iter().flat_map(|(_, counts)| counts).sum();
        self.gauge.set(i64::try_from(open).unwrap_or(i64::MAX));
        self.gauge.collect()
    }
}
