//! `GET /api/figures`: what the instances of the stack have done since each started.

use axum::{
    Json,
    extract::State,
    http::{HeaderValue, header::CACHE_CONTROL},
    response::{IntoResponse, Response},
};

use crate::state::ApiState;

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// 200 in any case: `complete` tells whether it is all instances.
pub(crate) async fn figures(State(state): State<ApiState>) -> Response {
    ([(CACHE_CONTROL, NO_STORE)], Json(&*state.overview.figures.all().await)).into_response()
}
