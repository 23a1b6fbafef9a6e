//! Who may come in: what clients show is looked at, and how often they come is counted, before a handler is asked.

use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{Extensions, HeaderMap, Method},
    middleware::Next,
    response::{IntoResponse, Response},
};
use realtime_access::{
    Access, Credential, Denied, Service,
    limits::{Limit, TooMany, Who},
};
use realtime_chassis::http::Problem;
use realtime_fanout::serve::Client;

use crate::{
    documents,
    error::ApiError,
    routes::{stream, tickets},
    socketio,
    state::ApiState,
};

/// Paths that need no token. Whatever is not here needs one.
const PUBLIC: [&str; 7] = [
    "/",
    "/metrics",
    "/api/health",
    "/api/websocket/health",
    documents::OPENAPI_PATH,
    documents::ASYNCAPI_PATH,
    documents::PAGE_PATH,
];

/// Requests that look at the whole service: what they tell has nobody's notifications in it, but what all do together.
const SERVICE: [&str; 3] = ["/api/stack", "/api/figures", "/api/cache-test"];
/// Who deletes here empties the cache of all, and costs each of them a query.
const NOTIFICATIONS: &str = "/api/notifications";

/// How the client of a request is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// By everybody's right.
    Public,
    /// By a token in its header; the [`Access`] becomes an extension of the request.
    Token,
    /// By a token for everything, likewise.
    Service(Service),
    /// By the handler: what it shows stands elsewhere, and refusals have another form.
    Handler,
}

impl Way {
    /// Files of the console, and what is not there, match no route.
    fn of(method: &Method, matched: Option<&str>) -> Self {
        match matched {
            None => Self::Public,
            // Who gives up a ticket has no token any more, or it has expired.
            Some(tickets::PATH) if method == Method::DELETE => Self::Public,
            Some(stream::PATH) => Self::Handler,
            Some(path) if path.starts_with(socketio::PATH) => Self::Handler,
            Some(path) if PUBLIC.contains(&path) => Self::Public,
            Some(path) if SERVICE.contains(&path) => Self::Service(Service::Look),
            Some(NOTIFICATIONS) if method == Method::DELETE => Self::Service(Service::Change),
            Some(_) => Self::Token,
        }
    }
}

/// Middleware: lets requests in, each on its way.
pub(crate) async fn admit_requests(
    State(state): State<ApiState>,
    matched: Option<MatchedPath>,
    mut request: Request,
    next: Next,
) -> Response {
    let client = client(request.extensions());
    let admitted = match Way::of(request.method(), matched.as_ref().map(MatchedPath::as_str)) {
        Way::Handler => Ok(None),
        Way::Public => charge_address(&state, client).await.map(|()| None).map_err(Denied::from),
        Way::Token => admit_token(&state, request.headers(), client).await.map(Some),
        Way::Service(service) => admit_token(&state, request.headers(), client)
            .await
            .and_then(|access| access.permits(service).map(|()| Some(access)).map_err(Denied::from)),
    };
    match admitted {
        Ok(access) => {
            if let Some(access) = access {
                request.extensions_mut().insert(Arc::new(access));
            }
            next.run(request).await
        }
        Err(denied) => ApiError::from(denied).into_response(),
    }
}

/// What the client of a request with these headers may do.
async fn admit_token(state: &ApiState, headers: &HeaderMap, client: Option<IpAddr>) -> Result<Access, Denied> {
    admit(state, Credential::of_headers(headers), client, None).await
}

/// What the client may do that shows this, when it does not come too often, see [`realtime_access::admit`].
///
/// # Errors
/// [`Denied`].
pub(crate) async fn admit(
    state: &ApiState,
    credential: Credential<'_>,
    client: Option<IpAddr>,
    besides: Option<Limit>,
) -> Result<Access, Denied> {
    realtime_access::admit(&state.gate, &state.limiter, credential, client, besides).await
}

/// Counts something that a client does which was let in before, by its user, or by its address where nobody is asked.
///
/// # Errors
/// [`TooMany`].
pub(crate) async fn count(
    state: &ApiState,
    access: &Access,
    client: Option<IpAddr>,
    limit: Limit,
    cost: usize,
) -> Result<(), TooMany> {
    let Some(who) = Who::of(access, client) else { return Ok(()) };
    state.limiter.take(limit, who, u32::try_from(cost).unwrap_or(u32::MAX)).await
}

/// The address of a request's client; every request of the server has one.
pub(crate) fn client(extensions: &Extensions) -> Option<IpAddr> {
    extensions.get::<Client>().map(|client| client.0)
}

/// Counts a request of that address.
///
/// # Errors
/// [`TooMany`].
pub(crate) async fn charge_address(state: &ApiState, client: Option<IpAddr>) -> Result<(), TooMany> {
    let Some(address) = client else { return Ok(()) };
    state.limiter.take(Limit::Address, Who::Address(address), 1).await
}

impl From<Denied> for ApiError {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Refused(refusal) => refusal.into(),
            Denied::TooMany(too_many) => too_many.into(),
        }
    }
}

impl From<TooMany> for ApiError {
    fn from(too_many: TooMany) -> Self {
        Self::Other(Box::new(Problem::from(too_many)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_not_public_needs_a_token() {
        for (path, way) in [
            (None, Way::Public),
            (Some("/"), Way::Public),
            (Some("/api/health"), Way::Public),
            (Some("/api/sse/notifications"), Way::Handler),
            (Some("/socket.io/"), Way::Handler),
            (Some("/api/notifications"), Way::Token),
            (Some("/api/notifications/{id}"), Way::Token),
            (Some("/api/cache-test"), Way::Service(Service::Look)),
            (Some("/api/figures"), Way::Service(Service::Look)),
            (Some("/api/stack"), Way::Service(Service::Look)),
            (Some("/api/tickets"), Way::Token),
            (Some("/api/of-tomorrow"), Way::Token),
        ] {
            assert_eq!(Way::of(&Method::GET, path), way, "{path:?}");
        }
        assert_eq!(Way::of(&Method::POST, Some("/api/tickets")), Way::Token);
        assert_eq!(Way::of(&Method::DELETE, Some("/api/tickets")), Way::Public);
        assert_eq!(Way::of(&Method::POST, Some("/api/notifications")), Way::Token);
        assert_eq!(Way::of(&Method::DELETE, Some("/api/notifications")), Way::Service(Service::Change));
    }
}
