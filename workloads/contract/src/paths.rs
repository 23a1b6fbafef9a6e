//! Paths of the ops server.

/// 200 as long as the process makes progress.
pub const LIVE: &str = "/livez";
/// 200 once each dependency has answered and until the process drains, else 503.
pub const READY: &str = "/readyz";
/// State of each dependency as JSON.
pub const DEPENDENCIES: &str = "/dependencies";
/// Prometheus text.
pub const METRICS: &str = "/metrics";
