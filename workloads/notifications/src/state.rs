//! What the handlers share.

use std::sync::Arc;

use realtime_chassis::dependencies::Board;
use realtime_fanout::Hub;

use crate::metrics::Metrics;

/// What the handlers share.
#[derive(Clone)]
pub(crate) struct ServiceState {
    pub(crate) hub: Arc<Hub>,
    pub(crate) board: Board,
    pub(crate) metrics: Metrics,
}
