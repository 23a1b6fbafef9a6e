//! What the handlers share.

use std::sync::{Arc, atomic::AtomicBool};

use ipnet::IpNet;
use realtime_access::{Gate, limits::Limiter};
use realtime_chassis::dependencies::Board;
use realtime_fanout::{Engine, Publisher, Settings, engine};
use tokio::sync::Semaphore;

use crate::{
    cache::Cache, console::Console, feed::Epoch, metrics::Metrics, overview::Overview, socketio::renderings,
    store::Store,
};

/// Replays that read Postgres at the same time; the others wait.
const REPLAYS: usize = 8;
/// What the handlers share.
#[derive(Clone)]
pub(crate) struct ApiState {
    pub(crate) store: Store,
    pub(crate) cache: Cache,
    pub(crate) board: Board,
    /// Looks at what clients show of themselves.
    pub(crate) gate: Gate,
    /// Keeps how often clients may do something.
    pub(crate) limiter: Limiter,
    /// Networks of proxies that are believed.
    pub(crate) trusted_proxies: Arc<[IpNet]>,
    /// The page, where there is one.
    pub(crate) console: Option<Console>,
    /// Serves the streams, from when the tail has found the feed.
    pub(crate) engine: Engine,
    /// Figures and status of the stack as a whole.
    pub(crate) overview: Overview,
    /// Set once the feed was found.
    pub(crate) epoch: Epoch,
    pub(crate) metrics: Metrics,
    pub(crate) replays: Arc<Semaphore>,
    /// Histories cannot be read, which was logged.
    pub(crate) without_history: Arc<AtomicBool>,
}

impl ApiState {
    /// The state, and the one who publishes to its streams.
    ///
    /// # Errors
    /// When the system gives no threads for the streams.
    pub(crate) fn new(
        store: Store,
        cache: Cache,
        board: Board,
        metrics: Metrics,
        settings: Settings,
    ) -> Result<(Self, Publisher), engine::Error> {
        let epoch = Epoch::default();
        // Signs of life are comments here, and have no data.
        let (engine, publisher) = Engine::start_with(settings, Arc::new(epoch.clone()), String::new, renderings())?;
        let replays = Arc::new(Semaphore::new(REPLAYS));
        let overview = Overview::alone(&engine, &metrics);
        let state = Self {
            store,
            cache,
            board,
            gate: Gate::anonymous(),
            limiter: Limiter::none(),
            trusted_proxies: Arc::default(),
            console: None,
            engine,
            overview,
            epoch,
            metrics,
            replays,
            without_history: Arc::default(),
        };
        Ok((state, publisher))
    }
}
