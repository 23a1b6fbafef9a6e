//! The notifications service: which topics it streams and which events it knows, beside what it has in common with the API.

use std::collections::BTreeMap;

use realtime_contract::{Component, environment, ports, topic};
use realtime_crds::{EventSchema, NotificationsConfig};
use serde_json::json;

use super::{Particulars, clients, log};
use crate::controller::stack::{CONFIGURATION_PATH, Value};

const SCHEMAS_FILE: &str = "schemas.json";

/// The notifications service of a stack.
pub(super) fn notifications(
    config: &NotificationsConfig,
    schemas: &[EventSchema],
    access: &[(&'static str, Value)],
) -> Particulars<'static> {
    let files: BTreeMap<_, _> = file(schemas).into_iter().collect();
    let mut settings = vec![log(config.log_level), (environment::STREAM_TOPICS, Value::Literal(topics(config)))];
    settings.extend(clients::settings(&config.clients));
    settings.extend_from_slice(access);
    if files.contains_key(SCHEMAS_FILE) {
        settings.push((environment::SCHEMAS, Value::Literal(format!("{CONFIGURATION_PATH}/{SCHEMAS_FILE}"))));
    }
    Particulars {
        component: Component::Notifications,
        // Redis only to count with its peers; it serves without.
        backends: &[Component::Redis, Component::Kafka],
        http_port: Some(ports::HTTP),
        sticky: None,
        settings,
        files,
        memory_limit: clients::memory_limit(&config.clients),
    }
}

fn topics(config: &NotificationsConfig) -> String {
    if config.topics.is_empty() { topic::PRODUCT_EVENTS.to_owned() } else { config.topics.join(",") }
}

/// The schemas as the binary reads them, in an order of their own: another order in the spec replaces no pods.
fn file(schemas: &[EventSchema]) -> Option<(String, String)> {
    let mut schemas: Vec<_> = schemas.iter().collect();
    schemas.sort_by(|left, right| left.kind.cmp(&right.kind));
    (!schemas.is_empty()).then(|| (SCHEMAS_FILE.to_owned(), json!(schemas).to_string()))
}
