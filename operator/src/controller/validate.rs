//! The validate step: the only place that refuses a spec. Pure.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use realtime_contract::topic::{self, Topic};
use realtime_contract::{Component, database, environment, ports};
use realtime_crds::{
    Backend, EnvironmentVariable, LogLevel, ManagedBackend, RealtimeStack, RealtimeStackSpec, Reconciliation,
    Resources, RunState, Scaling, VolumePolicy, Workload,
};
use thiserror::Error;

use super::backend::{self, Place};
use super::dereference::References;
use super::stack::{
    CredentialKey, Environment, ValidatedBackend, ValidatedPrepare, ValidatedStack, ValidatedWorkload, Value,
    claim_name, object_name,
};
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
    Ok(ValidatedStack {
        running: operation.state.unwrap_or_default() == RunState::Running,
        active: operation.reconciliation.unwrap_or_default() == Reconciliation::Active,
        retain_volumes: spec.deletion_policy.clone().unwrap_or_default().volumes.unwrap_or_default()
            == VolumePolicy::Retain,
        pull_policy: image.pull_policy.unwrap_or_default(),
        pull_secrets: image.pull_secrets.clone(),
        credentials: references.credentials.clone(),
        workloads: workloads(&name, spec, images),
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

/// What one workload has that another has not.
struct Particulars<'a> {
    component: Component,
    backends: &'a [Component],
    http_port: Option<u16>,
    sticky: bool,
    settings: Vec<(&'static str, String)>,
}

fn workloads(stack: &str, spec: &RealtimeStackSpec, images: &Images) -> Vec<ValidatedWorkload> {
    let api_config = spec.api.as_ref().and_then(|api| api.config.clone()).unwrap_or_default();
    let consumer_config = spec.consumer.as_ref().and_then(|consumer| consumer.config.clone()).unwrap_or_default();
    let notifications_config = spec.notifications.as_ref().and_then(|it| it.config.clone()).unwrap_or_default();

    let mut api_settings = log_settings(api_config.log_level);
    if !api_config.cors_origins.is_empty() {
        api_settings.push((environment::CORS_ORIGIN, api_config.cors_origins.join(",")));
    }
    let api = Particulars {
        component: Component::Api,
        backends: &Component::BACKENDS,
        http_port: Some(ports::HTTP),
        sticky: true,
        settings: api_settings,
    };
    let consumer = Particulars {
        component: Component::Consumer,
        backends: &Component::BACKENDS,
        http_port: None,
        sticky: false,
        settings: log_settings(consumer_config.log_level),
    };
    let notifications = Particulars {
        component: Component::Notifications,
        backends: &[Component::Kafka],
        http_port: Some(ports::HTTP),
        sticky: false,
        settings: log_settings(notifications_config.log_level),
    };
    vec![
        workload(stack, api, spec, spec.api.as_ref(), images),
        workload(stack, consumer, spec, spec.consumer.as_ref(), images),
        workload(stack, notifications, spec, spec.notifications.as_ref(), images),
    ]
}

fn log_settings(level: Option<LogLevel>) -> Vec<(&'static str, String)> {
    vec![(environment::LOG, level.unwrap_or_default().filter().to_owned())]
}

fn workload<C: Clone + Default>(
    stack: &str,
    own: Particulars<'_>,
    spec: &RealtimeStackSpec,
    asked: Option<&Workload<C>>,
    images: &Images,
) -> ValidatedWorkload {
    let asked = asked.cloned().unwrap_or_default();
    let Scaling::Fixed(scaling) = asked.scaling.unwrap_or_default();
    let mut environment = own.backends.iter().flat_map(|backend| connection(stack, *backend)).collect::<Environment>();
    environment.insert(environment::OPS_PORT.to_owned(), Value::Literal(ports::OPS.to_string()));
    environment.insert(environment::POD.to_owned(), Value::PodName);
    environment.insert(environment::STACK.to_owned(), Value::Literal(stack.to_owned()));
    environment.insert(environment::KAFKA_CLIENT_ID.to_owned(), Value::Literal(object_name(stack, own.component)));
    if let Some(port) = own.http_port {
        environment.insert(environment::PORT.to_owned(), Value::Literal(port.to_string()));
    }
    environment.extend(own.settings.into_iter().map(|(name, value)| (name.to_owned(), Value::Literal(value))));
    environment.extend(asked.env.into_iter().map(|EnvironmentVariable { name, value }| (name, Value::Literal(value))));
    ValidatedWorkload {
        component: own.component,
        image: images.of_workload(own.component, &spec.image.clone().unwrap_or_default()),
        replicas: i32::from(scaling.replicas),
        resources: workload_resources(asked.resources.as_ref()),
        environment,
        http_port: own.http_port,
        sticky: own.sticky,
    }
}

fn workload_resources(asked: Option<&Resources>) -> Resources {
    backend::resources_or(asked, ("50m", "48Mi"), "256Mi")
}

/// How a workload of the stack reaches one of its backends.
fn connection(stack: &str, component: Component) -> Vec<(String, Value)> {
    let host = object_name(stack, component);
    let role = database::ROLE;
    let credential = |name: &str, key| (name.to_owned(), Value::Credential(key));
    let literal = |name: &str, value: String| (name.to_owned(), Value::Literal(value));
    match component {
        Component::Redis => vec![
            literal(environment::REDIS_URL, format!("redis://{role}@{host}:{}", ports::REDIS)),
            credential(environment::REDIS_PASSWORD, CredentialKey::Redis),
        ],
        Component::Kafka => vec![
            literal(environment::KAFKA_BROKERS, format!("{host}:{}", ports::KAFKA)),
            literal(environment::KAFKA_USERNAME, role.to_owned()),
            credential(environment::KAFKA_PASSWORD, CredentialKey::Kafka),
        ],
        Component::Postgres => vec![
            literal(
                environment::POSTGRES_URL,
                format!("postgresql://{role}@{host}:{}/{}", ports::POSTGRES, database::DATABASE),
            ),
            credential(environment::POSTGRES_PASSWORD, CredentialKey::Postgres),
        ],
        Component::Api | Component::Consumer | Component::Notifications => Vec::new(),
    }
}

fn prepare(stack: &str, topics: &[Topic], image: String) -> ValidatedPrepare {
    let mut environment: Environment =
        [Component::Kafka, Component::Postgres].into_iter().flat_map(|backend| connection(stack, backend)).collect();
    let topics: Vec<_> =
        topics.iter().map(|topic| serde_json::json!({"name": topic.name, "partitions": topic.partitions})).collect();
    environment.insert(environment::TOPICS.to_owned(), Value::Literal(serde_json::Value::Array(topics).to_string()));
    environment.insert(environment::TOPIC_REPLICATION.to_owned(), Value::Literal("1".to_owned()));
    ValidatedPrepare { image, environment, resources: workload_resources(None) }
}
