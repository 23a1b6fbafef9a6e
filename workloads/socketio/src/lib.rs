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
pub mod packet;
pub mod payload;
pub mod rendering;
pub mod settings;
pub mod websocket;

pub use arguments::Arguments;
pub use engine_packet::EnginePacket;
pub use packet::{Decoder, Encoded, Name, Packet};
pub use settings::Settings;
