//! New notifications: one, or several that are stored together.

use axum::{
    Json,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use realtime_access::limits::Limit;
use realtime_chassis::propagation;
use realtime_contract::event::Notification;
use serde::Serialize;
use tracing::{Span, info};

use crate::{
    admission, body,
    caller::Caller,
    draft::{self, BODY_LIMIT, Draft, batch},
    error::ApiError,
    idempotency::{self, Key},
    state::ApiState,
    store::{self, Claim, Published},
};

const ONE: &str = "POST /api/notifications";
const SEVERAL: &str = "POST /api/notifications/batch";

/// `POST`: 201 with the notification once it is committed together with its outbox record.
pub(crate) async fn create(
    State(state): State<ApiState>,
    Caller(access): Caller,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, ApiError> {
    let (key, client) = (Key::of(&headers, &access)?, admission::client(request.extensions()));
    draft::expect_json(&headers)?;
    let body = body::read(request, BODY_LIMIT).await?;
    let draft = Draft::from_body(&body)?;
    draft.permit(&access)?;
    admission::count(&state, &access, client, Limit::Publish, 1).await?;
    let notification = draft.accept(Timestamp::now());
    let Some(key) = key else {
        let trace_context = propagation::carrier(&Span::current());
        state.store.store(&notification, &trace_context).await.map_err(|error| not_stored(error, ONCE))?;
        tell(&state, std::slice::from_ref(&notification)).await;
        return Ok((StatusCode::CREATED, Json(notification)).into_response());
    };
    let claim = key.claim(ONE, &body, json_of(&notification));
    publish(&state, &[notification], Some(claim)).await
}

/// `POST`: 201 with the notifications, in their order, once all of them are committed.
pub(crate) async fn create_batch(
    State(state): State<ApiState>,
    Caller(access): Caller,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, ApiError> {
    let (key, client) = (Key::of(&headers, &access)?, admission::client(request.extensions()));
    draft::expect_json(&headers)?;
    let body = body::read(request, batch::BATCH_LIMIT).await?;
    let drafts = batch::read(&body)?;
    batch::permit(&drafts, &access)?;
    admission::count(&state, &access, client, Limit::Publish, drafts.len()).await?;
    let now = Timestamp::now();
    let notifications: Vec<Notification> = drafts.into_iter().map(|draft| draft.accept(now)).collect();
    let claim = key.map(|key| key.claim(SEVERAL, &body, json_of(&notifications)));
    publish(&state, &notifications, claim).await
}

/// Stores them, unless a request with the same key did before: then its answer is given again.
async fn publish(state: &ApiState, notifications: &[Notification], claim: Option<Claim>) -> Result<Response, ApiError> {
    let trace_context = propagation::carrier(&Span::current());
    let retry = if claim.is_some() { AGAIN } else { ONCE };
    let published = state.store.store_all(notifications, &trace_context, claim.as_ref()).await;
    match published.map_err(|error| not_stored(error, retry))? {
        Published::Now => {
            tell(state, notifications).await;
            Ok(created(claim.map_or_else(|| json_of(&notifications), |claim| claim.response)))
        }
        Published::Earlier { response } => {
            let mut response = created(response);
            response.headers_mut().insert(idempotency::REPLAYED, HeaderValue::from_static("true"));
            Ok(response)
        }
        Published::Other => Err(ApiError::ReusedKey),
    }
}

async fn tell(state: &ApiState, notifications: &[Notification]) {
    state.metrics.notifications_sent.inc_by(notifications.len() as u64);
    for notification in notifications {
        info!(notification_id = %notification.id, channel = notification.channel, "notification accepted");
    }
    // Before the answer: who reads after it, from whichever instance, gets the notification.
    state.cache.forget().await;
}

fn created(json: String) -> Response {
    (StatusCode::CREATED, [(CONTENT_TYPE, HeaderValue::from_static("application/json"))], json).into_response()
}

fn json_of(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("a notification holds nothing that JSON cannot say")
}

/// What to do when nobody knows whether it was done, without a key and with one.
const ONCE: &str = "it is unknown whether it was stored, and a retry may post it twice: \
     send an Idempotency-Key with the next ones, then a retry is safe";
const AGAIN: &str = "it is unknown whether it was stored: retry with the same Idempotency-Key and body";

fn not_stored(error: store::Error, unknown: &'static str) -> ApiError {
    if error.leaves_open() {
        return ApiError::UnknownOutcome { dependency: "postgres", consequence: unknown, source: Box::new(error) };
    }
    ApiError::unavailable("postgres", "what was posted was not stored", error)
}
