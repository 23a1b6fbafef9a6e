//! Socket.IO 4 over the connections of `realtime-fanout`.
//!
//! ```text
//! websocket bytes ─► websocket::Reader ─┐                   ┌─► Decoder ─► Packet
//!                                       ├─► EnginePacket ───┤
//! body of a POST ──► payload::split ────┘                   └─► ping, upgrade, close
//!
//! Packet ─► Encoded ─► websocket frames, or pieces of the answer to a GET
//! ```
//!
//! The wire is read and written without IO, clock and tasks: bytes come in, values go out. Data stays JSON text ([`Arguments`]): what only
//! passes through is never taken apart.

pub mod arguments;
pub mod engine_packet;
mod identity;
pub mod messages;
pub mod metrics;
pub mod namespace;
pub mod packet;
pub mod payload;
mod probe;
pub mod rendering;
pub mod server;
mod session;
pub mod settings;
pub mod statistics;
pub mod websocket;

pub use arguments::Arguments;
pub use engine_packet::EnginePacket;
pub use messages::{Messages, Reply};
pub use namespace::{
    Admission, Denial, Departed, Departure, Emission, Errand, Incoming, Namespace, Request, Socket, Transport,
};
pub use packet::{Decoder, Encoded, Name, Packet};
pub use server::Server;
pub use session::conversation::close_code;
pub use settings::Settings;
pub use statistics::Statistics;
