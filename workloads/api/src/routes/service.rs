//! The service about itself.

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use prometheus::{TEXT_FORMAT, TextEncoder};
use serde_json::{Value, json};
use tracing::error;

use crate::{socketio, state::ApiState};

/// `GET /`
pub(crate) async fn information() -> Json<Value> {
    Json(json!({
        "name": "realtime-api",
        "version": env!("CARGO_PKG_VERSION"),
        "endpoints": {
            "health": "/api/health",
            "notifications": "/api/notifications",
            "stream": "/api/sse/notifications",
            "socketio": socketio::PATH,
            "websocketHealth": "/api/websocket/health",
            "cacheTest": "/api/cache-test",
            "metrics": "/metrics",
        },
    }))
}

/// `GET /metrics`
pub(crate) async fn metrics(State(state): State<ApiState>) -> Response {
    match TextEncoder::new().encode_to_string(&state.metrics.registry.gather()) {
        Ok(text) => ([(CONTENT_TYPE, TEXT_FORMAT)], text).into_response(),
        Err(error) => {
            error!(error = &error as &dyn std::error::Error, "metrics cannot be encoded");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
