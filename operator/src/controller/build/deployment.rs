//! Deployments: one for each workload.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment};
use k8s_openapi::api::core::v1::{Container, Lifecycle, LifecycleHandler, PodSpec, PodTemplateSpec, SleepAction};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::api::ObjectMeta;
use realtime_contract::{paths, ports};

use super::{job, labels, metadata, pod};
use crate::controller::stack::{ValidatedStack, ValidatedWorkload};

/// The Deployment of a workload.
pub fn deployment(stack: &ValidatedStack, workload: &ValidatedWorkload) -> Deployment {
    let selector = labels::selector(&stack.name, workload.component.name());
    let metadata = metadata::owned(
        stack,
        stack.object_name(workload.component),
        labels::of_component(&stack.name, workload.component),
    );
    Deployment {
        metadata: ObjectMeta {
            // A stopped stack prepares nothing, so it has nothing to remember.
            annotations: stack.running.then(|| BTreeMap::from([(metadata::PREPARED_BY.to_owned(), job::name(stack))])),
            ..metadata
        },
        spec: Some(DeploymentSpec {
            replicas: Some(if stack.running { workload.replicas } else { 0 }),
            min_ready_seconds: workload.replacement.settle,
            revision_history_limit: Some(3),
            selector: LabelSelector { match_labels: Some(selector.clone()), ..LabelSelector::default() },
            strategy: Some(one_more_then_one_less()),
            template: template(stack, workload, selector),
            ..DeploymentSpec::default()
        }),
        ..Deployment::default()
    }
}

fn one_more_then_one_less() -> DeploymentStrategy {
    DeploymentStrategy {
        type_: Some("RollingUpdate".to_owned()),
        rolling_update: Some(RollingUpdateDeployment {
            max_surge: Some(IntOrString::Int(1)),
            max_unavailable: Some(IntOrString::Int(0)),
        }),
    }
}

fn template(stack: &ValidatedStack, workload: &ValidatedWorkload, labels: BTreeMap<String, String>) -> PodTemplateSpec {
    let hash = pod::content_hash(stack, &workload.environment, &workload.files);
    PodTemplateSpec {
        metadata: Some(ObjectMeta {
            labels: Some(labels),
            annotations: Some(BTreeMap::from([(metadata::CONTENT_HASH.to_owned(), hash)])),
            ..ObjectMeta::default()
        }),
        spec: Some(PodSpec {
            // The readiness report is written with the pod's own token.
            automount_service_account_token: Some(true),
            service_account_name: Some(stack.object_name(workload.component)),
            termination_grace_period_seconds: Some(workload.replacement.grace),
            containers: vec![container(stack, workload)],
            volumes: has_files(workload).then(|| vec![pod::files(stack, workload.component)]),
            ..pod::base(stack, pod::NON_ROOT)
        }),
    }
}

/// A pod that ends goes on to listen until every node has taken it out of the Service: else connections of that moment find nobody.
fn leave_the_service_first(seconds: i64) -> Lifecycle {
    Lifecycle {
        pre_stop: Some(LifecycleHandler { sleep: Some(SleepAction { seconds }), ..LifecycleHandler::default() }),
        ..Lifecycle::default()
    }
}

fn container(stack: &ValidatedStack, workload: &ValidatedWorkload) -> Container {
    let ports = workload.http_port.map(|number| ("http", number)).into_iter().chain([("ops", ports::OPS)]);
    Container {
        name: workload.component.name().to_owned(),
        image: Some(workload.image.clone()),
        image_pull_policy: Some(stack.pull_policy.name().to_owned()),
        env: Some(pod::variables(stack, &workload.environment)),
        ports: Some(pod::container_ports(ports)),
        resources: Some(pod::requirements(&workload.resources)),
        security_context: Some(pod::restricted()),
        startup_probe: Some(pod::every(1, 60, pod::http_probe(paths::LIVE))),
        readiness_probe: Some(pod::every(2, 2, pod::http_probe(paths::READY))),
        liveness_probe: Some(pod::every(10, 6, pod::http_probe(paths::LIVE))),
        lifecycle: workload.replacement.leave.map(leave_the_service_first),
        volume_mounts: has_files(workload).then(|| vec![pod::files_mount()]),
        ..Container::default()
    }
}

fn has_files(workload: &ValidatedWorkload) -> bool {
    !workload.files.is_empty()
}
