//! Redis, Kafka and Postgres as a user asks for them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::workload::Resources;

/// How a stack comes by a backend.
#[derive(JsonSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Backend {
    /// The operator runs it: one instance with a volume.
    Managed(#[serde(deserialize_with = "crate::null::is_default")] ManagedBackend),
}

impl Default for Backend {
    fn default() -> Self {
        Self::Managed(ManagedBackend::default())
    }
}

/// A backend that the operator runs.
#[derive(JsonSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ManagedBackend {
    /// Its volume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<Storage>,

    /// What its pod asks for and may use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
}

/// A volume. Its size and class are fixed once it exists: the operator refuses others for a volume that is there.
#[derive(JsonSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Storage {
    /// Size as a quantity, as in `10Gi`. Default `1Gi` for Redis, `5Gi` for Kafka and Postgres.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 20), regex(pattern = r"^[1-9][0-9]*(Mi|Gi|Ti|M|G|T)$"))]
    pub size: Option<String>,

    /// StorageClass. Default: the cluster's default class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub class: Option<String>,
}
