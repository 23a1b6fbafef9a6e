//! Settings of the workloads that clients connect to: the API and the notifications service.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which clients are served, how many, and how they come back. Its fields stand among the workload's own, so its rules do, too: the
/// struct that takes it in must have none of its own, or schemars leaves these out.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("!has(self.corsOrigins) || !('*' in self.corsOrigins) || self.corsOrigins.size() == 1")
        .message("corsOrigins: '*' allows every origin, so it must stand alone; remove it or the others"),
    validation = Rule::new("!has(self.trustedProxies) || self.trustedProxies.all(network, isCIDR(network) && cidr(network) == cidr(network).masked())")
        .message("trustedProxies: each must be a network in CIDR notation without bits behind its prefix, such as 10.0.0.0/8 or fd00::/8; correct it")
)]
pub struct ClientSettings {
    /// Origins whose pages may use the service, or `*` alone. Default at the API: the local development servers of React and Vite; at
    /// notifications: `*`.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "crate::null::is_default")]
    #[schemars(length(max = 32), inner(length(min = 1, max = 255), regex(pattern = r"^(\*|https?://[^/,\s]+)$")))]
    pub cors_origins: Vec<String>,

    /// How many connections an instance has at most: streams, and at the API the sessions of Socket.IO with them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connections: Option<ConnectionLimits>,

    /// Networks in CIDR notation whose `X-Forwarded-For` is believed: those of the proxies in front of the service. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "crate::null::is_default")]
    #[schemars(
        length(max = 32),
        inner(length(min = 1, max = 49), regex(pattern = r"^[0-9A-Fa-f.:]+/[0-9]{1,3}$")),
        extend("x-kubernetes-list-type" = "set")
    )]
    pub trusted_proxies: Vec<String>,

    /// Seconds after which a stream of server-sent events is closed to come back, less up to a fifth by chance. Default 3600; 0 for never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 604_800))]
    pub max_age_seconds: Option<u32>,

    /// The newest events that an instance keeps in memory, for clients that come back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ring: Option<Ring>,

    /// How often a client may do something. Default: as often as it likes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<RateLimits>,
}

/// How often a client may do something, counted over all instances. Without Redis each instance counts by itself.
#[derive(JsonSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RateLimits {
    /// Requests, streams and connections of one client address; IPv6 counts by network of 64 bits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Rate>,

    /// The same of one user, who is the claim `sub` of a token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Rate>,

    /// Notifications that one user publishes, or one address where nobody is asked who he is. At the API only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publish: Option<Rate>,

    /// Streams and connections that one user opens, and each `subscribe` of Socket.IO, which counts once for all channels that it names; or
    /// those of one address, where nobody is asked who he is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscribe: Option<Rate>,
}

/// A rate. Who has been quiet may do more at once for a moment.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rate {
    /// How many a second, in the long run.
    #[schemars(range(min = 1, max = 100_000))]
    pub per_second: u32,

    /// How many at once at most. Default: as many as `perSecond`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub burst: Option<u32>,
}

/// How many connections an instance has at most.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!has(self.max) || !has(self.maxPerAddress) || self.maxPerAddress <= self.max")
    .message("connections: maxPerAddress is above max, so it would never be reached; lower it or raise max"))]
pub struct ConnectionLimits {
    /// Of all clients together. Default: what the limit of open files allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max: Option<u32>,

    /// Of one client address. Default: no limit, because behind an ingress all clients have its address, unless it is a trusted proxy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_per_address: Option<u32>,
}

/// The newest events that an instance keeps in memory; the lower of both limits counts.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!has(self.size) || (quantity(self.size).compareTo(quantity('1Mi')) >= 0 && quantity(self.size).compareTo(quantity('2Gi')) <= 0)")
    .message("ring: size must be from 1Mi to 2Gi; correct it"))]
pub struct Ring {
    /// Number of events. Default 10000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub events: Option<u32>,

    /// Their size as a quantity, as in `16Mi`, which is the default. At most half of the memory that an instance may use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 20), regex(pattern = r"^[1-9][0-9]*(Ki|Mi|Gi|k|M|G)$"))]
    pub size: Option<String>,
}
