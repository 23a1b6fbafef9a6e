//! Who listens to what: the hub, connection queues and SSE frames.
//!
//! ```text
//! publisher -> Hub::publish -> one bounded Queue per connection -> EventStream (an HTTP body)
//! ```
//!
//! Everything is synchronous. A frame is encoded once and its bytes are shared by all connections. A connection that reads too slowly
//! overflows its own queue and is closed with a [`CloseReason`]; nobody waits for it. The crate knows no topic, no store and no socket.

pub mod close;
pub mod engine;
pub mod event;
pub mod filter;
pub mod hub;
mod inbox;
pub mod lane;
pub mod metrics;
pub mod opening;
mod outlet;
mod pipe;
pub mod queue;
mod reactor;
pub mod ring;
pub mod serve;
mod shard;
mod shared;
pub mod sse;
pub mod stream;

pub use close::CloseReason;
pub use engine::{Engine, Publisher};
pub use event::{Draft, Event};
pub use filter::{FieldFilter, Filter};
pub use hub::{Hub, Publication, Subscription};
pub use lane::{CursorCodec, Lane, Vector};
pub use opening::{Grant, Heartbeat, Opening, Resume, Start};
pub use shared::{Path, Settings, Statistics};
pub use stream::EventStream;
