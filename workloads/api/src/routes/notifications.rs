//! `/api/notifications`: the list, its cache, and one notification with its history.

mod page;
mod publish;

use std::sync::Arc;

use axum::{
    Json,
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
    http::{HeaderName, HeaderValue, header::CONTENT_TYPE, header::LINK},
    response::{IntoResponse, Response},
};
use realtime_contract::event::{JsonText, Notification};
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use self::page::{HistoryQuery, HistoryRequest, ListQuery, PageRequest};
pub(crate) use self::{
    page::InboxQuery,
    publish::{create, create_batch},
};
use crate::{
    cache::Page,
    caller::Caller,
    error::ApiError,
    state::ApiState,
    store::{self, Happening, Stored},
};

const CACHE: HeaderName = HeaderName::from_static("x-cache");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// `GET`: the newest, from the cache when it is warm; older ones by the cursor in the `Link` header.
pub(crate) async fn list(
    State(state): State<ApiState>,
    Caller(access): Caller,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Response, ApiError> {
    let Query(query) = query.map_err(|rejection| ApiError::malformed_query(&ListQuery::NAMES, &rejection))?;
    let request = query.request(&access)?;
    let key = request.key();
    let store = state.store.clone();
    let PageRequest { limit, before, selection, address } = request;
    let read = move || async move {
        let listed = store.list(&selection, before, limit).await?;
        let notifications: Vec<_> = listed.rows.into_iter().map(|row| row.notification).collect();
        Ok(Page { next: listed.next, json: json_of(&notifications).into() })
    };
    let (page, source) = state.cache.page(key, read).await.map_err(not_read)?;
    let headers = [(CONTENT_TYPE, JSON), (CACHE, HeaderValue::from_static(source.name()))];
    Ok(linked((headers, page.json).into_response(), page.next.map(|cursor| address.next_page(&cursor))))
}

/// The answer with the address of the next page.
pub(crate) fn linked(mut response: Response, link: Option<HeaderValue>) -> Response {
    if let Some(link) = link {
        response.headers_mut().insert(LINK, link);
    }
    response
}

fn json_of(notifications: &[Notification]) -> Vec<u8> {
    serde_json::to_vec(notifications).expect("a notification holds nothing that JSON cannot say")
}

/// Wraps what kept Postgres from being read.
pub(crate) fn not_read(error: impl Into<Arc<store::Error>>) -> ApiError {
    ApiError::unavailable("postgres", "notifications cannot be read", error.into())
}

/// `GET` of one: 404 also for one that the client may not read.
pub(crate) async fn single(
    State(state): State<ApiState>,
    Caller(access): Caller,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<Notification>, ApiError> {
    let stored = state.store.notification(notification_id(id)?).await.map_err(not_read)?;
    let permitted = stored.filter(|stored| access.may_subscribe(&stored.notification.channel));
    permitted.map(|Stored { notification, .. }| Json(notification)).ok_or(ApiError::UnknownNotification)
}

fn notification_id(path: Result<Path<String>, PathRejection>) -> Result<Uuid, ApiError> {
    let parsed = path.ok().and_then(|Path(text)| Uuid::try_parse(&text).ok());
    parsed.ok_or(ApiError::InvalidParameter { name: "id", reason: "must be a UUID" })
}

/// An event of a notification's history.
#[derive(Debug, Serialize)]
pub(crate) struct Event {
    id: Uuid,
    /// `NotificationCreated`, `NotificationProcessed`, `NotificationRead` or `NotificationUnread`.
    #[serde(rename = "type")]
    kind: String,
    #[serde(serialize_with = "realtime_contract::time::serialize")]
    timestamp: jiff::Timestamp,
    /// What there is to say about it.
    data: JsonText,
}

impl From<Happening> for Event {
    fn from(Happening { id, kind, occurred_at, data, .. }: Happening) -> Self {
        Self { id, kind, timestamp: occurred_at, data }
    }
}

/// `GET` of the events of one, oldest first.
pub(crate) async fn history(
    State(state): State<ApiState>,
    caller: Caller,
    id: Result<Path<String>, PathRejection>,
    query: Result<Query<HistoryQuery>, QueryRejection>,
) -> Result<Response, ApiError> {
    let Query(query) = query.map_err(|rejection| ApiError::malformed_query(&HistoryQuery::NAMES, &rejection))?;
    let request = HistoryRequest::try_from(query)?;
    let Json(notification) = single(State(state.clone()), caller, id).await?;
    let mut events =
        state.store.history(notification.id, request.after, request.read_limit()).await.map_err(not_read)?;
    let link = request.link(notification.id, &mut events);
    let events: Vec<Event> = events.into_iter().map(Event::from).collect();
    Ok(linked(Json(events).into_response(), link))
}

/// `DELETE`: clears the cache, and only the cache.
pub(crate) async fn clear_cache(State(state): State<ApiState>) -> Result<Json<Value>, ApiError> {
    let unavailable = |error| ApiError::unavailable("redis", "the cache cannot be cleared", error);
    state.cache.clear().await.map_err(unavailable)?;
    Ok(Json(json!({ "message": "Cache cleared" })))
}
