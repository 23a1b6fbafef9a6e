//! What a client is told whose request cannot be answered.

use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header::RETRY_AFTER};
use serde_json::json;

/// Why a request cannot be answered: JSON of `code` and `message`, as other servers of Engine.IO have it. The first five have its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The parameter `transport` is neither of both.
    TransportUnknown,
    /// The session of `sid` is not here.
    SessionUnknown,
    /// A session begins with a GET.
    BadHandshakeMethod,
    /// The protocol has no such request, or not at this point.
    BadRequest,
    /// The client speaks another protocol than Engine.IO 4.
    UnsupportedVersion,
    /// The body is longer than it may be.
    TooLong,
    /// The body did not come in time.
    TooSlow,
    /// There are as many connections as there may be.
    Crowded,
    /// No session begins here any more.
    Ending,
    /// The system gives no random numbers, or the server around this one is not the one that it needs.
    Unable,
}

impl Problem {
    /// Those that a GET may have.
    pub const OF_GET: [Self; 7] = [
        Self::TransportUnknown,
        Self::SessionUnknown,
        Self::BadRequest,
        Self::UnsupportedVersion,
        Self::Unable,
        Self::Crowded,
        Self::Ending,
    ];

    /// Those that a POST may have.
    pub const OF_POST: [Self; 6] = [
        Self::TransportUnknown,
        Self::SessionUnknown,
        Self::BadHandshakeMethod,
        Self::BadRequest,
        Self::TooSlow,
        Self::TooLong,
    ];

    /// Status, number and sentence.
    pub const fn answer(self) -> (StatusCode, u8, &'static str) {
        match self {
            Self::TransportUnknown => (StatusCode::BAD_REQUEST, 0, "Transport unknown"),
            Self::SessionUnknown => (StatusCode::BAD_REQUEST, 1, "Session ID unknown"),
            Self::BadHandshakeMethod => (StatusCode::BAD_REQUEST, 2, "Bad handshake method"),
            Self::BadRequest => (StatusCode::BAD_REQUEST, 3, "Bad request"),
            Self::UnsupportedVersion => (StatusCode::BAD_REQUEST, 5, "Unsupported protocol version"),
            Self::TooLong => (StatusCode::PAYLOAD_TOO_LARGE, 3, "Payload too large"),
            Self::TooSlow => (StatusCode::REQUEST_TIMEOUT, 3, "Payload too slow"),
            Self::Crowded => (StatusCode::SERVICE_UNAVAILABLE, 4, "Too many connections"),
            Self::Ending => (StatusCode::SERVICE_UNAVAILABLE, 4, "This instance is ending"),
            Self::Unable => (StatusCode::INTERNAL_SERVER_ERROR, 3, "Internal error"),
        }
    }

    /// Seconds after which the client may try again, when that helps.
    const fn retry_after(self) -> Option<u16> {
        match self {
            Self::Crowded => Some(10),
            // Another instance can take the client at once.
            Self::Ending => Some(1),
            _ => None,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, code, message) = self.answer();
        let mut response = (status, axum::Json(json!({"code": code, "message": message}))).into_response();
        let mut say = |name: HeaderName, value| response.headers_mut().insert(name, value);
        say(http::header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after() {
            say(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
