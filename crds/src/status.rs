//! The status: what the operator and the pods say.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is known of a stack. `instances` is written by the pods themselves, each its own entry; everything else by the operator.
#[derive(JsonSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RealtimeStackStatus {
    /// Generation of the spec that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// Version of the operator that applied the stack last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,

    /// Ready, Reconciled, Progressing, Degraded, Paused, UpgradePending: always all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,

    /// Each part of the stack.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub components: Vec<ComponentStatus>,

    /// What each pod of a workload says of itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 512),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["pod"])
    )]
    pub instances: Vec<InstanceStatus>,

    /// Addresses within the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoints: Option<Endpoints>,
}

/// One part of a stack.
#[derive(JsonSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ComponentStatus {
    /// The component's name.
    pub name: String,
    /// Who runs it.
    pub mode: ComponentMode,
    /// How it is.
    pub state: ComponentState,
    /// Instances that are ready.
    pub ready: i32,
    /// Instances that should be.
    pub desired: i32,
    /// Tag of its image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Why it is not ready, in one word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why it is not ready: which pod, which reason, what to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// Who runs a component.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ComponentMode {
    /// The operator.
    Managed,
}

/// How a component is.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ComponentState {
    /// Every instance is ready and current.
    Ready,
    /// Instances are being created or replaced.
    RollingOut,
    /// Fewer instances are ready than should be, or one says that a dependency is away.
    NotReady,
    /// It has no instances on request.
    Stopped,
}

/// What one pod says of itself.
#[derive(JsonSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InstanceStatus {
    /// Name of the pod.
    #[schemars(length(min = 1, max = 253))]
    pub pod: String,
    /// Name of its component.
    #[schemars(length(min = 1, max = 63))]
    pub component: String,
    /// Whether each dependency serves.
    pub ready: bool,
    /// Each dependency.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 16),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"])
    )]
    pub dependencies: Vec<DependencyStatus>,
    /// When this became so, RFC 3339.
    #[schemars(length(max = 40))]
    pub since: String,
}

/// What a pod says of one dependency.
#[derive(JsonSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DependencyStatus {
    /// Name of the dependency: a component's name.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,
    /// Whether it serves.
    pub ready: bool,
    /// How it is, from a closed set of sentences.
    #[schemars(length(max = 256))]
    pub message: String,
}

/// Addresses within the cluster.
#[derive(JsonSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Endpoints {
    /// The API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api: Option<String>,
    /// The notifications service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notifications: Option<String>,
}
