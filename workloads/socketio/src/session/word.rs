//! What a session is told by requests, by other sessions and by what it has asked.

use std::sync::{Arc, Weak};

use bytes::Bytes;
use realtime_fanout::session::Request;
use tokio::sync::oneshot;

use super::hub::Answer;
use crate::{identity::Secret, websocket::Reader};

/// Lives as long as a request is under way, or the socket of a new transport is there.
pub(crate) type Presence = Arc<()>;

/// What a session is told.
pub(crate) enum Told {
    /// By a client that proved to be the session's, by its id.
    Client(Secret, Demand),
    /// The answer to a question.
    Answered(u32, Answer),
}

/// What the client of a session wants, or another session for it.
pub(crate) enum Demand {
    /// A GET waits for what comes. It is answered, or told why it is refused, or dropped when the session has ended.
    Poll { presence: Weak<()>, request: Request, refused: oneshot::Sender<Refused> },
    /// The body of a POST begins.
    BodyBegins { presence: Weak<()>, refused: oneshot::Sender<Refused> },
    /// The body of a POST is there.
    Body { body: Bytes, taken: oneshot::Sender<Result<(), Refused>> },
    /// A request ended before its answer: what it was to bring, or to take away, is lost.
    Lost(Transfer),
    /// A client wants to try a websocket.
    Try { presence: Weak<()>, tried: oneshot::Sender<Result<(), Refused>> },
    /// The websocket works: the client ends its requests now.
    Works,
    /// The client speaks by the websocket now: this is what was read of it already.
    Changes(Vec<Heard>, Reader),
}

/// What a client said on its new websocket behind the packet that made it the transport.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    Text(String),
    Binary(Bytes),
    Ping(Bytes),
    Close(Option<u16>),
}

/// What a request carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transfer {
    Poll,
    Body,
}

/// A request has no place in its session: it is answered as a bad one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refused;
