//! What a client is told whose stream or websocket finds no place.

use axum::{body::Body, extract::Request, middleware::Next, response::IntoResponse as _};
use http::{
    HeaderMap, HeaderName, HeaderValue, Response, StatusCode,
    header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER, VARY},
};

use super::limits::Exceeded;
use crate::{
    CloseReason,
    opening::{Grant, Opening},
    sse,
};

/// Marks a request whose stream finds no place, and the answer that says so.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refused(pub(super) Exceeded);

/// Middleware for the routes of streams, inside of what every answer needs (such as CORS): answers requests that find no place, so that
/// their handlers need not begin. Without it the server replaces the handler's answer.
pub async fn refuse(request: Request, next: Next) -> axum::response::Response {
    match request.extensions().get::<Refused>() {
        Some(refused) => refused.answer(request.headers()),
        None => next.run(request).await,
    }
}

impl Refused {
    /// An EventSource gives up for good on any status but 200, so it gets one, and is told when to come back.
    fn answer(self, headers: &HeaderMap) -> Response<Body> {
        let mut response =
            if takes_stream(headers) { stream() } else { problem(self.0, fastrand::u64(5..=15)).into_response() };
        response.extensions_mut().insert(self);
        response
    }

    /// The answer to the request of which `headers` are, with what `other` tells a browser about foreign pages.
    pub(super) fn instead_of(self, other: &Response<Body>, headers: &HeaderMap) -> Response<Body> {
        let mut response = self.answer(headers);
        let kept = other.headers().iter().filter(|(name, _)| concerns_origin(name));
        for (name, value) in kept {
            response.headers_mut().append(name, value.clone());
        }
        response
    }
}

/// Whether the client is an EventSource, or wants to be answered like one, by what it accepts.
pub fn takes_stream(headers: &HeaderMap) -> bool {
    let accepts =
        |value: &HeaderValue| value.to_str().is_ok_and(|text| text.to_ascii_lowercase().contains("text/event-stream"));
    headers.get_all(ACCEPT).iter().any(accepts)
}

fn concerns_origin(name: &HeaderName) -> bool {
    name == VARY || name.as_str().starts_with("access-control-")
}

fn stream() -> Response<Body> {
    let mut response = (sse::HEADERS, Body::empty()).into_response();
    response.extensions_mut().insert(Opening::new(Grant::away(CloseReason::Limited)));
    response
}

/// As RFC 9457 has it.
fn problem(exceeded: Exceeded, seconds: u64) -> impl axum::response::IntoResponse {
    let detail = match exceeded {
        Exceeded::Connections => "as many connections are open as this instance takes",
        Exceeded::Address => "as many connections are open as one client address may have",
    };
    let body = format!(r#"{{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"{detail}"}}"#);
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/problem+json")),
        (RETRY_AFTER, HeaderValue::from(seconds)),
    ];
    (StatusCode::SERVICE_UNAVAILABLE, headers, body)
}
