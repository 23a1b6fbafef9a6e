//! Socket.IO: the namespaces of the API, and the server that they are part of.

mod channels;
mod demo;
mod notifications;
mod open;
mod private_id;
mod recovery;
mod sessions;

use std::sync::Arc;

use axum::Router;
use realtime_chassis::redis;
use realtime_fanout::session::Rendering;
use realtime_socketio::{Departure, Namespace, Server, Settings, metrics::ServerCollector, rendering};
use tokio::{runtime::Handle, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use self::open::OpenConnections;
use self::{demo::Demo, notifications::Notifications, sessions::Sessions};
pub(crate) use self::{demo::Leases, recovery::Outcome};
use crate::{
    config::{ContradictingDelays, SocketConfig},
    state::ApiState,
};

/// Path of Engine.IO, as clients have it by default.
pub(crate) const PATH: &str = "/socket.io";
/// The same as clients write it.
const WHOLE_PATH: &str = "/socket.io/";

/// Paths on which websockets begin.
pub(crate) fn paths() -> Vec<String> {
    vec![WHOLE_PATH.to_owned(), PATH.to_owned()]
}

/// The forms in which notifications go out beside SSE.
pub(crate) fn renderings() -> Vec<Arc<dyn Rendering>> {
    rendering::renderings(notifications::EVENT)
}

/// The Socket.IO of this replica.
#[derive(Clone)]
pub(crate) struct Sockets {
    server: Server,
    /// Who is connected to the namespace `/demo`.
    pub(crate) demo: Leases,
    /// Their addresses may be shown.
    pub(crate) shows_addresses: bool,
}

/// What tells Redis about connections.
pub(crate) struct Writers {
    sessions: JoinHandle<()>,
    leases: JoinHandle<()>,
}

impl Writers {
    /// They have ended, and wrote before what was left when the token was cancelled.
    pub(crate) async fn ended(self) {
        for ended in [self.sessions.await, self.leases.await] {
            if let Err(error) = ended {
                warn!(error = &error as &dyn std::error::Error, "a writer of Socket.IO did not end well");
            }
        }
    }
}

/// Bounds and times of the endpoint.
pub(crate) fn settings(config: &SocketConfig) -> Settings {
    let payload_bytes = usize::try_from(config.payload_bytes).unwrap_or(usize::MAX);
    let (ping_interval, ping_timeout) = (config.ping_interval(), config.ping_timeout());
    Settings { path: WHOLE_PATH, payload_bytes, ping_interval, ping_timeout, ..Settings::default() }
}

impl Sockets {
    /// Starts what works beside the connections, until the token is cancelled. `key` signs the ids with which clients come back.
    ///
    /// # Errors
    /// When options contradict each other.
    pub(crate) fn start(
        config: &SocketConfig,
        settings: Settings,
        state: &ApiState,
        redis: &redis::Connection,
        key: &[u8],
        token: &CancellationToken,
    ) -> Result<(Self, Writers), ContradictingDelays> {
        let delays = config.demo.delays()?;
        let (limit, pings) = (config.demo.connections_per_address, config.demo.pings);
        let metrics = &state.metrics;
        let (sessions, sessions_task) = Sessions::start(redis.clone(), metrics.clone(), token.clone());
        let (leases, leases_task) = Leases::start(limit, redis.clone(), metrics.clone(), token.clone());
        let notifications = Notifications::new(state.clone(), key, sessions);
        let namespaces: Vec<Arc<dyn Namespace>> =
            vec![Arc::new(notifications), Arc::new(Demo::new(leases.clone(), state.limiter.clone(), pings))];
        let payload_bytes = settings.payload_bytes;
        let server = Server::new(settings, state.engine.clone(), namespaces, Handle::current());
        tokio::spawn(demo::run_timer(server.clone(), leases.clone(), delays, token.clone()));
        info!(path = PATH, connections_per_address = limit, pings, payload_bytes, "socket.io service initialised");
        let sockets = Self { server, demo: leases, shows_addresses: config.demo.show_addresses };
        Ok((sockets, Writers { sessions: sessions_task, leases: leases_task }))
    }

    /// The routes of the protocol.
    pub(crate) fn router(&self) -> Router {
        self.server.router()
    }

    /// Its numbers for Prometheus.
    ///
    /// # Errors
    /// When a metric is not well formed.
    pub(crate) fn collector(&self) -> Result<ServerCollector, prometheus::Error> {
        ServerCollector::new(self.server.clone())
    }

    /// How many clients there are, under the name that the metric always had.
    ///
    /// # Errors
    /// When the metric is not well formed.
    pub(crate) fn open_connections(&self) -> Result<impl prometheus::core::Collector + use<>, prometheus::Error> {
        OpenConnections::new(self.server.clone())
    }
}

/// Why a socket is gone, for logs.
const fn reason_name(departure: Departure) -> &'static str {
    match departure {
        Departure::Client => "client",
        Departure::Server => "server",
        Departure::Transport(reason) => reason.name(),
    }
}
