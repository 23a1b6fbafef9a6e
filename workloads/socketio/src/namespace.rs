//! What an application says and does in a namespace.
//!
//! ```text
//! CONNECT ─► connect (tokio) ─► Admission ─► Socket: entered, events, acknowledgements, feed ─► Departed
//!                            └► Denial
//! ```

use std::{
    any::Any,
    borrow::Cow,
    fmt,
    net::IpAddr,
    time::{Duration, Instant},
};

use futures::future::BoxFuture;
use realtime_fanout::{CloseReason, Filter, session::Subscription};
use serde_json::value::RawValue;

use crate::{
    arguments::Arguments,
    packet::Packet,
    session::{
        expiry::Expiry,
        hub::Hub,
        joined::{Joined, Leaving},
        shared::Shared,
    },
};

/// A namespace of a server: what its clients may do, and what they are told.
pub trait Namespace: Send + Sync + 'static {
    /// Its name, which begins with a slash; `/` is the main one.
    fn name(&self) -> &str;

    /// A client wants in. The call is made on the thread of a shard and must not block; what it gives runs on tokio. That is dropped when the
    /// client leaves meanwhile, and so is an admission that finds the client gone. What has to be given back then belongs into the `Drop` of
    /// the state.
    fn connect(&self, request: Request) -> BoxFuture<'static, Result<Admission, Denial>>;

    /// The client is let in, and was told so, and its greeting. Runs on the thread of a shard: it must not block. What it is told first
    /// belongs into the greeting: an event from here would claim in a namespace with recovery that the client has what it missed.
    fn entered(&self, _socket: &mut Socket<'_>) {}

    /// An event came. Runs on the thread of a shard: it must not block.
    fn event(&self, socket: &mut Socket<'_>, event: Incoming);

    /// Time to renew what is kept elsewhere about the socket: [`keep_every`](crate::settings::Settings::keep_every). Runs on the thread of a shard.
    fn keep(&self, _socket: &mut Socket<'_>) {}

    /// What [`Socket::begin`] began is done. Runs on the thread of a shard: it must not block.
    fn done(&self, _socket: &mut Socket<'_>, _outcome: Box<dyn Any + Send>) {}

    /// The client may stay for [`Expiry::NOTICE`](realtime_fanout::Expiry::NOTICE) more, or less: its connection is closed at the time that its
    /// admission or [`Socket::expire_at`] said last. Runs on the thread of a shard: it must not block.
    fn expiring(&self, _socket: &mut Socket<'_>) {}

    /// The socket is gone. Runs on the thread of a shard.
    fn disconnected(&self, departed: Departed);
}

/// A client wants into a namespace. Debug does not show what it says about itself: a token may be in it.
pub struct Request {
    /// A fresh id for its socket: 20 characters of base64url.
    pub id: String,
    /// What it says about itself: a JSON object.
    pub auth: Option<Box<RawValue>>,
    /// Its address, behind trusted proxies.
    pub client: IpAddr,
    /// How it speaks now.
    pub transport: Transport,
}

impl fmt::Debug for Request {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, client, transport, .. } = self;
        formatter
            .debug_struct("Request")
            .field("id", id)
            .field("client", client)
            .field("transport", transport)
            .finish_non_exhaustive()
    }
}

/// A client is let in.
pub struct Admission {
    /// What it is told as its `sid`: the request's id, or that of the socket which it recovers.
    pub id: String,
    /// With what it recovers, which makes a namespace one with recovery: each event has the feed's cursor as its last argument.
    pub pid: Option<String>,
    /// What the application keeps about the socket.
    pub state: Box<dyn Any + Send>,
    /// What it is told first.
    pub greeting: Vec<Emission>,
    /// What it gets of the feed. One namespace of a connection has the feed: a second one would take it from the first. The history in it is
    /// empty.
    pub subscription: Option<Subscription>,
    /// What it missed and the engine no longer has. Where events have cursors, each of these has one: then they are all rendered before a shard
    /// sees them.
    pub history: Vec<Emission>,
    /// Until when it may stay, if that is bounded: then its connection is closed, and it comes back with what it shows then.
    pub expires: Option<Instant>,
}

/// An event to one client.
#[derive(Debug)]
pub struct Emission {
    /// Its name.
    pub event: Cow<'static, str>,
    /// Its arguments.
    pub arguments: Arguments,
    /// In a namespace with recovery: where in the feed the client is behind it. `None` for where the connection is.
    pub cursor: Option<String>,
}

/// A client is not let in.
#[derive(Debug)]
pub enum Denial {
    /// It is told so, and does not come back by itself.
    Refused {
        /// The sentence why.
        message: String,
        /// More about it: JSON.
        data: Option<Box<RawValue>>,
    },
    /// Not now: its connection is closed, and it comes back.
    Away(CloseReason),
}

/// An event from a client.
#[derive(Debug)]
pub struct Incoming {
    /// Its name.
    pub event: Box<str>,
    /// Its arguments.
    pub arguments: Arguments,
    /// The number under which it wants an answer.
    pub acknowledgement: Option<u64>,
}

/// How a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// By requests, one of which waits for what comes.
    Polling,
    /// By a websocket.
    WebSocket,
}

impl Transport {
    /// Both, in the order of the metrics.
    pub const ALL: [Self; 2] = [Self::Polling, Self::WebSocket];

    /// Name in requests and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Polling => "polling",
            Self::WebSocket => "websocket",
        }
    }
}

