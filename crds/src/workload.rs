//! Workloads as a user asks for them: one shape, but for `config`.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::ApiConfig;
use crate::notifications::NotificationsConfig;

/// A workload of a stack; `C` holds the settings that only it has.
#[derive(JsonSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Workload<C> {
    /// How many instances run. Default one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scaling: Option<Scaling>,

    /// What each pod asks for and may use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,

    /// Settings of the workload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<C>,

    /// Variables that win over those which the operator generates.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "crate::null::is_default")]
    #[schemars(
        length(max = 64),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"])
    )]
    pub env: Vec<EnvironmentVariable>,
}

/// The API.
pub type Api = Workload<ApiConfig>;

/// The consumer.
pub type Consumer = Workload<ConsumerConfig>;

/// The notifications service.
pub type Notifications = Workload<NotificationsConfig>;

/// How many instances a workload has.
#[derive(JsonSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Scaling {
    /// A number that the user gives.
    Fixed(FixedScaling),
}

impl Default for Scaling {
    fn default() -> Self {
        Self::Fixed(FixedScaling { replicas: 1 })
    }
}

/// A fixed number of instances.
#[derive(JsonSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FixedScaling {
    /// Number of instances.
    #[schemars(range(min = 1, max = 100))]
    pub replicas: u16,
}

/// Settings of the consumer.
#[derive(JsonSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConsumerConfig {
    /// Least level of the log records. Default `Info`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_level: Option<LogLevel>,

    /// Hours that an event stays in Postgres for clients that come back. Default 24. The newest 10000 always stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 8760))]
    pub feed_retention_hours: Option<u16>,
}

/// Least level of the log records.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum LogLevel {
    /// Somebody has to act.
    Error,
    /// Something is wrong and handled.
    Warn,
    /// What happened.
    #[default]
    Info,
    /// How it happened.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    /// The level in the syntax of log filters.
    pub const fn filter(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// One environment variable.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("!(self.name in ['REALTIME_STACK', 'REALTIME_NAMESPACE', 'REALTIME_POD'])")
        .message("env: REALTIME_STACK, REALTIME_NAMESPACE and REALTIME_POD say which instance a pod is; remove the variable"),
    validation = Rule::new("!(self.name in ['PORT', 'API_PORT', 'REALTIME_OPS_PORT'])")
        .message("env: Services and probes find a process by its ports, which are fixed; remove the variable"),
    validation = Rule::new("!(self.name == 'REALTIME_AUTH' || self.name.startsWith('REALTIME_JWT_'))")
        .message("env: who is asked for a token, and what it is checked with, is the matter of security.auth; set it there and remove the variable"),
    validation = Rule::new("!self.name.startsWith('REALTIME_LIMIT_')")
        .message("env: how often a client may do something is the matter of config.limits of api and notifications; set it there and remove the variable")
)]
pub struct EnvironmentVariable {
    /// Name of the variable.
    #[schemars(length(min = 1, max = 128), regex(pattern = r"^[A-Za-z_][A-Za-z0-9_]*$"))]
    pub name: String,

    /// Value of the variable. Anyone who can read the stack can read it: no secrets.
    #[schemars(length(max = 4096))]
    pub value: String,
}

/// What a pod asks for and may use.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("!has(self.requests) || !has(self.limits) || !has(self.requests.cpu) || !has(self.limits.cpu) || quantity(self.requests.cpu).compareTo(quantity(self.limits.cpu)) <= 0")
        .message("resources: requests.cpu is above limits.cpu; lower the request or raise the limit"),
    validation = Rule::new("!has(self.requests) || !has(self.limits) || !has(self.requests.memory) || !has(self.limits.memory) || quantity(self.requests.memory).compareTo(quantity(self.limits.memory)) <= 0")
        .message("resources: requests.memory is above limits.memory; lower the request or raise the limit")
)]
pub struct Resources {
    /// What is reserved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<ResourceAmounts>,

    /// What is the most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<ResourceAmounts>,
}

/// Amounts of processor and memory.
#[derive(JsonSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceAmounts {
    /// Processor as a quantity, as in `250m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 20), regex(pattern = r"^[0-9]+(\.[0-9]{1,3}|m)?$"))]
    pub cpu: Option<String>,

    /// Memory as a quantity, as in `256Mi`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 20), regex(pattern = r"^[1-9][0-9]*(Ki|Mi|Gi|Ti|k|M|G|T)?$"))]
    pub memory: Option<String>,
}
