//! Who may read and publish what, and how a client proves who it is.
//!
//! ```text
//! header, cookie, query, CONNECT ─► Credential ─► Gate ─┬─► Access    what the client may do, and until when
//!                                                       └─► Refusal   why it may not, with its status and code
//! ```

mod access;
mod credential;
mod gate;
mod refusal;

pub use access::{Access, Scope};
pub use credential::Credential;
pub use gate::Gate;
pub use refusal::Refusal;
