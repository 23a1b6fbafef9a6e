//! What a conversation wants done, by whoever can do it.

use std::{any::Any, time::Instant};

use bytes::Bytes;
use futures::future::BoxFuture;
use realtime_fanout::{CloseReason, Filter, session::Subscription};
use tokio::sync::oneshot;

use super::admitted::Admitted;
use crate::namespace::Denial;

/// Does what a conversation wants, in the order in which it wants it.
pub(crate) trait Hub {
    /// The time.
    fn now(&self) -> Instant;

    /// The cursor of a client that has everything that it was sent, or that gets events from now on.
    fn cursor(&self) -> String;

    /// Sends a piece: whole frames of a websocket, or packets of an answer.
    fn say(&mut self, piece: Bytes);

    /// Begins to send events of the feed.
    fn subscribe(&mut self, subscription: Subscription);

    /// Other events from now on.
    fn select(&mut self, filter: Filter);

    /// No more events.
    fn unsubscribe(&mut self);

    /// To be woken then.
    fn wake_at(&mut self, time: Instant);

    /// Has a question answered elsewhere.
    fn ask(&mut self, question: Question);

    /// Ends the connection.
    fn close(&mut self, reason: CloseReason);
}

/// Something that is answered elsewhere: whether a client may enter a namespace, or what a namespace began for it.
pub(crate) struct Question {
    /// The number under which the answer is expected.
    pub(crate) ticket: u32,
    /// Gives the answer.
    pub(crate) answer: BoxFuture<'static, Answer>,
    /// Ends when nobody waits for the answer any more.
    pub(crate) forgotten: oneshot::Receiver<()>,
}

/// What comes of a question.
pub(crate) enum Answer {
    /// Whether the client is let into the namespace.
    Entry(Box<Result<Admitted, Denial>>),
    /// What a namespace began is done.
    Errand(Box<dyn Any + Send>),
}
