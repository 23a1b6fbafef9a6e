//! The API: whom it serves, what a client of Socket.IO may send, and the bounds of the namespace `/demo`.

use std::collections::BTreeMap;

use realtime_contract::{Component, environment, ports};
use realtime_crds::ApiConfig;

use super::{Particulars, clients, log};
use crate::controller::stack::Value;
use crate::quantity;

/// Seconds for which a client stays with one instance after its last new connection. A session of long polling opens one for about each ping
/// (25 s), since idle ones are closed after 10 s. It is less than the age at which streams are renewed by default: they may find another
/// instance then.
const STAY: i32 = 600;

/// The API of a stack.
pub(super) fn api(config: &ApiConfig, access: &[(&'static str, Value)]) -> Particulars<'static> {
    let mut settings = vec![log(config.log_level)];
    settings.extend(clients::settings(&config.clients));
    settings.extend_from_slice(access);
    settings.extend(sockets(config).into_iter().filter_map(|(name, value)| Some((name, Value::Literal(value?)))));
    Particulars {
        component: Component::Api,
        backends: &Component::BACKENDS,
        http_port: Some(ports::HTTP),
        sticky: Some(STAY),
        settings,
        files: BTreeMap::new(),
        memory_limit: clients::memory_limit(&config.clients),
    }
}

/// What the spec says of Socket.IO. What it leaves open is the binary's own choice.
fn sockets(config: &ApiConfig) -> [(&'static str, Option<String>); 8] {
    let demo = config.demo.clone().unwrap_or_default();
    let delay = demo.delay_seconds.unwrap_or_default();
    let ping = config.socket_ping.clone().unwrap_or_default();
    let payload = config.socket_payload.as_deref().and_then(quantity::bytes);
    [
        (environment::SOCKET_PAYLOAD_BYTES, payload.map(|bytes| bytes.to_string())),
        (environment::SOCKET_PING_INTERVAL_SECONDS, ping.interval_seconds.map(|seconds| seconds.to_string())),
        (environment::SOCKET_PING_TIMEOUT_SECONDS, ping.timeout_seconds.map(|seconds| seconds.to_string())),
        (environment::DEMO_CONNECTIONS_PER_ADDRESS, demo.connections_per_address.map(|number| number.to_string())),
        (environment::DEMO_PINGS, demo.pings_per_client.map(|number| number.to_string())),
        (environment::DEMO_SHORTEST_SECONDS, delay.shortest.map(|seconds| seconds.to_string())),
        (environment::DEMO_LONGEST_SECONDS, delay.longest.map(|seconds| seconds.to_string())),
        (environment::DEMO_SHOW_ADDRESSES, demo.show_addresses.map(|shown| shown.to_string())),
    ]
}
