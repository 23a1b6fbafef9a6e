//! The service about itself, in the shapes of the service that it replaces.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header::ACCEPT, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use prometheus::{TEXT_FORMAT, TextEncoder};
use realtime_chassis::http::Problem;
use realtime_contract::time::milliseconds;
use serde_json::{Value, json};

use crate::state::ServiceState;

/// `GET /`
pub(crate) async fn information() -> Json<Value> {
    Json(json!({
        "name": "realtime-notifications",
        "version": env!("CARGO_PKG_VERSION"),
        "endpoints": { "stream": "/events/stream", "health": "/health", "metrics": "/metrics" },
    }))
}

/// `GET /health`: 503 while Kafka does not serve, since nothing new can be delivered then.
pub(crate) async fn health(State(state): State<ServiceState>) -> (StatusCode, Json<Value>) {
    let (code, status) = if state.board.state("kafka").is_ready() {
        (StatusCode::OK, "healthy")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "unhealthy")
    };
    let now = milliseconds(Timestamp::now());
    let body = json!({
        "status": status,
        "timestamp": now,
        "services": { "kafka": { "status": status } },
        "metrics": { "processedMessagesCount": state.measures.processed(), "maxCacheSize": state.window },
        "sse": { "activeConnections": state.engine.statistics().connections(), "timestamp": now },
    });
    (code, Json(body))
}

/// `GET /metrics`: JSON, or Prometheus text for a client that asks for it.
pub(crate) async fn metrics(State(state): State<ServiceState>, headers: HeaderMap) -> Response {
    if !asks_for_prometheus(&headers) {
        return Json(statistics(&state)).into_response();
    }
    match TextEncoder::new().encode_to_string(&state.registry.gather()) {
        Ok(text) => ([(CONTENT_TYPE, TEXT_FORMAT)], text).into_response(),
        Err(error) => Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// Any path that is none of the service's.
pub(crate) async fn unknown_path() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "there is nothing at this path")
}

/// Any other method than those of the path.
pub(crate) async fn unknown_method() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "this path does not take this method")
}

fn statistics(state: &ServiceState) -> Value {
    let now = milliseconds(Timestamp::now());
    json!({
        "consumer": {
            "processedMessagesCount": state.measures.processed(),
            "maxCacheSize": state.window,
            "timestamp": now,
        },
        "sse": { "activeConnections": state.engine.statistics().connections(), "timestamp": now },
    })
}

fn asks_for_prometheus(headers: &HeaderMap) -> bool {
    let ranges =
        headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    ranges
        .map(|range| range.split(';').next().unwrap_or_default().trim())
        .any(|range| matches!(range, "text/plain" | "application/openmetrics-text"))
}
