//! New notifications: one, or several that are stored together.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use realtime_access::limits::Limit;
use realtime_chassis::propagation;
use realtime_contract::event::Notification;
use serde::Serialize;
use tracing::{Instrument, Span, info};

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
    if let Some(key) = key {
        let claim = key.claim(ONE, &body, json_of(&notification));
        return publish(&state, [notification].into(), Some(claim)).await;
    }
    let trace_context = propagation::carrier(&Span::current());
    let (store, notifications) = (state.store.clone(), Arc::from([notification]));
    let stored = settled(&state, &notifications, {
        let notifications = notifications.clone();
        async move { store.store(&notifications[0], &trace_context).await.map(|()| Published::Now) }
    });
    stored.await.map_err(|error| not_stored(error, ONCE))?;
    Ok(created(json_of(&notifications[0])))
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
    let notifications: Arc<[Notification]> = drafts.into_iter().map(|draft| draft.accept(now)).collect();
    let claim = key.map(|key| key.claim(SEVERAL, &body, json_of(&notifications[..])));
    publish(&state, notifications, claim).await
}

/// Stores them, unless a request with the same key did before: then its answer is given again.
async fn publish(
    state: &ApiState,
    notifications: Arc<[Notification]>,
    claim: Option<Claim>,
) -> Result<Response, ApiError> {
    let trace_context = propagation::carrier(&Span::current());
    let retry = if claim.is_some() { AGAIN } else { ONCE };
    let response = claim.as_ref().map_or_else(|| json_of(&notifications[..]), |claim| claim.response.clone());
    let store = state.store.clone();
    let published = settled(state, &notifications, {
        let notifications = notifications.clone();
        async move { store.store_all(&notifications, &trace_context, claim.as_ref()).await }
    });
    match published.await.map_err(|error| not_stored(error, retry))? {
        Published::Now => Ok(created(response)),
        Published::Earlier { response } => {
            let mut response = created(response);
            response.headers_mut().insert(idempotency::REPLAYED, HeaderValue::from_static("true"));
            Ok(response)
        }
        Published::Other => Err(ApiError::ReusedKey),
    }
}

/// What came of the work that stores them. It goes on to its end when the client leaves: Postgres does, too, and the lists must hear of it.
async fn settled<F>(state: &ApiState, notifications: &Arc<[Notification]>, work: F) -> Result<Published, store::Error>
where
    F: Future<Output = Result<Published, store::Error>> + Send + 'static,
{
    let (state, notifications) = (state.clone(), notifications.clone());
    let whole = async move {
        let outcome = work.await;
        if matches!(outcome, Ok(Published::Now)) {
            tell(&state, &notifications);
        }
        // Before the answer: who reads after it, from whichever instance, gets the notification.
        if may_change_lists(&outcome) {
            state.cache.forget().await;
        }
        outcome
    };
    // It ends without a result when it breaks down.
    tokio::spawn(whole.in_current_span()).await.unwrap_or(Err(store::Error::AwaitOutcome))
}

/// Whether lists may be other ones now, or since a request before whose instance did not learn that it was committed.
const fn may_change_lists(outcome: &Result<Published, store::Error>) -> bool {
    match outcome {
        Ok(Published::Now | Published::Earlier { .. }) => true,
        Ok(Published::Other) => false,
        Err(error) => error.leaves_open(),
    }
}

fn tell(state: &ApiState, notifications: &[Notification]) {
    state.metrics.notifications_sent.inc_by(notifications.len() as u64);
    for notification in notifications {
        info!(notification_id = %notification.id, channel = notification.channel, "notification accepted");
    }
}

fn created(json: String) -> Response {
    (StatusCode::CREATED, [(CONTENT_TYPE, HeaderValue::from_static("application/json"))], json).into_response()
}

fn json_of<T: Serialize + ?Sized>(value: &T) -> String {
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

#[cfg(test)]
mod tests;
