//! A script in a Node process, which prints lines of JSON and may be told some.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::mpsc;

use crate::environment;

/// A process that runs as long as this value lives.
#[derive(Debug)]
pub struct Node {
    input: Option<ChildStdin>,
    // Ends the process when the value goes.
    _process: Child,
}

impl Node {
    /// Runs the script; what it prints goes through the channel. The script is given as text, so that its imports resolve from the folder
    /// that holds `node_modules`.
    ///
    /// # Panics
    /// When Node cannot be started.
    pub fn start(name: &str, script: &str, argument: &str, sender: mpsc::UnboundedSender<Value>) -> Self {
        let modules = environment::path(environment::NODE_MODULES);
        let folder = modules.parent().unwrap_or_else(|| panic!("{} has no parent folder", modules.display()));
        let spawned = Command::new("node")
            .args(["--input-type=module", "--eval", script, "--", argument])
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn();
        let mut process = spawned.unwrap_or_else(|error| panic!("failed to start node, which {name} needs: {error}"));
        if let Some(stdout) = process.stdout.take() {
            tokio::spawn(forward(stdout, sender.clone(), false));
        }
        if let Some(stderr) = process.stderr.take() {
            tokio::spawn(forward(stderr, sender, true));
        }
        Self { input: process.stdin.take(), _process: process }
    }

    /// Gives the script a line.
    ///
    /// # Panics
    /// When it has ended.
    pub async fn tell(&mut self, line: &Value) {
        let line = format!("{line}\n");
        let input = self.input.as_mut().unwrap_or_else(|| panic!("the script takes no lines"));
        input.write_all(line.as_bytes()).await.unwrap_or_else(|error| panic!("the script has ended: {error}"));
    }
}

/// Each line becomes an event; what is not JSON is a complaint of Node itself and shows up in the failure.
async fn forward(output: impl tokio::io::AsyncRead + Unpin, sender: mpsc::UnboundedSender<Value>, complaint: bool) {
    let mut lines = BufReader::new(output).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let event = match serde_json::from_str(&line) {
            Ok(event) if !complaint => event,
            _ => json!({"event": "output", "data": line}),
        };
        if sender.send(event).is_err() {
            return;
        }
    }
}
