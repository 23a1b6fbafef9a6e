//! `/api/tickets`: what an EventSource shows, which cannot send a header.

use std::net::SocketAddr;

use axum::{
    Extension, Json,
    extract::{ConnectInfo, Request, State},
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{CACHE_CONTROL, SET_COOKIE},
    },
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use realtime_access::{TICKET_COOKIE, Ticket};
use realtime_chassis::http::Problem;
use serde::Serialize;
use serde_json::Value;

use crate::{body, caller::Caller, draft, error::ApiError, state::ApiState};

/// Where tickets are given.
pub(crate) const PATH: &str = "/api/tickets";

/// Bytes of a cookie with its name that browsers keep (RFC 6265, section 6.1); longer ones they leave out without a word.
const COOKIE_BYTES: usize = 4096;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Given<'a> {
    ticket: &'a str,
    #[serde(serialize_with = "realtime_contract::time::serialize")]
    expires_at: Timestamp,
}

/// `POST`: 201 with a ticket for the streams that the token permits. It ends with the token, and after an hour.
pub(crate) async fn give(
    State(state): State<ApiState>,
    Caller(access): Caller,
    peer: Option<Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, ApiError> {
    let body = body::read(request, draft::BODY_LIMIT).await?;
    let cookie_too = asks_for_cookie(&headers, &body)?;
    let now = Timestamp::now();
    let ticket = state.gate.ticket(&access, now).ok_or_else(nobody_is_asked)?;
    let given = Json(Given { ticket: &ticket.text, expires_at: ticket.expires });
    let mut response = (StatusCode::CREATED, [(CACHE_CONTROL, "no-store")], given).into_response();
    if cookie_too {
        let is_secure = peer.is_some_and(|Extension(ConnectInfo(peer))| is_secure(&state, peer, &headers));
        response.headers_mut().insert(SET_COOKIE, cookie(&ticket, now, is_secure)?);
    }
    Ok(response)
}

/// `DELETE`: 204, and the browser forgets the cookie. It needs no token: who leaves may have none any more. What was copied from the cookie is
/// good until it ends.
pub(crate) async fn take_back(
    State(state): State<ApiState>,
    peer: Option<Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
) -> Response {
    let is_secure = peer.is_some_and(|Extension(ConnectInfo(peer))| is_secure(&state, peer, &headers));
    let cookie = attributes("", 0, is_secure);
    (StatusCode::NO_CONTENT, [(CACHE_CONTROL, "no-store".to_owned()), (SET_COOKIE, cookie)]).into_response()
}

/// Whether a cookie is asked for. A request without a body asks for none.
fn asks_for_cookie(headers: &HeaderMap, body: &[u8]) -> Result<bool, ApiError> {
    if body.is_empty() {
        return Ok(false);
    }
    draft::expect_json(headers)?;
    let body: Value =
        serde_json::from_slice(body).map_err(|error| ApiError::MalformedBody { reason: error.to_string() })?;
    let fields = body.as_object().ok_or_else(|| ApiError::field("body", "must be a JSON object"))?;
    match fields.get("cookie") {
        None => Ok(false),
        Some(Value::Bool(cookie)) => Ok(*cookie),
        Some(_) => Err(ApiError::field("cookie", "must be true or false")),
    }
}

/// Whether the request left the client encrypted, as a trusted proxy says.
fn is_secure(state: &ApiState, peer: SocketAddr, headers: &HeaderMap) -> bool {
    let peer = peer.ip().to_canonical();
    let is_proxy = state.trusted_proxies.iter().any(|network| network.contains(&peer));
    let mut said = headers.get_all("x-forwarded-proto").iter().filter_map(|value| value.to_str().ok());
    is_proxy && said.any(|text| text.split(',').any(|name| name.trim().eq_ignore_ascii_case("https")))
}

/// Pages of the same site send it with their requests and cannot read it.
fn cookie(ticket: &Ticket, now: Timestamp, is_secure: bool) -> Result<HeaderValue, ApiError> {
    let seconds = (ticket.expires.as_second() - now.as_second()).max(0);
    let text = &ticket.text;
    if TICKET_COOKIE.len() + 1 + text.len() > COOKIE_BYTES {
        return Err(too_long());
    }
    let mut cookie = HeaderValue::try_from(attributes(text, seconds, is_secure)).map_err(|_| too_long())?;
    cookie.set_sensitive(true);
    Ok(cookie)
}

/// The cookie with that text, which a browser keeps for so many seconds; with 0 it forgets the one that it has.
fn attributes(text: &str, seconds: i64, is_secure: bool) -> String {
    let secure = if is_secure { "; Secure" } else { "" };
    format!("{TICKET_COOKIE}={text}; HttpOnly; SameSite=Strict; Path=/; Max-Age={seconds}{secure}")
}

fn too_long() -> ApiError {
    ApiError::field(
        "cookie",
        "cannot be true: the channels of the token do not fit into a cookie; use the ticket in the query",
    )
}

fn nobody_is_asked() -> ApiError {
    let problem = Problem::new(StatusCode::CONFLICT, "nobody is asked for a token here: streams need no ticket");
    ApiError::Other(Box::new(problem.code("ANONYMOUS")))
}
