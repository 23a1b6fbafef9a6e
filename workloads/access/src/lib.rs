//! Who may read and publish what, and how a client proves who it is.
//!
//! ```text
//! header, cookie, query, CONNECT ─► Credential ─► Gate ─┬─► Access    what the client may do, and until when
//!                                                       └─► Refusal   why it may not, with its status and code
//! ```
//!
//! [`admit`] is the way in of a request: the gate, and the limits of how often somebody may come.

mod access;
mod admission;
mod answer;
mod config;
mod credential;
#[cfg(any(test, feature = "forge"))]
pub mod forge;
mod gate;
mod issue;
mod keys;
pub mod limits;
mod measures;
mod refusal;
mod service;
mod ticket;
mod token;

pub use access::{Access, Scope};
pub use admission::{Denied, admit};
pub use config::{AccessConfig, Auth};
pub use credential::{Credential, TICKET_COOKIE};
pub use gate::{Error, Gate};
pub use issue::{IssueError, Wish};
pub use refusal::Refusal;
pub use service::Service;
pub use ticket::Ticket;
