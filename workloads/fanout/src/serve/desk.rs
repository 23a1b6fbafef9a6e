//! One request: what the router says to it, and whether there is room for its stream.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::{Router, body::Body, extract::ConnectInfo};
use http::{
    HeaderMap, Method, Request, Response,
    header::{ACCEPT, CONTENT_LENGTH},
    response,
};
use tower::ServiceExt as _;

use super::{
    head::asks_for_websocket,
    limits::{Exceeded, Limits, Slot},
    refusal::Refused,
};
use crate::opening::{Held, Opened, Opening, Start};

/// The address of a request's client, behind trusted proxies; an extension of every request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client(pub IpAddr);

/// Where a session without a socket gets its place; an extension of every request.
#[derive(Clone, Debug)]
pub struct Places(Arc<Limits>);

impl Places {
    /// A place for a connection of that client, which is free again when what is given is dropped.
    ///
    /// # Errors
    /// The limit that is reached.
    pub fn enter(&self, client: IpAddr) -> Result<Held, Exceeded> {
        self.0.enter(client).map(|slot| Box::new(slot) as Held)
    }
}

/// Has requests answered.
pub(super) struct Desk {
    pub(super) router: Router,
    pub(super) limits: Arc<Limits>,
    pub(super) paths: Vec<String>,
    pub(super) upgrade_paths: Vec<String>,
}

/// What became of a request.
pub(super) enum Outcome {
    /// A connection begins: its status and header fields, what is granted, and its place.
    Open(response::Parts, Opened, Option<Slot>),
    /// Anything else.
    Answer(Response<Body>),
}

impl Desk {
    /// A place is taken before the router is asked: who gets none shall not cost the reading of a history.
    pub(super) async fn answer(&self, mut request: Request<Body>, peer: SocketAddr) -> Outcome {
        let client = self.limits.client(peer.ip(), request.headers());
        request.extensions_mut().insert(ConnectInfo(peer));
        request.extensions_mut().insert(Client(client));
        request.extensions_mut().insert(Places(self.limits.clone()));
        let may_stream = request.method() == Method::GET;
        let place = (may_stream && self.asks(&request)).then(|| self.limits.enter(client));
        if let Some(Err(exceeded)) = place {
            request.extensions_mut().insert(Refused(exceeded));
        }
        let accept = request.headers().get_all(ACCEPT).iter().map(|value| (ACCEPT, value.clone())).collect();
        let response = match self.router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        match place {
            Some(Err(exceeded)) => refused(response, exceeded, &accept),
            _ if !may_stream => Outcome::Answer(without_stream(response)),
            Some(Ok(slot)) => self.outcome(response, Some(slot), client, &accept),
            None => self.outcome(response, None, client, &accept),
        }
    }

    /// Whether it asks for a connection that stays.
    fn asks(&self, request: &Request<Body>) -> bool {
        let is_one_of = |paths: &[String]| paths.iter().any(|path| path == request.uri().path());
        is_one_of(&self.paths) || (is_one_of(&self.upgrade_paths) && asks_for_websocket(request.headers()))
    }

    fn outcome(&self, mut response: Response<Body>, slot: Option<Slot>, client: IpAddr, accept: &HeaderMap) -> Outcome {
        let Some(opened) = opened(&mut response) else { return Outcome::Answer(response) };
        let is_away = matches!(&opened, Opened::Stream(grant) if matches!(grant.start, Start::Away(_)));
        if slot.is_some() || is_away {
            return begin(response, opened, slot);
        }
        match self.limits.enter(client) {
            Ok(slot) => begin(response, opened, Some(slot)),
            Err(exceeded) => refused(response, exceeded, accept),
        }
    }
}

/// The router counted the bytes of an answer that was still empty.
fn begin(response: Response<Body>, opened: Opened, slot: Option<Slot>) -> Outcome {
    let mut parts = response.into_parts().0;
    parts.headers.remove(CONTENT_LENGTH);
    Outcome::Open(parts, opened, slot)
}

/// The answer of a router that refuses by itself is taken as it is.
fn refused(response: Response<Body>, exceeded: Exceeded, accept: &HeaderMap) -> Outcome {
    let mut response = match response.extensions().get::<Refused>() {
        Some(_) => response,
        None => Refused(exceeded).instead_of(&response, accept),
    };
    match opened(&mut response) {
        Some(opened) => begin(response, opened, None),
        None => Outcome::Answer(response),
    }
}

fn opened(response: &mut Response<Body>) -> Option<Opened> {
    response.extensions_mut().remove::<Opening>().and_then(|opening| opening.take_opened())
}

/// A request for the head alone begins no stream.
fn without_stream(mut response: Response<Body>) -> Response<Body> {
    response.extensions_mut().remove::<Opening>();
    response
}
