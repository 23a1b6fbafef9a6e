//! What the tests are told by the command that starts them. Nothing has a default: a test that does not know its cluster fails.

use std::path::PathBuf;

/// Path of the cluster's kubeconfig. Not `KUBECONFIG`, which a developer may have set to a cluster that is no test's.
pub const KUBECONFIG: &str = "REALTIME_E2E_KUBECONFIG";
/// Path of kubectl.
pub const KUBECTL: &str = "REALTIME_E2E_KUBECTL";
/// Path of the API server's audit log: JSON lines, writes only.
pub const AUDIT_LOG: &str = "REALTIME_E2E_AUDIT_LOG";
/// The folder `node_modules` with the packages of `dev/e2e/clients`.
pub const NODE_MODULES: &str = "REALTIME_E2E_NODE_MODULES";
/// Seconds for which an idle stack is watched. The only variable that may be missing.
pub const IDLE_SECONDS: &str = "REALTIME_E2E_IDLE_SECONDS";

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

/// For how many seconds an idle stack is watched.
///
/// # Panics
/// When the variable is set and is no number.
pub fn idle_seconds() -> u64 {
    match std::env::var(IDLE_SECONDS) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{IDLE_SECONDS} is {text}, which is no number of seconds")),
        Err(_) => 45,
    }
}
