//! The official clients, from npm: each runs in a Node process and prints what it receives.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

use crate::arrivals::Arrivals;
use crate::environment;

const EVENT_SOURCE: &str = include_str!("../clients/eventsource-listen.mjs");
const SOCKET_IO: &str = include_str!("../clients/socketio-listen.mjs");

/// A client that runs as long as this value lives.
#[derive(Debug)]
pub struct Client {
    /// What it receives.
    pub arrivals: Arrivals,
    // Ends the process when the value goes.
    _process: Child,
}

/// Which transports a Socket.IO client uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Long polling only.
    Polling,
    /// WebSocket only.
    WebSocket,
}

impl Transport {
    const fn name(self) -> &'static str {
        match self {
            Self::Polling => "polling",
            Self::WebSocket => "websocket",
        }
    }
}

/// `socket.io-client`, connected to the server at `url`.
///
/// # Panics
/// When it cannot connect.
pub async fn socket_io(url: &str, transport: Transport) -> Client {
    start(&format!("socket.io-client by {} at {url}", transport.name()), SOCKET_IO, &[url, transport.name()]).await
}

/// The EventSource of package `eventsource`, open on `url`.
///
/// # Panics
/// When it cannot connect.
pub async fn event_source(url: &str) -> Client {
    start(&format!("EventSource at {url}"), EVENT_SOURCE, &[url]).await
}

/// The script is given as text, so that its imports resolve from the folder that holds `node_modules`.
async fn start(name: &str, script: &str, arguments: &[&str]) -> Client {
    let modules = environment::path(environment::NODE_MODULES);
    let folder = modules.parent().unwrap_or_else(|| panic!("{} has no parent folder", modules.display()));
    let spawned = Command::new("node")
        .args(["--input-type=module", "--eval", script, "--"])
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn();
    let mut process = spawned.unwrap_or_else(|error| panic!("failed to start node, which {name} needs: {error}"));
    let (sender, arrivals) = Arrivals::new(name);
    if let Some(stdout) = process.stdout.take() {
        tokio::spawn(forward(stdout, sender.clone(), false));
    }
    if let Some(stderr) = process.stderr.take() {
        tokio::spawn(forward(stderr, sender, true));
    }
    Client { arrivals: arrivals.connected().await, _process: process }
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
