//! The official clients, from npm: each runs in a Node process and prints what it receives.

pub mod crowd;
pub mod node;
pub mod package;

use std::time::Duration;

use serde_json::{Value, json};

use crate::arrivals::{Arrival, Arrivals};
use node::Node;

const EVENT_SOURCE: &str = include_str!("../clients/eventsource-listen.mjs");
const SOCKET_IO: &str = include_str!("../clients/socketio.mjs");

/// What comes at once comes within this time.
const PATIENCE: Duration = Duration::from_secs(10);

/// A client that runs as long as this value lives.
#[derive(Debug)]
pub struct Client {
    /// What it receives.
    pub arrivals: Arrivals,
    node: Node,
    questions: u64,
}

/// Which transports a Socket.IO client uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Long polling only.
    Polling,
    /// WebSocket only.
    WebSocket,
    /// Long polling first, then WebSocket: what the client does when it is told nothing.
    Upgrade,
}

impl Transport {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Polling, Self::WebSocket, Self::Upgrade];

    /// Names of the transports, in the order in which the client tries them.
    pub const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Polling => &["polling"],
            Self::WebSocket => &["websocket"],
            Self::Upgrade => &["polling", "websocket"],
        }
    }
}

/// What a Socket.IO client is told.
#[derive(Clone, Copy, Debug)]
pub struct SocketIo<'a> {
    /// Address and namespace.
    pub url: &'a str,
    /// Its transports.
    pub transport: Transport,
    /// What it gives each time that it connects.
    pub auth: Option<&'a Value>,
    /// Whether it names the last offset that it has seen, each time that it connects.
    pub resumes: bool,
}

impl SocketIo<'_> {
    /// Starts the client, connected or not.
    ///
    /// # Panics
    /// When Node cannot be started.
    pub fn start(self) -> Client {
        let Self { url, transport, auth, resumes } = self;
        let transports = transport.names();
        let told = json!({"url": url, "transports": transports, "auth": auth, "resumes": resumes});
        Client::start(&format!("socket.io-client by {} at {url}", transports.join("+")), SOCKET_IO, &told.to_string())
    }

    /// Starts the client and waits until it is connected, and has changed the transport if it does so.
    ///
    /// # Panics
    /// When it cannot connect.
    pub async fn connect(self) -> Client {
        let mut client = self.start();
        client.arrivals = client.arrivals.connected().await;
        if self.transport == Transport::Upgrade {
            client.arrivals.wait("change of the transport", PATIENCE, |event| event["event"] == "upgrade").await;
        }
        client
    }
}

/// `socket.io-client`, connected to the server at `url`.
///
/// # Panics
/// When it cannot connect.
pub async fn socket_io(url: &str, transport: Transport) -> Client {
    SocketIo { url, transport, auth: None, resumes: false }.connect().await
}

/// The EventSource of package `eventsource`, open on `url`.
///
/// # Panics
/// When it cannot connect.
pub async fn event_source(url: &str) -> Client {
    let mut client = Client::start(&format!("EventSource at {url}"), EVENT_SOURCE, url);
    client.arrivals = client.arrivals.connected().await;
    client
}

impl Client {
    fn start(name: &str, script: &str, argument: &str) -> Self {
        let (sender, arrivals) = Arrivals::new(name);
        Self { arrivals, node: Node::start(name, script, argument, sender), questions: 0 }
    }

    /// Emits an event. Bytes are written as `{"base64": text}`.
    pub async fn emit(&mut self, event: &str, arguments: &[Value]) {
        self.node.tell(&json!({"do": "emit", "event": event, "arguments": arguments})).await;
    }

    /// Emits an event with a callback, and gives what the callback is called with.
    ///
    /// # Panics
    /// When it is not called within 10 s.
    pub async fn ask(&mut self, event: &str, arguments: &[Value]) -> Vec<Value> {
        self.questions += 1;
        let number = self.questions;
        self.node.tell(&json!({"do": "ask", "number": number, "event": event, "arguments": arguments})).await;
        let is_answer = |it: &Value| it["event"] == "acknowledgement" && it["data"] == number;
        let answer = self.arrivals.wait(&format!("acknowledgement of {event}"), PATIENCE, is_answer).await;
        answer.event["arguments"].as_array().cloned().unwrap_or_default()
    }

    /// Has a Socket.IO client close the connection below it; it comes back by itself.
    pub async fn cut(&mut self) {
        self.node.tell(&json!({"do": "cut"})).await;
    }

    /// Has a Socket.IO client leave for good.
    pub async fn disconnect(&mut self) {
        self.node.tell(&json!({"do": "disconnect"})).await;
    }

    /// Has a Socket.IO client that has left come again.
    pub async fn connect_again(&mut self) {
        self.node.tell(&json!({"do": "connect"})).await;
    }

    /// How often it has connected so far, of what was read.
    pub fn connections(&self) -> usize {
        self.arrivals.seen().iter().filter(|arrival| arrival.event["event"] == "ready").count()
    }

    /// Waits until it has connected so many times, and gives what it said of the last time.
    ///
    /// # Panics
    /// When that takes longer than `limit`.
    pub async fn connected_times(&mut self, times: usize, limit: Duration) -> Arrival {
        self.arrivals.nth("connection", times, limit, |event| event["event"] == "ready").await
    }
}
