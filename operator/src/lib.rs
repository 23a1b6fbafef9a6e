//! The operator: makes a cluster hold what each `RealtimeStack` says, and says truthfully how far it is.
//!
//! Data flows one way, a step a file under [`controller`]:
//!
//! ```text
//! RealtimeStack -> References -> ValidatedStack -> [DesiredObject] -> [Outcome] + Observed -> RealtimeStackStatus
//!        dereference       validate          build            apply                status
//! ```
//!
//! Only `dereference` and `apply` (and the one status write) do IO; the other steps are pure. Nothing is written that is already so.

pub mod admission;
pub mod config;
pub mod controller;
pub mod definition;
pub mod hash;
pub mod images;
pub mod lease;
pub mod metrics;
pub mod quantity;
