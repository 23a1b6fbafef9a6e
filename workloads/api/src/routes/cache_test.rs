//! `GET /api/cache-test`: a counter in Redis, to see that the cache works.

use axum::{Json, extract::State};
use serde_json::{Value, json};

use crate::{error::ApiError, state::ApiState};

/// Adds one and gives the counter.
pub(crate) async fn count(State(state): State<ApiState>) -> Result<Json<Value>, ApiError> {
    let unavailable = |error| ApiError::unavailable("redis", "the counter cannot be reached", error);
    let counter = state.cache.count().await.map_err(unavailable)?;
    Ok(Json(json!({ "message": "Redis answers", "counter": counter })))
}
