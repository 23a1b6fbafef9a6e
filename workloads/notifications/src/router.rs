//! Every route of the service.

use axum::{
    Router,
    middleware::{from_fn, from_fn_with_state},
    routing::get,
};
use realtime_chassis::http::{RequestMetrics, observe};
use realtime_fanout::serve;
use tower_http::cors::CorsLayer;

use crate::{
    routes::{service, stream},
    state::ServiceState,
};

/// Path of the stream.
pub(crate) const STREAM: &str = "/events/stream";

/// The routes, behind observation and CORS.
pub(crate) fn router(state: ServiceState, requests: RequestMetrics, cors: CorsLayer) -> Router {
    Router::new()
        .route("/", get(service::information))
        .route("/health", get(service::health))
        .route("/metrics", get(service::metrics))
        .route(STREAM, get(stream::stream).layer(from_fn(serve::refuse)))
        .fallback(service::unknown_path)
        .method_not_allowed_fallback(service::unknown_method)
        .with_state(state)
        .layer(cors)
        .layer(from_fn_with_state(requests, observe))
}

#[cfg(test)]
mod tests;
