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

use super::{stream, tickets};
use crate::{documents, socketio, state::ApiState};

/// `GET /`: what this is, and all that is here.
pub(crate) async fn information() -> Json<Value> {
    Json(json!({
        "name": "realtime-api",
        "version": env!("CARGO_PKG_VERSION"),
        "endpoints": {
            "health": "/api/health",
            "notifications": "/api/notifications",
            "batch": "/api/notifications/batch",
            "notification": "/api/notifications/{id}",
            "history": "/api/notifications/{id}/events",
            "inbox": "/api/users/{user}/notifications",
            "inboxRead": "/api/users/{user}/notifications/read",
            "notificationRead": "/api/users/{user}/notifications/{id}/read",
            "tickets": tickets::PATH,
            "stream": stream::PATH,
            "socketio": socketio::PATH,
            "websocketHealth": "/api/websocket/health",
            "cacheTest": "/api/cache-test",
            "figures": "/api/figures",
            "stack": "/api/stack",
            "metrics": "/metrics",
            "docs": documents::PAGE_PATH,
            "openapi": documents::OPENAPI_PATH,
            "asyncapi": documents::ASYNCAPI_PATH,
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
