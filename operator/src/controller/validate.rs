//! The validate step: the only place that refuses a spec. Pure.

mod schemas;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use realtime_contract::topic::{self, Topic};
use realtime_contract::{Component, environment};
use realtime_crds::{
    Auth, Backend, Jwt, ManagedBackend, RealtimeStack, RealtimeStackSpec, Reconciliation, RunState, SecretKey,
    TokenKey, VolumePolicy,
};
use thiserror::Error;

use super::backend::{self, Place};
use super::dereference::References;
use super::stack::{
    Environment, ValidatedBackend, ValidatedPrepare, ValidatedStack, ValidatedWorkload, Value, auth_name, claim_name,
    credentials_name,
};
use super::workload;
use crate::images::Images;
use crate::quantity;

/// Why a spec is refused, in a sentence that says what to change.
#[derive(Debug, Error, PartialEq)]
pub enum Error {
    /// The resource has no name, namespace or uid: it does not come from an API server.
    #[error("the stack has no {field}: apply it to a cluster")]
    ReadIdentity {
        /// The field that is missing.
        field: &'static str,
    },
    /// A rule of the resource's definition is broken; the cluster's definition is older than this operator.
    #[error("{sentences}; the cluster's definition of RealtimeStack let it pass: update it from the chart")]
    CheckRules {
        /// The rules' messages.
        sentences: String,
    },
    /// A volume claim of that name is there and is not the stack's.
    #[error("the volume claim {claim} exists and does not belong to the stack: rename the stack, or delete the claim")]
    TakeOverVolume {
        /// Name of the claim.
        claim: String,
    },
    /// The key of tokens is said to be the user's own, under the name of the one that is generated.
    #[error(
        "security.auth.jwt.key.secret.name is {name}, the name of the Secret that the operator generates: give yours another name, or choose key.generated"
    )]
    NameTokenKey {
        /// The name.
        name: String,
    },
    /// The volume that exists is of another size.
    #[error(
        "{component}.managed.storage.size is {asked}, but the volume {claim} has {existing}: set the size to {existing}; for another size delete the stack, then the claim with its data, and apply the stack again"
    )]
    MatchVolumeSize {
        /// Whose volume.
        component: Component,
        /// Size in the spec or by default.
        asked: String,
        /// Name of the claim.
        claim: String,
        /// Its size.
        existing: String,
    },
    /// The volume that exists is of another class.
    #[error(
        "{component}.managed.storage.class is {asked}, but the volume {claim} has {existing}: set the class to {existing}; for another class delete the stack, then the claim with its data, and apply the stack again"
    )]
    MatchVolumeClass {
        /// Whose volume.
        component: Component,
        /// Class in the spec.
        asked: String,
        /// Name of the claim.
        claim: String,
        /// Its class.
        existing: String,
    },
    /// The schema of an event type is none.
    #[error("schemas: the schema of {kind} is no JSON Schema, correct it at {place}: {reason}")]
    CompileSchema {
        /// The event type.
        kind: String,
        /// Where in the schema, as a JSON pointer.
        place: String,
        /// What is wrong there.
        reason: String,
    },
    /// The schemas are too large for the ConfigMap that brings them to the pods.
    #[error("schemas: they have {bytes} bytes together, the most is {limit}; shorten or remove some")]
    FitSchemas {
        /// Their size as one JSON text.
        bytes: usize,
        /// The most.
        limit: usize,
    },
    /// The ring would leave an instance no memory for its clients.
    #[error(
        "{component}.config.ring.size is {size}, more than half of the memory that an instance may use, {limit}: lower it, or raise {component}.resources.limits.memory"
    )]
    FitRing {
        /// Whose ring.
        component: Component,
        /// Size in the spec.
        size: String,
        /// The memory limit.
        limit: String,
    },
}

/// A stack from what the user asked for, what it refers to, and the installation's images.
///
/// # Errors
/// One sentence for the user, see [`enum@Error`].
pub fn validate(stack: &RealtimeStack, references: &References, images: &Images) -> Result<ValidatedStack, Error> {
    let name = identity(stack.metadata.name.as_ref(), "name")?;
    let namespace = identity(stack.metadata.namespace.as_ref(), "namespace")?;
    let uid = identity(stack.metadata.uid.as_ref(), "uid")?;
    stack.validate_cel().map_err(|errors| Error::CheckRules { sentences: errors.to_string() })?;

    let spec = &stack.spec;
    let operation = spec.operation.clone().unwrap_or_default();
    let image = spec.image.clone().unwrap_or_default();
    let topics = topics(spec);
    let backends = backends(&name, &namespace, spec, images);
    for backend in &backends {
        check_volume(&name, backend, references)?;
    }
    check_token_key(&name, spec)?;
    schemas::check(&spec.schemas)?;
    let workloads = workload::workloads(&name, spec, references.token_key.as_ref(), images);
    check_rings(spec, &workloads)?;
    Ok(ValidatedStack {
        running: operation.state.unwrap_or_default() == RunState::Running,
        active: operation.reconciliation.unwrap_or_default() == Reconciliation::Active,
        retain_volumes: spec.deletion_policy.clone().unwrap_or_default().volumes.unwrap_or_default()
            == VolumePolicy::Retain,
        pull_policy: image.pull_policy.unwrap_or_default(),
        pull_secrets: image.pull_secrets.clone(),
        credentials: references.credentials.clone(),
        generated_secrets: [credentials_name(&name)]
            .into_iter()
            .chain(references.auth_secret.then(|| auth_name(&name)))
            .collect(),
        unwatched_secret: references.token_key.as_ref().filter(|key| !key.is_watched).map(|key| key.secret.clone()),
        workloads,
        prepare: prepare(&name, &topics, images.of_workload(Component::Consumer, &image)),
        backends,
        topics,
        name,
        namespace,
        uid,
    })
}

