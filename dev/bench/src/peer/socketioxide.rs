//! socketioxide over axum, as its documentation shows it. A POST publishes to Redis, a subscriber emits to everybody. Nothing is stored.

use anyhow::{Context, Result, bail};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::serve::ListenerExt as _;
use axum::{Json, Router};
use futures::StreamExt as _;
use jiff::Timestamp;
use realtime_contract::time::milliseconds;
use redis::AsyncCommands as _;
use redis::aio::MultiplexedConnection;
use serde_json::{Value, json};
use socketioxide::SocketIo;
use socketioxide::extract::SocketRef;

use super::SocketPeerArguments;
use super::axum::listen;

/// Packets that may wait for one client. More than the default, so that a busy client loses none: the figures must not count a stream with holes.
const BEHIND: usize = 4096;

#[derive(Clone)]
struct Publisher {
    connection: MultiplexedConnection,
    channel: String,
}

/// Serves until it is killed.
#[tokio::main]
pub(crate) async fn serve(arguments: &SocketPeerArguments) -> Result<()> {
    let client = redis::Client::open(arguments.redis.as_str()).context("failed to read the address of Redis")?;
    let connection = client.get_multiplexed_async_connection().await.context("failed to connect to Redis")?;
    let (layer, io) = SocketIo::builder().max_buffer_size(BEHIND).build_layer();
    io.ns("/", async |socket: SocketRef| welcome(&socket));
    let publisher = Publisher { connection, channel: arguments.channel.clone() };
    let router = Router::new().route("/api/notifications", post(publish)).with_state(publisher).layer(layer);
    // Where the delay cannot be switched off, the socket is gone already.
    let listener = listen(arguments.port)?.tap_io(|socket| _ = socket.set_nodelay(true));
    let server = tokio::spawn(axum::serve(listener, router).into_future());
    tokio::select! {
        result = server => result.context("failed to await the server")?.context("failed to serve"),
        result = broadcast(&client, &arguments.channel, &io) => result,
    }
}

fn welcome(socket: &SocketRef) {
    let timestamp = milliseconds(Timestamp::now());
    let greeting = json!({ "message": "Connected to notifications", "id": socket.id, "timestamp": timestamp });
    // A client that has gone already hears nothing.
    _ = socket.emit("connected", &greeting);
}

async fn broadcast(client: &redis::Client, channel: &str, io: &SocketIo) -> Result<()> {
    let mut subscription = client.get_async_pubsub().await.context("failed to connect to Redis")?;
    subscription.subscribe(channel).await.context("failed to subscribe")?;
    let mut messages = subscription.into_on_message();
    while let Some(message) = messages.next().await {
        let notification: Value =
            serde_json::from_slice(message.get_payload_bytes()).context("failed to read a notification")?;
        // Clients that have gone meanwhile are no failure.
        _ = io.emit("notification", &notification).await;
    }
    bail!("the subscription ended")
}

async fn publish(State(mut publisher): State<Publisher>, Json(draft): Json<Value>) -> Response {
    let field = |name: &str, default: &str| draft.get(name).cloned().unwrap_or_else(|| default.into());
    let notification = json!({
        "id": format!("{:032x}", Timestamp::now().as_nanosecond()),
        "message": field("message", ""),
        "type": field("type", "info"),
        "channel": field("channel", "default"),
        "status": "processed",
        "timestamp": milliseconds(Timestamp::now()),
        "data": draft.get("data"),
    });
    let published = publisher.connection.publish::<_, _, ()>(&publisher.channel, notification.to_string()).await;
    match published {
        Ok(()) => (StatusCode::CREATED, Json(notification)).into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, error.to_string()).into_response(),
    }
}
