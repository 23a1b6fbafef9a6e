//! Every route of the API.

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware::{from_fn, from_fn_with_state},
    routing::{get, post, put},
};
use realtime_chassis::http::{RequestMetrics, observe};
use realtime_fanout::serve::refuse;
use tower_http::cors::CorsLayer;

use crate::{
    admission::admit_requests,
    console, documents,
    draft::{BODY_LIMIT, batch},
    error::ApiError,
    routes::{
        cache_test, figures, health, notifications, service, stack, stream, tickets, users,
        websocket::{self, HealthState},
    },
    socketio::Sockets,
    state::ApiState,
};

/// The routes with all that stands before them: observation, then CORS, then who may come in, then the handlers.
pub(crate) fn router(state: ApiState, requests: RequestMetrics, sockets: &Sockets, cors: CorsLayer) -> Router {
    let admission = state.clone();
    let health_state = HealthState { sockets: sockets.clone(), epoch: state.epoch.clone() };
    Router::new()
        .route("/", get(console::root))
        .route("/metrics", get(service::metrics))
        .route("/api/health", get(health::health))
        .route(
            "/api/notifications",
            get(notifications::list).post(notifications::create).delete(notifications::clear_cache),
        )
        .route(
            "/api/notifications/batch",
            post(notifications::create_batch).layer(DefaultBodyLimit::max(batch::BATCH_LIMIT)),
        )
        .route("/api/notifications/{id}", get(notifications::single))
        .route("/api/notifications/{id}/events", get(notifications::history))
        .route("/api/users/{user}/notifications", get(users::inbox))
        .route("/api/users/{user}/notifications/read", put(users::read_all))
        .route("/api/users/{user}/notifications/{id}/read", put(users::read).delete(users::unread))
        .route(tickets::PATH, post(tickets::give).delete(tickets::take_back))
        .route("/api/cache-test", get(cache_test::count))
        .route("/api/figures", get(figures::figures))
        .route("/api/stack", get(stack::stack))
        .route(stream::PATH, get(stream::stream).route_layer(from_fn(refuse)))
        .fallback(console::fallback)
        .method_not_allowed_fallback(|| async { ApiError::UnknownMethod })
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(state)
        .merge(sockets.router())
        .merge(documents::router())
        .route("/api/websocket/health", get(websocket::health).with_state(health_state))
        .layer(from_fn_with_state(admission, admit_requests))
        .layer(cors)
        .layer(from_fn_with_state(requests, observe))
}

#[cfg(test)]
mod tests;
