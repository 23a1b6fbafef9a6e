//! What makes the API, the consumer and the notifications service what they are: settings, files and limits, as data for the builders.

mod access;
mod api;
mod clients;
mod notifications;

use std::collections::BTreeMap;

use realtime_contract::{Component, database, environment, ports};
use realtime_crds::{ConsumerConfig, EnvironmentVariable, LogLevel, RealtimeStackSpec, Resources, Scaling, Workload};

use super::backend;
use super::dereference::token_key::TokenKey;
use super::stack::{CredentialKey, Environment, Replacement, ValidatedWorkload, Value, object_name};
use crate::images::Images;

/// What a workload may use unless it needs more.
pub(crate) const MEMORY_LIMIT: &str = "256Mi";

/// Seconds that a workload has to end its work, unless the user sets another number.
const DRAIN: i64 = 20;
/// Seconds for what comes behind it: the ops server and the readiness report end, and telemetry is flushed.
const LAST: i64 = 16;
/// Seconds until every node has taken a pod out of its Service.
const LEAVE: i64 = 4;
/// Seconds that a new instance with clients must last before it takes over those of an old one: one that ends when the first come to it
/// must not empty the Service.
const SETTLE: i32 = 3;

/// What one workload has that another has not.
struct Particulars<'a> {
    component: Component,
    backends: &'a [Component],
    http_port: Option<u16>,
    sticky: Option<i32>,
    settings: Vec<(&'static str, Value)>,
    files: BTreeMap<String, String>,
    memory_limit: String,
}

/// The workloads of a stack, in the order of the status.
pub(crate) fn workloads(
    stack: &str,
    spec: &RealtimeStackSpec,
    token_key: Option<&TokenKey>,
    images: &Images,
) -> Vec<ValidatedWorkload> {
    let access = access::settings(spec.security.as_ref(), token_key);
    let api_config = spec.api.as_ref().and_then(|api| api.config.clone()).unwrap_or_default();
    let consumer_config = spec.consumer.as_ref().and_then(|consumer| consumer.config.clone()).unwrap_or_default();
    let notifications_config = spec.notifications.as_ref().and_then(|it| it.config.clone()).unwrap_or_default();
    let notifications = notifications::notifications(&notifications_config, &spec.schemas, &access);
    vec![
        workload(stack, api::api(&api_config, &access), spec, spec.api.as_ref(), images),
        workload(stack, consumer(&consumer_config), spec, spec.consumer.as_ref(), images),
        workload(stack, notifications, spec, spec.notifications.as_ref(), images),
    ]
}

fn consumer(config: &ConsumerConfig) -> Particulars<'static> {
    let retention = config.feed_retention_hours.map(|hours| Value::Literal(hours.to_string()));
    let retention = retention.map(|hours| (environment::FEED_RETENTION_HOURS, hours));
    Particulars {
        component: Component::Consumer,
        backends: &Component::BACKENDS,
        http_port: None,
        sticky: None,
        settings: [log(config.log_level)].into_iter().chain(retention).collect(),
        files: BTreeMap::new(),
        memory_limit: MEMORY_LIMIT.to_owned(),
    }
}

fn log(level: Option<LogLevel>) -> (&'static str, Value) {
    (environment::LOG, Value::Literal(level.unwrap_or_default().filter().to_owned()))
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
    environment.insert(environment::DRAIN_SECONDS.to_owned(), Value::Literal(DRAIN.to_string()));
    if let Some(port) = own.http_port {
        environment.insert(environment::PORT.to_owned(), Value::Literal(port.to_string()));
    }
    environment.extend(own.settings.into_iter().map(|(name, value)| (name.to_owned(), value)));
    environment.extend(asked.env.into_iter().map(|EnvironmentVariable { name, value }| (name, Value::Literal(value))));
    ValidatedWorkload {
        component: own.component,
        image: images.of_workload(own.component, &spec.image.clone().unwrap_or_default()),
        replicas: i32::from(scaling.replicas),
        resources: resources(asked.resources.as_ref(), &own.memory_limit),
        replacement: replacement(own.http_port.is_some(), &environment),
        environment,
        files: own.files,
        http_port: own.http_port,
        sticky: own.sticky,
    }
}

/// The user's amounts, and the defaults of workloads where the user gave none.
pub(crate) fn resources(asked: Option<&Resources>, memory_limit: &str) -> Resources {
    backend::resources_or(asked, ("50m", "48Mi"), memory_limit)
}

/// A pod may take as long as its process does, also when the user gave it more time.
fn replacement(has_clients: bool, environment: &Environment) -> Replacement {
    let drain = match environment.get(environment::DRAIN_SECONDS) {
        Some(Value::Literal(text)) => text.parse::<u16>().map_or(DRAIN, i64::from),
        _ => DRAIN,
    };
    let leave = has_clients.then_some(LEAVE);
    Replacement { settle: has_clients.then_some(SETTLE), leave, grace: leave.unwrap_or_default() + drain + LAST }
}

/// How a workload of the stack reaches one of its backends.
pub(crate) fn connection(stack: &str, component: Component) -> Vec<(String, Value)> {
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

#[cfg(test)]
mod tests {
    use crate::controller::fixtures::validated;

    #[test]
    fn a_pod_may_take_longer_to_end_than_its_process() {
        let stack = validated("{notifications: {env: [{name: REALTIME_DRAIN_SECONDS, value: '60'}]}}");
        let graces: Vec<i64> = stack.workloads.iter().map(|workload| workload.replacement.grace).collect();
        assert_eq!(graces, [40, 36, 80]);
    }
}
