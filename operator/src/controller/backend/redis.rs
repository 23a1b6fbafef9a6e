//! Redis: one instance with an append-only file; one user, whose password is the Secret's.

use std::collections::BTreeMap;

use realtime_contract::{Component, database, environment, ports};
use realtime_crds::{ManagedBackend, Resources};

use super::{Place, class, resources_or, size_or};
use crate::controller::stack::{CredentialKey, Readiness, Scratch, ValidatedBackend, Value, Volume};
use crate::quantity;

const CONFIGURATION: &str = include_str!("redis/redis.conf");
const START: &str = include_str!("redis/start.sh");

/// Redis of a stack.
pub fn redis(place: &Place<'_>, settings: &ManagedBackend) -> ValidatedBackend {
    let resources = resources_or(settings.resources.as_ref(), ("50m", "64Mi"), "256Mi");
    ValidatedBackend {
        component: Component::Redis,
        image: place.image.to_owned(),
        user: 999,
        volume: Volume { path: "/data", size: size_or(settings, "1Gi"), class: class(settings) },
        files: BTreeMap::from([
            ("redis.conf".to_owned(), CONFIGURATION.to_owned()),
            ("start.sh".to_owned(), START.to_owned()),
        ]),
        environment: BTreeMap::from([
            (environment::REDIS_PASSWORD.to_owned(), Value::Credential(CredentialKey::Redis)),
            ("REDISCLI_AUTH".to_owned(), Value::Credential(CredentialKey::Redis)),
            ("REDIS_MAXIMUM_MEMORY".to_owned(), Value::Literal(maximum_memory(&resources).to_string())),
        ]),
        resources,
        scratch: vec![Scratch { name: "run", path: "/run/redis", memory: true }],
        ports: vec![("redis", ports::REDIS)],
        readiness: Readiness::Command(
            ["sh", "-c", &format!("test \"$(redis-cli --no-auth-warning --user {} ping)\" = PONG", database::ROLE)]
                .map(str::to_owned)
                .to_vec(),
        ),
        before_stop: None,
        grace_seconds: 30,
    }
}

/// Bytes of data: 60 % of what the pod may use, because a rewrite of the append-only file copies what changes meanwhile. 0 is no limit.
fn maximum_memory(resources: &Resources) -> u64 {
    let limit = resources.limits.as_ref().and_then(|limits| limits.memory.as_deref()).and_then(quantity::bytes);
    limit.map_or(0, |bytes| bytes / 5 * 3)
}
