//! The official Socket.IO client, by each of its transports.

mod demo;
mod events;
mod recovery;
mod rooms;

use realtime_e2e::clients::{Client, SocketIo, Transport};
use serde_json::{Value, json};

use super::PATIENCE;

/// A client that misses nothing, since it names its last offset; it gives that when it connects.
fn resuming<'a>(url: &'a str, transport: Transport, auth: Option<&'a Value>) -> SocketIo<'a> {
    SocketIo { url, transport, auth, resumes: true }
}

/// Messages of the notifications that a client has got, of those that begin with that.
fn messages(client: &Client, begin: &str) -> Vec<String> {
    let seen = client.arrivals.seen().iter().filter(|it| it.event["event"] == "notification");
    let messages = seen.filter_map(|it| it.data()["message"].as_str().map(str::to_owned));
    messages.filter(|message| message.starts_with(begin)).collect()
}

/// The answer to a subscription.
fn subscribed(channels: &[&str]) -> Vec<Value> {
    vec![json!({"status": "ok", "channels": channels})]
}
