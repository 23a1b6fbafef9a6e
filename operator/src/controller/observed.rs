//! What the cluster holds of a stack, as the watches tell it. A value: the pure steps read it, tests make it.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use kube::ResourceExt;

use super::object::Key;

/// What the cluster holds of a stack.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// Every object of a kind that the operator applies, by key.
    pub objects: BTreeMap<Key, ObservedObject>,
    /// Workloads.
    pub deployments: Vec<Arc<Deployment>>,
    /// Backends.
    pub stateful_sets: Vec<Arc<StatefulSet>>,
    /// Prepare steps.
    pub jobs: Vec<Arc<Job>>,
    /// Instances.
    pub pods: Vec<Arc<Pod>>,
    /// Volume claims.
    pub claims: Vec<Arc<PersistentVolumeClaim>>,
}

/// What matters of an object whose content does not.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ObservedObject {
    /// Its unique id.
    pub uid: String,
    /// Changes whenever its content does: the generation where the kind has one, else the resource version.
    pub version: String,
    /// Unique ids of its owners.
    pub owners: Vec<String>,
}

impl ObservedObject {
    /// What matters of an object.
    pub fn of<K: ResourceExt>(object: &K) -> Self {
        let metadata = object.meta();
        let version = match metadata.generation {
            Some(generation) => generation.to_string(),
            None => metadata.resource_version.clone().unwrap_or_default(),
        };
        Self {
            uid: metadata.uid.clone().unwrap_or_default(),
            version,
            owners: object.owner_references().iter().map(|owner| owner.uid.clone()).collect(),
        }
    }
}

impl Observed {
    /// The Deployment of that name.
    pub fn deployment(&self, name: &str) -> Option<&Deployment> {
        self.deployments.iter().find(|it| it.metadata.name.as_deref() == Some(name)).map(AsRef::as_ref)
    }

    /// The StatefulSet of that name.
    pub fn stateful_set(&self, name: &str) -> Option<&StatefulSet> {
        self.stateful_sets.iter().find(|it| it.metadata.name.as_deref() == Some(name)).map(AsRef::as_ref)
    }

    /// The Job of that name.
    pub fn job(&self, name: &str) -> Option<&Job> {
        self.jobs.iter().find(|it| it.metadata.name.as_deref() == Some(name)).map(AsRef::as_ref)
    }
}
