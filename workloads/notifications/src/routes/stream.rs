//! `GET /events/stream`.

use axum::{
    body::Body,
    extract::State,
    http::{HeaderName, HeaderValue},
    response::Response,
};
use jiff::Timestamp;
use realtime_fanout::{EventStream, hub::Filter, sse};
use tracing::debug;

use crate::{frame, state::ServiceState};

/// The greeting, then every product event from now on.
pub(crate) async fn stream(State(state): State<ServiceState>) -> Response {
    let subscription = state.hub.register(Filter::default());
    debug!(connection = subscription.number(), "stream opened");
    let greeting = frame::connection(Timestamp::now());
    let mut response = Response::new(Body::new(EventStream::new([greeting], subscription)));
    for (name, value) in sse::HEADERS {
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}
