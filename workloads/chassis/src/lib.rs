//! The process around a workload: configuration, telemetry, ops server, shutdown, backend clients and the readiness report.
//!
//! Nothing in here knows what a workload does. [`telemetry`], [`ops`] and [`shutdown`] need no backend, so the operator uses them, too.

pub mod api_server;
pub mod config;
pub mod dependencies;
pub mod figures;
pub mod http;
pub mod kafka;
pub mod metrics;
pub mod ops;
pub mod postgres;
pub mod propagation;
pub mod redis;
pub mod report;
pub mod shutdown;
pub mod stack;
pub mod telemetry;
pub mod tls;
