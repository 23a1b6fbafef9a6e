//! A stack that nothing is left to say against: the model that the builders read.
//!
//! What makes one component different from another is data here, so that no builder has to know a component by its name.

use std::collections::BTreeMap;

use realtime_contract::Component;
use realtime_contract::topic::Topic;
use realtime_crds::{PullPolicy, Resources};

/// Keys of the generated credentials Secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CredentialKey {
    /// Password of the workloads' role at Redis.
    Redis,
    /// Password of the workloads' user at Kafka.
    Kafka,
    /// Password that Kafka's brokers use among themselves.
    KafkaBroker,
    /// Password of the workloads' role at Postgres.
    Postgres,
    /// Signs the cursors that clients resume with.
    Cursor,
}

impl CredentialKey {
    /// All keys.
    pub const ALL: [Self; 5] = [Self::Redis, Self::Kafka, Self::KafkaBroker, Self::Postgres, Self::Cursor];

    /// The key in the Secret.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Redis => "redis-password",
            Self::Kafka => "kafka-password",
            Self::KafkaBroker => "kafka-broker-password",
            Self::Postgres => "postgres-password",
            Self::Cursor => "cursor-key",
        }
    }

    /// Whether a Secret that lacks the key gets it. One of an older stack never had it, and nobody else relies on its value; a password
    /// that is missing was taken out by somebody, and another one would interrupt the stack.
    pub const fn is_added(self) -> bool {
        match self {
            Self::Cursor => true,
            Self::Redis | Self::Kafka | Self::KafkaBroker | Self::Postgres => false,
        }
    }
}

/// A stack that can be built: every default resolved, every reference read, every contradiction refused.
#[derive(Clone, Debug, PartialEq)]
pub struct ValidatedStack {
    /// Name of the stack.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Its unique id: the owner of what is built.
    pub uid: String,
    /// Whether pods are wanted.
    pub running: bool,
    /// Whether the operator may write.
    pub active: bool,
    /// Whether volumes and credentials outlive the stack.
    pub retain_volumes: bool,
    /// When images are pulled.
    pub pull_policy: PullPolicy,
    /// Secrets with registry credentials.
    pub pull_secrets: Vec<String>,
    /// Topics that the prepare step creates.
    pub topics: Vec<Topic>,
    /// Content hash of each credential.
    pub credentials: BTreeMap<CredentialKey, String>,
    /// Names of the generated Secrets.
    pub generated_secrets: Vec<String>,
    /// Name of a Secret of the user's whose changes nothing tells of.
    pub unwatched_secret: Option<String>,
    /// Workloads in the order of the status.
    pub workloads: Vec<ValidatedWorkload>,
    /// Backends in the order of the status.
    pub backends: Vec<ValidatedBackend>,
    /// Runs once before workloads of this version.
    pub prepare: ValidatedPrepare,
}

impl ValidatedStack {
    /// Name of the object of a component.
    pub fn object_name(&self, component: Component) -> String {
        object_name(&self.name, component)
    }
}

/// Name of the object of a component.
pub fn object_name(stack: &str, component: Component) -> String {
    format!("{stack}-{component}")
}

/// Name of the volume claim of a backend: StatefulSets name it after the template, themselves and the ordinal.
pub fn claim_name(stack: &str, component: Component) -> String {
    format!("data-{}-0", object_name(stack, component))
}

/// Name of the generated Secret of a stack.
pub fn credentials_name(stack: &str) -> String {
    format!("{stack}-credentials")
}

/// Name of the generated Secret that tokens are checked with.
pub fn auth_name(stack: &str) -> String {
    format!("{stack}-auth")
}

/// Where a variable's value comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A text that anyone may read.
    Literal(String),
    /// A key of the credentials Secret.
    Credential(CredentialKey),
    /// A key of another Secret.
    Secret {
        /// Name of the Secret.
        name: String,
        /// The key.
        key: &'static str,
        /// Content hash of the value.
        hash: String,
    },
    /// The name of the pod.
    PodName,
}

/// Variables by name.
pub type Environment = BTreeMap<String, Value>;

/// A workload that can be built.
#[derive(Clone, Debug, PartialEq)]
pub struct ValidatedWorkload {
    /// Which.
    pub component: Component,
    /// Full reference of its image.
    pub image: String,
    /// Instances when the stack runs.
    pub replicas: i32,
    /// Requests and limits.
    pub resources: Resources,
    /// Variables of its container.
    pub environment: Environment,
    /// Files of its ConfigMap, mounted read-only at [`CONFIGURATION_PATH`]; without any there is neither.
    pub files: BTreeMap<String, String>,
    /// Port for clients, when it has clients.
    pub http_port: Option<u16>,
    /// Seconds for which a client stays with one instance after its last new connection, where it has to, as for long polling.
    pub sticky: Option<i32>,
    /// How its pods give way to others.
    pub replacement: Replacement,
}

/// How the pods of a workload give way to others. All in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replacement {
    /// How long a new pod must have been ready before the next old one ends.
    pub settle: Option<i32>,
    /// How long a pod that ends goes on to listen, until every node has taken it out of the Service.
    pub leave: Option<i64>,
    /// How long a pod may take to end, `leave` included.
    pub grace: i64,
}

/// The step before workloads start: schema and topics.
#[derive(Clone, Debug, PartialEq)]
pub struct ValidatedPrepare {
    /// Full reference of its image.
    pub image: String,
    /// Variables of its container.
    pub environment: Environment,
    /// Requests and limits.
    pub resources: Resources,
}

/// A backend that can be built: one instance, one volume, started by a script that works in the official image.
#[derive(Clone, Debug, PartialEq)]
pub struct ValidatedBackend {
    /// Which.
    pub component: Component,
    /// Full reference of its image.
    pub image: String,
    /// User and group that the official image runs as.
    pub user: i64,
    /// Requests and limits.
    pub resources: Resources,
    /// Its volume.
    pub volume: Volume,
    /// Files of its ConfigMap, mounted read-only at [`CONFIGURATION_PATH`]; `start.sh` is what runs.
    pub files: BTreeMap<String, String>,
    /// Variables of its container.
    pub environment: Environment,
    /// Directories that it writes to beside its volume.
    pub scratch: Vec<Scratch>,
    /// Named ports, the clients' first.
    pub ports: Vec<(&'static str, u16)>,
    /// How to tell that it serves.
    pub readiness: Readiness,
    /// What is run before it is told to end, where the signal alone does not end it quickly.
    pub before_stop: Option<Vec<String>>,
    /// Seconds that it may take to end.
    pub grace_seconds: i64,
}

/// Where a container finds the files of its ConfigMap.
pub const CONFIGURATION_PATH: &str = "/etc/realtime";

/// A backend's volume.
#[derive(Clone, Debug, PartialEq)]
pub struct Volume {
    /// Where it is mounted.
    pub path: &'static str,
    /// Size as a quantity.
    pub size: String,
    /// StorageClass, or the cluster's default.
    pub class: Option<String>,
}

/// A directory that is empty at start.
#[derive(Clone, Debug, PartialEq)]
pub struct Scratch {
    /// Name of the volume.
    pub name: &'static str,
    /// Where it is mounted.
    pub path: &'static str,
    /// Whether it is held in memory.
    pub memory: bool,
}

/// How to tell that a backend serves.
#[derive(Clone, Debug, PartialEq)]
pub enum Readiness {
    /// The port accepts connections.
    Port(u16),
    /// The command ends with 0.
    Command(Vec<String>),
}
