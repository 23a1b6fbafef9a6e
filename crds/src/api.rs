//! Settings of the API.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clients::ClientSettings;
use crate::workload::LogLevel;

/// Settings of the API.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiConfig {
    /// Least level of the log records. Default `Info`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_level: Option<LogLevel>,

    /// What a client of Socket.IO sends at once at most, as a quantity: one message, or the body of one request of long polling. Default
    /// `128Ki`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 20), regex(pattern = r"^[1-9][0-9]*(Ki|Mi|k|M)?$"))]
    #[x_kube(validation = Rule::new("quantity(self).compareTo(quantity('1Ki')) >= 0 && quantity(self).compareTo(quantity('16Mi')) <= 0")
        .message("socketPayload must be from 1Ki to 16Mi; correct it"))]
    pub socket_payload: Option<String>,

    /// Signs of life of Socket.IO.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub socket_ping: Option<SocketPing>,

    /// The namespace `/demo` of Socket.IO.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub demo: Option<Demo>,

    /// What it has in common with notifications.
    #[serde(flatten)]
    pub clients: ClientSettings,
}

/// How often clients of Socket.IO are asked for a sign of life, and how long they have for it.
#[derive(JsonSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SocketPing {
    /// Seconds between two pings. Default 25.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 60))]
    pub interval_seconds: Option<u16>,

    /// Seconds that a client has for its answer; without one it is cut off. Default 60.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 60))]
    pub timeout_seconds: Option<u16>,
}

/// The namespace `/demo` of Socket.IO.
#[derive(JsonSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Demo {
    /// Connections of one client address at most, over all instances. Default 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub connections_per_address: Option<u32>,

    /// Pings of one connection at most; with one more it is closed. Default 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub pings_per_client: Option<u32>,

    /// Seconds from one random string to the next, by chance between the two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_seconds: Option<Delay>,

    /// Whether `GET /api/websocket/health` shows the addresses of clients to whoever asks. Default `false`: it shows their number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub show_addresses: Option<bool>,
}

/// Seconds between two events, by chance from the shortest to the longest.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("(has(self.shortest) ? self.shortest : 5) <= (has(self.longest) ? self.longest : 15)")
    .message("delaySeconds: shortest is above longest, and 5 and 15 are the defaults; lower shortest or raise longest"))]
pub struct Delay {
    /// Default 5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 3600))]
    pub shortest: Option<u16>,

    /// Default 15.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 3600))]
    pub longest: Option<u16>,
}
