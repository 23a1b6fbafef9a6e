//! Types of the events in the table `events`, the history of each notification. A notification's row is what they lead to, in the order of
//! `ordinal`: each of its times is the time of an event.

/// It was stored; the payload is the [`NotificationCreated`](super::NotificationCreated).
pub const CREATED: &str = super::NotificationCreated::TYPE;
/// It got its place in the feed; the payload has `event_id` and `position`.
pub const PROCESSED: &str = "NotificationProcessed";
/// Its user marked it as read.
pub const READ: &str = "NotificationRead";
/// Its user marked it as unread.
pub const UNREAD: &str = "NotificationUnread";
