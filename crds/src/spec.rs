//! The spec: what a user asks for.

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::backend::Backend;
use crate::schema::EventSchema;
use crate::security::Security;
use crate::status::RealtimeStackStatus;
use crate::workload::{Api, Consumer, Notifications};

/// A realtime platform in one namespace: API, consumer and notifications over Redis, Kafka and Postgres.
#[derive(CustomResource, KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[x_kube(validation = Rule::new("!(has(self.operation) && has(self.operation.state) && self.operation.state == 'Stopped' && has(oldSelf.operation) && has(oldSelf.operation.state) && oldSelf.operation.state == 'Stopped') || (has(self.deletionPolicy) && has(self.deletionPolicy.volumes) ? self.deletionPolicy.volumes : 'Retain') == (has(oldSelf.deletionPolicy) && has(oldSelf.deletionPolicy.volumes) ? oldSelf.deletionPolicy.volumes : 'Retain')")
    .message("deletionPolicy.volumes cannot change while the stack is stopped: Kubernetes changes the owner of volumes only together with their pods; set operation.state to Running first"))]
#[x_kube(validation = Rule::new("!has(self.notifications) || !has(self.notifications.config) || !has(self.notifications.config.topics) || self.notifications.config.topics.all(name, name in ['notifications', 'product-events'] || (has(self.topics) && self.topics.exists(topic, topic.name == name)))")
    .message(Message::Expression("'notifications.config.topics: ' + self.notifications.config.topics.filter(name, !(name in ['notifications', 'product-events'] || (has(self.topics) && self.topics.exists(topic, topic.name == name))))[0] + ' is no topic of the stack; add it to spec.topics, or take it out'".to_owned())))]
#[x_kube(validation = Rule::new("!has(self.notifications) || !has(self.notifications.config) || !has(self.notifications.config.limits) || !has(self.notifications.config.limits.publish)")
    .message("notifications.config.limits.publish: nothing is published at notifications; set it at the API, or take it out"))]
#[x_kube(validation = Rule::new("(has(self.security) && has(self.security.auth) && has(self.security.auth.jwt)) || !((has(self.api) && has(self.api.config) && has(self.api.config.limits) && has(self.api.config.limits.user)) || (has(self.notifications) && has(self.notifications.config) && has(self.notifications.config.limits) && has(self.notifications.config.limits.user)))")
    .message("limits.user: users are told apart by their tokens, and nobody is asked for one; set security.auth.jwt, or take the limit out"))]
#[kube(
    group = "realtimestack.io",
    version = "v1alpha1",
    kind = "RealtimeStack",
    plural = "realtimestacks",
    shortname = "rts",
    category = "realtime",
    namespaced,
    cel,
    status = "RealtimeStackStatus",
    derive = "PartialEq",
    doc = "A realtime platform in one namespace: API, consumer and notifications over Redis, Kafka and Postgres.",
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status",
        description = "Whether the current generation is applied and every workload and backend is available"
    ),
    printcolumn(
        name = "Status",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].reason",
        description = "Why the stack is ready or not"
    ),
    printcolumn(
        name = "Version",
        type_ = "string",
        json_path = ".status.version",
        description = "Version of the operator that applied the stack last"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].message",
        description = "The same in a sentence",
        priority = 1
    ),
    validation = Rule::new("self.metadata.name.size() <= 38")
        .message("metadata.name may have at most 38 characters: the names of the stack's objects start with it; choose a shorter one"),
    validation = Rule::new("self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')")
        .message("metadata.name must start with a letter and hold only lower-case letters, digits and '-': Services are named after it; rename the stack")
)]
#[serde(rename_all = "camelCase")]
pub struct RealtimeStackSpec {
    /// Whether the stack runs and whether it is reconciled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<Operation>,

    /// What becomes of the data when the stack is deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion_policy: Option<DeletionPolicy>,

    /// Where the images of our own binaries come from. Backends' images are the installation's choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Image>,

