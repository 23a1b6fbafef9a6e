//! Requests for a websocket (RFC 6455, section 4.2).

use std::sync::Arc;

use axum::response::{IntoResponse as _, Response};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
    header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE},
    request::Parts,
};
use realtime_fanout::{Opening, serve::Client};
use tokio::sync::oneshot;

use super::{Server, problem::Problem};
use crate::{
    identity::{Secret, SessionId},
    probe::Probe,
    session::{
        Session,
        word::{Demand, Presence, Refused},
    },
    websocket,
};

/// Whether a request wants to become a websocket.
pub(super) fn is_asked(parts: &Parts) -> bool {
    parts.method == Method::GET && has_word(&parts.headers, &UPGRADE, "websocket")
}

/// A websocket begins: a session, or the new transport of one.
pub(super) async fn begin(server: &Server, parts: &Parts, id: Option<SessionId>) -> Result<Response, Problem> {
    let accept = accept(&parts.headers).ok_or(Problem::BadRequest)?;
    let opening = match id {
        None => {
            let Client(client) = *parts.extensions.get().ok_or(Problem::Unable)?;
            let secret = Secret::new().ok_or(Problem::Unable)?;
            Opening::session(Box::new(Session::of_websocket(server.clone(), secret, client)))
        }
        Some(id) => {
            let presence = Presence::default();
            let (tried, may_try) = oneshot::channel();
            server.demand(id, Demand::Try { presence: Arc::downgrade(&presence), tried });
            let may_try = may_try.await.map_err(|_| Problem::SessionUnknown)?;
            let probe = match may_try {
                Ok(()) => Probe::new(server.clone(), id, presence),
                // As other servers do, the websocket opens and is closed: a client sees no code of an answer.
                Err(Refused) => Probe::too_late(server.clone(), id),
            };
            Opening::session_at(Box::new(probe), id.address)
        }
    };
    let headers = [
        (CONNECTION, HeaderValue::from_static("upgrade")),
        (UPGRADE, HeaderValue::from_static("websocket")),
        (SEC_WEBSOCKET_ACCEPT, accept),
    ];
    let mut response = (StatusCode::SWITCHING_PROTOCOLS, headers).into_response();
    response.extensions_mut().insert(opening);
    Ok(response)
}

/// What proves that the request was understood, if it is as it has to be.
fn accept(headers: &HeaderMap) -> Option<HeaderValue> {
    let one = |name: &HeaderName| {
        let mut values = headers.get_all(name).iter();
        values.next().filter(|_| values.next().is_none())?.to_str().ok()
    };
    let key = one(&SEC_WEBSOCKET_KEY)?;
    let is_key = STANDARD.decode(key).is_ok_and(|bytes| bytes.len() == 16);
    let fits = is_key && one(&SEC_WEBSOCKET_VERSION) == Some("13") && has_word(headers, &CONNECTION, "upgrade");
    fits.then(|| HeaderValue::try_from(websocket::accept(key)).ok())?
}

/// Whether a word stands in a list.
fn has_word(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    let mut lists = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    lists.any(|list| list.split(',').any(|one| one.trim().eq_ignore_ascii_case(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// That of RFC 6455, section 1.3.
    const REQUEST: [(&str, &str); 4] = [
        ("upgrade", "websocket"),
        ("connection", "keep-alive, Upgrade"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("sec-websocket-version", "13"),
    ];

    fn headers(changed: Option<(&str, &'static str)>) -> HeaderMap {
        let fields = REQUEST.iter().copied().filter(|(name, _)| changed.is_none_or(|(other, _)| *name != other));
        let with = changed.into_iter().filter(|(_, value)| !value.is_empty());
        let pair = |(name, value): (&str, &str)| (name.parse().unwrap(), HeaderValue::try_from(value).unwrap());
        fields.chain(with).map(pair).collect()
    }

    #[test]
    fn a_request_is_accepted_with_its_key() {
        assert_eq!(accept(&headers(None)).unwrap(), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn a_request_that_is_not_whole_is_refused() {
        for changed in [
            ("connection", ""),
            ("connection", "close"),
            ("sec-websocket-key", ""),
            ("sec-websocket-key", "c2hvcnQ="),
            ("sec-websocket-key", "not base64"),
            ("sec-websocket-version", ""),
            ("sec-websocket-version", "8"),
        ] {
            assert_eq!(accept(&headers(Some(changed))), None, "{changed:?}");
        }
    }
}
