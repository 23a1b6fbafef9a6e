//! The server: it accepts sockets, has the router answer their requests, and gives streams to the engine.
//!
//! ```text
//! socket ─► head ─┬─ plain request for a stream or a websocket ─► router ─► its socket goes to a shard  (raw)
//!                 └─ anything else ─► hyper ─► router ─► a shard writes to the answer's body            (hyper)
//! ```
//!
//! On both ways a handler grants a stream by an [`Opening`](crate::opening::Opening) in the extensions of its answer.

mod accept;
mod answer;
mod desk;
mod general;
pub mod head;
pub mod limits;
mod raw;
mod refusal;

use std::{sync::Arc, time::Duration};

use axum::Router;
use ipnet::IpNet;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use self::{accept::Server, desk::Desk, head::Rule, limits::Limits};
pub use self::{
    desk::{Client, Places},
    refusal::{refuse, takes_stream},
};
use crate::Engine;

/// Sockets beyond those of streams: for requests that are no streams, and for those that are told to come back.
const SPARE: usize = 256;

/// Bounds and paths of a server.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Paths of streams, as they stand in a request.
    pub stream_paths: Vec<String>,
    /// Paths on which a websocket may be asked for.
    pub upgrade_paths: Vec<String>,
    /// Within which a client sends the head of its request.
    pub head_time: Duration,
    /// Length of a head at most.
    pub head_bytes: usize,
    /// Open streams at most. There may be 256 more sockets; then none is accepted until one ends.
    pub connections: usize,
    /// Open streams of one client address at most.
    pub per_address: Option<usize>,
    /// Networks of proxies whose `X-Forwarded-For` is believed.
    pub trusted: Vec<IpNet>,
    /// Sets the options of a new socket.
    pub tune: fn(&TcpStream),
}

impl Settings {
    /// The usual bounds, without a limit by address and without proxies.
    pub fn new(stream_paths: Vec<String>, connections: usize) -> Self {
        Self {
            stream_paths,
            upgrade_paths: Vec::new(),
            head_time: Duration::from_secs(10),
            head_bytes: 16 * 1024,
            connections,
            per_address: None,
            trusted: Vec::new(),
            // A frame does not wait until the one before is acknowledged. Fails only on a connection that has ended already.
            tune: |stream| drop(stream.set_nodelay(true)),
        }
    }
}

/// Serves until the token is cancelled: then nothing more is accepted and requests under way are finished. Streams are ended by the
/// engine's drain. The task ends when everything has ended.
#[expect(clippy::unused_async, reason = "a server is started within a runtime")]
pub async fn serve(
    listener: TcpListener,
    router: Router,
    engine: Engine,
    settings: Settings,
    token: CancellationToken,
) -> JoinHandle<()> {
    let limits = Limits::new(settings.connections, settings.per_address, settings.trusted);
    let Settings { stream_paths: paths, upgrade_paths, .. } = settings;
    let rule = Rule { paths, upgrade_paths, bytes: settings.head_bytes };
    let sockets = (settings.connections + SPARE).min(Semaphore::MAX_PERMITS);
    let server = Server {
        desk: Desk { router, limits, paths: rule.paths.clone(), upgrade_paths: rule.upgrade_paths.clone() },
        engine,
        rule,
        head_time: settings.head_time,
        sockets: Arc::new(Semaphore::new(sockets)),
        tune: settings.tune,
        token,
    };
    tokio::spawn(Arc::new(server).run(listener))
}