    /// Who may use what clients connect to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security: Option<Security>,

    /// REST, Socket.IO and server-sent events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api: Option<Api>,

    /// Events to Postgres and back to the browsers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consumer: Option<Consumer>,

    /// Kafka to browsers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notifications: Option<Notifications>,

    /// Cache and tail of the feed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redis: Option<Backend>,

    /// The log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kafka: Option<Backend>,

    /// The store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postgres: Option<Backend>,

    /// Topics beside or in place of the defaults `notifications` and `product-events` (6 partitions each), which always exist.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "crate::null::is_default")]
    #[schemars(
        length(max = 64),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"])
    )]
    pub topics: Vec<Topic>,

    /// Event types beside the product events. A record of a type that is in neither is invalid, and is skipped.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "crate::null::is_default")]
    #[schemars(
        length(max = 64),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"])
    )]
    pub schemas: Vec<EventSchema>,
}

/// Whether the stack runs and whether it is reconciled.
#[derive(JsonSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Operation {
    /// `Stopped` scales everything to zero and keeps the data. Default `Running`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<RunState>,

    /// `Paused` leaves every object as it is and goes on to report. Default `Active`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reconciliation: Option<Reconciliation>,
}

/// Whether pods run.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum RunState {
    /// Pods run.
    #[default]
    Running,
    /// No pods; volumes stay.
    Stopped,
}

/// Whether the operator writes.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reconciliation {
    /// The operator makes the cluster hold what the spec says.
    #[default]
    Active,
    /// The operator only reports.
    Paused,
}

/// What becomes of the data when the stack is deleted.
#[derive(JsonSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeletionPolicy {
    /// Volumes and the credentials that belong to them. Default `Retain`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volumes: Option<VolumePolicy>,
}

/// What becomes of volumes and their credentials.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum VolumePolicy {
    /// They stay, and the next stack of that name adopts them.
    #[default]
    Retain,
    /// They are deleted with the stack.
    Delete,
}

/// Where the images of our own binaries come from.
#[derive(JsonSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Image {
    /// Registry and path before the image's name, as in `registry.example.com/realtime`. Default: the installation's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 255), regex(pattern = r"^[a-z0-9][-a-z0-9._:/]*[a-z0-9]$"))]
    pub registry: Option<String>,

    /// Tag of the images. Default: the installation's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128), regex(pattern = r"^[A-Za-z0-9_][A-Za-z0-9._-]*$"))]
    pub tag: Option<String>,

    /// When images are pulled, backends' included. Default `IfNotPresent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull_policy: Option<PullPolicy>,

    /// Names of Secrets with registry credentials, in the stack's namespace.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "crate::null::is_default")]
    #[schemars(length(max = 8), inner(length(min = 1, max = 253)), extend("x-kubernetes-list-type" = "set"))]
    pub pull_secrets: Vec<String>,
}

/// When images are pulled.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PullPolicy {
    /// At every start.
    Always,
    /// When the node does not have it.
    #[default]
    IfNotPresent,
    /// Never: the node must have it.
    Never,
}

impl PullPolicy {
    /// Kubernetes' word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Always => "Always",
            Self::IfNotPresent => "IfNotPresent",
            Self::Never => "Never",
        }
    }
}

/// A topic.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("(has(self.partitions) ? self.partitions : 6) >= (has(oldSelf.partitions) ? oldSelf.partitions : 6)")
        .message("partitions cannot shrink: Kafka only adds partitions, and 6 is the default; set at least the old number or use a new topic"),
    validation = Rule::new("!(self.name in ['notifications', 'product-events']) || !has(self.partitions) || self.partitions >= 6")
        .message("topics: notifications and product-events always exist with at least 6 partitions; set 6 or more, or leave partitions out")
)]
pub struct Topic {
    /// Name in Kafka.
    #[schemars(length(min = 1, max = 200), regex(pattern = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"))]
    pub name: String,

    /// Number of partitions. Default 6.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 256))]
    pub partitions: Option<u16>,
}
