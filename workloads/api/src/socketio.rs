//! Socket.IO behind a seam: a layer for the router, a broadcast for the tail, a close for the shutdown.

use jiff::Timestamp;
use prometheus::IntGauge;
use realtime_contract::time::milliseconds;
use serde_json::{Value, json};
use socketioxide::{
    SocketIo,
    extract::{AckSender, SocketRef, TryData},
    layer::SocketIoLayer,
    socket::DisconnectReason,
};
use tracing::{debug, info, warn};

/// Path of Engine.IO, as clients have it by default.
pub(crate) const PATH: &str = "/socket.io";
/// Packets that may wait for one client.
const BUFFER: usize = 128;
/// Bytes of a client's message at most, as of the body of a request.
const PAYLOAD: u64 = 64 * 1024;

/// The server side of all Socket.IO connections of this replica.
#[derive(Clone)]
pub(crate) struct SocketIoServer {
    io: SocketIo,
}

impl SocketIoServer {
    /// The server, and the layer that brings it to the router. `connections` follows the number of open connections.
    pub(crate) fn new(connections: &IntGauge) -> (Self, SocketIoLayer) {
        let (layer, io) = SocketIo::builder().max_buffer_size(BUFFER).max_payload(PAYLOAD).build_layer();
        let connections = connections.clone();
        // Done before the future, which runs in a task of its own: what a client sends at once, and its end, find their handlers in place.
        io.ns("/", move |socket: SocketRef| {
            welcome(&socket, &connections);
            std::future::ready(())
        });
        (Self { io }, layer)
    }

    /// Sends a notification, given as JSON, to every connection of this replica. The others follow the feed themselves.
    pub(crate) async fn broadcast(&self, notification: &str) {
        let notification: Value = match serde_json::from_str(notification) {
            Ok(notification) => notification,
            Err(error) => {
                warn!(error = &error as &dyn std::error::Error, "notification in the feed is not JSON");
                return;
            }
        };
        if let Err(error) = self.io.local().emit("notification", &notification).await {
            debug!(error = &error as &dyn std::error::Error, "notification not queued for every connection");
        }
    }

    /// Closes every transport; clients connect again by themselves.
    pub(crate) async fn close(&self) {
        self.io.close().await;
    }
}

fn welcome(socket: &SocketRef, connections: &IntGauge) {
    connections.inc();
    info!(socket_id = %socket.id, "socket.io client connected");
    socket.on("message", answer_message);
    socket.on("ping", answer_ping);
    let connections = connections.clone();
    socket.on_disconnect(move |socket: SocketRef, reason: DisconnectReason| {
        let connections = connections.clone();
        async move {
            connections.dec();
            info!(socket_id = %socket.id, reason = ?reason, "socket.io client disconnected");
        }
    });
    let greeting = json!({ "message": "Connected to notifications", "id": socket.id, "timestamp": now() });
    emit(socket, "connected", &greeting);
}

async fn answer_message(socket: SocketRef, TryData(data): TryData<Value>, acknowledgement: AckSender) {
    let answer = json!({ "received": true, "data": data.unwrap_or(Value::Null), "timestamp": now() });
    emit(&socket, "message-ack", &answer);
    acknowledge(acknowledgement, &answer);
}

async fn answer_ping(socket: SocketRef, acknowledgement: AckSender) {
    let answer = json!({ "timestamp": now() });
    emit(&socket, "pong", &answer);
    acknowledge(acknowledgement, &answer);
}

fn emit(socket: &SocketRef, event: &str, data: &Value) {
    if let Err(error) = socket.emit(event, data) {
        debug!(socket_id = %socket.id, event, error = &error as &dyn std::error::Error, "event not queued");
    }
}

/// Does nothing when the client gave no callback.
fn acknowledge(acknowledgement: AckSender, data: &Value) {
    if let Err(error) = acknowledgement.send(data) {
        debug!(error = &error as &dyn std::error::Error, "acknowledgement not queued");
    }
}

fn now() -> String {
    milliseconds(Timestamp::now())
}
