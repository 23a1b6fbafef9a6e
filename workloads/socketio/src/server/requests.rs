//! Requests of a client that has no websocket.

use axum::{
    body::Body,
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE},
    request::Parts,
};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use realtime_fanout::serve::{Client, Places};
use tokio::{sync::oneshot, time::timeout};

use super::{Server, problem::Problem, transit::Transit};
use crate::{
    identity::{Secret, SessionId},
    payload::SEPARATOR,
    session::{
        Session,
        word::{Demand, Refused, Transfer},
    },
};

const PACKETS: HeaderValue = HeaderValue::from_static("text/plain; charset=UTF-8");
/// Some browsers would offer a text for download.
const TAKEN: HeaderValue = HeaderValue::from_static("text/html");

/// A session begins; the answer is its first packet.
pub(super) async fn begin(server: &Server, parts: &Parts) -> Result<Response, Problem> {
    let extensions = &parts.extensions;
    let Client(client) = *extensions.get().ok_or(Problem::Unable)?;
    let places: &Places = extensions.get().ok_or(Problem::Unable)?;
    // A GET that waits and a POST need a connection each.
    let enter = || places.enter(client).map_err(|_| Problem::Crowded);
    let places = Box::new((enter()?, enter()?));
    let secret = Secret::new().ok_or(Problem::Unable)?;
    let (first, answer) = oneshot::channel();
    let session = Session::of_requests(server.clone(), secret, client, first);
    server.0.engine.converse(Box::new(session), SEPARATOR, Some(places));
    answer.await.map(packets).map_err(|_| Problem::Ending)
}

/// A GET: what waits for the client, or comes next.
pub(super) async fn poll(server: &Server, id: SessionId) -> Result<Response, Problem> {
    let transit = Transit::new(server, id, Transfer::Poll);
    let (request, answer) = oneshot::channel();
    let (refused, is_refused) = oneshot::channel();
    server.demand(id, Demand::Poll { presence: transit.presence(), request, refused });
    let answer = answer.await;
    transit.arrive();
    answer.map(packets).map_err(|_| reason(is_refused))
}

/// A POST: what the client says.
pub(super) async fn take(server: &Server, id: SessionId, parts: &Parts, body: Body) -> Result<Response, Problem> {
    let transit = Transit::new(server, id, Transfer::Body);
    let (refused, is_refused) = oneshot::channel();
    server.demand(id, Demand::BodyBegins { presence: transit.presence(), refused });
    let body = read(server, &parts.headers, body).await?;
    let (taken, is_taken) = oneshot::channel();
    server.demand(id, Demand::Body { body, taken });
    let is_taken = is_taken.await;
    transit.arrive();
    match is_taken {
        Ok(Ok(())) => Ok(([(CONTENT_TYPE, TAKEN), not_stored()], "ok").into_response()),
        Ok(Err(Refused)) => Err(Problem::BadRequest),
        Err(_) => Err(reason(is_refused)),
    }
}

/// The whole body, within the time that a client has for a sign of life.
async fn read(server: &Server, headers: &HeaderMap, body: Body) -> Result<Bytes, Problem> {
    let settings = server.settings();
    if is_binary(headers) {
        return Err(Problem::BadRequest);
    }
    if length(headers).is_some_and(|length| length > settings.payload_bytes as u64) {
        return Err(Problem::TooLong);
    }
    let body: Limited<Body> = Limited::new(body, settings.payload_bytes);
    match timeout(settings.ping_timeout, body.collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Problem::TooLong),
        Ok(Err(_)) => Err(Problem::BadRequest),
        Err(_) => Err(Problem::TooSlow),
    }
}

/// The fourth revision of the protocol has bytes as text only.
fn is_binary(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().eq_ignore_ascii_case(b"application/octet-stream"))
}

fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Why a session did not answer: it says that the request has no place in it, or it is not there.
fn reason(mut is_refused: oneshot::Receiver<Refused>) -> Problem {
    match is_refused.try_recv() {
        Ok(Refused) => Problem::BadRequest,
        Err(_) => Problem::SessionUnknown,
    }
}

fn packets(packets: Bytes) -> Response {
    ([(CONTENT_TYPE, PACKETS), not_stored()], packets).into_response()
}

const fn not_stored() -> (HeaderName, HeaderValue) {
    (CACHE_CONTROL, HeaderValue::from_static("no-store"))
}
