//! `GET /api/stack`: the stack as its resource's status says.

use std::time::Duration;

use axum::{
    Json,
    extract::State,
    http::{HeaderValue, StatusCode, header::CACHE_CONTROL},
    response::{IntoResponse, Response},
};
use realtime_chassis::http::Problem;

use crate::{error::ApiError, overview::StackAway, state::ApiState};

/// A status that cannot be read is tried again after this time.
const RETRY: Duration = Duration::from_secs(2);
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// 200 with the stack, up to 2 s old; 404 where there is no API server; 503 when it does not answer.
pub(crate) async fn stack(State(state): State<ApiState>) -> Result<Response, ApiError> {
    let stack = state.overview.stack().await.map_err(refused)?;
    Ok(([(CACHE_CONTROL, NO_STORE)], Json(&*stack)).into_response())
}

fn refused(away: StackAway) -> ApiError {
    let problem = match away {
        StackAway::NoStack => Problem::new(
            StatusCode::NOT_FOUND,
            "this service does not run in a stack of a Kubernetes cluster: there is no status",
        ),
        StackAway::NoAnswer => {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the stack's status cannot be read from the API server now")
                .dependency("kubernetes")
                .retry_after(RETRY)
        }
    };
    ApiError::Other(Box::new(problem))
}
