//! What the operator and the workloads must agree on: two ends of one fact, written down once.
//!
//! The operator writes a pod's environment, ports and probes; the workload reads its environment, listens and answers. Both take the
//! names from here. Pure data: no IO, no async, no Kubernetes types.

pub mod channel;
pub mod component;
pub mod database;
pub mod environment;
pub mod event;
pub mod feed;
pub mod figures;
pub mod paths;
pub mod ports;
pub mod readiness;
pub mod time;
pub mod topic;

pub use component::Component;
