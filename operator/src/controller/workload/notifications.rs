//! The notifications service: which topics it streams, which events it knows, how many clients it takes and what it keeps in memory.

use std::collections::BTreeMap;

use realtime_contract::{Component, environment, ports, topic};
use realtime_crds::{EventSchema, NotificationsConfig};
use serde_json::json;

use super::{Particulars, log, origins};
use crate::controller::stack::{CONFIGURATION_PATH, CredentialKey, Value};
use crate::quantity;

const SCHEMAS_FILE: &str = "schemas.json";

const MEBIBYTE: u64 = 1 << 20;
/// Memory of an instance beside its ring: 64 MiB of clients' queues, 128 MiB for eight clients that are sent the log at once, as much again
/// for connections (3 KiB each) and what Kafka's client has fetched ahead, and the process itself.
const BESIDE_THE_RING: u64 = 352 * MEBIBYTE;
/// The ring when the spec says nothing of it; the binary has the same default.
const RING: u64 = 16 * MEBIBYTE;

/// The notifications service of a stack.
pub(super) fn notifications(config: &NotificationsConfig, schemas: &[EventSchema]) -> Particulars<'static> {
    let files: BTreeMap<_, _> = file(schemas).into_iter().collect();
    let mut settings = vec![
        log(config.log_level),
        (environment::CURSOR_KEY, Value::Credential(CredentialKey::Cursor)),
        (environment::STREAM_TOPICS, Value::Literal(topics(config))),
    ];
    settings.extend(origins(&config.cors_origins));
    settings.extend(limits(config).into_iter().map(|(name, value)| (name, Value::Literal(value))));
    if files.contains_key(SCHEMAS_FILE) {
        settings.push((environment::SCHEMAS, Value::Literal(format!("{CONFIGURATION_PATH}/{SCHEMAS_FILE}"))));
    }
    Particulars {
        component: Component::Notifications,
        backends: &[Component::Kafka],
        http_port: Some(ports::HTTP),
        sticky: false,
        settings,
        files,
        memory_limit: memory_limit(config),
    }
}

fn topics(config: &NotificationsConfig) -> String {
    if config.topics.is_empty() { topic::PRODUCT_EVENTS.to_owned() } else { config.topics.join(",") }
}

/// What the spec bounds. What it leaves open is the binary's own choice: it knows the limit of open files, for example.
fn limits(config: &NotificationsConfig) -> Vec<(&'static str, String)> {
    let connections = config.connections.clone().unwrap_or_default();
    let ring = config.ring.clone().unwrap_or_default();
    let proxies = (!config.trusted_proxies.is_empty()).then(|| config.trusted_proxies.join(","));
    let asked = [
        (environment::STREAM_CONNECTIONS, connections.max.map(|number| number.to_string())),
        (environment::STREAM_CONNECTIONS_PER_ADDRESS, connections.max_per_address.map(|number| number.to_string())),
        (environment::TRUSTED_PROXIES, proxies),
        (environment::STREAM_AGE_SECONDS, config.max_age_seconds.map(|seconds| seconds.to_string())),
        (environment::RING_EVENTS, ring.events.map(|number| number.to_string())),
        (environment::RING_BYTES, ring.size.as_deref().and_then(quantity::bytes).map(|bytes| bytes.to_string())),
    ];
    asked.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// The schemas as the binary reads them, in an order of their own: another order in the spec replaces no pods.
fn file(schemas: &[EventSchema]) -> Option<(String, String)> {
    let mut schemas: Vec<_> = schemas.iter().collect();
    schemas.sort_by(|left, right| left.kind.cmp(&right.kind));
    (!schemas.is_empty()).then(|| (SCHEMAS_FILE.to_owned(), json!(schemas).to_string()))
}

/// Twice the ring: what it holds, and as much again for the ways of the allocator with frames of every size.
fn memory_limit(config: &NotificationsConfig) -> String {
    let size = config.ring.as_ref().and_then(|ring| ring.size.as_deref()).and_then(quantity::bytes);
    let bytes = size.unwrap_or(RING).saturating_mul(2).saturating_add(BESIDE_THE_RING);
    format!("{}Mi", bytes.div_ceil(MEBIBYTE))
}
