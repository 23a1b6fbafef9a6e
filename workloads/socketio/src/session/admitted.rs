//! A client that is let in, with what it missed in the form that is sent.

use bytes::Bytes;
use futures::future::BoxFuture;
use tracing::error;

use super::{form, hub::Answer, joined, shared::Shared};
use crate::{
    namespace::{Admission, Denial, Emission, Transport},
    payload,
};

/// A client that is let in.
pub(crate) struct Admitted {
    /// Its history holds what is not rendered yet.
    pub(crate) admission: Admission,
    /// What it missed, in the form of `transport`.
    missed: Vec<Bytes>,
    transport: Transport,
}

impl Admitted {
    /// Renders what a client missed. It may be very much: this is not for the thread of a shard.
    ///
    /// Events that are to have the cursor of the connection stay as they are, since only the shard knows it; so do then all others.
    pub(crate) fn new(mut admission: Admission, namespace: u16, transport: Transport, shared: &Shared) -> Self {
        let recovers = admission.pid.is_some();
        let is_known = |emission: &Emission| emission.cursor.is_some() || !recovers;
        let mut missed = Vec::new();
        if admission.history.iter().all(is_known) {
            missed.reserve_exact(admission.history.len());
            for Emission { event, arguments, cursor } in std::mem::take(&mut admission.history) {
                let packet = joined::event(shared.name(namespace), &event, arguments, cursor.filter(|_| recovers));
                missed.push(form::message(transport, &packet.encode()));
            }
        }
        Self { admission, missed, transport }
    }

    /// The admission, and what was missed in the form of the transport that the client has now.
    pub(crate) fn into_parts(self, transport: Transport) -> (Admission, Vec<Bytes>) {
        let Self { admission, mut missed, transport: rendered_for } = self;
        if rendered_for == Transport::Polling && transport == Transport::WebSocket {
            missed.iter_mut().for_each(|piece| *piece = frames(piece));
        }
        (admission, missed)
    }
}

/// Has what a client missed rendered where its question is answered.
pub(crate) async fn admit(
    connects: BoxFuture<'static, Result<Admission, Denial>>,
    namespace: u16,
    transport: Transport,
    shared: std::sync::Arc<Shared>,
) -> Answer {
    Answer::Entry(Box::new(connects.await.map(|admission| Admitted::new(admission, namespace, transport, &shared))))
}

/// A piece of an answer as frames of a websocket.
pub(crate) fn frames(piece: &[u8]) -> Bytes {
    payload::to_frames(piece).unwrap_or_else(|error| {
        error!(error = %error, "a piece of ours is no body");
        Bytes::new()
    })
}
