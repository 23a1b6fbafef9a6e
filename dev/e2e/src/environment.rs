//! What the tests are told by the command that starts them. Only sizes have a default: a test that does not know its cluster fails.

use std::path::PathBuf;

/// Path of the cluster's kubeconfig. Not `KUBECONFIG`, which a developer may have set to a cluster that is no test's.
pub const KUBECONFIG: &str = "REALTIME_E2E_KUBECONFIG";
/// Path of kubectl.
pub const KUBECTL: &str = "REALTIME_E2E_KUBECTL";
/// Path of the API server's audit log: JSON lines, writes only.
pub const AUDIT_LOG: &str = "REALTIME_E2E_AUDIT_LOG";
/// The folder `node_modules` with the packages of `dev/e2e/clients`.
pub const NODE_MODULES: &str = "REALTIME_E2E_NODE_MODULES";
/// The folder of our own client package, built.
pub const CLIENT_PACKAGE: &str = "REALTIME_E2E_CLIENT_PACKAGE";
/// The folder with schemathesis and what it needs, for `PYTHONPATH`.
pub const SCHEMATHESIS: &str = "REALTIME_E2E_SCHEMATHESIS";
/// Path of Chromium without a screen.
pub const CHROMIUM: &str = "REALTIME_E2E_CHROMIUM";
/// The folder for pictures of the console, for people to look at. It exists.
pub const SCREENSHOTS: &str = "REALTIME_E2E_SCREENSHOTS";
/// Seconds for which an idle stack is watched. May be missing.
pub const IDLE_SECONDS: &str = "REALTIME_E2E_IDLE_SECONDS";
/// How many clients read the stream while its instances die. May be missing.
pub const STREAM_CLIENTS: &str = "REALTIME_E2E_STREAM_CLIENTS";
/// Events a second that they get. May be missing.
pub const STREAM_EVENTS: &str = "REALTIME_E2E_STREAM_EVENTS";

/// How many clients the API has while its instances die: half of them by Socket.IO, half by server-sent events. May be missing.
pub const DELIVERY_CLIENTS: &str = "REALTIME_E2E_DELIVERY_CLIENTS";
/// Notifications a second that are posted meanwhile. May be missing.
pub const DELIVERY_POSTS: &str = "REALTIME_E2E_DELIVERY_POSTS";
/// How many processes of API and consumer are killed at moments of chance. May be missing.
pub const KILLS: &str = "REALTIME_E2E_KILLS";
/// What that chance begins with; a failure says it. May be missing.
pub const SEED: &str = "REALTIME_E2E_SEED";

/// The path in that variable.
///
/// # Panics
/// When it is not set.
pub fn path(name: &str) -> PathBuf {
    match std::env::var_os(name) {
        Some(value) if !value.is_empty() => PathBuf::from(value),
        _ => panic!("{name} is not set: run cargo xtask test"),
    }
}

/// The number in that variable, or that one when it is not set.
///
/// # Panics
/// When the variable is set and is no number.
pub fn number(name: &str, otherwise: u32) -> u32 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} is {text}, which is no number")),
        Err(_) => otherwise,
    }
}
