//! What workloads may do at the API server: write their own entry into the status of their own stack; the API also reads that stack, because
//! it shows its status. Nothing else.

use k8s_openapi::api::rbac::v1::{PolicyRule, Role, RoleBinding, RoleRef, Subject};
use kube::Resource;
use realtime_contract::Component;
use realtime_crds::RealtimeStack;

use super::{labels, metadata};
use crate::controller::stack::ValidatedStack;

const READINESS_REPORT: &str = "readiness-report";
const STACK_READER: &str = "stack-reader";

/// The right to patch the status of this one stack; the admission policy limits it to the pod's own entry.
pub fn readiness_report(stack: &ValidatedStack) -> Role {
    role(stack, READINESS_REPORT, format!("{}/status", RealtimeStack::plural(&())), "patch")
}

/// That right for the workloads.
pub fn readiness_report_binding(stack: &ValidatedStack) -> RoleBinding {
    binding(stack, READINESS_REPORT, stack.workloads.iter().map(|workload| workload.component))
}

/// The right to read this one stack.
pub fn stack_reader(stack: &ValidatedStack) -> Role {
    role(stack, STACK_READER, RealtimeStack::plural(&()).into_owned(), "get")
}

/// That right for the API.
pub fn stack_reader_binding(stack: &ValidatedStack) -> RoleBinding {
    binding(stack, STACK_READER, [Component::Api])
}

fn role(stack: &ValidatedStack, name: &str, resource: String, verb: &str) -> Role {
    Role {
        metadata: metadata::owned(stack, format!("{}-{name}", stack.name), labels::of_stack(&stack.name)),
        rules: Some(vec![PolicyRule {
            api_groups: Some(vec![RealtimeStack::group(&()).into_owned()]),
            resources: Some(vec![resource]),
            resource_names: Some(vec![stack.name.clone()]),
            verbs: vec![verb.to_owned()],
            ..PolicyRule::default()
        }]),
    }
}

fn binding(stack: &ValidatedStack, role: &str, components: impl IntoIterator<Item = Component>) -> RoleBinding {
    let name = format!("{}-{role}", stack.name);
    let subjects = components.into_iter().map(|component| Subject {
        kind: "ServiceAccount".to_owned(),
        name: stack.object_name(component),
        namespace: Some(stack.namespace.clone()),
        ..Subject::default()
    });
    RoleBinding {
        metadata: metadata::owned(stack, name.clone(), labels::of_stack(&stack.name)),
        role_ref: RoleRef { api_group: "rbac.authorization.k8s.io".to_owned(), kind: "Role".to_owned(), name },
        subjects: Some(subjects.collect()),
    }
}
