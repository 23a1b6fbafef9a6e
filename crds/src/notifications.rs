//! Settings of the notifications service.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clients::ClientSettings;
use crate::workload::LogLevel;

/// Settings of the notifications service.
#[derive(JsonSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NotificationsConfig {
    /// Least level of the log records. Default `Info`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_level: Option<LogLevel>,

    /// Topics whose events are on the stream; each must be a topic of the stack. Default `product-events` alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "crate::null::is_default")]
    #[schemars(
        length(max = 64),
        inner(length(min = 1, max = 200), regex(pattern = r"^[A-Za-z0-9][A-Za-z0-9._-]*$")),
        extend("x-kubernetes-list-type" = "set")
    )]
    pub topics: Vec<String>,

    /// What it has in common with the API.
    #[serde(flatten)]
    pub clients: ClientSettings,
}
