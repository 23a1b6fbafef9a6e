//! What a handler says about a stream that it grants.

use std::{
    any::Any,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;

use crate::{
    CloseReason, Filter, Vector,
    session::{Address, Session},
};

/// Something that lives as long as a connection, or as what it is held for.
pub type Held = Box<dyn Any + Send>;

/// A connection that a handler grants: it travels to the server as an extension of the answer, whose status and header fields begin the
/// stream, or accept the websocket.
#[derive(Clone)]
pub struct Opening(Arc<Mutex<Option<Opened>>>);

/// What a handler grants.
pub(crate) enum Opened {
    /// Events, to a client that has nothing to say.
    Stream(Box<Grant>),
    /// A conversation over the client's socket, on the shard of that address if there is one.
    Session(Box<dyn Session>, Option<Address>),
}

/// The content of an [`Opening`].
pub struct Grant {
    /// What the client wants to hear.
    pub filter: Filter,
    /// Where it begins.
    pub start: Start,
    /// Data of the first frame, if there is to be one.
    pub greeting: Option<String>,
    /// Frames between the greeting and the ring: what was read from the log, and gaps.
    pub history: Vec<Bytes>,
    /// Form of the signs of life.
    pub heartbeat: Heartbeat,
    /// Kept until history is sent.
    pub held: Option<Held>,
    /// When the client may listen no longer, if that is known.
    pub expires: Option<Expiry>,
}

/// When a client may listen no longer: its stream is closed then, with [`CloseReason::Expired`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expiry {
    /// The end.
    pub at: Instant,
    /// Data of the event `expiring`, which comes [`Self::NOTICE`] before, or at once when less is left.
    pub notice: String,
}

/// Where a stream begins.
#[derive(Clone, Debug)]
pub enum Start {
    /// With what comes from now on.
    Live,
    /// Behind what the client has.
    After {
        /// What the client has before the history: the id of the greeting.
        seen: Seen,
        /// What it has behind the history: the ring goes on there.
        from: Vector,
        /// From where the events come that it missed.
        source: Resume,
    },
    /// Not at all: it is told when to come back.
    Away(CloseReason),
}

/// What a client has, as the id of the greeting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Everything below.
    Below(Vector),
    /// What it says itself. So it is when history begins with a gap: a client that is cut off between greeting and gap comes back with the same
    /// words, and is told again. Without any id it would come back with none, as the standard has it.
    Said(String),
}

/// How a client's stream began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resume {
    /// It asked for nothing that lies in the past.
    Live,
    /// What it missed was in memory.
    Ring,
    /// What it missed was read from the log.
    Log,
    /// Some of what it missed it did not get, and was told so.
    Gap,
}

impl Resume {
    /// Every result, in the order of the metrics.
    pub const ALL: [Self; 4] = [Self::Live, Self::Ring, Self::Log, Self::Gap];

    /// Name in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Ring => "ring",
            Self::Log => "log",
            Self::Gap => "gap",
        }
    }
}

/// Form of the signs of life of a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Heartbeat {
    /// An event, which clients' code sees.
    #[default]
    Data,
    /// A comment and an id, which it does not see.
    Comment,
}

impl Opening {
    /// To be put into the extensions of the answer.
    pub fn new(grant: Grant) -> Self {
        Self::of(Opened::Stream(Box::new(grant)))
    }

    /// To be put into the extensions of an answer with status 101: a conversation over the client's socket.
    pub fn session(session: Box<dyn Session>) -> Self {
        Self::of(Opened::Session(session, None))
    }

    /// The same, on the shard of that address: only there can it give its socket to the session that the address is of.
    pub fn session_at(session: Box<dyn Session>, address: Address) -> Self {
        Self::of(Opened::Session(session, Some(address)))
    }

    /// The grant of a stream, once.
    pub fn take(&self) -> Option<Grant> {
        match self.take_opened()? {
            Opened::Stream(grant) => Some(*grant),
            Opened::Session(..) => None,
        }
    }

    pub(crate) fn take_opened(&self) -> Option<Opened> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn of(opened: Opened) -> Self {
        Self(Arc::new(Mutex::new(Some(opened))))
    }
}

impl Expiry {
    /// How long before the end a client is told of it: time to get another ticket or token.
    pub const NOTICE: Duration = Duration::from_secs(30);
}

impl Grant {
    /// A stream of everything from now on, without a greeting.
    pub fn live() -> Self {
        Self {
            filter: Filter::default(),
            start: Start::Live,
            greeting: None,
            history: Vec::new(),
            heartbeat: Heartbeat::default(),
            held: None,
            expires: None,
        }
    }

    /// No stream: the client is told when to come back.
    pub fn away(reason: CloseReason) -> Self {
        Self { start: Start::Away(reason), ..Self::live() }
    }
}

impl fmt::Debug for Opening {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Opening")
    }
}

impl fmt::Debug for Grant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Grant")
            .field("filter", &self.filter)
            .field("start", &self.start)
            .field("history", &self.history.len())
            .finish_non_exhaustive()
    }
}
