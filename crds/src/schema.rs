//! Event types of the user's own.

use kube::KubeSchema;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// An event type beside the product events, and what its records look like.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("!(self.type in ['ProductCreated', 'ProductUpdated', 'ProductDeleted', 'LowStockWarning'])")
        .message("schemas: ProductCreated, ProductUpdated, ProductDeleted and LowStockWarning are there already, with a shape of their own; use another type"),
    validation = Rule::new("!(self.type in ['connection', 'heartbeat', 'gap'])")
        .message("schemas: connection, heartbeat and gap are what the stream itself says; use another type")
)]
pub struct EventSchema {
    /// The `type` of the records.
    #[serde(rename = "type")]
    #[schemars(length(min = 1, max = 128), regex(pattern = r"^[A-Za-z][A-Za-z0-9._-]*$"))]
    pub kind: String,

    /// JSON Schema of the whole record; draft 2020-12 unless its `$schema` says another. It must not refer to other documents.
    #[schemars(schema_with = "opaque")]
    pub schema: Map<String, Value>,
}

/// An object that the API server takes as it is. Its owner owns it whole: a schema that two have merged would be nobody's.
fn opaque(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "x-kubernetes-preserve-unknown-fields": true,
        "x-kubernetes-map-type": "atomic",
    })
}
