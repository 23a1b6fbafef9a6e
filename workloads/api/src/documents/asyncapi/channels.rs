//! What goes over each stream.

mod ending;
mod opening;

pub(super) use self::ending::close_frame;

use serde_json::{Map, Value, json};

use super::schemas;

/// Who sends a message.
#[derive(Clone, Copy, PartialEq, Eq)]
enum From {
    Stack,
    Client,
}

/// A message: its name, who sends it, the schema of its data, and what it means.
struct Message {
    name: &'static str,
    from: From,
    payload: Value,
    summary: &'static str,
    /// The messages of which one answers it.
    replies: Vec<&'static str>,
    headers: Option<Value>,
    /// What it is in HTTP.
    http: Option<Value>,
    /// Fields of the message beside those of each.
    more: Option<(&'static str, Value)>,
}

/// A stream, a namespace of Socket.IO, or a topic.
pub(super) struct Channel {
    pub(super) name: &'static str,
    address: &'static str,
    server: &'static str,
    summary: &'static str,
    messages: Vec<Message>,
}

impl Channel {
    /// The channel's object.
    pub(super) fn object(&self) -> Value {
        let messages: Map<String, Value> = self.messages.iter().map(|it| (it.name.to_owned(), it.object())).collect();
        json!({
            "address": self.address,
            "summary": self.summary,
            "servers": [{"$ref": format!("#/servers/{}", self.server)}],
            "messages": messages,
        })
    }

