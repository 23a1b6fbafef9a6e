//! Many official Socket.IO clients in one Node process.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::{Mutex, mpsc};

use super::Transport;
use super::node::Node;

const SCRIPT: &str = include_str!("../../clients/socketio-crowd.mjs");

/// A busy process may take a while to answer.
const ANSWERED: Duration = Duration::from_secs(30);

/// One of the clients.
#[derive(Clone, Debug)]
pub struct Member {
    /// Where it connects to.
    pub url: String,
    /// How.
    pub transport: Transport,
    /// The channels that it wants, if it does not want all.
    pub channels: Option<Vec<String>>,
}

/// How far a client is.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Count {
    /// How many notifications it has got.
    pub received: usize,
    /// How often it has connected.
    pub opened: u32,
}

/// What has become of a client so far.
#[derive(Clone, Debug, Deserialize)]
pub struct Record {
    /// Numbers of its notifications, as they came.
    pub received: Vec<u32>,
    /// How often it has connected.
    pub opened: u32,
    /// How often the server then knew it again.
    pub recovered: u32,
    /// The transport that it had last.
    pub transport: Option<String>,
    /// Each end of a connection.
    pub ended: Vec<End>,
    /// Data of the events that say that something is missing.
    pub gaps: Vec<String>,
    /// Why it gave up for good.
    pub refused: Option<String>,
    /// The last offset that it has seen.
    pub offset: Option<String>,
}

/// The end of a connection.
#[derive(Clone, Debug, Deserialize)]
pub struct End {
    /// In milliseconds since the epoch.
    pub at: u64,
    /// As the client calls it.
    pub reason: String,
}

/// Clients that are connected as long as this value lives.
#[derive(Clone, Debug)]
pub struct SocketCrowd(Arc<Mutex<Process>>);

#[derive(Debug)]
struct Process {
    node: Node,
    answers: mpsc::UnboundedReceiver<Value>,
}

impl SocketCrowd {
    /// Starts the clients, which keep the numbers of notifications whose message is `<run>-<number>`.
    ///
    /// # Panics
    /// When Node cannot be started.
    pub fn open(run: &str, members: &[Member]) -> Self {
        let told = |member: &Member| json!({"url": member.url, "transports": member.transport.names(), "channels": member.channels});
        let clients: Vec<Value> = members.iter().map(told).collect();
        let (sender, answers) = mpsc::unbounded_channel();
        let node = Node::start("a crowd", SCRIPT, &json!({"run": run, "clients": clients}).to_string(), sender);
        Self(Arc::new(Mutex::new(Process { node, answers })))
    }

    /// How far each client is.
    ///
    /// # Panics
    /// When the process does not answer.
    pub async fn counts(&self) -> Vec<Count> {
        self.ask("counts").await
    }

    /// What has become of each client.
    ///
    /// # Panics
    /// When the process does not answer.
    pub async fn records(&self) -> Vec<Record> {
        self.ask("report").await
    }

    async fn ask<T: serde::de::DeserializeOwned>(&self, question: &str) -> T {
        let begin = Instant::now();
        let mut process = self.0.lock().await;
        process.node.tell(&json!(question)).await;
        while let Ok(Some(answer)) = tokio::time::timeout(ANSWERED, process.answers.recv()).await {
            if answer.is_array() {
                return serde_json::from_value(answer).unwrap_or_else(|error| panic!("{question} of a crowd: {error}"));
            }
            eprintln!("a crowd says: {answer}");
        }
        panic!("a crowd gave no {question} within {:?}", begin.elapsed());
    }
}
