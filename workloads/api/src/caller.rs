//! Who made a request.

use std::sync::Arc;

use axum::{extract::FromRequestParts, http::request::Parts};
use realtime_access::{Access, Credential};

use crate::{error::ApiError, state::ApiState};

/// What the client of a request may do. A token may name hundreds of channels, which are not copied for each handler.
#[derive(Clone, Debug)]
pub(crate) struct Caller(pub(crate) Arc<Access>);

impl FromRequestParts<ApiState> for Caller {
    type Rejection = ApiError;

    /// As it was found out before the handler; where nobody looked, now.
    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, ApiError> {
        if let Some(access) = parts.extensions.get::<Arc<Access>>() {
            return Ok(Self(access.clone()));
        }
        Ok(Self(Arc::new(state.gate.check(Credential::of_headers(&parts.headers)).await?)))
    }
}
