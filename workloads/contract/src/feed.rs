//! The feed: every processed notification at its position, in Postgres, with its tail in Redis.
//!
//! Positions are gapless and start at 1. The Redis stream holds the newest of them; Postgres' table `feed` is the truth.

use uuid::Uuid;

/// Key of the Redis stream. The id of an entry is `<position>-0`.
pub const STREAM: &str = "realtime:feed";
/// Key of the epoch that the Redis stream belongs to, as text. A stream of another epoch is dropped by the feeder.
pub const STREAM_EPOCH: &str = "realtime:feed:epoch";
/// About how many entries the Redis stream keeps.
pub const STREAM_LENGTH: usize = 10_000;
/// Postgres channel (`LISTEN`) that is notified when the feed has grown; no payload.
pub const NOTIFY_FEED: &str = "realtime_feed";
/// Postgres channel (`LISTEN`) that is notified when the outbox has grown; the payload is the shard's number.
pub const NOTIFY_OUTBOX: &str = "realtime_outbox";
/// Shards of the outbox: `shard < OUTBOX_SHARDS`.
pub const OUTBOX_SHARDS: u16 = 32;

/// Names of the fields of an entry in the Redis stream.
pub mod field {
    /// [`super::FeedEntry::event_id`].
    pub const EVENT_ID: &str = "event_id";
    /// [`super::FeedEntry::channel`].
    pub const CHANNEL: &str = "channel";
    /// [`super::FeedEntry::notification`].
    pub const NOTIFICATION: &str = "notification";
    /// [`super::FeedEntry::traceparent`]; left out when there is none.
    pub const TRACEPARENT: &str = "traceparent";
}

/// One notification at its place in the feed, as it stands in Postgres and in Redis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedEntry {
    /// Place in the feed, from 1, without gaps.
    pub position: u64,
    /// Event that brought it; unique in the feed.
    pub event_id: Uuid,
    /// Channel, for the filters of clients.
    pub channel: String,
    /// [`crate::event::Notification`] as JSON on one line: the bytes that clients get.
    pub notification: String,
    /// W3C trace context of the consumer's span.
    pub traceparent: Option<String>,
}
