use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Notification;

/// The first frame of a stream.
#[derive(ToSchema)]
pub(in crate::documents) struct ConnectionFrame {
    #[schema(pattern = "^connection$")]
    r#type: String,
    message: String,
    #[schema(format = DateTime)]
    timestamp: String,
}

/// A sign of life, every 30 s.
#[derive(ToSchema)]
pub(in crate::documents) struct HeartbeatFrame {
    #[schema(pattern = "^heartbeat$")]
    r#type: String,
    #[schema(format = DateTime)]
    timestamp: String,
}

/// Something between the two cursors is not told.
#[derive(ToSchema)]
pub(in crate::documents) struct Gap {
    #[schema(pattern = "^(invalid|epoch|limit|trimmed)$")]
    reason: String,
    /// Where the client was, or what it sent instead of a cursor.
    from: String,
    /// Where it goes on.
    to: String,
}

/// The token or ticket expires in 30 s, and the stream ends then.
#[derive(ToSchema)]
pub(in crate::documents) struct Expiring {
    #[schema(rename = "expiresAt", format = DateTime)]
    expires_at: String,
}

/// A product, as far as its sender tells it.
#[derive(ToSchema)]
pub(in crate::documents) struct Product {
    id: String,
    #[schema(required = false)]
    name: String,
    #[schema(required = false)]
    price: f64,
    #[schema(required = false)]
    stock: i64,
}

/// A product event as its producer writes it into Kafka. Other fields pass as they are.
#[derive(ToSchema)]
pub(in crate::documents) struct ProductEvent {
    /// Counts once within 10,000 records of a partition.
    #[schema(min_length = 1, max_length = 256)]
    id: String,
    #[schema(pattern = "^(ProductCreated|ProductUpdated|ProductDeleted|LowStockWarning)$")]
    r#type: String,
    timestamp: String,
    product: Product,
}

/// A product event as clients get it.
#[derive(ToSchema)]
pub(in crate::documents) struct BroadcastProductEvent {
    id: String,
    #[schema(pattern = "^(ProductCreated|ProductUpdated|ProductDeleted|LowStockWarning)$")]
    r#type: String,
    timestamp: String,
    product: Product,
    /// When it was sent to clients.
    #[schema(rename = "broadcastTimestamp", format = DateTime)]
    broadcast_timestamp: String,
}

/// A notification was stored, or another producer wants it to be.
#[derive(ToSchema)]
pub(in crate::documents) struct NotificationCreated {
    /// Another record with it is the same event.
    id: Uuid,
    #[schema(pattern = "^NotificationCreated$")]
    r#type: String,
    #[schema(format = DateTime)]
    timestamp: String,
    notification: Notification,
}

/// The greeting.
#[derive(ToSchema)]
pub(in crate::documents) struct Connected {
    message: String,
    /// The socket's id.
    id: String,
    #[schema(format = DateTime)]
    timestamp: String,
    /// Whether what was missed is told without a gap, in the same session.
    recovered: bool,
}

/// The answer to a ping.
#[derive(ToSchema)]
pub(in crate::documents) struct Pong {
    #[schema(format = DateTime)]
    timestamp: String,
}

/// The answer to a message.
#[derive(ToSchema)]
pub(in crate::documents) struct MessageAck {
    received: bool,
    /// The message.
    data: Value,
    #[schema(format = DateTime)]
    timestamp: String,
}

/// The acknowledgement of `subscribe`, `unsubscribe` and `refresh`.
#[derive(ToSchema)]
pub(in crate::documents) struct Subscribed {
    #[schema(pattern = "^(ok|error)$")]
    status: String,
    /// What is heard now, `["*"]` for all.
    #[schema(required = false)]
    channels: Vec<String>,
    /// Until when the new token is good.
    #[schema(rename = "expiresAt", format = DateTime, required = false)]
    expires_at: String,
    /// Why nothing changed.
    #[schema(required = false)]
    message: String,
    /// The same for programs.
    #[schema(required = false)]
    code: String,
}

/// What the client says of itself when it connects (`auth`).
#[derive(ToSchema)]
pub(in crate::documents) struct Authentication {
    /// The token, where one is asked for.
    #[schema(required = false)]
    token: String,
    /// What it wants to hear: all that it may, unless it names some.
    #[schema(required = false)]
    channels: Vec<String>,
    /// The cursor behind which it goes on, when its session is gone.
    #[schema(required = false)]
    resume: String,
}

/// The same for all clients of an instance.
#[derive(ToSchema)]
pub(in crate::documents) struct RandomString {
    #[schema(pattern = "^[A-Za-z0-9]{10}$")]
    value: String,
    /// Milliseconds since 1970.
    timestamp: u64,
}

/// Why the client is sent away.
#[derive(ToSchema)]
pub(in crate::documents) struct DemoError {
    message: String,
    #[schema(required = false)]
    code: String,
}

/// The acknowledgement of a ping.
#[derive(ToSchema)]
pub(in crate::documents) struct DemoPong {
    #[schema(pattern = "^ok$")]
    status: String,
    /// Milliseconds since 1970.
    timestamp: u64,
    /// Milliseconds since 1970.
    #[schema(rename = "serverTime")]
    server_time: u64,
}

/// Why a client is not let into a namespace.
#[derive(ToSchema)]
pub(in crate::documents) struct ConnectError {
    message: String,
    /// The same for programs, where the token is why.
    #[schema(required = false, nullable = false)]
    data: Option<RefusalData>,
}

/// What is wrong with a token.
#[derive(ToSchema)]
pub(in crate::documents) struct RefusalData {
    code: String,
    /// The status that a request would have.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
}
