//! `GET /api/sse/notifications`: greeting, what the client missed, then live.

use std::{collections::BTreeSet, net::IpAddr, time::Instant};

use axum::{
    Extension,
    extract::{Query, State, rejection::QueryRejection},
    http::{HeaderMap, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use realtime_access::{Access, Credential, Denied, Refusal, limits::Limit};
use realtime_contract::channel::is_channel;
use realtime_fanout::{
    CloseReason, Expiry, Filter, Grant, Heartbeat, Opening,
    serve::{Client, takes_stream},
    sse,
};
use serde::Deserialize;
use tracing::debug;
use uuid::Uuid;

use crate::{
    admission,
    error::ApiError,
    feed::{greeting, piece_frame},
    history::{self, History},
    resume::{GapReason, Resume},
    state::ApiState,
};

/// Where the stream is.
pub(crate) const PATH: &str = "/api/sse/notifications";

/// Names of the query's parameters.
const PARAMETERS: [&str; 4] = ["channels", "ticket", "lastEventId", "since"];

/// Parameters of the query.
#[derive(Default, Deserialize)]
pub(crate) struct StreamQuery {
    channels: Option<String>,
    /// What a client shows that cannot send a header. It is in no log.
    ticket: Option<String>,
    /// A cursor of a client that cannot send the header at its first request. It is judged as the header is.
    #[serde(rename = "lastEventId")]
    last_event_id: Option<String>,
    /// A cursor of a client that can read a status.
    since: Option<String>,
}

impl StreamQuery {
    /// The cursor that counts. The header beats the query: an EventSource that comes back sends its first address again.
    fn cursor(&self, header: Option<&[u8]>) -> Option<Cursor> {
        let header = header.map(|header| String::from_utf8_lossy(header).into_owned());
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        let strict = false;
        given(header)
            .or_else(|| given(self.last_event_id.clone()))
            .map(|text| Cursor { text, strict })
            .or_else(|| given(self.since.clone()).map(|text| Cursor { text, strict: true }))
    }
}

/// Where a client says that it was.
#[derive(Debug, PartialEq, Eq)]
struct Cursor {
    text: String,
    /// What is no cursor may be answered with a status.
    strict: bool,
}

/// 200 for a well-formed request of who may listen, since an EventSource gives up for good on anything else: who cannot be served now is told
/// when to come back.
pub(crate) async fn stream(
    State(state): State<ApiState>,
    client: Option<Extension<Client>>,
    query: Result<Query<StreamQuery>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let client = client.map(|Extension(Client(address))| address);
    let query = match query {
        Ok(Query(query)) => query,
        Err(rejection) => return unreadable(&state, client, &rejection, takes_stream(&headers)).await,
    };
    let credential = Credential::of_stream(&headers, query.ticket.as_deref());
    let access = match admission::admit(&state, credential, client, Some(Limit::Subscribe)).await {
        Ok(access) => access,
        Err(denied) => return denial(denied, credential, takes_stream(&headers)),
    };
    let filter = filter(&access, query.channels.as_deref())?;
    let Some(epoch) = state.epoch.get() else {
        return Ok(event_stream(Grant::away(CloseReason::Unavailable)));
    };
    let cursor = query.cursor(headers.get(sse::LAST_EVENT_ID).map(HeaderValue::as_bytes));
    let resume = Resume::read(cursor.as_ref().map(|cursor| cursor.text.as_str()), epoch);
    let is_no_cursor = matches!(resume, Resume::Lost { reason: GapReason::Invalid, .. });
    if is_no_cursor && cursor.is_some_and(|cursor| cursor.strict) && !takes_stream(&headers) {
        return Err(ApiError::InvalidParameter { name: "since", reason: "must be the id of an event" });
    }
    let history = history::find(&state, resume, epoch).await;
    let away = || Grant::away(CloseReason::Unavailable);
    let grant = history.map_or_else(away, |history| grant(history, epoch, filter, &access));
    debug!(?grant, "stream answered");
    Ok(event_stream(grant))
}

/// The answer to a query that cannot be read, which counts for its address as any other one.
async fn unreadable(
    state: &ApiState,
    client: Option<IpAddr>,
    rejection: &QueryRejection,
    is_event_source: bool,
) -> Result<Response, ApiError> {
    match admission::charge_address(state, client).await {
        Ok(()) => Err(ApiError::malformed_query(&PARAMETERS, rejection)),
        Err(too_many) => denial(too_many.into(), Credential::Nothing, is_event_source),
    }
}

/// The answer to who gets no stream. An EventSource tries again with what it showed before, so one whose ticket has expired is told to stop by
/// 204; what passes is answered by when to come back.
fn denial(denied: Denied, credential: Credential<'_>, is_event_source: bool) -> Result<Response, ApiError> {
    let away = |reason| Ok(event_stream(Grant::away(reason)));
    match denied {
        denied if !is_event_source => Err(denied.into()),
        Denied::TooMany(_) => away(CloseReason::Limited),
        Denied::Refused(Refusal::KeysAway) => away(CloseReason::Unavailable),
        Denied::Refused(Refusal::Expired) if matches!(credential, Credential::Ticket(_)) => {
            Ok(StatusCode::NO_CONTENT.into_response())
        }
        denied @ Denied::Refused(_) => Err(denied.into()),
    }
}

/// Greeting and history, and from where on the engine's memory has the rest.
fn grant(history: History, epoch: Uuid, filter: Filter, access: &Access) -> Grant {
    let now = Timestamp::now();
    let expires = access.end(now, Instant::now()).map(|at| Expiry { at, notice: access.notice().to_string() });
    Grant {
        greeting: Some(greeting(now)),
        history: history.pieces(&filter).map(|piece| piece_frame(epoch, piece)).collect(),
        start: history.start(),
        heartbeat: Heartbeat::Comment,
        held: history.into_held(),
        expires,
        filter,
    }
}

/// What passes of the channels `a,b`, or of all that the client may hear when it names none.
fn filter(access: &Access, names: Option<&str>) -> Result<Filter, ApiError> {
    Ok(Filter { channels: Some(access.hear(channels(names)?)?), ..Filter::default() })
}

/// The channels `a,b`; `None` when they are absent or empty.
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
    fn the_header_beats_the_query() {
        let saying = |last_event_id: &str| StreamQuery {
            last_event_id: Some(last_event_id.to_owned()),
            since: Some("c".to_owned()),
            ..StreamQuery::default()
        };
        let (query, since) = (saying("b"), saying(""));
        let lenient = |text: &str| Some(Cursor { text: text.to_owned(), strict: false });
        assert_eq!(query.cursor(Some(b"a")), lenient("a"));
        assert_eq!(query.cursor(Some(b"")), lenient("b"), "a client that has seen no id sends an empty one");
        assert_eq!(query.cursor(None), lenient("b"));
        assert_eq!(since.cursor(None), Some(Cursor { text: "c".to_owned(), strict: true }));
        assert_eq!(StreamQuery::default().cursor(None), None);
    }

    #[test]
    fn reads_the_filter() {
        assert_eq!(channels(None).unwrap(), None);
        assert_eq!(channels(Some("")).unwrap(), None);
        assert_eq!(channels(Some("a, b,,a")).unwrap(), Some(BTreeSet::from(["a".into(), "b".into()])));
        assert!(channels(Some("a b")).is_err());
    }
}
