//! Ports, the same in every stack.

/// HTTP of the API and of notifications.
pub const HTTP: u16 = 3001;
/// Ops server of every process of ours.
pub const OPS: u16 = 9090;
/// Redis.
pub const REDIS: u16 = 6379;
/// Kafka, for clients.
pub const KAFKA: u16 = 9092;
/// Kafka's quorum.
pub const KAFKA_CONTROLLER: u16 = 9093;
/// Postgres.
pub const POSTGRES: u16 = 5432;
