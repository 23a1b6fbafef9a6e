//! The official Socket.IO client, by each of its transports.

mod events;

use super::PATIENCE;
