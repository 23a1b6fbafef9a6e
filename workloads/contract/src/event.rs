//! Events as they stand in Kafka, and what becomes of them on the way to clients.
//!
//! A notification's way: the API writes a [`NotificationCreated`] through the outbox to [`crate::topic::NOTIFICATIONS`]; the consumer stores it,
//! gives it a position and turns it into a [`FeedEntry`]; the feeder copies that into the Redis stream [`crate::feed::STREAM`].

pub mod history;
mod json_text;
mod notification;
mod product;

pub use json_text::JsonText;
pub use notification::{DEFAULT_CHANNEL, DEFAULT_TYPE, Notification, NotificationCreated, NotificationStatus};
pub use product::{InvalidProductEvent, Product, ProductEvent, ProductEventType};
