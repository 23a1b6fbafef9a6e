//! The objects of a stack: their kinds, keys, and one object as it should be.

use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ConfigMap, Secret, Service, ServiceAccount};
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use kube::api::ApiResource;
use serde::Serialize;
use serde_json::Value;

use crate::hash::short_hash;

/// The kinds of objects that a stack has, in the order in which they are applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Identity of a workload.
    ServiceAccount,
    /// What a workload may do at the API server.
    Role,
    /// Who may.
    RoleBinding,
    /// Files of a backend.
    ConfigMap,
    /// Credentials.
    Secret,
    /// Addresses.
    Service,
    /// Backends.
    StatefulSet,
    /// Schema and topics.
    Job,
    /// Workloads.
    Deployment,
}

impl Kind {
    /// Where the API server serves it.
    pub fn resource(self) -> ApiResource {
        match self {
            Self::ServiceAccount => ApiResource::erase::<ServiceAccount>(&()),
            Self::Role => ApiResource::erase::<Role>(&()),
            Self::RoleBinding => ApiResource::erase::<RoleBinding>(&()),
            Self::ConfigMap => ApiResource::erase::<ConfigMap>(&()),
            Self::Secret => ApiResource::erase::<Secret>(&()),
            Self::Service => ApiResource::erase::<Service>(&()),
            Self::StatefulSet => ApiResource::erase::<StatefulSet>(&()),
            Self::Job => ApiResource::erase::<Job>(&()),
            Self::Deployment => ApiResource::erase::<Deployment>(&()),
        }
    }

    /// The kind's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ServiceAccount => "ServiceAccount",
            Self::Role => "Role",
            Self::RoleBinding => "RoleBinding",
            Self::ConfigMap => "ConfigMap",
            Self::Secret => "Secret",
            Self::Service => "Service",
            Self::StatefulSet => "StatefulSet",
            Self::Job => "Job",
            Self::Deployment => "Deployment",
        }
    }

    /// When its turn comes.
    pub const fn wave(self) -> Wave {
        match self {
            // A binding to a role that does not exist is refused.
            Self::ServiceAccount | Self::Role => Wave::Identity,
            Self::RoleBinding | Self::ConfigMap | Self::Secret | Self::Service => Wave::Foundation,
            Self::StatefulSet => Wave::Backends,
            Self::Job => Wave::Prepare,
            Self::Deployment => Wave::Workloads,
        }
    }
}

/// The order of applying: identities, what else pods refer to, backends, the prepare step, workloads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wave {
    /// Who pods are.
    Identity,
    /// What else pods refer to.
    Foundation,
    /// What holds data.
    Backends,
    /// Schema and topics.
    Prepare,
    /// What needs them.
    Workloads,
}

impl Wave {
    /// All waves in their order.
    pub const ALL: [Self; 5] = [Self::Identity, Self::Foundation, Self::Backends, Self::Prepare, Self::Workloads];
}

/// An object within the namespace of a stack.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Its kind.
    pub kind: Kind,
    /// Its name.
    pub name: String,
}

impl std::fmt::Display for Key {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} {}", self.kind.name(), self.name)
    }
}

/// An object as it should be.
#[derive(Clone, Debug, PartialEq)]
pub struct DesiredObject {
    /// Which.
    pub key: Key,
    /// The whole object, as server-side apply takes it.
    pub manifest: Value,
    /// Hash of the manifest.
    pub hash: String,
}

impl DesiredObject {
    /// An object of that kind. `object` carries `apiVersion`, `kind` and a name.
    pub fn new<K: Serialize>(kind: Kind, object: &K) -> Self {
        let manifest = serde_json::to_value(object).expect("Kubernetes objects have string keys only");
        let name = manifest["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        let hash = short_hash(manifest.to_string().as_bytes());
        Self { key: Key { kind, name }, manifest, hash }
    }
}
