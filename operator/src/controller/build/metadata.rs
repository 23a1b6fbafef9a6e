//! Metadata that every object of a stack has.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::Resource;
use kube::api::ObjectMeta;
use realtime_crds::RealtimeStack;

use crate::controller::stack::ValidatedStack;

/// Hash of what a pod reads beside its template: another one, and the pod is replaced.
pub const CONTENT_HASH: &str = "realtimestack.io/content-hash";

/// The prepare step that had completed when a workload was applied.
pub const PREPARED_BY: &str = "realtimestack.io/prepared-by";

/// Metadata of an object that goes when its stack goes.
pub fn owned(stack: &ValidatedStack, name: String, labels: BTreeMap<String, String>) -> ObjectMeta {
    ObjectMeta {
        name: Some(name),
        namespace: Some(stack.namespace.clone()),
        labels: Some(labels),
        owner_references: Some(vec![owner(stack)]),
        ..ObjectMeta::default()
    }
}

/// The stack as an owner.
pub fn owner(stack: &ValidatedStack) -> OwnerReference {
    OwnerReference {
        api_version: RealtimeStack::api_version(&()).into_owned(),
        kind: RealtimeStack::kind(&()).into_owned(),
        name: stack.name.clone(),
        uid: stack.uid.clone(),
        controller: Some(true),
        block_owner_deletion: None,
    }
}
