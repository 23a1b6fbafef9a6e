//! Who listens to what: events to many connections at the price of a write each.
//!
//! ```text
//!                      ┌─► ring: the newest events ◄── clients that come back
//! Publisher ─► flush ──┤
//!                      └─► inbox ─► shard (a thread each): groups of equal filters ─► sockets, or pipes of the HTTP server
//! request ─► serve ─► handler ─► Opening ─► join ─┘
//! ```
//!
//! An [`Event`] is rendered once and its bytes are shared by all connections. A shard is synchronous and knows no clock; its thread passes the
//! time in, and does the IO. A connection that reads too slowly is closed with a [`CloseReason`], comes back, and goes on from its
//! cursor; nobody waits for it. The crate knows no topic and no store: where the log is, and who may read it, is the services' matter.

pub mod close;
pub mod engine;
pub mod event;
pub mod figures;
pub mod filter;
mod inbox;
pub mod lane;
pub mod metrics;
pub mod opening;
mod outlet;
mod pipe;
mod reactor;
mod rendering;
pub mod ring;
pub mod serve;
pub mod session;
mod shard;
mod shared;
pub mod sse;

pub use close::CloseReason;
pub use engine::{Engine, Publisher};
pub use event::{Draft, Event};
pub use filter::{FieldFilter, Filter};
pub use lane::{CursorCodec, Lane, Vector};
pub use opening::{Expiry, Grant, Heartbeat, Opening, Resume, Seen, Start};
pub use shared::{Path, PathStatistics, Settings, Statistics};
