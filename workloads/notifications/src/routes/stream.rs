//! `GET /events/stream`.

use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

use axum::{
    Extension,
    extract::{Query, State},
    http::{HeaderMap, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use jiff::Timestamp;
use realtime_access::{Credential, Denied, Refusal, admit, limits::Limit};
use realtime_chassis::http::Problem;
use realtime_fanout::{
    CloseReason, CursorCodec, Engine, Expiry, Filter, Grant, Opening, Resume, Seen, Start, Vector,
    serve::{Client, takes_stream},
    sse,
};
use tokio::time::{sleep, timeout};
use tracing::debug;

use crate::{
    channels,
    cursor::{Decoded, Refused},
    frame,
    gap::Gap,
    replay::History,
    request::{Cursor, InvalidQuery, StreamRequest, TICKET, last},
    state::ServiceState,
};

/// How long a client may be ahead of this instance before the log is asked.
const AHEAD: Duration = Duration::from_secs(1);
/// Between two looks at how far this instance is.
const LOOK: Duration = Duration::from_millis(20);
/// After which a client may try again that cannot be served now.
const RETRY: Duration = Duration::from_secs(5);
/// A client's own text goes back to it up to here.
const ECHO: usize = 128;

/// Grants a stream: greeting, what the client missed, then what comes. An EventSource gives up for good on any status but 200, so one that
/// cannot be served now is told when to come back; other clients get a status.
pub(crate) async fn stream(
    State(state): State<ServiceState>,
    Extension(Client(address)): Extension<Client>,
    // Any query is a list of pairs, so none is refused here.
    Query(query): Query<Vec<(String, String)>>,
    headers: HeaderMap,
) -> Response {
    let is_event_source = takes_stream(&headers);
    match grant(&state, address, &query, &headers, is_event_source).await {
        Ok(grant) => opened(grant),
        Err(denial) => denial.answer(is_event_source),
    }
}

async fn grant(
    state: &ServiceState,
    address: IpAddr,
    query: &[(String, String)],
    headers: &HeaderMap,
    is_event_source: bool,
) -> Result<Grant, Denial> {
    let credential = Credential::of_stream(headers, last(query, TICKET));
    let access = admit(&state.gate, &state.limiter, credential, Some(address), Some(Limit::Subscribe)).await;
    let access = access.map_err(|reason| Denial::NotAdmitted { reason, ticket: is_ticket(credential) })?;
    let request = StreamRequest::read(query, headers.get(sse::LAST_EVENT_ID).map(HeaderValue::as_bytes));
    let StreamRequest { channels, mut filter, heartbeat, resume } = request.map_err(Denial::Parameter)?;
    filter.channels = channels::of(&access, channels).map_err(Denial::Channel)?;
    let Beginning { start, history, held } = begin(state, resume.as_ref(), &filter, is_event_source).await?;
    let now = Timestamp::now();
    let expires = access.end(now, Instant::now()).map(|at| Expiry { at, notice: access.notice().to_string() });
    Ok(Grant { filter, start, greeting: Some(frame::connection(now)), history, heartbeat, held, expires })
}

/// Where a stream begins, and what stands between the greeting and what is in memory.
struct Beginning {
    start: Start,
    history: Vec<Bytes>,
    held: Option<realtime_fanout::opening::Held>,
}

/// Why there is no stream.
enum Denial {
    /// A parameter cannot be meant.
    Parameter(InvalidQuery),
    /// The client is not known, or asks too often.
    NotAdmitted { reason: Denied, ticket: bool },
    /// The client is known, and may not hear a channel that it names.
    Channel(Refusal),
    /// A cursor that is none, from a client that can read a status.
    Cursor(Refused),
    /// History does not answer.
    Log,
}

impl Denial {
    fn answer(self, is_event_source: bool) -> Response {
        match self {
            Self::Parameter(invalid) => {
                Problem::new(StatusCode::BAD_REQUEST, invalid.to_string()).field(invalid.parameter()).into_response()
            }
            // A ticket stays the same in each try of an EventSource, and 204 is what ends them.
            Self::NotAdmitted { reason: Denied::Refused(Refusal::Expired), ticket: true } if is_event_source => {
                StatusCode::NO_CONTENT.into_response()
            }
            Self::NotAdmitted { reason: Denied::Refused(Refusal::KeysAway), .. } | Self::Log if is_event_source => {
                opened(Grant::away(CloseReason::Unavailable))
            }
            Self::NotAdmitted { reason: Denied::TooMany(_), .. } if is_event_source => {
                opened(Grant::away(CloseReason::Limited))
            }
            Self::NotAdmitted { reason, .. } => Problem::from(reason).into_response(),
            Self::Channel(refusal) => Problem::from(refusal).field("channels").into_response(),
            Self::Cursor(refused) => Problem::new(StatusCode::BAD_REQUEST, format!("since is no cursor: {refused}"))
                .field("since")
                .into_response(),
            Self::Log => Problem::new(StatusCode::SERVICE_UNAVAILABLE, "what was missed cannot be read from Kafka now")
                .dependency("kafka")
                .retry_after(RETRY)
                .into_response(),
        }
    }
}

fn is_ticket(credential: Credential<'_>) -> bool {
    matches!(credential, Credential::Ticket(_))
}

async fn begin(
    state: &ServiceState,
    resume: Option<&Cursor>,
    filter: &Filter,
    is_event_source: bool,
) -> Result<Beginning, Denial> {
    let (text, from_header) = match resume {
        None => return Ok(Beginning { start: Start::Live, history: Vec::new(), held: None }),
        Some(Cursor::LastEventId(text)) => (text, true),
        Some(Cursor::Since(text)) => (text, false),
    };
    let newest = state.engine.vector();
    match state.codec.read(text, &newest).await {
        Ok(decoded) => go_on(state, filter, decoded, text).await,
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
async fn go_on(state: &ServiceState, filter: &Filter, decoded: Decoded, text: &str) -> Result<Beginning, Denial> {
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
    match state.replays.read(seen.clone(), filter.clone()).await {
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

/// The server takes the stream from here, see [`Opening`].
fn opened(grant: Grant) -> Response {
    let mut response = sse::HEADERS.into_response();
    response.extensions_mut().insert(Opening::new(grant));
    response
}
