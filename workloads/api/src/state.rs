//! What the handlers share.

use std::sync::{Arc, OnceLock};

use realtime_chassis::dependencies::Board;
use realtime_fanout::Hub;
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::{cache::Cache, metrics::Metrics, store::Store};

/// Replays that read Postgres at the same time; the others wait.
const REPLAYS: usize = 8;

/// What the handlers share.
#[derive(Clone)]
pub(crate) struct ApiState {
    pub(crate) store: Store,
    pub(crate) cache: Cache,
    pub(crate) board: Board,
    pub(crate) hub: Arc<Hub>,
    /// The feed's epoch; unset until the tail has found the feed.
    pub(crate) epoch: Arc<OnceLock<Uuid>>,
    pub(crate) metrics: Metrics,
    pub(crate) replays: Arc<Semaphore>,
}

impl ApiState {
    pub(crate) fn new(store: Store, cache: Cache, board: Board, metrics: Metrics) -> Self {
        Self {
            store,
            cache,
            board,
            hub: Hub::new(),
            epoch: Arc::default(),
            metrics,
            replays: Arc::new(Semaphore::new(REPLAYS)),
        }
    }
}
