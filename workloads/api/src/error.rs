//! What a client is told when a request cannot be served: a [`Problem`].

use std::{
    collections::BTreeMap,
    error::Error as StdError,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    extract::rejection::QueryRejection,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use realtime_access::Refusal;
use realtime_chassis::http::Problem;
use thiserror::Error;
use tracing::{debug, warn};

/// Without a refused request for so long, an outage is over.
const OUTAGE: Duration = Duration::from_secs(60);

/// After which a request may be tried again that a dependency kept from being served.
const RETRY: Duration = Duration::from_secs(1);

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
    /// 400: a parameter of the query or the path, or a header.
    #[error("{name} {reason}")]
    InvalidParameter { name: &'static str, reason: &'static str },
    /// 401, 403 or 503: the client may not, or it cannot be told whether it may.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// 404: no such path.
    #[error("there is nothing at this path")]
    UnknownPath,
    /// 404: no such notification, or none that the client may read.
    #[error("there is no such notification")]
    UnknownNotification,
    /// 405: the path exists, the method does not.
    #[error("this path does not take this method")]
    UnknownMethod,
    /// 408: the body came too slowly.
    #[error("the body did not arrive within {seconds} s")]
    SlowBody { seconds: u64 },
    /// 413: the body is larger than the limit.
    #[error("the body is larger than {limit} bytes")]
    BodyTooLarge { limit: usize },
    /// 415: the body is declared as something else than JSON.
    #[error("the body must be declared as Content-Type: application/json")]
    UnsupportedMediaType,
    /// 422: a field of the body.
    #[error("{field} {reason}")]
    InvalidField { field: String, reason: &'static str },
    /// 422: the key of an earlier request with another body.
    #[error("idempotency-key was used with another body: a new request needs a new key")]
    ReusedKey,
    /// 503: a dependency does not serve.
    #[error("{dependency} does not serve: {consequence}")]
    Unavailable {
        dependency: &'static str,
        consequence: &'static str,
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// 503: a dependency broke off when it was asked to keep something, and may have kept it.
    #[error("{dependency} does not serve: {consequence}")]
    UnknownOutcome {
        dependency: &'static str,
        consequence: &'static str,
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// Any other problem.
    #[error("{}", .0.detail)]
    Other(Box<Problem>),
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

    /// A field of the body.
    pub(crate) fn field(field: impl Into<String>, reason: &'static str) -> Self {
        Self::InvalidField { field: field.into(), reason }
    }

    /// The same of a body that stands within another one.
    pub(crate) fn within(self, whole: &str, place: &str) -> Self {
        let name = |field: &str| if field == whole { place.to_owned() } else { format!("{place}.{field}") };
        match self {
            Self::InvalidField { field, reason } => Self::InvalidField { field: name(&field), reason },
            Self::Other(problem) => {
                let field = problem.field.as_deref().map(name);
                Self::Other(Box::new(Problem { field, ..*problem }))
            }
            other => other,
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::MalformedBody { .. }
            | Self::IncompleteBody { .. }
            | Self::MalformedQuery { .. }
            | Self::InvalidParameter { .. } => StatusCode::BAD_REQUEST,
            Self::Refused(refusal) => refusal.status(),
            Self::UnknownPath | Self::UnknownNotification => StatusCode::NOT_FOUND,
            Self::UnknownMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::SlowBody { .. } => StatusCode::REQUEST_TIMEOUT,
            Self::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::InvalidField { .. } | Self::ReusedKey => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Unavailable { .. } | Self::UnknownOutcome { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::Other(problem) => StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }

    fn problem(self) -> Problem {
        let problem = Problem::new(self.status(), self.to_string());
        match self {
            Self::MalformedBody { .. }
            | Self::IncompleteBody { .. }
            | Self::SlowBody { .. }
            | Self::BodyTooLarge { .. } => problem.field("body"),
            Self::UnsupportedMediaType => problem.field("content-type"),
            Self::MalformedQuery { field, .. } | Self::InvalidParameter { name: field, .. } => problem.field(field),
            Self::InvalidField { field, .. } => problem.field(field),
            Self::ReusedKey => problem.field("idempotency-key").code("IDEMPOTENCY_KEY_REUSED"),
            Self::Refused(refusal) => refusal.into(),
            Self::Unavailable { dependency, .. } => problem.dependency(dependency).retry_after(RETRY),
            Self::UnknownOutcome { dependency, .. } => {
                problem.dependency(dependency).code("OUTCOME_UNKNOWN").retry_after(RETRY)
            }
            Self::UnknownPath | Self::UnknownNotification | Self::UnknownMethod => problem,
            Self::Other(problem) => *problem,
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        if let Self::Unavailable { dependency, source, .. } | Self::UnknownOutcome { dependency, source, .. } = &self {
            tell(dependency, &**source);
        }
        self.problem().into_response()
    }
}

fn tell(dependency: &'static str, error: &(dyn StdError + 'static)) {
    if OUTAGES.begins(dependency, Instant::now()) {
        warn!(dependency, error, "requests are refused because a dependency does not serve");
    } else {
        debug!(dependency, error, "request refused");
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
