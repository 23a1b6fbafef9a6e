//! The store's fixed names.

/// Database of a stack.
pub const DATABASE: &str = "realtime";

/// Role that the workloads use, on Postgres and Redis and Kafka alike.
pub const ROLE: &str = "realtime";
