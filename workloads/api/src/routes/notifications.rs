//! `/api/notifications`: the list, a new one, and the cache of the list.

mod page;

use std::time::Duration;

use axum::{
    Json,
    body::Bytes,
    extract::{
        FromRequest, Query, Request, State,
        rejection::{BytesRejection, QueryRejection},
    },
    http::{HeaderMap, HeaderName, StatusCode, header::CONTENT_TYPE, header::LINK},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use realtime_chassis::propagation;
use realtime_contract::event::Notification;
use serde_json::{Value, json};
use tokio::time::timeout;
use tracing::{Span, debug, info};

use self::page::{Page, PageQuery, PageRequest};
use crate::{
    cache::Slot,
    draft::{BODY_LIMIT, Draft},
    error::ApiError,
    state::ApiState,
    store,
};

/// Within which the body of a POST arrives.
const BODY_TIME: Duration = Duration::from_secs(10);

const CACHE: HeaderName = HeaderName::from_static("x-cache");

/// `GET`: the newest, from the cache when it is warm; older ones by the cursor in the `Link` header.
pub(crate) async fn list(
    State(state): State<ApiState>,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Response, ApiError> {
    let Query(query) = query.map_err(|rejection| ApiError::malformed_query(&["limit", "cursor"], &rejection))?;
    let request = PageRequest::try_from(query)?;
    let slot = slot(&state, &request).await;
    if let Some(page) = cached(&state, slot.as_ref()).await {
        state.metrics.cache_hits.inc();
        return Ok(answer(&request, page, "hit"));
    }
    state.metrics.cache_misses.inc();
    // One more than asked for tells whether there is another page.
    let found = state.store.list(request.before, request.limit + 1).await;
    let found = found.map_err(|error| ApiError::unavailable("postgres", "notifications cannot be read", error))?;
    let page = Page::new(found.notifications, found.found, request.limit);
    if let Some(slot) = slot {
        keep(&state, &slot, &page).await;
    }
    Ok(answer(&request, page, "miss"))
}

fn answer(request: &PageRequest, page: Page, cache: &'static str) -> Response {
    let headers = [(CONTENT_TYPE, "application/json"), (CACHE, cache)];
    let link = page.next.map(|cursor| [(LINK, request.link(&cursor))]);
    match link {
        Some(link) => (headers, link, page.json).into_response(),
        None => (headers, page.json).into_response(),
    }
}

/// Only the newest page is cached, and only while Redis answers: asking it in vain would cost every reader its limit of time.
async fn slot(state: &ApiState, request: &PageRequest) -> Option<Slot> {
    if request.before.is_some() || !state.board.state("redis").is_ready() {
        return None;
    }
    let slot = state.cache.slot(request.limit).await;
    slot.inspect_err(|error| debug!(error = error as &dyn std::error::Error, "cache not asked")).ok()
}

async fn cached(state: &ApiState, slot: Option<&Slot>) -> Option<Page> {
    let read = state.cache.read(slot?).await;
    let text = read.inspect_err(|error| debug!(error = error as &dyn std::error::Error, "cache not read")).ok()?;
    Page::from_cache(&text?)
}

async fn keep(state: &ApiState, slot: &Slot, page: &Page) {
    if let Err(error) = state.cache.write(slot, &page.to_cache()).await {
        debug!(error = &error as &dyn std::error::Error, "list not cached");
    }
}

/// `POST`: 201 with the notification once it is committed together with its outbox record.
pub(crate) async fn create(
    State(state): State<ApiState>,
    headers: HeaderMap,
    request: Request,
) -> Result<(StatusCode, Json<Notification>), ApiError> {
    let body = body(request).await?;
    let notification = Draft::from_request(&headers, &body)?.accept(Timestamp::now());
    let trace_context = propagation::carrier(&Span::current());
    state.store.store(&notification, &trace_context).await.map_err(not_stored)?;
    state.metrics.notifications_sent.inc();
    info!(notification_id = %notification.id, channel = notification.channel, "notification accepted");
    forget_cached_list(&state).await;
    Ok((StatusCode::CREATED, Json(notification)))
}

/// The whole body. A client that sends it drop by drop must not hold a connection for ever.
async fn body(request: Request) -> Result<Bytes, ApiError> {
    let read = timeout(BODY_TIME, Bytes::from_request(request, &())).await;
    let read = read.map_err(|_| ApiError::SlowBody { seconds: BODY_TIME.as_secs() })?;
    read.map_err(|rejection: BytesRejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => ApiError::BodyTooLarge { limit: BODY_LIMIT },
        _ => ApiError::IncompleteBody { reason: rejection.body_text() },
    })
}

fn not_stored(error: store::Error) -> ApiError {
    let consequence = match error {
        store::Error::AwaitCommit { .. } | store::Error::StoreNotification { .. } => {
            "it is unknown whether the notification was stored"
        }
        _ => "the notification was not stored",
    };
    ApiError::unavailable("postgres", consequence, error)
}

/// While Redis is away there is nothing to clear: what it still has when it comes back is cleared with the notification's delivery.
async fn forget_cached_list(state: &ApiState) {
    if !state.board.state("redis").is_ready() {
        return;
    }
    if let Err(error) = state.cache.clear().await {
        debug!(error = &error as &dyn std::error::Error, "cached list not cleared");
    }
}

/// `DELETE`: clears the cache, and only the cache.
pub(crate) async fn clear_cache(State(state): State<ApiState>) -> Result<Json<Value>, ApiError> {
    let unavailable = |error| ApiError::unavailable("redis", "the cache cannot be cleared", error);
    state.cache.clear().await.map_err(unavailable)?;
    Ok(Json(json!({ "message": "Cache cleared" })))
}
