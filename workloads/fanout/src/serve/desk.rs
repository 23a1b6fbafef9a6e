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
    limits::{Exceeded, Limits, Slot},
    refusal::Refused,
};
use crate::opening::{Grant, Opening, Start};

/// The address of a request's client, behind trusted proxies; an extension of every request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client(pub IpAddr);

/// Has requests answered.
pub(super) struct Desk {
    pub(super) router: Router,
    pub(super) limits: Arc<Limits>,
    pub(super) paths: Vec<String>,
}

/// What became of a request.
pub(super) enum Outcome {
    /// A stream begins: its status and header fields, what is sent, and its place.
    Stream(response::Parts, Box<Grant>, Option<Slot>),
    /// Anything else.
    Answer(Response<Body>),
}

impl Desk {
    /// A place is taken before the router is asked: who gets none shall not cost the reading of a history.
    pub(super) async fn answer(&self, mut request: Request<Body>, peer: SocketAddr) -> Outcome {
        let client = self.limits.client(peer.ip(), request.headers());
        request.extensions_mut().insert(ConnectInfo(peer));
        request.extensions_mut().insert(Client(client));
        let may_stream = request.method() == Method::GET;
        let asks = may_stream && self.paths.iter().any(|path| path == request.uri().path());
        let place = asks.then(|| self.limits.enter(client));
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

    fn outcome(&self, mut response: Response<Body>, slot: Option<Slot>, client: IpAddr, accept: &HeaderMap) -> Outcome {
        let Some(grant) = grant(&mut response) else { return Outcome::Answer(response) };
        if slot.is_some() || matches!(grant.start, Start::Away(_)) {
            return begin(response, grant, slot);
        }
        match self.limits.enter(client) {
            Ok(slot) => begin(response, grant, Some(slot)),
            Err(exceeded) => refused(response, exceeded, accept),
        }
    }
}

/// The router counted the bytes of an answer that was still empty.
fn begin(response: Response<Body>, grant: Grant, slot: Option<Slot>) -> Outcome {
    let mut parts = response.into_parts().0;
    parts.headers.remove(CONTENT_LENGTH);
    Outcome::Stream(parts, Box::new(grant), slot)
}

/// The answer of a router that refuses by itself is taken as it is.
fn refused(response: Response<Body>, exceeded: Exceeded, accept: &HeaderMap) -> Outcome {
    let mut response = match response.extensions().get::<Refused>() {
        Some(_) => response,
        None => Refused(exceeded).instead_of(&response, accept),
    };
    match grant(&mut response) {
        Some(grant) => begin(response, grant, None),
        None => Outcome::Answer(response),
    }
}

fn grant(response: &mut Response<Body>) -> Option<Grant> {
    response.extensions_mut().remove::<Opening>().and_then(|opening| opening.take())
}

/// A request for the head alone begins no stream.
fn without_stream(mut response: Response<Body>) -> Response<Body> {
    response.extensions_mut().remove::<Opening>();
    response
}
