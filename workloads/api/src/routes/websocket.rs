//! `GET /api/websocket/health`: whether the namespace `/demo` serves, and whom.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{feed::Epoch, socketio::Sockets};

/// What the route needs.
#[derive(Clone)]
pub(crate) struct HealthState {
    pub(crate) sockets: Sockets,
    /// Connections are served once the feed was found.
    pub(crate) epoch: Epoch,
}

/// Counts connections of this replica. Addresses are shown where that is permitted; elsewhere it is said how many they are.
pub(crate) async fn health(State(HealthState { sockets, epoch }): State<HealthState>) -> Response {
    if epoch.get().is_none() {
        let body = json!({ "status": "unhealthy", "message": "WebSocket service not initialized" });
        return (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response();
    }
    let by_address = sockets.demo.by_address();
    let connections: usize = by_address.values().sum();
    let shown: Value = if sockets.shows_addresses {
        by_address.iter().map(|(address, count)| (address.to_string(), Value::from(*count))).collect()
    } else {
        by_address.len().into()
    };
    let body = json!({
        "status": "healthy",
        "connections": connections,
        "connectionsByIP": shown,
        "timestamp": Timestamp::now().as_millisecond(),
    });
    Json(body).into_response()
}
