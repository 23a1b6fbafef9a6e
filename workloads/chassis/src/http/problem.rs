//! What a client is told when its request cannot be served, as RFC 9457 has it.

use std::time::Duration;

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

/// Media type of a problem.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// A request that cannot be served. As a response it has its status, and is `application/problem+json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Always `about:blank`: the status says what kind of problem it is (RFC 9457, section 4.2.1).
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The status in words.
    pub title: &'static str,
    /// The status of the response.
    pub status: u16,
    /// What is wrong, and what to change: a sentence for people.
    pub detail: String,
    /// The field, parameter or header that is wrong: `notifications[3].message`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The backend that does not serve.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dependency: Option<&'static str>,
    /// What is wrong, for programs, where the status does not say it alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
    /// After which time a retry makes sense: the header `Retry-After`, in whole seconds, rounded up.
    #[serde(skip)]
    pub retry_after: Option<Duration>,
    /// What the client is to show: the header `WWW-Authenticate`.
    #[serde(skip)]
    pub challenge: Option<&'static str>,
}

impl Problem {
    /// A problem of that status, with a sentence that says what is wrong.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail: detail.into(),
            field: None,
            dependency: None,
            code: None,
            retry_after: None,
            challenge: None,
        }
    }

    /// The same, which is because of that field, parameter or header.
    #[must_use]
    pub fn field(self, name: impl Into<String>) -> Self {
        Self { field: Some(name.into()), ..self }
    }

    /// The same, which is because that backend does not serve.
    #[must_use]
    pub fn dependency(self, name: &'static str) -> Self {
        Self { dependency: Some(name), ..self }
    }

    /// The same with a word for programs.
    #[must_use]
    pub fn code(self, code: &'static str) -> Self {
        Self { code: Some(code), ..self }
    }

    /// The same, which may be over after that time.
    #[must_use]
    pub fn retry_after(self, time: Duration) -> Self {
        Self { retry_after: Some(time), ..self }
    }

    /// The same, which asks the client to show who it is.
    #[must_use]
    pub fn challenge(self, challenge: &'static str) -> Self {
        Self { challenge: Some(challenge), ..self }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let (retry_after, challenge) = (self.retry_after, self.challenge);
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if let Some(time) = retry_after {
            let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(challenge) = challenge {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(problem: &Problem) -> String {
        serde_json::to_string(problem).unwrap()
    }

    #[test]
    fn says_only_what_there_is_to_say() {
        let problem = Problem::new(StatusCode::NOT_FOUND, "there is nothing at this path");
        let expected =
            r#"{"type":"about:blank","title":"Not Found","status":404,"detail":"there is nothing at this path"}"#;
        assert_eq!(text(&problem), expected);
        let problem = problem.field("id").dependency("postgres").code("UNKNOWN");
        assert!(text(&problem).ends_with(r#","field":"id","dependency":"postgres","code":"UNKNOWN"}"#));
    }

    #[test]
    fn answers_with_its_status_and_media_type() {
        let problem =
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not now").retry_after(Duration::from_millis(1_200));
        let response = problem.into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[header::CONTENT_TYPE], MEDIA_TYPE);
        assert_eq!(response.headers()[header::RETRY_AFTER], "2", "whole seconds, and none too early");
        assert!(!response.headers().contains_key(header::WWW_AUTHENTICATE));
    }

    #[test]
    fn asks_who_is_not_known_to_show_something() {
        let response = Problem::new(StatusCode::UNAUTHORIZED, "a token is needed").challenge("Bearer").into_response();
        assert_eq!(response.headers()[header::WWW_AUTHENTICATE], "Bearer");
        assert!(!response.headers().contains_key(header::RETRY_AFTER));
    }
}
