//! Namespaces go when the tests do, whichever way they end.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use crate::environment;

/// Each waits for the end of its standard input, which comes with the end of this process.
static JANITORS: Mutex<Vec<Child>> = Mutex::new(Vec::new());

/// Has the namespace deleted when this process ends. In a process group of its own, since an interrupt reaches the whole group.
///
/// # Panics
/// When the janitor cannot be started.
pub fn delete_at_exit(namespace: &str) {
    let script =
        "cat > /dev/null; exec \"$0\" --kubeconfig \"$1\" delete namespace \"$2\" --ignore-not-found --wait=false";
    let spawned = Command::new("sh")
        .args(["-c", script])
        .arg(environment::path(environment::KUBECTL))
        .arg(environment::path(environment::KUBECONFIG))
        .arg(namespace)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn();
    let janitor = spawned.unwrap_or_else(|error| panic!("failed to start the janitor of {namespace}: {error}"));
    JANITORS.lock().unwrap_or_else(PoisonError::into_inner).push(janitor);
}
