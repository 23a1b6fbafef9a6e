//! What the end-to-end tests need: a cluster, stacks in namespaces of their own, and real clients.
//!
//! Nothing here imitates a part of the project: notifications are posted by HTTP, received by the official Socket.IO client, the
//! EventSources of npm and of Chromium, one of our own for crowds and a plain HTTP reader, and looked at with kubectl, psql and Kafka's own
//! tools. A helper that cannot go on ends the test that called it.

#![expect(clippy::panic, reason = "a helper that cannot go on ends the test that called it")]

pub mod arrivals;
pub mod audit;
pub mod browser;
pub mod clients;
pub mod cluster;
pub mod collector;
pub mod console;
pub mod container;
pub mod diagnosis;
pub mod entrance;
pub mod environment;
pub mod eventsource;
pub mod eventually;
pub mod fixture;
pub mod http;
pub mod janitor;
pub mod key_server;
pub mod kubectl;
pub mod ledger;
pub mod log;
pub mod postgres;
pub mod postings;
pub mod production;
pub mod programs;
pub mod sse;
pub mod stack;
pub mod tokens;

pub use arrivals::{Arrival, Arrivals};
pub use cluster::Cluster;
pub use eventually::eventually;
pub use stack::Stack;
