//! What a client is told when a request cannot be served: `{"error", "field"?, "dependency"?}`.

use std::{
    collections::BTreeMap,
    error::Error as StdError,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    Json,
    extract::rejection::QueryRejection,
    http::{HeaderValue, StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use thiserror::Error;
use tracing::{debug, warn};

/// Without a refused request for so long, an outage is over.
const OUTAGE: Duration = Duration::from_secs(60);

/// Outages of this process, which are told at their beginning and not with each request.
static OUTAGES: Outages = Outages(Mutex::new(BTreeMap::new()));

/// A request that cannot be served.
#[derive(Debug, Error)]
pub(crate) enum ApiError {
    /// 400: the body is no JSON.
    #[error("the body is not valid JSON: {reason}")]
    MalformedBody { reason: String },
    /// 400: the body broke off.
    #[error("the body could not be read: {reason}")]
    IncompleteBody { reason: String },
    /// 400: the query cannot be read, because of that parameter if it is known.
    #[error("the query could not be read: {reason}")]
    MalformedQuery { field: &'static str, reason: String },
    /// 400: a parameter of the query.
    #[error("{name} {reason}")]
    InvalidParameter { name: &'static str, reason: &'static str },
    /// 408: the body came too slowly.
    #[error("the body did not arrive within {seconds} s")]
    SlowBody { seconds: u64 },
    /// 404: no such path.
    #[error("there is nothing at this path")]
    UnknownPath,
    /// 405: the path exists, the method does not.
    #[error("this path does not take this method")]
    UnknownMethod,
    /// 413: the body is larger than the limit.
    #[error("the body is larger than {limit} bytes")]
    BodyTooLarge { limit: usize },
    /// 415: the body is declared as something else than JSON.
    #[error("the body must be declared as Content-Type: application/json")]
    UnsupportedMediaType,
    /// 422: a field of the body.
    #[error("{field} {reason}")]
    InvalidField { field: &'static str, reason: &'static str },
    /// 503: a dependency does not serve.
    #[error("{dependency} does not serve: {consequence}")]
    Unavailable {
        dependency: &'static str,
        consequence: &'static str,
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
}

#[derive(Serialize)]
struct ErrorBody {
    error: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dependency: Option<&'static str>,
}

impl ApiError {
    /// Wraps what kept a dependency from serving.
    pub(crate) fn unavailable(
        dependency: &'static str,
        consequence: &'static str,
        source: impl StdError + Send + Sync + 'static,
    ) -> Self {
        Self::Unavailable { dependency, consequence, source: Box::new(source) }
    }

    /// Names the parameter of `names` that the rejection speaks of.
    pub(crate) fn malformed_query(names: &[&'static str], rejection: &QueryRejection) -> Self {
        let reason = rejection.body_text();
        let field = names.iter().find(|name| reason.contains(&format!("`{name}`"))).copied().unwrap_or("query");
        Self::MalformedQuery { field, reason }
    }

    const fn status(&self) -> StatusCode {
        match self {
            Self::MalformedBody { .. }
            | Self::IncompleteBody { .. }
            | Self::MalformedQuery { .. }
            | Self::InvalidParameter { .. } => StatusCode::BAD_REQUEST,
            Self::SlowBody { .. } => StatusCode::REQUEST_TIMEOUT,
            Self::UnknownPath => StatusCode::NOT_FOUND,
            Self::UnknownMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::InvalidField { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    const fn field(&self) -> Option<&'static str> {
        match self {
            Self::MalformedBody { .. }
            | Self::IncompleteBody { .. }
            | Self::SlowBody { .. }
            | Self::BodyTooLarge { .. } => Some("body"),
            Self::UnsupportedMediaType => Some("content-type"),
            Self::MalformedQuery { field, .. }
            | Self::InvalidParameter { name: field, .. }
            | Self::InvalidField { field, .. } => Some(field),
            Self::UnknownPath | Self::UnknownMethod | Self::Unavailable { .. } => None,
        }
    }

    const fn dependency(&self) -> Option<&'static str> {
        match self {
            Self::Unavailable { dependency, .. } => Some(dependency),
            _ => None,
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        if let Self::Unavailable { dependency, source, .. } = &self {
            let error = &**source as &dyn StdError;
            if OUTAGES.begins(dependency, Instant::now()) {
                warn!(dependency, error, "requests are refused because a dependency does not serve");
            } else {
                debug!(dependency, error, "request refused");
            }
        }
        let body = ErrorBody { error: self.to_string(), field: self.field(), dependency: self.dependency() };
        let mut response = (self.status(), Json(body)).into_response();
        if matches!(self, Self::Unavailable { .. }) {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

/// When a request was last refused because of each dependency.
struct Outages(Mutex<BTreeMap<&'static str, Instant>>);

impl Outages {
    /// A request is refused now; whether it is the first of its outage.
    fn begins(&self, dependency: &'static str, now: Instant) -> bool {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(dependency, now);
        last.is_none_or(|last| now.saturating_duration_since(last) > OUTAGE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_told_once_for_each_dependency() {
        let (outages, begun) = (Outages(Mutex::default()), Instant::now());
        let begins = |dependency, seconds| outages.begins(dependency, begun + Duration::from_secs(seconds));
        assert!(begins("postgres", 0) && !begins("postgres", 50) && !begins("postgres", 100));
        assert!(begins("redis", 100));
        assert!(begins("postgres", 161), "nothing was refused for more than a minute");
    }
}