fn identity(value: Option<&String>, field: &'static str) -> Result<String, Error> {
    value.cloned().ok_or(Error::ReadIdentity { field })
}

fn topics(spec: &RealtimeStackSpec) -> Vec<Topic> {
    let mut topics: BTreeMap<&str, u16> = BTreeMap::from([
        (topic::NOTIFICATIONS, topic::DEFAULT_PARTITIONS),
        (topic::PRODUCT_EVENTS, topic::DEFAULT_PARTITIONS),
    ]);
    for topic in &spec.topics {
        topics.insert(&topic.name, topic.partitions.unwrap_or(topic::DEFAULT_PARTITIONS));
    }
    topics.into_iter().map(|(name, partitions)| Topic { name: name.to_owned(), partitions }).collect()
}

fn backends(stack: &str, namespace: &str, spec: &RealtimeStackSpec, images: &Images) -> Vec<ValidatedBackend> {
    let managed = |backend: &Option<Backend>| -> ManagedBackend {
        let Backend::Managed(settings) = backend.clone().unwrap_or_default();
        settings
    };
    let place = |component| Place { stack, namespace, image: images.of(component) };
    vec![
        backend::redis::redis(&place(Component::Redis), &managed(&spec.redis)),
        backend::kafka::kafka(&place(Component::Kafka), &managed(&spec.kafka)),
        backend::postgres::postgres(&place(Component::Postgres), &managed(&spec.postgres)),
    ]
}

/// A Secret that is generated belongs to the stack and goes with it; one of the user's own must not.
fn check_token_key(stack: &str, spec: &RealtimeStackSpec) -> Result<(), Error> {
    let auth = spec.security.as_ref().and_then(|security| security.auth.as_ref());
    let Some(Auth::Jwt(Jwt { key: Some(TokenKey::Secret(SecretKey { name })), .. })) = auth else { return Ok(()) };
    if *name == auth_name(stack) { Err(Error::NameTokenKey { name: name.clone() }) } else { Ok(()) }
}

/// A volume outlives specs and stacks, so what exists decides.
fn check_volume(stack: &str, backend: &ValidatedBackend, references: &References) -> Result<(), Error> {
    let component = backend.component;
    let claim = claim_name(stack, component);
    let Some(existing) = references.volumes.get(&claim) else { return Ok(()) };
    if !existing.own {
        return Err(Error::TakeOverVolume { claim });
    }
    if quantity::bytes(&existing.size) != quantity::bytes(&backend.volume.size) {
        return Err(Error::MatchVolumeSize {
            component,
            asked: backend.volume.size.clone(),
            claim,
            existing: existing.size.clone(),
        });
    }
    match (&backend.volume.class, &existing.class) {
        (Some(asked), Some(class)) if asked != class => {
            Err(Error::MatchVolumeClass { component, asked: asked.clone(), claim, existing: class.clone() })
        }
        _ => Ok(()),
    }
}

/// Half of an instance's memory is for its clients: their queues, and what they are sent of the past.
fn check_rings(spec: &RealtimeStackSpec, workloads: &[ValidatedWorkload]) -> Result<(), Error> {
    let api = spec.api.as_ref().and_then(|api| Some(&api.config.as_ref()?.clients));
    let notifications =
        spec.notifications.as_ref().and_then(|notifications| Some(&notifications.config.as_ref()?.clients));
    for (component, clients) in [(Component::Api, api), (Component::Notifications, notifications)] {
        let size = clients.and_then(|clients| clients.ring.as_ref()?.size.clone());
        let workload = workloads.iter().find(|workload| workload.component == component);
        let limit = workload.and_then(|workload| workload.resources.limits.clone()?.memory);
        if let (Some(size), Some(limit)) = (size, limit)
            && quantity::bytes(&size) > quantity::bytes(&limit).map(|bytes| bytes / 2)
        {
            return Err(Error::FitRing { component, size, limit });
        }
    }
    Ok(())
}

fn prepare(stack: &str, topics: &[Topic], image: String) -> ValidatedPrepare {
    let mut environment: Environment = [Component::Kafka, Component::Postgres]
        .into_iter()
        .flat_map(|backend| workload::connection(stack, backend))
        .collect();
    let topics: Vec<_> =
        topics.iter().map(|topic| serde_json::json!({"name": topic.name, "partitions": topic.partitions})).collect();
    environment.insert(environment::TOPICS.to_owned(), Value::Literal(serde_json::Value::Array(topics).to_string()));
    environment.insert(environment::TOPIC_REPLICATION.to_owned(), Value::Literal("1".to_owned()));
    ValidatedPrepare { image, environment, resources: workload::resources(None, workload::MEMORY_LIMIT) }
}
