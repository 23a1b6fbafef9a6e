//! The AsyncAPI document: what the stack streams, and what it takes from Kafka and from sockets.

mod channels;

use serde_json::{Map, Value, json};

use self::channels::Channel;
use super::schemas;

/// The document.
pub(super) fn document() -> Value {
    let channels = channels::all();
    json!({
        "asyncapi": "3.0.0",
        "id": "urn:io:realtimestack:streams",
        "info": {
            "title": "Realtime Stack streams",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What a stack sends to clients by server-sent events and Socket.IO, and what it takes from them and from Kafka. Requests are described by the OpenAPI document at `/api/openapi.json`.",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": servers(),
        "channels": channels.iter().map(|channel| (channel.name.to_owned(), channel.object())).collect::<Map<_, _>>(),
        "operations": channels.iter().flat_map(Channel::operations).collect::<Map<_, _>>(),
        "components": {
            "schemas": shapes(),
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "Where the stack asks for tokens."},
                "ticket": {"type": "httpApiKey", "in": "query", "name": "ticket", "description": "From `POST /api/tickets`, for an EventSource, which cannot send headers."},
                "ticketCookie": {"type": "httpApiKey", "in": "cookie", "name": "realtime_ticket", "description": "The same as a cookie."},
                "auth": {"type": "httpApiKey", "in": "query", "name": "auth", "description": "`auth.token` of the Socket.IO client, sent in its CONNECT."},
                "kafka": {"type": "plain", "description": "The stack's user and password."},
            },
        },
    })
}

fn shapes() -> Value {
    let mut shapes = schemas::of_streams();
    shapes["CloseFrame"] = channels::close_frame();
    shapes
}

fn servers() -> Value {
    let reference = |names: &[&str]| -> Vec<Value> {
        names.iter().map(|name| json!({"$ref": format!("#/components/securitySchemes/{name}")})).collect()
    };
    let stack = json!({"stack": {"default": "demo", "description": "The name of the stack"}});
    let streams = ["token", "ticket", "ticketCookie"];
    json!({
        "api": {
            "host": "{stack}-api:3001", "protocol": "http", "variables": stack, "security": reference(&streams),
            "description": "The API: server-sent events",
        },
        "sockets": {
            "host": "{stack}-api:3001", "pathname": "/socket.io/", "protocol": "ws", "variables": stack, "security": reference(&["auth"]),
            "description": "The API: Socket.IO 4 (Engine.IO 4), by websocket or long polling",
        },
        "notifications": {
            "host": "{stack}-notifications:3001", "protocol": "http", "variables": stack, "security": reference(&streams),
            "description": "The notifications service: server-sent events",
        },
        "kafka": {
            "host": "{stack}-kafka:9092", "protocol": "kafka", "variables": stack, "security": reference(&["kafka"]),
            "description": "The stack's Kafka",
        },
    })
}
