//! Stacks and clusters for tests, made by the real steps from small specs.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::api::apps::v1::{Deployment, DeploymentStatus, StatefulSet, StatefulSetStatus};
use k8s_openapi::api::batch::v1::{Job, JobCondition, JobStatus};
use k8s_openapi::api::core::v1::{Pod, PodCondition, PodStatus};
use kube::api::ObjectMeta;
use realtime_contract::Component;
use realtime_crds::RealtimeStack;

use super::apply::{Applied, Outcome};
use super::build::{self, labels};
use super::dereference::References;
use super::dereference::token_key::{Form, TokenKey};
use super::object::{DesiredObject, Kind};
use super::observed::{Observed, ObservedObject};
use super::stack::{CredentialKey, ValidatedStack, auth_name};
use super::validate::validate;
use crate::images::Images;

/// Images with short names.
pub(crate) fn images() -> Images {
    let image = |name: &str| format!("registry.test/{name}:1");
    Images {
        api: image("realtime-api"),
        consumer: image("realtime-consumer"),
        notifications: image("realtime-notifications"),
        redis: image("redis"),
        kafka: image("kafka"),
        postgres: image("postgres"),
    }
}

/// A stack `demo` in namespace `rt` of generation 1 with that spec.
pub(crate) fn stack(spec: &str) -> RealtimeStack {
    let yaml = format!(
        "apiVersion: realtimestack.io/v1alpha1\nkind: RealtimeStack\nmetadata: {{name: demo, namespace: rt, uid: uid-demo, generation: 1}}\nspec: {spec}\n"
    );
    // By way of JSON, as from an API server: YAML has tags of its own for a union.
    let value: serde_json::Value = serde_yaml::from_str(&yaml).unwrap();
    serde_json::from_value(value).unwrap()
}

/// References with a hash for each credential and no volumes.
pub(crate) fn references() -> References {
    let credentials = CredentialKey::ALL.map(|key| (key, format!("hash-of-{}", key.name())));
    References { credentials: BTreeMap::from(credentials), ..References::default() }
}

/// The same with a generated key of tokens.
pub(crate) fn references_with_token_key() -> References {
    let key =
        TokenKey { secret: auth_name("demo"), form: Form::Shared, hash: "hash-of-secret".to_owned(), is_watched: true };
    References { token_key: Some(key), auth_secret: true, ..references() }
}

/// That stack, accepted.
pub(crate) fn validated(spec: &str) -> ValidatedStack {
    validated_with(spec, &references())
}

/// That stack with these references, accepted.
pub(crate) fn validated_with(spec: &str, references: &References) -> ValidatedStack {
    validate(&stack(spec), references, &images()).unwrap()
}

/// A cluster that holds all of the stack's objects, with every instance ready.
pub(crate) fn settled(stack: &ValidatedStack) -> Observed {
    let mut observed = Observed::default();
    for object in build::build(stack) {
        observe(&mut observed, &object);
    }
    for workload in &stack.workloads {
        for index in 0..if stack.running { workload.replicas } else { 0 } {
            observed.pods.push(Arc::new(pod(workload.component, &format!("demo-{}-{index}", workload.component))));
        }
    }
    observed
}

fn observe(observed: &mut Observed, object: &DesiredObject) {
    let mut manifest = object.manifest.clone();
    manifest["metadata"]["generation"] = 1.into();
    manifest["metadata"]["uid"] = format!("uid-{}", object.key).into();
    match object.key.kind {
        Kind::Deployment => {
            let mut deployment: Deployment = serde_json::from_value(manifest).unwrap();
            let replicas = deployment.spec.as_ref().unwrap().replicas;
            deployment.status = Some(DeploymentStatus {
                observed_generation: Some(1),
                replicas,
                updated_replicas: replicas,
                ready_replicas: replicas,
                ..DeploymentStatus::default()
            });
            observed.objects.insert(object.key.clone(), ObservedObject::of(&deployment));
            observed.deployments.push(Arc::new(deployment));
        }
        Kind::StatefulSet => {
            let mut stateful_set: StatefulSet = serde_json::from_value(manifest).unwrap();
            let replicas = stateful_set.spec.as_ref().unwrap().replicas;
            stateful_set.status = Some(StatefulSetStatus {
                observed_generation: Some(1),
                replicas: replicas.unwrap(),
                updated_replicas: replicas,
                ready_replicas: replicas,
                ..StatefulSetStatus::default()
            });
            observed.objects.insert(object.key.clone(), ObservedObject::of(&stateful_set));
            observed.stateful_sets.push(Arc::new(stateful_set));
        }
        Kind::Job => {
            let mut job: Job = serde_json::from_value(manifest).unwrap();
            job.status = Some(ended("Complete", None));
            observed.objects.insert(object.key.clone(), ObservedObject::of(&job));
            observed.jobs.push(Arc::new(job));
        }
        _ => {
            let other: kube::api::DynamicObject = serde_json::from_value(manifest).unwrap();
            observed.objects.insert(object.key.clone(), ObservedObject::of(&other));
        }
    }
}

/// The status of a Job that has ended.
pub(crate) fn ended(condition: &str, reason: Option<&str>) -> JobStatus {
    JobStatus {
        conditions: Some(vec![JobCondition {
            type_: condition.to_owned(),
            status: "True".to_owned(),
            reason: reason.map(str::to_owned),
            ..JobCondition::default()
        }]),
        ..JobStatus::default()
    }
}

/// A ready pod of a component.
pub(crate) fn pod(component: Component, name: &str) -> Pod {
    Pod {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            labels: Some(labels::selector("demo", component.name())),
            ..ObjectMeta::default()
        },
        status: Some(PodStatus {
            phase: Some("Running".to_owned()),
            conditions: Some(vec![PodCondition {
                type_: "Ready".to_owned(),
                status: "True".to_owned(),
                ..PodCondition::default()
            }]),
            ..PodStatus::default()
        }),
        ..Pod::default()
    }
}

/// Outcomes of an apply that wrote nothing.
pub(crate) fn unchanged(stack: &ValidatedStack) -> Vec<Outcome> {
    let current = |object: DesiredObject| Outcome {
        key: object.key,
        result: Ok(Applied::Current { version: "1".to_owned(), written: false }),
    };
    build::build(stack).into_iter().map(current).collect()
}

/// Changes the Deployment of a component.
pub(crate) fn change_deployment(observed: &mut Observed, component: Component, change: impl FnOnce(&mut Deployment)) {
    let name = format!("demo-{component}");
    let found = observed.deployments.iter_mut().find(|it| it.metadata.name.as_ref() == Some(&name)).unwrap();
    change(Arc::make_mut(found));
}

/// Changes the StatefulSet of a component.
pub(crate) fn change_stateful_set(
    observed: &mut Observed,
    component: Component,
    change: impl FnOnce(&mut StatefulSet),
) {
    let name = format!("demo-{component}");
    let found = observed.stateful_sets.iter_mut().find(|it| it.metadata.name.as_ref() == Some(&name)).unwrap();
    change(Arc::make_mut(found));
}
