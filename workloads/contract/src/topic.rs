//! Topics that every stack has.

use serde::{Deserialize, Serialize};

/// Notifications on their way from the API to the consumer.
pub const NOTIFICATIONS: &str = "notifications";
/// Product events of the user's systems, on their way to browsers.
pub const PRODUCT_EVENTS: &str = "product-events";
/// Partitions of a topic whose number nobody gave.
pub const DEFAULT_PARTITIONS: u16 = 6;

/// A topic as the prepare step creates it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Topic {
    /// Name in Kafka.
    pub name: String,
    /// Number of partitions; can only grow.
    pub partitions: u16,
}