/// A socket that is gone.
pub struct Departed {
    /// Its id.
    pub id: String,
    /// The client's address.
    pub client: IpAddr,
    /// How the client spoke last.
    pub transport: Transport,
    /// How long it was in the namespace.
    pub connected_for: Duration,
    /// What the application kept about it.
    pub state: Box<dyn Any + Send>,
    /// Why it is gone.
    pub reason: Departure,
}

/// Why a socket is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Departure {
    /// The client said that it leaves the namespace.
    Client,
    /// The application sent it away.
    Server,
    /// Its connection ended.
    Transport(CloseReason),
}

/// Something that takes time, and what comes of it.
pub type Errand = BoxFuture<'static, Box<dyn Any + Send>>;

/// A client in a namespace, while the application is called about it.
pub struct Socket<'a> {
    pub(crate) hub: &'a mut dyn Hub,
    pub(crate) shared: &'a Shared,
    pub(crate) joined: &'a mut Joined,
    /// What was begun in this call.
    pub(crate) errands: &'a mut Vec<Errand>,
    pub(crate) client: IpAddr,
    pub(crate) transport: Transport,
}

impl Socket<'_> {
    /// Its id, which the client knows as `sid`.
    pub fn id(&self) -> &str {
        &self.joined.id
    }

    /// The client's address, behind trusted proxies.
    pub const fn client(&self) -> IpAddr {
        self.client
    }

    /// How the client speaks now.
    pub const fn transport(&self) -> Transport {
        self.transport
    }

    /// When it was let in.
    pub const fn connected_at(&self) -> Instant {
        self.joined.connected_at
    }

    /// What the application keeps about it, if it is of that type.
    pub fn state<T: Any>(&mut self) -> Option<&mut T> {
        self.joined.state.downcast_mut()
    }

    /// Where in the feed it is: the cursor that an event would have which is sent to it now.
    pub fn cursor(&self) -> String {
        self.hub.cursor()
    }

    /// Sends an event.
    pub fn emit(&mut self, event: &str, arguments: Arguments) {
        if !self.is_leaving() {
            self.joined.emit(event, arguments, None, self.hub, self.shared, self.transport);
        }
    }

    /// Answers an event of the client.
    pub fn acknowledge(&mut self, id: u64, arguments: Arguments) {
        if !self.is_leaving() {
            let namespace = self.shared.name(self.joined.namespace).into();
            let packet = Packet::Acknowledgement { namespace, id, arguments };
            self.shared.say(&packet, self.transport, self.hub);
        }
    }

    /// Wants other events of the feed from now on. Without a subscription nothing happens.
    pub fn select(&mut self, filter: Filter) {
        if self.joined.has_feed {
            self.hub.select(filter);
        }
    }

    /// Wants no more events of the feed.
    pub fn unsubscribe(&mut self) {
        if self.joined.has_feed {
            self.hub.unsubscribe();
        }
    }

    /// Begins something that takes time, on tokio, of which the namespace is told when it is [`done`](Namespace::done). It is dropped when the
    /// client leaves the namespace before.
    pub fn begin(&mut self, errand: Errand) {
        self.errands.push(errand);
    }

    /// The client may stay until then, or without an end. It is told anew.
    pub fn expire_at(&mut self, time: Option<Instant>) {
        self.joined.expiry = Expiry::new(time);
    }

    /// Sends the client out of the namespace; it does not come back by itself. Nothing is sent behind it.
    pub fn disconnect(&mut self) {
        self.joined.leaving.get_or_insert(Leaving::Namespace);
    }

    /// Closes the client's connection, in all namespaces; it comes back. Nothing is sent behind it.
    pub fn close(&mut self, reason: CloseReason) {
        self.joined.leaving = Some(Leaving::Connection(reason));
    }

    const fn is_leaving(&self) -> bool {
        self.joined.leaving.is_some()
    }
}
