//! Kafka: one combined broker and controller with a dynamic quorum; every listener asks for a user and a password.

use std::collections::BTreeMap;

use realtime_contract::{Component, environment, ports};
use realtime_crds::{ManagedBackend, Resources};
use sha2::{Digest, Sha256};

use super::{Place, class, resources_or, size_or};
use crate::controller::stack::{CredentialKey, Readiness, Scratch, ValidatedBackend, Value, Volume, object_name};
use crate::quantity;

const LOGGING: &str = include_str!("kafka/log4j2.properties");
const START: &str = include_str!("kafka/start.sh");
const SERVER: &str = include_str!("kafka/server.properties");

/// Kafka of a stack.
pub fn kafka(place: &Place<'_>, settings: &ManagedBackend) -> ValidatedBackend {
    let resources = resources_or(settings.resources.as_ref(), ("200m", "768Mi"), "1Gi");
    ValidatedBackend {
        component: Component::Kafka,
        image: place.image.to_owned(),
        user: 1000,
        volume: Volume { path: "/var/lib/kafka/data", size: size_or(settings, "5Gi"), class: class(settings) },
        files: BTreeMap::from([
            ("log4j2.properties".to_owned(), LOGGING.to_owned()),
            ("server.properties".to_owned(), server_properties(&host(place))),
            ("start.sh".to_owned(), START.to_owned()),
        ]),
        environment: BTreeMap::from([
            (environment::KAFKA_PASSWORD.to_owned(), Value::Credential(CredentialKey::Kafka)),
            ("KAFKA_BROKER_PASSWORD".to_owned(), Value::Credential(CredentialKey::KafkaBroker)),
            ("KAFKA_CLUSTER_ID".to_owned(), Value::Literal(cluster_id(place.namespace, place.stack))),
            ("KAFKA_HEAP".to_owned(), Value::Literal(format!("-Xmx{}m", heap_mebibytes(&resources)))),
        ]),
        resources,
        scratch: vec![
            Scratch { name: "run", path: "/run/kafka", memory: true },
            Scratch { name: "tmp", path: "/tmp", memory: false },
        ],
        ports: vec![("kafka", ports::KAFKA), ("controller", ports::KAFKA_CONTROLLER)],
        readiness: Readiness::Port(ports::KAFKA),
        before_stop: None,
        grace_seconds: 120,
    }
}

fn host(place: &Place<'_>) -> String {
    let name = object_name(place.stack, Component::Kafka);
    format!("{name}-0.{name}.{}.svc", place.namespace)
}

fn server_properties(host: &str) -> String {
    SERVER.replace("@HOST@", host)
}

/// Half of what the pod may use: the rest is for the page cache and the virtual machine itself.
fn heap_mebibytes(resources: &Resources) -> u64 {
    let amounts = [resources.limits.as_ref(), resources.requests.as_ref()];
    let memory = amounts.into_iter().flatten().find_map(|amounts| amounts.memory.as_deref());
    memory.and_then(quantity::bytes).map_or(512, |bytes| (bytes / 2 / 1024 / 1024).max(128))
}

/// An id that a stack of this name always has, in Kafka's spelling: 16 bytes in URL-safe base64. It never starts with a dash, which
/// the format tool would take for an option.
fn cluster_id(namespace: &str, stack: &str) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let digest = Sha256::digest(format!("{namespace}/{stack}"));
    let bits = digest.iter().take(16).fold(0_u128, |bits, byte| (bits << 8) | u128::from(*byte));
    let mut id: String = (0..22)
        .map(|index| {
            let shifted = if index < 21 { bits >> (122 - 6 * index) } else { bits << 4 };
            char::from(ALPHABET[(shifted & 63) as usize])
        })
        .collect();
    if id.starts_with('-') {
        id.replace_range(..1, "A");
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_id_is_stable_and_has_the_length_of_sixteen_bytes() {
        let id = cluster_id("rt", "demo");
        assert_eq!(id, cluster_id("rt", "demo"));
        assert_ne!(id, cluster_id("rt", "other"));
        assert_eq!(id.len(), 22);
        assert!(matches!(id.chars().last(), Some('A' | 'Q' | 'g' | 'w')), "{id}");
    }

    #[test]
    fn the_heap_is_half_of_the_limit() {
        let resources = resources_or(None, ("200m", "768Mi"), "1Gi");
        assert_eq!(heap_mebibytes(&resources), 512);
    }
}
