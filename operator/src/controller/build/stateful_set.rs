//! StatefulSets: one for each backend.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::{StatefulSet, StatefulSetPersistentVolumeClaimRetentionPolicy, StatefulSetSpec};
use k8s_openapi::api::core::v1::{
    Container, EmptyDirVolumeSource, ExecAction, Lifecycle, LifecycleHandler, PersistentVolumeClaim,
    PersistentVolumeClaimSpec, PodSpec, PodTemplateSpec, Probe, Volume, VolumeMount, VolumeResourceRequirements,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::api::ObjectMeta;

use super::{labels, metadata, pod};
use crate::controller::stack::{CONFIGURATION_PATH, Readiness, ValidatedBackend, ValidatedStack};

const DATA: &str = "data";

/// The StatefulSet of a backend.
pub fn stateful_set(stack: &ValidatedStack, backend: &ValidatedBackend) -> StatefulSet {
    let selector = labels::selector(&stack.name, backend.component.name());
    StatefulSet {
        metadata: metadata::owned(
            stack,
            stack.object_name(backend.component),
            labels::of_component(&stack.name, backend.component),
        ),
        spec: Some(StatefulSetSpec {
            replicas: Some(i32::from(stack.running)),
            service_name: Some(stack.object_name(backend.component)),
            // A pod that cannot start is replaced by a corrected one; under OrderedReady it would block its own correction.
            pod_management_policy: Some("Parallel".to_owned()),
            revision_history_limit: Some(3),
            selector: LabelSelector { match_labels: Some(selector.clone()), ..LabelSelector::default() },
            persistent_volume_claim_retention_policy: Some(retention(stack)),
            volume_claim_templates: Some(vec![claim(backend, selector.clone())]),
            template: template(stack, backend, selector),
            ..StatefulSetSpec::default()
        }),
        ..StatefulSet::default()
    }
}

fn retention(stack: &ValidatedStack) -> StatefulSetPersistentVolumeClaimRetentionPolicy {
    StatefulSetPersistentVolumeClaimRetentionPolicy {
        when_deleted: Some(if stack.retain_volumes { "Retain" } else { "Delete" }.to_owned()),
        when_scaled: Some("Retain".to_owned()),
    }
}

fn claim(backend: &ValidatedBackend, labels: BTreeMap<String, String>) -> PersistentVolumeClaim {
    PersistentVolumeClaim {
        metadata: ObjectMeta { name: Some(DATA.to_owned()), labels: Some(labels), ..ObjectMeta::default() },
        spec: Some(PersistentVolumeClaimSpec {
            access_modes: Some(vec!["ReadWriteOnce".to_owned()]),
            storage_class_name: backend.volume.class.clone(),
            resources: Some(VolumeResourceRequirements {
                requests: Some(BTreeMap::from([("storage".to_owned(), Quantity(backend.volume.size.clone()))])),
                ..VolumeResourceRequirements::default()
            }),
            ..PersistentVolumeClaimSpec::default()
        }),
        ..PersistentVolumeClaim::default()
    }
}

fn template(stack: &ValidatedStack, backend: &ValidatedBackend, labels: BTreeMap<String, String>) -> PodTemplateSpec {
    let hash = pod::content_hash(stack, &backend.environment, &backend.files);
    PodTemplateSpec {
        metadata: Some(ObjectMeta {
            labels: Some(labels),
            annotations: Some(BTreeMap::from([(metadata::CONTENT_HASH.to_owned(), hash)])),
            ..ObjectMeta::default()
        }),
        spec: Some(PodSpec {
            termination_grace_period_seconds: Some(backend.grace_seconds),
            containers: vec![container(stack, backend)],
            volumes: Some(volumes(stack, backend)),
            ..pod::base(stack, backend.user)
        }),
    }
}

fn container(stack: &ValidatedStack, backend: &ValidatedBackend) -> Container {
    Container {
        name: backend.component.name().to_owned(),
        image: Some(backend.image.clone()),
        image_pull_policy: Some(stack.pull_policy.name().to_owned()),
        command: Some(vec!["sh".to_owned(), format!("{CONFIGURATION_PATH}/start.sh")]),
        env: Some(pod::variables(stack, &backend.environment)),
        ports: Some(pod::container_ports(backend.ports.iter().copied())),
        resources: Some(pod::requirements(&backend.resources)),
        security_context: Some(pod::restricted()),
        // Recovery after a crash may take long: only a process that has served is told to be dead.
        startup_probe: Some(pod::every(1, 1800, probe(backend))),
        readiness_probe: Some(pod::every(5, 2, probe(backend))),
        liveness_probe: backend.ports.first().map(|(_, port)| pod::every(20, 6, pod::port_probe(*port))),
        lifecycle: backend.before_stop.clone().map(|command| Lifecycle {
            pre_stop: Some(LifecycleHandler {
                exec: Some(ExecAction { command: Some(command) }),
                ..LifecycleHandler::default()
            }),
            ..Lifecycle::default()
        }),
        volume_mounts: Some(mounts(backend)),
        ..Container::default()
    }
}

fn probe(backend: &ValidatedBackend) -> Probe {
    match &backend.readiness {
        Readiness::Port(port) => pod::port_probe(*port),
        Readiness::Command(command) => pod::command_probe(command.clone()),
    }
}

fn mounts(backend: &ValidatedBackend) -> Vec<VolumeMount> {
    let mount = |name: &str, path: &str| VolumeMount {
        name: name.to_owned(),
        mount_path: path.to_owned(),
        ..VolumeMount::default()
    };
    let fixed = [mount(DATA, backend.volume.path), pod::files_mount()];
    fixed.into_iter().chain(backend.scratch.iter().map(|scratch| mount(scratch.name, scratch.path))).collect()
}

fn volumes(stack: &ValidatedStack, backend: &ValidatedBackend) -> Vec<Volume> {
    let scratch = backend.scratch.iter().map(|scratch| Volume {
        name: scratch.name.to_owned(),
        empty_dir: Some(EmptyDirVolumeSource {
            medium: scratch.memory.then(|| "Memory".to_owned()),
            ..EmptyDirVolumeSource::default()
        }),
        ..Volume::default()
    });
    [pod::files(stack, backend.component)].into_iter().chain(scratch).collect()
}
