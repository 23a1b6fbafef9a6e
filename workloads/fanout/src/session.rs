//! A connection on which both sides speak: its protocol is a [`Session`], which a shard owns and calls.
//!
//! ```text
//! socket, request, timer, another session ─► Session ─► Voice: what it wants done ─► shard
//! ```
//!
//! A session is synchronous: it never blocks, and what takes time it has done elsewhere and is told of ([`Session::told`]).

use std::{any::Any, fmt, sync::Arc, time::Instant};

use bytes::Bytes;
use tokio::sync::oneshot;

use crate::{CloseReason, CursorCodec, Event, Filter, Start, Vector, opening::Held, shard::Key};

/// A request that is answered by what waits for its client.
pub type Request = oneshot::Sender<Bytes>;

/// What a session is told.
pub type Word = Box<dyn Any + Send>;

/// What all sessions are told.
pub type News = Arc<dyn Any + Send + Sync>;

/// Where a session is. One that came later never has the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    pub(crate) shard: u16,
    pub(crate) key: Key,
}

impl Address {
    /// Length of its bytes.
    pub const LENGTH: usize = 10;

    /// To be put into what a client brings back.
    pub fn to_bytes(self) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        bytes[..2].copy_from_slice(&self.shard.to_be_bytes());
        bytes[2..].copy_from_slice(&self.key.to_bytes());
        bytes
    }

    /// What a client brought back. It may be an address at which nobody ever was.
    pub fn from_bytes(bytes: [u8; Self::LENGTH]) -> Self {
        let [first, second, key @ ..] = bytes;
        Self { shard: u16::from_be_bytes([first, second]), key: Key::from_bytes(key) }
    }
}

/// How a protocol writes events. An engine knows some beside SSE, by their number.
pub trait Rendering: Send + Sync + 'static {
    /// The event for a client that has everything up to it, which `cursor` says.
    fn render(&self, event: &Event, cursor: &str) -> Bytes;

    /// What stands between two events in one piece.
    fn separator(&self) -> &'static [u8] {
        &[]
    }
}

/// The protocol of a connection on which both sides speak.
pub trait Session: Send + 'static {
    /// The connection has its place.
    fn begin(&mut self, voice: &mut Voice<'_>);

    /// Bytes came from the connection's socket; they may be changed.
    fn hear(&mut self, bytes: &mut [u8], voice: &mut Voice<'_>);

    /// Something was told to this session, by [`Engine::tell`](crate::Engine::tell) or another session's voice.
    fn told(&mut self, word: Word, voice: &mut Voice<'_>);

    /// Something was told to all sessions, by [`Engine::announce`](crate::Engine::announce).
    fn announced(&mut self, news: &(dyn Any + Send + Sync), voice: &mut Voice<'_>);

    /// The time has come that [`Voice::wake_at`] asked for, or came before.
    fn wake(&mut self, voice: &mut Voice<'_>);

    /// The connection has the socket of another one now, by [`Voice::hand_over`]. What waits for it was rewritten.
    fn moved(&mut self, voice: &mut Voice<'_>);

    /// Rewrites a piece of what waits, or of history, in the form of the connection's new socket.
    fn rewrite(&self, piece: &[u8]) -> Bytes;

    /// Number of the rendering in which it gets events: 1 is the engine's first beside SSE.
    fn rendering(&self) -> u8;

    /// What is said before the connection ends.
    fn farewell(&mut self, reason: CloseReason) -> Bytes;

    /// The connection has ended. Nothing is called afterwards.
    fn ended(&mut self, reason: CloseReason);
}

/// Events that a session wants.
pub struct Subscription {
    /// Which.
    pub filter: Filter,
    /// From where on. What a [`Start::After`] says the client has seen is the session's own matter to tell.
    pub start: Start,
    /// Pieces that come before those of the ring.
    pub history: Vec<Bytes>,
    /// Kept until history is sent.
    pub held: Option<Held>,
}

/// What a session wants done. It is done when the call is over, in the order in which it was said.
pub struct Voice<'a> {
    pub(crate) address: Address,
    pub(crate) now: Instant,
    pub(crate) cursor: Cursor<'a>,
    pub(crate) acts: &'a mut Vec<Act>,
}

/// Where the client is.
#[derive(Clone, Copy)]
pub(crate) struct Cursor<'a> {
    pub(crate) codec: &'a dyn CursorCodec,
    pub(crate) vector: &'a Vector,
}

/// One thing that is to be done.
pub(crate) enum Act {
    Say(Bytes),
    Subscribe(Box<Subscription>),
    Select(Filter),
    Unsubscribe,
    WakeAt(Instant),
    Answer(Request),
    Tell(Address, Word),
    HandOver(Address),
    Close(CloseReason),
}

impl Voice<'_> {
    /// Where this session is.
    pub const fn address(&self) -> Address {
        self.address
    }

    /// The time.
    pub const fn now(&self) -> Instant {
        self.now
    }

    /// The cursor of a client that has everything that this session was sent, or that gets events from now on.
    pub fn cursor(&self) -> String {
        self.cursor.codec.encode(self.cursor.vector)
    }

    /// Sends bytes behind what waits already.
    pub fn say(&mut self, bytes: Bytes) {
        self.acts.push(Act::Say(bytes));
    }

    /// Begins to send events, instead of those that it asked for before.
    pub fn subscribe(&mut self, subscription: Subscription) {
        self.acts.push(Act::Subscribe(Box::new(subscription)));
    }

    /// Wants other events from now on, if it wants any.
    pub fn select(&mut self, filter: Filter) {
        self.acts.push(Act::Select(filter));
    }

    /// Wants no more events.
    pub fn unsubscribe(&mut self) {
        self.acts.push(Act::Unsubscribe);
    }

    /// Wants to be woken then, or before.
    pub fn wake_at(&mut self, time: Instant) {
        self.acts.push(Act::WakeAt(time));
    }

    /// Of a session without a socket: what waits, or comes next, is the answer to this request.
    pub fn answer(&mut self, request: Request) {
        self.acts.push(Act::Answer(request));
    }

    /// Tells another session of the same shard something; nothing happens when it has ended.
    pub fn tell(&mut self, address: Address, word: Word) {
        self.acts.push(Act::Tell(address, word));
    }

    /// Gives this connection's socket to another session of the same shard, which loses the way on which it spoke before. This session ends
    /// without a farewell. When the other has ended, this connection is closed.
    pub fn hand_over(&mut self, address: Address) {
        self.acts.push(Act::HandOver(address));
    }

    /// Ends the connection, with a farewell.
    pub fn close(&mut self, reason: CloseReason) {
        self.acts.push(Act::Close(reason));
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Subscription")
            .field("filter", &self.filter)
            .field("start", &self.start)
            .field("history", &self.history.len())
            .finish_non_exhaustive()
    }
}
