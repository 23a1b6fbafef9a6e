//! `GET /api/sse/notifications`: greeting, what the client missed, then live.

mod history;
mod resume;

use std::{collections::BTreeSet, sync::atomic::Ordering};

use axum::{
    extract::{Query, State, rejection::QueryRejection},
    http::{HeaderMap, HeaderValue},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use realtime_fanout::{CloseReason, Filter, Grant, Heartbeat, Opening, opening::Held, sse};
use serde::Deserialize;
use tracing::{debug, info, warn};
use uuid::Uuid;

use self::resume::{GapReason, Resume};
use crate::{
    cursor::FeedCursor,
    draft::is_channel,
    error::ApiError,
    feed::{greeting, position},
    state::ApiState,
    store,
};

/// Where the stream is.
pub(crate) const PATH: &str = "/api/sse/notifications";

/// Parameters of the query.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct StreamQuery {
    channels: Option<String>,
}

/// Always 200 for a well-formed request, since an EventSource gives up for good on anything else: who cannot be served now is told when to
/// come back.
pub(crate) async fn stream(
    State(state): State<ApiState>,
    query: Result<Query<StreamQuery>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let Query(query) = query.map_err(|rejection| ApiError::malformed_query(&["channels"], &rejection))?;
    let filter = Filter { channels: channels(query.channels.as_deref())?, ..Filter::default() };
    let Some(epoch) = state.epoch.get() else {
        return Ok(event_stream(Grant::away(CloseReason::Unavailable)));
    };
    let resume = Resume::from_header(headers.get(sse::LAST_EVENT_ID).map(HeaderValue::as_bytes), epoch);
    let grant = match grant(&state, resume, epoch, filter).await {
        Ok(grant) => {
            // Streams that need none say nothing about it.
            if grant.held.is_some() && state.without_history.swap(false, Ordering::Relaxed) {
                info!("history can be read again");
            }
            grant
        }
        Err(error) => {
            tell(&state, &error);
            Grant::away(CloseReason::Unavailable)
        }
    };
    debug!(?grant, "stream answered");
    Ok(event_stream(grant))
}

/// An outage is logged once, not for each client.
fn tell(state: &ApiState, error: &store::Error) {
    let error = error as &dyn std::error::Error;
    if state.without_history.swap(true, Ordering::Relaxed) {
        debug!(error, "history cannot be read, stream sent away");
    } else {
        warn!(error, "history cannot be read, streams are sent away");
    }
}

/// Greeting and history, and from where on the engine's memory has the rest.
async fn grant(state: &ApiState, resume: Resume, epoch: Uuid, filter: Filter) -> Result<Grant, store::Error> {
    let resume = credible(state, resume, epoch).await?;
    let history = history::read(state, resume).await?;
    Ok(Grant {
        greeting: Some(greeting(Timestamp::now())),
        history: history.frames(epoch, &filter),
        start: history.start(),
        heartbeat: Heartbeat::Comment,
        held: history.permit.map(|permit| Box::new(permit) as Held),
        filter,
    })
}

/// A position that this replica has not reached may be another replica's news, or an invention: the feed itself knows.
async fn credible(state: &ApiState, resume: Resume, epoch: Uuid) -> Result<Resume, store::Error> {
    let Resume::Behind(asked) = resume else { return Ok(resume) };
    if asked <= position(&state.engine.vector()) || asked <= state.store.feed_state().await?.position {
        return Ok(resume);
    }
    Ok(Resume::Lost { reason: GapReason::Invalid, from: FeedCursor { epoch, position: asked }.to_string() })
}

/// The filter `a,b`; absent or empty for all.
fn channels(text: Option<&str>) -> Result<Option<BTreeSet<Box<str>>>, ApiError> {
    let names = text.unwrap_or_default().split(',').map(str::trim).filter(|name| !name.is_empty());
    let names: BTreeSet<Box<str>> = names.map(Box::from).collect();
    if !names.iter().all(|name| is_channel(name)) {
        return Err(ApiError::InvalidParameter { name: "channels", reason: "must be names of channels by comma" });
    }
    Ok(Some(names).filter(|names| !names.is_empty()))
}

/// The server begins the stream with this answer's head, and writes to it what the grant says.
fn event_stream(grant: Grant) -> Response {
    let mut response = sse::HEADERS.into_response();
    response.extensions_mut().insert(Opening::new(grant));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_filter() {
        assert_eq!(channels(None).unwrap(), None);
        assert_eq!(channels(Some("")).unwrap(), None);
        assert_eq!(channels(Some("a, b,,a")).unwrap(), Some(BTreeSet::from(["a".into(), "b".into()])));
        assert!(channels(Some("a b")).is_err());
    }
}
