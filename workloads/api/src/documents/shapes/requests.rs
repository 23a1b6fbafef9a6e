use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

/// A notification. Times are UTC with milliseconds.
#[derive(ToSchema)]
pub(in crate::documents) struct Notification {
    /// Given by the API, a UUID of version 7.
    id: Uuid,
    /// What the sender has to say.
    message: String,
    /// A word of the sender's, `info` unless he gave one.
    r#type: String,
    /// What clients subscribe to, `default` unless the sender named one; `user:<user>` is a user's inbox.
    channel: String,
    /// `pending` until it has its place in the feed.
    #[schema(pattern = "^(pending|processed)$")]
    status: String,
    /// When the API took it.
    #[schema(format = DateTime)]
    timestamp: String,
    /// The sender's own data; absent when there is none.
    #[schema(required = false)]
    data: Value,
}

/// A notification of an inbox.
#[derive(ToSchema)]
pub(in crate::documents) struct InboxNotification {
    /// Given by the API, a UUID of version 7.
    id: Uuid,
    /// What the sender has to say.
    message: String,
    /// A word of the sender's.
    r#type: String,
    /// `user:<user>`.
    channel: String,
    /// `pending` until it has its place in the feed.
    #[schema(pattern = "^(pending|processed)$")]
    status: String,
    /// When the API took it.
    #[schema(format = DateTime)]
    timestamp: String,
    /// The sender's own data; absent when there is none.
    #[schema(required = false)]
    data: Value,
    /// When it was marked as read; null while it is unread.
    #[schema(rename = "readAt", format = DateTime, required = true)]
    read_at: Option<String>,
}

/// A notification as a client posts it. `null` counts as absent, and fields of other names are ignored. No text may contain U+0000.
#[derive(ToSchema)]
pub(in crate::documents) struct Draft {
    /// Not blank.
    #[schema(pattern = r"\S")]
    message: String,
    /// `info` unless it is given.
    #[schema(min_length = 1, max_length = 64)]
    r#type: Option<String>,
    /// `default` unless it is given.
    #[schema(min_length = 1, max_length = 128, pattern = "^[A-Za-z0-9._:/@|+=~-]+$")]
    channel: Option<String>,
    /// Whose inbox it goes to, instead of a channel.
    #[schema(min_length = 1, max_length = 123, pattern = "^[A-Za-z0-9._:/@|+=~-]+$")]
    user: Option<String>,
    /// Any JSON; fields keep their order.
    #[schema(required = false)]
    data: Value,
}

/// Notifications that are stored together or not at all.
#[derive(ToSchema)]
pub(in crate::documents) struct Batch {
    /// In the order in which they happen.
    #[schema(min_items = 1, max_items = 100)]
    notifications: Vec<Draft>,
}

/// An event of a notification's history.
#[derive(ToSchema)]
pub(in crate::documents) struct HistoryEvent {
    id: Uuid,
    /// `NotificationCreated`, `NotificationProcessed`, `NotificationRead`, `NotificationUnread`; others may come.
    r#type: String,
    /// When it happened.
    #[schema(format = DateTime)]
    timestamp: String,
    /// What the event says beside that.
    data: Value,
}

/// How many notifications were changed.
#[derive(ToSchema)]
pub(in crate::documents) struct Change {
    changed: u64,
    /// False when there was no time for all of them: make the request again.
    complete: bool,
}

/// How the ticket is wanted.
#[derive(ToSchema)]
pub(in crate::documents) struct TicketRequest {
    /// Also as a cookie, which a browser sends with an EventSource of the same site.
    #[schema(required = false, nullable = false)]
    cookie: Option<bool>,
}

/// A ticket for streams of server-sent events. It says what the token says, and is good until it expires.
#[derive(ToSchema)]
pub(in crate::documents) struct Ticket {
    /// For the parameter `ticket`.
    ticket: String,
    /// With the token, and in an hour at most.
    #[schema(rename = "expiresAt", format = DateTime)]
    expires_at: String,
}

/// Why a request was not served (RFC 9457).
#[derive(ToSchema)]
pub(in crate::documents) struct Problem {
    /// Always `about:blank`: the status says what kind of problem it is.
    r#type: String,
    /// The status in words.
    title: String,
    /// The status of the response.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What is wrong, and what to change: a sentence for people.
    detail: String,
    /// The field, parameter or header that is wrong: `notifications[3].message`.
    #[schema(required = false, nullable = false)]
    field: Option<String>,
    /// The backend that does not serve.
    #[schema(required = false, nullable = false)]
    dependency: Option<String>,
    /// What is wrong, for programs, where the status does not say it alone.
    #[schema(required = false, nullable = false)]
    code: Option<String>,
}
