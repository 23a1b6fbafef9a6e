use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::ToSchema;

/// What this is.
#[derive(ToSchema)]
pub(in crate::documents) struct Information {
    name: String,
    version: String,
    /// Paths by what is there.
    endpoints: BTreeMap<String, String>,
}

/// How the API is.
#[derive(ToSchema)]
pub(in crate::documents) struct Health {
    /// `degraded` without Kafka or Redis, `unhealthy` without Postgres.
    #[schema(pattern = "^(healthy|degraded|unhealthy)$")]
    status: String,
    #[schema(format = DateTime)]
    timestamp: String,
    /// By the backend's name.
    services: BTreeMap<String, DependencyHealth>,
}

/// How a backend is.
#[derive(ToSchema)]
pub(in crate::documents) struct DependencyHealth {
    #[schema(pattern = "^(healthy|unhealthy)$")]
    status: String,
    message: String,
}

/// How the namespace `/demo` is.
#[derive(ToSchema)]
pub(in crate::documents) struct WebsocketHealth {
    #[schema(pattern = "^(healthy|unhealthy)$")]
    status: String,
    /// Connections of this instance.
    #[schema(required = false)]
    connections: u64,
    /// Connections by address, or the number of addresses where showing them is not permitted.
    #[schema(rename = "connectionsByIP", required = false)]
    connections_by_ip: Value,
    /// Milliseconds since 1970.
    #[schema(required = false)]
    timestamp: u64,
    /// Why it is unhealthy.
    #[schema(required = false)]
    message: String,
}

/// The cache is empty.
#[derive(ToSchema)]
pub(in crate::documents) struct CacheCleared {
    message: String,
}

/// A counter in Redis.
#[derive(ToSchema)]
pub(in crate::documents) struct Counter {
    message: String,
    /// One more each time.
    counter: i64,
}

/// What the instances of the stack do, by counters since the start of each.
#[derive(ToSchema)]
pub(in crate::documents) struct Figures {
    #[schema(format = DateTime)]
    timestamp: String,
    /// False when only the instance that answers is known, because Redis is away.
    complete: bool,
    instances: Vec<InstanceFigures>,
}

/// What an instance does.
#[derive(ToSchema)]
pub(in crate::documents) struct InstanceFigures {
    /// Its pod.
    instance: String,
    /// `api` or `notifications`.
    component: String,
    connections: OpenConnections,
    /// Events that were written to a connection or wait for it.
    delivered: u64,
    /// Notifications taken from senders.
    published: u64,
    /// Connections that ended, by the reason.
    closed: BTreeMap<String, u64>,
    /// Subscriptions, by how they began.
    resumed: BTreeMap<String, u64>,
    #[schema(rename = "uptimeSeconds")]
    uptime_seconds: u64,
}

/// Open connections by how they are made.
#[derive(ToSchema)]
pub(in crate::documents) struct OpenConnections {
    sse: u64,
    websocket: u64,
    polling: u64,
}

/// The stack as its resource's status says.
#[derive(ToSchema)]
pub(in crate::documents) struct Stack {
    name: String,
    namespace: String,
    ready: bool,
    /// Why it is ready or not.
    message: String,
    components: Vec<StackComponent>,
}

/// A component of the stack.
#[derive(ToSchema)]
pub(in crate::documents) struct StackComponent {
    name: String,
    state: String,
    /// Instances that are ready.
    ready: i64,
    /// Instances that there should be.
    desired: i64,
    /// Tag of its image.
    #[schema(required = false, nullable = false)]
    version: Option<String>,
    /// Why it is not ready, in one word.
    #[schema(required = false, nullable = false)]
    reason: Option<String>,
    #[schema(required = false, nullable = false)]
    message: Option<String>,
}

/// Why a request of Socket.IO is not answered.
#[derive(ToSchema)]
pub(in crate::documents) struct EngineProblem {
    /// The number that Engine.IO has for it.
    code: u8,
    message: String,
}
