//! `GET /api/sse/notifications`: greeting, what the client missed, then live.

mod history;
mod resume;

use std::collections::HashSet;

use axum::{
    body::Body,
    extract::{Query, State, rejection::QueryRejection},
    http::{HeaderMap, HeaderName, HeaderValue},
    response::Response,
};
use bytes::Bytes;
use jiff::Timestamp;
use realtime_fanout::{CloseReason, EventStream, hub::Filter, Subscription, sse};
use serde::Deserialize;
use tokio::sync::OwnedSemaphorePermit;
use tracing::{debug, warn};
use uuid::Uuid;

use self::resume::{GapReason, Resume};
use crate::{cursor::FeedCursor, draft::is_channel, error::ApiError, feed::connection_frame, state::ApiState, store};

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
    let channels = channels(query.channels.as_deref())?;
    let Some(epoch) = state.epoch.get().copied() else {
        let subscription = state.hub.register(Filter::default());
        return Ok(come_back(subscription));
    };
    let resume = Resume::from_header(headers.get(sse::LAST_EVENT_ID).map(HeaderValue::as_bytes), epoch);
    let resume = match credible(&state, resume, epoch).await {
        Ok(resume) => resume,
        Err(error) => return Ok(send_away(state.hub.register(Filter::default()), &error)),
    };
    // Registered first: what is published from here on waits in the queue until the history is sent.
    let subscription = state.hub.register(Filter { channels: channels.clone(), after: resume.position() });
    match prelude(&state, &subscription, resume, epoch, channels.as_ref()).await {
        Ok((frames, permit)) => {
            debug!(connection = subscription.number(), frames = frames.len(), "stream opened");
            Ok(event_stream(EventStream::new(frames, subscription).holding(permit)))
        }
        Err(error) => Ok(send_away(subscription, &error)),
    }
}

/// A position that this replica has not reached may be another replica's news, or an invention: the feed itself knows.
async fn credible(state: &ApiState, resume: Resume, epoch: Uuid) -> Result<Resume, store::Error> {
    let position = resume.position();
    if position <= state.hub.position() || position <= state.store.feed_state().await?.position {
        return Ok(resume);
    }
    Ok(Resume::Lost { reason: GapReason::Invalid, from: FeedCursor { epoch, position }.to_string() })
}

/// The greeting and the history, with the permit to hold until they are sent.
async fn prelude(
    state: &ApiState,
    subscription: &Subscription,
    resume: Resume,
    epoch: Uuid,
    channels: Option<&HashSet<String>>,
) -> Result<(Vec<Bytes>, Option<OwnedSemaphorePermit>), store::Error> {
    let (history, permit) = history::read(state, resume, subscription.joined_at()).await?;
    let begin = FeedCursor { epoch, position: history.begin };
    let mut frames = vec![connection_frame(begin, Timestamp::now())];
    frames.extend(history.frames(epoch, channels));
    Ok((frames, permit))
}

/// The filter `a,b`; absent or empty for all.
fn channels(text: Option<&str>) -> Result<Option<HashSet<String>>, ApiError> {
    let names = text.unwrap_or_default().split(',').map(str::trim).filter(|name| !name.is_empty());
    let names: HashSet<String> = names.map(ToOwned::to_owned).collect();
    if !names.iter().all(|name| is_channel(name)) {
        return Err(ApiError::InvalidParameter { name: "channels", reason: "must be names of channels by comma" });
    }
    Ok(Some(names).filter(|names| !names.is_empty()))
}

fn send_away(subscription: Subscription, error: &store::Error) -> Response {
    warn!(error = error as &dyn std::error::Error, "history cannot be read, stream sent away");
    come_back(subscription)
}

fn come_back(subscription: Subscription) -> Response {
    subscription.close(CloseReason::Unavailable);
    event_stream(EventStream::new(Vec::new(), subscription))
}

fn event_stream(stream: EventStream) -> Response {
    let mut response = Response::new(Body::new(stream));
    for (name, value) in sse::HEADERS {
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_filter() {
        assert_eq!(channels(None).unwrap(), None);
        assert_eq!(channels(Some("")).unwrap(), None);
        assert_eq!(channels(Some("a, b,,a")).unwrap(), Some(HashSet::from(["a".to_owned(), "b".to_owned()])));
        assert!(channels(Some("a b")).is_err());
    }
}
