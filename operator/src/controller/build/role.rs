//! What workloads may do at the API server: write their own entry into the status of their own stack, and nothing else.

use k8s_openapi::api::rbac::v1::{PolicyRule, Role, RoleBinding, RoleRef, Subject};
use kube::Resource;
use realtime_crds::RealtimeStack;

use super::{labels, metadata};
use crate::controller::stack::ValidatedStack;

fn name(stack: &ValidatedStack) -> String {
    format!("{}-readiness-report", stack.name)
}

/// The right to patch the status of this one stack; the admission policy limits it to the pod's own entry.
pub fn role(stack: &ValidatedStack) -> Role {
    Role {
        metadata: metadata::owned(stack, name(stack), labels::of_stack(&stack.name)),
        rules: Some(vec![PolicyRule {
            api_groups: Some(vec![RealtimeStack::group(&()).into_owned()]),
            resources: Some(vec![format!("{}/status", RealtimeStack::plural(&()))]),
            resource_names: Some(vec![stack.name.clone()]),
            verbs: vec!["patch".to_owned()],
            ..PolicyRule::default()
        }]),
    }
}

/// That right for the workloads.
pub fn role_binding(stack: &ValidatedStack) -> RoleBinding {
    let subjects = stack.workloads.iter().map(|workload| Subject {
        kind: "ServiceAccount".to_owned(),
        name: stack.object_name(workload.component),
        namespace: Some(stack.namespace.clone()),
        ..Subject::default()
    });
    RoleBinding {
        metadata: metadata::owned(stack, name(stack), labels::of_stack(&stack.name)),
        role_ref: RoleRef {
            api_group: "rbac.authorization.k8s.io".to_owned(),
            kind: "Role".to_owned(),
            name: name(stack),
        },
        subjects: Some(subjects.collect()),
    }
}
