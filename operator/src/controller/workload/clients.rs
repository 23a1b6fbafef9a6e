//! What the API and the notifications service have in common, because clients connect to them: whom they serve, how many, how clients come
//! back, and the memory for it.

use realtime_contract::environment;
use realtime_crds::{ClientSettings, Rate};

use crate::controller::stack::{CredentialKey, Value};
use crate::quantity;

const MEBIBYTE: u64 = 1 << 20;
/// Memory of an instance beside its ring: 64 MiB of clients' queues, 128 MiB for eight clients that are sent the past at once, as much again
/// for connections (3 to 8 KiB each) and what the clients of the backends hold, and the process itself.
const BESIDE_THE_RING: u64 = 352 * MEBIBYTE;
/// The ring when the spec says nothing of it; the binaries have the same default.
const RING: u64 = 16 * MEBIBYTE;

/// The variables for it.
pub(super) fn settings(config: &ClientSettings) -> Vec<(&'static str, Value)> {
    let mut settings = vec![(environment::CURSOR_KEY, Value::Credential(CredentialKey::Cursor))];
    settings.extend(bounds(config).into_iter().filter_map(|(name, value)| Some((name, Value::Literal(value?)))));
    settings
}

/// What the spec says. What it leaves open is the binary's own choice: it knows the limit of open files, for example.
fn bounds(config: &ClientSettings) -> [(&'static str, Option<String>); 11] {
    let connections = config.connections.clone().unwrap_or_default();
    let ring = config.ring.clone().unwrap_or_default();
    let limits = config.limits.clone().unwrap_or_default();
    let list = |entries: &[String]| (!entries.is_empty()).then(|| entries.join(","));
    [
        (environment::CORS_ORIGIN, list(&config.cors_origins)),
        (environment::STREAM_CONNECTIONS, connections.max.map(|number| number.to_string())),
        (environment::STREAM_CONNECTIONS_PER_ADDRESS, connections.max_per_address.map(|number| number.to_string())),
        (environment::TRUSTED_PROXIES, list(&config.trusted_proxies)),
        (environment::STREAM_AGE_SECONDS, config.max_age_seconds.map(|seconds| seconds.to_string())),
        (environment::RING_EVENTS, ring.events.map(|number| number.to_string())),
        (environment::RING_BYTES, ring.size.as_deref().and_then(quantity::bytes).map(|bytes| bytes.to_string())),
        (environment::LIMIT_ADDRESS, limits.address.map(rate)),
        (environment::LIMIT_USER, limits.user.map(rate)),
        (environment::LIMIT_PUBLISH, limits.publish.map(rate)),
        (environment::LIMIT_SUBSCRIBE, limits.subscribe.map(rate)),
    ]
}

/// As the binaries read it: so many a second, so many at once.
fn rate(rate: Rate) -> String {
    format!("{}/{}", rate.per_second, rate.burst.unwrap_or(rate.per_second))
}

/// Twice the ring: what it holds, and as much again for the ways of the allocator with frames of every size.
pub(super) fn memory_limit(config: &ClientSettings) -> String {
    let size = config.ring.as_ref().and_then(|ring| ring.size.as_deref()).and_then(quantity::bytes);
    let bytes = size.unwrap_or(RING).saturating_mul(2).saturating_add(BESIDE_THE_RING);
    format!("{}Mi", bytes.div_ceil(MEBIBYTE))
}
