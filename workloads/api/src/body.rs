//! Bodies of requests.

use std::time::Duration;

use axum::{
    body::Bytes,
    extract::{FromRequest, Request, rejection::BytesRejection},
    http::StatusCode,
};
use tokio::time::timeout;

use crate::error::ApiError;

/// Within which the body of a request arrives.
const TIME: Duration = Duration::from_secs(10);

/// The whole body, of `limit` bytes as the route's layer has it. A client that sends it drop by drop must not hold a connection for ever.
pub(crate) async fn read(request: Request, limit: usize) -> Result<Bytes, ApiError> {
    let read = timeout(TIME, Bytes::from_request(request, &())).await;
    let read = read.map_err(|_| ApiError::SlowBody { seconds: TIME.as_secs() })?;
    read.map_err(|rejection: BytesRejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => ApiError::BodyTooLarge { limit },
        _ => ApiError::IncompleteBody { reason: rejection.body_text() },
    })
}
