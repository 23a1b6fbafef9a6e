//! `GET /events/stream`.

use std::time::Duration;

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER},
    },
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use jiff::Timestamp;
use realtime_fanout::{CloseReason, CursorCodec, Engine, Grant, Opening, Resume, Seen, Start, Vector, sse};
use serde_json::json;
use tokio::time::{sleep, timeout};
use tracing::debug;

use crate::{
    cursor::{Decoded, Refused},
    frame,
    gap::Gap,
    replay::History,
    request::{Cursor, StreamRequest},
    state::ServiceState,
};

/// How long a client may be ahead of this instance before the log is asked.
const AHEAD: Duration = Duration::from_secs(1);
/// Between two looks at how far this instance is.
const LOOK: Duration = Duration::from_millis(20);
/// A client's own text goes back to it up to here.
const ECHO: usize = 128;

/// Grants a stream: greeting, what the client missed, then what comes. An EventSource gives up for good on any status but 200, so one that
/// cannot be served now is told when to come back; other clients get a status.
pub(crate) async fn stream(
    State(state): State<ServiceState>,
    query: Result<Query<Vec<(String, String)>>, QueryRejection>,
    headers: HeaderMap,
) -> Response {
    let request = match query {
        Ok(Query(query)) => StreamRequest::read(&query, headers.get(sse::LAST_EVENT_ID).map(HeaderValue::as_bytes)),
        Err(rejection) => return problem(StatusCode::BAD_REQUEST, &rejection.to_string()),
    };
    let request = match request {
        Ok(request) => request,
        Err(invalid) => return problem(StatusCode::BAD_REQUEST, &invalid.to_string()),
    };
    let is_event_source = takes_stream(&headers);
    match begin(&state, &request, is_event_source).await {
        Ok(beginning) => opened(Grant {
            filter: request.filter,
            start: beginning.start,
            greeting: Some(frame::connection(Timestamp::now())),
            history: beginning.history,
            heartbeat: request.heartbeat,
            held: beginning.held,
            expires: None,
        }),
        Err(Denial::Cursor(refused)) => problem(StatusCode::BAD_REQUEST, &format!("since is no cursor: {refused}")),
        Err(Denial::Log) if is_event_source => opened(Grant::away(CloseReason::Unavailable)),
        Err(Denial::Log) => {
            let mut response =
                problem(StatusCode::SERVICE_UNAVAILABLE, "what was missed cannot be read from Kafka now");
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("5"));
            response
        }
    }
}

/// Where a stream begins, and what stands between the greeting and what is in memory.
struct Beginning {
    start: Start,
    history: Vec<Bytes>,
    held: Option<realtime_fanout::opening::Held>,
}

/// Why there is no stream.
enum Denial {
    /// A cursor that is none, from a client that can read a status.
    Cursor(Refused),
    /// History does not answer.
    Log,
}

async fn begin(state: &ServiceState, request: &StreamRequest, is_event_source: bool) -> Result<Beginning, Denial> {
    let (text, from_header) = match &request.resume {
        None => return Ok(Beginning { start: Start::Live, history: Vec::new(), held: None }),
        Some(Cursor::LastEventId(text)) => (text, true),
        Some(Cursor::Since(text)) => (text, false),
    };
    let newest = state.engine.vector();
    match state.codec.read(text, &newest).await {
        Ok(decoded) => resume(state, request, decoded, text).await,
        Err(Refused::LearnTopics) => Err(Denial::Log),
        Err(refused) if !from_header && !is_event_source => Err(Denial::Cursor(refused)),
        Err(refused) => {
            debug!(error = &refused as &dyn std::error::Error, "cursor refused, stream begins live");
            let gap = Gap::Invalid.frame(&echo(text), &state.codec.encode(&newest));
            Ok(after(Seen::Said(echo(text)), newest, Resume::Gap, vec![gap]))
        }
    }
}

/// Gives a client what comes behind its cursor: from memory if all of it is there, else from the log.
async fn resume(
    state: &ServiceState,
    request: &StreamRequest,
    decoded: Decoded,
    text: &str,
) -> Result<Beginning, Denial> {
    let Decoded { vector: seen, recreated } = decoded;
    let mut frames = Vec::new();
    // Before a gap the client keeps the place that it has.
    let greeting = if recreated.is_empty() { Seen::Below(seen.clone()) } else { Seen::Said(text.to_owned()) };
    if !recreated.is_empty() {
        debug!(topics = ?recreated, "cursor of another life of a topic");
        frames.push(Gap::Epoch.frame(&echo(text), &state.codec.encode(&seen)));
    }
    if state.engine.covers(&seen) && reached(&state.engine, &seen).await {
        let source = if frames.is_empty() { Resume::Ring } else { Resume::Gap };
        return Ok(after(greeting, seen, source, frames));
    }
    match state.replays.read(seen.clone(), request.filter.clone()).await {
        Ok((History { frames: history, end, gap }, turn)) => {
            let source = if gap || !frames.is_empty() { Resume::Gap } else { Resume::Log };
            frames.extend(history);
            Ok(Beginning { held: Some(Box::new(turn)), ..after(greeting, end, source, frames) })
        }
        // Logged there, once for all clients.
        Err(_) => Err(Denial::Log),
    }
}

/// Whether this instance has read as far as the client has. Another one may be ahead by a moment; one that is ahead for longer is not taken at
/// its word, and the log is asked: it may have lost its end, and the client would wait for ever.
async fn reached(engine: &Engine, seen: &Vector) -> bool {
    let read = async {
        while !engine.vector().dominates(seen) {
            sleep(LOOK).await;
        }
    };
    timeout(AHEAD, read).await.is_ok()
}

fn after(seen: Seen, from: Vector, source: Resume, history: Vec<Bytes>) -> Beginning {
    Beginning { start: Start::After { seen, from, source }, history, held: None }
}

fn echo(text: &str) -> String {
    text.chars().take(ECHO).collect()
}

fn takes_stream(headers: &HeaderMap) -> bool {
    let accepts =
        |value: &HeaderValue| value.to_str().is_ok_and(|text| text.to_ascii_lowercase().contains("text/event-stream"));
    headers.get_all(ACCEPT).iter().any(accepts)
}

/// The server takes the stream from here, see [`Opening`].
fn opened(grant: Grant) -> Response {
    let mut response = sse::HEADERS.into_response();
    response.extensions_mut().insert(Opening::new(grant));
    response
}

/// As RFC 9457 has it.
fn problem(status: StatusCode, detail: &str) -> Response {
    let body = json!({
        "type": "about:blank",
        "title": status.canonical_reason(),
        "status": status.as_u16(),
        "detail": detail,
    });
    (status, [(CONTENT_TYPE, "application/problem+json")], Json(body).into_response().into_body()).into_response()
}
