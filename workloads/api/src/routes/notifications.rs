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
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header::CONTENT_TYPE, header::LINK},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use realtime_chassis::propagation;
use realtime_contract::event::Notification;
use serde_json::{Value, json};
use tokio::time::timeout;
use tracing::{Span, info};

use self::page::{PageQuery, PageRequest};
use crate::{
    cache::{Page, Source},
    draft::{BODY_LIMIT, Draft},
    error::ApiError,
    state::ApiState,
    store,
};

/// Within which the body of a POST arrives.
const BODY_TIME: Duration = Duration::from_secs(10);

const CACHE: HeaderName = HeaderName::from_static("x-cache");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// `GET`: the newest, from the cache when it is warm; older ones by the cursor in the `Link` header.
pub(crate) async fn list(
    State(state): State<ApiState>,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Response, ApiError> {
    let Query(query) = query.map_err(|rejection| ApiError::malformed_query(&["limit", "cursor"], &rejection))?;
    let request = PageRequest::try_from(query)?;
    let key = request.key();
    let store = state.store.clone();
    let read = move || async move {
        // One more than asked for tells whether there is another page.
        let found = store.list(request.before, request.limit + 1).await?;
        Ok(request.page(found.notifications, found.found))
    };
    let page = state.cache.page(key, read).await;
    let (page, source) =
        page.map_err(|error| ApiError::unavailable("postgres", "notifications cannot be read", error))?;
    Ok(answer(page, source))
}

fn answer(page: Page, source: Source) -> Response {
    let headers = [(CONTENT_TYPE, JSON), (CACHE, HeaderValue::from_static(source.name()))];
    let mut response = (headers, page.json).into_response();
    if let Some(link) = page.link {
        response.headers_mut().insert(LINK, link);
    }
    response
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
    // Before the answer: who reads after it, from whichever instance, gets the notification.
    state.cache.forget().await;
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

/// `DELETE`: clears the cache, and only the cache.
pub(crate) async fn clear_cache(State(state): State<ApiState>) -> Result<Json<Value>, ApiError> {
    let unavailable = |error| ApiError::unavailable("redis", "the cache cannot be cleared", error);
    state.cache.clear().await.map_err(unavailable)?;
    Ok(Json(json!({ "message": "Cache cleared" })))
}
