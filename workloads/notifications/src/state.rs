//! What the handlers share.

use std::sync::Arc;

use prometheus::Registry;
use realtime_access::{Gate, limits::Limiter};
use realtime_chassis::dependencies::Board;
use realtime_fanout::Engine;

use crate::{cursor::Codec, measures::Measures, replay::Replays};

/// What the handlers share.
#[derive(Clone)]
pub(crate) struct ServiceState {
    pub(crate) engine: Engine,
    pub(crate) gate: Gate,
    pub(crate) limiter: Limiter,
    pub(crate) codec: Arc<Codec>,
    pub(crate) replays: Replays,
    pub(crate) board: Board,
    pub(crate) registry: Registry,
    pub(crate) measures: Measures,
    /// Offsets of a partition within which an id counts once.
    pub(crate) window: u32,
}