    /// An operation for each message that is no acknowledgement.
    pub(super) fn operations(&self) -> impl Iterator<Item = (String, Value)> {
        let replies: Vec<&str> = self.messages.iter().flat_map(|message| message.replies.clone()).collect();
        self.messages.iter().filter(move |message| !replies.contains(&message.name)).map(|message| {
            let channel = json!({"$ref": format!("#/channels/{}", self.name)});
            let reference = |names: &[&str]| -> Vec<Value> {
                names.iter().map(|name| json!({"$ref": format!("#/channels/{}/messages/{name}", self.name)})).collect()
            };
            let action = if message.from == From::Stack { "send" } else { "receive" };
            let mut operation = json!({
                "action": action, "channel": channel, "summary": message.summary, "messages": reference(&[message.name]),
            });
            if !message.replies.is_empty() {
                operation["reply"] = json!({"channel": channel, "messages": reference(&message.replies)});
            }
            if let Some(http) = message.http.as_ref().filter(|_| message.from == From::Client) {
                operation["bindings"]["http"] = http.clone();
            }
            (format!("{}.{}", self.name, message.name), operation)
        })
    }
}

impl Message {
    fn object(&self) -> Value {
        let mut object = json!({"name": self.name, "summary": self.summary, "payload": self.payload});
        if let Some(headers) = &self.headers {
            object["headers"] = headers.clone();
        }
        if let Some(http) = self.http.as_ref().filter(|_| self.from == From::Stack) {
            object["bindings"]["http"] = http.clone();
        }
        if let Some((name, value)) = &self.more {
            object[name] = value.clone();
        }
        object
    }
}

fn sends(name: &'static str, payload: Value, summary: &'static str) -> Message {
    Message { name, from: From::Stack, payload, summary, replies: Vec::new(), headers: None, http: None, more: None }
}

fn takes(name: &'static str, payload: Value, summary: &'static str) -> Message {
    Message { from: From::Client, ..sends(name, payload, summary) }
}

/// A frame of server-sent events: its `event` when it has one, and its `id`.
fn frame(name: &'static str, event: Option<&str>, shape: &str, summary: &'static str) -> Message {
    let mut properties = json!({"id": {"type": "string", "description": "The cursor behind this frame: where a client goes on that comes back"}});
    if let Some(event) = event {
        properties["event"] = json!({"type": "string", "const": event});
    }
    let headers = json!({"type": "object", "properties": properties});
    Message { headers: Some(headers), ..sends(name, schemas::named(shape), summary) }
}

fn nothing() -> Value {
    json!({"type": "null"})
}

/// All of them.
pub(super) fn all() -> Vec<Channel> {
    vec![notifications(), events(), sockets(), demo(), product_topic(), notification_topic()]
}

fn notifications() -> Channel {
    let mut messages = opening::of_notifications();
    messages.extend([
        frame("connection", None, "ConnectionFrame", "The first frame, with a `retry:` of 1 to 5 s"),
        frame("notification", None, "Notification", "A notification, status `processed`"),
        frame("gap", Some("gap"), "Gap", "Something was missed that cannot be told any more"),
        expiring(),
        ending::end(),
    ]);
    Channel {
        name: "notificationStream",
        address: "/api/sse/notifications",
        server: "api",
        summary: "Notifications, as server-sent events. It resumes by `Last-Event-ID`",
        messages,
    }
}

/// Of both streams.
fn expiring() -> Message {
    frame("expiring", Some("expiring"), "Expiring", "30 s before the token or ticket expires and the stream ends")
}

fn events() -> Channel {
    let mut messages = opening::of_events();
    messages.extend([
        frame("connection", None, "ConnectionFrame", "The first frame, with a `retry:` of 1 to 5 s"),
        frame("event", None, "BroadcastProductEvent", "A product event, or an event whose schema the stack has"),
        frame("heartbeat", None, "HeartbeatFrame", "A sign of life, every 30 s"),
        frame("gap", Some("gap"), "Gap", "Something was missed that cannot be told any more"),
        expiring(),
        ending::end(),
    ]);
    Channel {
        name: "eventStream",
        address: "/events/stream",
        server: "notifications",
        summary: "Events of the stack's topics, as server-sent events. It resumes by `Last-Event-ID`",
        messages,
    }
}

fn acknowledged(message: Message, by: &'static str) -> Message {
    Message { replies: vec![by], ..message }
}

fn sockets() -> Channel {
    let channels = json!({"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]});
    Channel {
        name: "notificationSocket",
        address: "/",
        server: "sockets",
        summary: "The namespace `/` of Socket.IO: notifications, with the feed's cursor as the last argument of each event",
        messages: vec![
            takes(
                "CONNECT",
                schemas::named("Authentication"),
                "Who the client is, what it wants to hear, and where it was",
            ),
            sends("connected", schemas::named("Connected"), "The greeting"),
            sends("notification", schemas::named("Notification"), "A notification, status `processed`"),
            sends("gap", schemas::named("Gap"), "Something was missed that cannot be told any more"),
            sends("cursor", nothing(), "Nothing but the cursor: where a client of quiet channels is by now"),
            sends("expiring", schemas::named("Expiring"), "30 s before the token expires and the connection is closed"),
            acknowledged(takes("message", json!({}), "Anything, which comes back"), "message-ack"),
            sends(
                "message-ack",
                schemas::named("MessageAck"),
                "The answer to `message`, as an event and to a callback",
            ),
            acknowledged(takes("ping", nothing(), "Is anybody there?"), "pong"),
            sends("pong", schemas::named("Pong"), "The answer to `ping`, as an event and to a callback"),
            acknowledged(takes("subscribe", channels.clone(), "A channel, some, or `*`"), "subscribed"),
            acknowledged(takes("unsubscribe", channels, "A channel, some, or `*`"), "subscribed"),
            acknowledged(takes("refresh", json!({"type": "string"}), "A new token of the same user"), "subscribed"),
            sends("subscribed", schemas::named("Subscribed"), "The acknowledgement, to a callback only"),
            refused(),
            ending::close(),
        ],
    }
}

/// Of both namespaces.
fn refused() -> Message {
    sends("CONNECT_ERROR", schemas::named("ConnectError"), "The client is not let in, and does not come back by itself")
}

fn demo() -> Channel {
    Channel {
        name: "demoSocket",
        address: "/demo",
        server: "sockets",
        summary: "The namespace `/demo` of Socket.IO, open to anybody: 10 connections of an address, 100 pings of a client",
        messages: vec![
            sends(
                "connectionStatus",
                json!({"type": "string", "enum": ["connected", "disconnected"]}),
                "At the beginning, and before the server sends the client away",
            ),
            sends("randomString", schemas::named("RandomString"), "Every 5 to 15 s, by chance"),
            sends("error", schemas::named("DemoError"), "Why the client is sent away"),
            acknowledged(takes("ping", nothing(), "Is anybody there?"), "pong"),
            sends("pong", schemas::named("DemoPong"), "The acknowledgement of `ping`, to a callback only"),
            refused(),
            sends("DISCONNECT", nothing(), "Behind `error`: the client is sent away, and does not come back by itself"),
            ending::close(),
        ],
    }
}

fn product_topic() -> Channel {
    Channel {
        name: "productEvents",
        address: "product-events",
        server: "kafka",
        summary: "Events for `/events/stream`. The record's key is the event's channel",
        messages: vec![takes(
            "event",
            schemas::named("ProductEvent"),
            "A product event, or an event whose schema the stack has",
        )],
    }
}

fn notification_topic() -> Channel {
    Channel {
        name: "notifications",
        address: "notifications",
        server: "kafka",
        summary: "Notifications on their way, of the API and of other producers. The record's key is the notification's channel",
        messages: vec![takes(
            "created",
            schemas::named("NotificationCreated"),
            "A notification that is to be stored and sent",
        )],
    }
}
