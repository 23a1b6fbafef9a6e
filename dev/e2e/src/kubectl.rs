//! The real kubectl: what a user types.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::environment;

/// Longer than any command of a test may take by its own limit.
const LIMIT: Duration = Duration::from_secs(150);

/// What a command said.
#[derive(Clone, Debug)]
pub struct Output {
    /// Whether it ended with 0.
    pub success: bool,
    /// What it printed.
    pub stdout: String,
    /// What it complained about.
    pub stderr: String,
}

/// Runs kubectl and gives what it printed.
///
/// # Panics
/// When it fails.
pub async fn run(arguments: &[&str]) -> String {
    let output = attempt(arguments, "").await;
    assert!(output.success, "kubectl {} failed: {}{}", arguments.join(" "), output.stderr, output.stdout);
    output.stdout
}

/// Runs a command in a pod, with that text at its standard input.
pub async fn exec(namespace: &str, pod: &str, command: &[&str], input: &str) -> Output {
    let mut arguments = vec!["exec", "--stdin", "--quiet", "--namespace", namespace, pod, "--"];
    arguments.extend_from_slice(command);
    attempt(&arguments, input).await
}

/// Runs kubectl, whatever becomes of it.
///
/// # Panics
/// When it cannot be started, or does not end in time.
pub async fn attempt(arguments: &[&str], input: &str) -> Output {
    let program = environment::path(environment::KUBECTL);
    let spawned = Command::new(&program)
        .arg("--kubeconfig")
        .arg(environment::path(environment::KUBECONFIG))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn();
    let mut process = spawned.unwrap_or_else(|error| panic!("failed to start {}: {error}", program.display()));
    let ended = tokio::time::timeout(LIMIT, async {
        if let Some(mut stdin) = process.stdin.take() {
            // A command that does not read its input closes it early.
            drop(stdin.write_all(input.as_bytes()).await);
        }
        process.wait_with_output().await
    });
    let output = ended.await;
    let output = output.unwrap_or_else(|_| panic!("kubectl {} did not end within {LIMIT:?}", arguments.join(" ")));
    let output = output.unwrap_or_else(|error| panic!("failed to wait for kubectl {}: {error}", arguments.join(" ")));
    Output {
        success: output.status.success(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
