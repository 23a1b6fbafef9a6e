//! The build step: every object of a stack. Pure, deterministic, and it cannot fail, because validate has refused what could.

pub mod config_map;
pub mod deployment;
pub mod job;
pub mod labels;
pub mod metadata;
pub mod pod;
pub mod role;
pub mod secret;
pub mod service;
pub mod service_account;
pub mod stateful_set;

#[cfg(test)]
mod tests;

use super::object::{DesiredObject, Kind};
use super::stack::ValidatedStack;

/// Every object of the stack, in the order in which they are applied.
pub fn build(stack: &ValidatedStack) -> Vec<DesiredObject> {
    let mut objects = vec![
        DesiredObject::new(Kind::Role, &role::readiness_report(stack)),
        DesiredObject::new(Kind::RoleBinding, &role::readiness_report_binding(stack)),
        DesiredObject::new(Kind::Role, &role::stack_reader(stack)),
        DesiredObject::new(Kind::RoleBinding, &role::stack_reader_binding(stack)),
    ];
    for name in &stack.generated_secrets {
        objects.push(DesiredObject::new(Kind::Secret, &secret::ownership(stack, name)));
    }
    for backend in &stack.backends {
        objects.push(DesiredObject::new(
            Kind::ConfigMap,
            &config_map::config_map(stack, backend.component, &backend.files),
        ));
        objects.push(DesiredObject::new(Kind::Service, &service::of_backend(stack, backend)));
        objects.push(DesiredObject::new(Kind::StatefulSet, &stateful_set::stateful_set(stack, backend)));
    }
    if stack.running {
        objects.push(DesiredObject::new(Kind::Job, &job::prepare(stack)));
    }
    for workload in &stack.workloads {
        if !workload.files.is_empty() {
            let files = config_map::config_map(stack, workload.component, &workload.files);
            objects.push(DesiredObject::new(Kind::ConfigMap, &files));
        }
        objects.push(DesiredObject::new(Kind::ServiceAccount, &service_account::service_account(stack, workload)));
        objects.push(DesiredObject::new(Kind::Service, &service::of_workload(stack, workload)));
        objects.push(DesiredObject::new(Kind::Deployment, &deployment::deployment(stack, workload)));
    }
    objects.sort_by(|left, right| left.key.cmp(&right.key));
    objects
}
